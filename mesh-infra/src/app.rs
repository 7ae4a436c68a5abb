//! What a user describes as a whole: one or more stacks, in the order in which they are deployed.

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
    /// An app without stacks. The name is for people: tools print it, AWS never sees it.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            stacks: Vec::new(),
        }
    }

    /// The same app with one more stack, deployed after those before it.
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

    /// The stacks, in the order in which they are deployed.
    #[must_use]
    pub fn stacks(&self) -> &[Stack] {
        &self.stacks
    }

    /// The template of every stack, by the stack's name and in order, its meshes in the default form:
    /// [`MeshEncoding::Parameters`].
    ///
    /// # Errors
    ///
    /// Every problem of every stack, its path beginning with the stack's name; and stacks of the same name.
    pub fn synth(&self) -> Result<IndexMap<String, Template>, ValidationErrors> {
        self.synth_as(MeshEncoding::default())
    }

    /// The template of every stack, by the stack's name and in order, its meshes in this form.
    ///
    /// # Errors
    ///
    /// As [`App::synth`].
    pub fn synth_as(&self, form: MeshEncoding) -> Result<IndexMap<String, Template>, ValidationErrors> {
        let mut templates = IndexMap::new();
        let mut diagnostics = Diagnostics::new();
        for stack in &self.stacks {
            match stack.synth_as(form) {
                Ok(template) => {
                    if templates.insert(stack.name().to_owned(), template).is_some() {
                        diagnostics.add(
                            stack.name(),
                            "is the name of two stacks; a stack's name is unique in its app",
                        );
                    }
                }
                Err(found) => {
                    for Diagnostic { path, message } in found.iter() {
                        diagnostics.add(format!("{}.{path}", stack.name()), message.as_str());
                    }
                }
            }
        }
        diagnostics.into_result(templates)
    }
}

/// An app of one stack, named as the stack is.
impl From<Stack> for App {
    fn from(stack: Stack) -> Self {
        Self::new(stack.name()).with_stack(stack)
    }
}
