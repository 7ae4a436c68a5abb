//! Apps: one or more stacks, in the order of their deployment.

use cfn::Template;
use indexmap::IndexMap;
use sidecar_contract::ValidationErrors;

use crate::mesh_encoding::MeshEncoding;
use crate::stack::{Stack, synth_app};

/// A named set of stacks.
///
/// A construct of one stack may use handles of another one: services, virtual nodes and routes in several stacks can share
/// the network, cluster, namespace and mesh of a first one. CloudFormation allows 500 resources in a stack, which are about 50
/// services of a mesh.
///
/// The expressions that handles return have their stack, such as `{"Ref": "network/Cluster"}`, and synthesis resolves them. In
/// another stack, such a value becomes an output of the one stack and a parameter of the other, which a deployment sets; the
/// template's metadata name the output ([`cfn::StackImport`]). It is not an export, which CloudFormation would neither change
/// nor remove while it is imported. Names of mesh resources are known, so they are written as they are.
#[derive(Debug)]
pub struct App {
    name: String,
    stacks: Vec<Stack>,
}

impl App {
    /// An app without stacks. Tools print the name; AWS does not use it.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            stacks: Vec::new(),
        }
    }

    /// Adds a stack. Stacks are deployed in this order, but after those whose handles they use.
    #[must_use]
    pub fn with_stack(mut self, stack: Stack) -> Self {
        self.stacks.push(stack);
        self
    }

    /// The app's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The stacks, in the order in which they were added.
    #[must_use]
    pub fn stacks(&self) -> &[Stack] {
        &self.stacks
    }

    /// Synthesizes the template of every stack, by the stack's name and in the order of deployment, with meshes in the default
    /// encoding, [`MeshEncoding::Parameters`].
    ///
    /// # Errors
    ///
    /// All errors of all stacks, with paths that begin with the stack's name; stacks with the same name; handles of a stack
    /// that is not in the app; and stacks that use each other's handles in a cycle.
    pub fn synth(&self) -> Result<IndexMap<String, Template>, ValidationErrors> {
        self.synth_as(MeshEncoding::default())
    }

    /// Synthesizes the template of every stack, by the stack's name and in the order of deployment, with meshes in this
    /// encoding.
    ///
    /// # Errors
    ///
    /// As [`App::synth`].
    pub fn synth_as(&self, encoding: MeshEncoding) -> Result<IndexMap<String, Template>, ValidationErrors> {
        synth_app(&self.stacks, encoding)
    }
}

/// An app of one stack, with the stack's name.
impl From<Stack> for App {
    fn from(stack: Stack) -> Self {
        Self::new(stack.name()).with_stack(stack)
    }
}
