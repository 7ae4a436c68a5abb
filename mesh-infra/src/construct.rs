//! What a construct is: a description that becomes resources once it is added to a stack.
//!
//! All constructs have one shape. `Thing::new` takes what cannot be left out, `with_x` the rest; adding it to a
//! stack answers a handle, whose methods give late values. Raw resources, parameters and outputs are constructs
//! as well, so a stack can hold what layer 2 has no word for.

use crate::stack::{LogicalId, Scope};
use cfn::{Literal, Output, Parameter, Resource, Value};

/// A description that becomes resources once it is added to a stack.
pub trait Construct {
    /// What stands for it once it is added.
    type Handle;

    /// The word that its logical id ends with, such as `Service`; empty to take ids as they are given.
    const KIND: &'static str;

    /// Writes the resources, and answers the handle.
    fn add_to(self, scope: &mut Scope<'_>) -> Self::Handle;
}

/// A resource that was added as it is.
#[derive(Debug, Clone)]
pub struct ResourceHandle(LogicalId);

impl ResourceHandle {
    /// The resource's logical id.
    #[must_use]
    pub fn logical_id(&self) -> &LogicalId {
        &self.0
    }

    /// What the resource answers to `Ref`, which differs by resource type.
    #[must_use]
    pub fn reference<T: Literal>(&self) -> Value<T> {
        Value::reference(self.0.as_str())
    }

    /// An attribute of the resource, such as `Arn`.
    #[must_use]
    pub fn attribute<T: Literal>(&self, name: &str) -> Value<T> {
        Value::attribute(self.0.as_str(), name)
    }
}

/// A resource as it is: the id is taken as given, apart from its capitals.
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

    /// The value given when the stack is deployed.
    #[must_use]
    pub fn value<T: Literal>(&self) -> Value<T> {
        Value::reference(self.0.as_str())
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
