//! Constructs: descriptions that become resources when they are added to a stack.
//!
//! All constructs have the same shape: `Thing::new` takes what is required, `with_x` the rest. Adding a construct to
//! a stack returns a handle, whose methods return references to its resources. Raw resources, parameters and outputs
//! are constructs as well, for everything that layer 2 does not support.

use crate::stack::{LogicalId, Scope};
use cfn::{Literal, Output, Parameter, Resource, Value};

/// A description that becomes resources when it is added to a stack.
pub trait Construct {
    /// The handle that refers to it after it was added.
    type Handle;

    /// The suffix of its logical id, such as `Service`; empty to use ids as given.
    const KIND: &'static str;

    /// Adds the resources, and returns the handle.
    fn add_to(self, scope: &mut Scope<'_>) -> Self::Handle;
}

/// A raw resource that was added to a stack.
#[derive(Debug, Clone)]
pub struct ResourceHandle(LogicalId);

impl ResourceHandle {
    /// The resource's logical id.
    #[must_use]
    pub fn logical_id(&self) -> &LogicalId {
        &self.0
    }

    /// The value of `Ref`, which differs by resource type.
    #[must_use]
    pub fn reference<T: Literal>(&self) -> Value<T> {
        Value::reference(self.0.qualified())
    }

    /// An attribute of the resource, such as `Arn`.
    #[must_use]
    pub fn attribute<T: Literal>(&self, name: &str) -> Value<T> {
        Value::attribute(self.0.qualified(), name)
    }
}

/// A raw resource. The id is used as given, except for capitalization.
impl Construct for Resource {
    type Handle = ResourceHandle;
    const KIND: &'static str = "";

    fn add_to(self, scope: &mut Scope<'_>) -> ResourceHandle {
        let id = scope.logical_id();
        scope.add_resource(&id, self);
        ResourceHandle(id)
    }
}

/// A parameter of a stack.
#[derive(Debug, Clone)]
pub struct ParameterHandle(LogicalId);

impl ParameterHandle {
    /// The parameter's name.
    #[must_use]
    pub fn logical_id(&self) -> &LogicalId {
        &self.0
    }

    /// The value that is specified when the stack is deployed.
    #[must_use]
    pub fn value<T: Literal>(&self) -> Value<T> {
        Value::reference(self.0.qualified())
    }
}

impl Construct for Parameter {
    type Handle = ParameterHandle;
    const KIND: &'static str = "";

    fn add_to(self, scope: &mut Scope<'_>) -> ParameterHandle {
        let id = scope.logical_id();
        scope.add_parameter(&id, self);
        ParameterHandle(id)
    }
}

impl Construct for Output {
    type Handle = ();
    const KIND: &'static str = "";

    fn add_to(self, scope: &mut Scope<'_>) {
        let id = scope.logical_id();
        scope.add_output(&id, self);
    }
}
