//! Apps: one or more stacks, in the order of their deployment.

use cfn::Template;
use indexmap::IndexMap;
use sidecar_contract::{Diagnostic, Diagnostics, ValidationErrors};

use crate::mesh_encoding::MeshEncoding;
use crate::stack::Stack;

/// A named set of stacks.
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

    /// Adds a stack, which is deployed after those before it.
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

    /// The stacks, in the order of their deployment.
    #[must_use]
    pub fn stacks(&self) -> &[Stack] {
        &self.stacks
    }

    /// Synthesizes the template of every stack, by the stack's name and in order, with meshes in the default encoding,
    /// [`MeshEncoding::Parameters`].
    ///
    /// # Errors
    ///
    /// All errors of all stacks, with paths that begin with the stack's name; and stacks with the same name.
    pub fn synth(&self) -> Result<IndexMap<String, Template>, ValidationErrors> {
        self.synth_as(MeshEncoding::default())
    }

    /// Synthesizes the template of every stack, by the stack's name and in order, with meshes in this encoding.
    ///
    /// # Errors
    ///
    /// As [`App::synth`].
    pub fn synth_as(&self, encoding: MeshEncoding) -> Result<IndexMap<String, Template>, ValidationErrors> {
        let mut templates = IndexMap::new();
        let mut diagnostics = Diagnostics::new();
        for stack in &self.stacks {
            match stack.synth_as(encoding) {
                Ok(template) => {
                    if templates.insert(stack.name().to_owned(), template).is_some() {
                        diagnostics.add(
                            stack.name(),
                            "is the name of two stacks; stack names are unique in an app",
                        );
                    }
                }
                Err(errors) => {
                    for Diagnostic { path, message } in errors.iter() {
                        diagnostics.add(format!("{}.{path}", stack.name()), message.as_str());
                    }
                }
            }
        }
        diagnostics.into_result(templates)
    }
}

/// An app of one stack, with the stack's name.
impl From<Stack> for App {
    fn from(stack: Stack) -> Self {
        Self::new(stack.name()).with_stack(stack)
    }
}
