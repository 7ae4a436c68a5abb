//! The ports on which a container listens.

use cfn::{Value, ecs};
use mesh_model::service_connect::AppProtocol;

use crate::labels::PORT_VARIABLE_PREFIX;

/// A port on which a container listens, under a name that Service Connect can refer to.
#[derive(Debug, Clone)]
pub struct PortMapping {
    name: String,
    container_port: u16,
    app_protocol: AppProtocol,
    variable: Option<String>,
}

impl PortMapping {
    /// A TCP port. The name is unique in its task definition: at most 64 of `a-z 0-9 _ -`, not starting with
    /// `-`. The port is 1 to 65535, and in `awsvpc` mode the same outside the container as inside.
    #[must_use]
    pub fn new(name: impl Into<String>, container_port: u16) -> Self {
        Self {
            name: name.into(),
            container_port,
            app_protocol: AppProtocol::Tcp,
            variable: None,
        }
    }

    /// The same port, speaking this. Default, decided by ECS: [`AppProtocol::Tcp`], which no proxy looks into.
    /// ECS refuses to change it once a service uses Service Connect.
    #[must_use]
    pub fn with_app_protocol(mut self, app_protocol: AppProtocol) -> Self {
        self.app_protocol = app_protocol;
        self
    }

    /// The same port, told to the container by an environment variable. The variable is set to the port, unless an Envoy
    /// listens there in its place ([`Service::with_virtual_node`](crate::Service::with_virtual_node)); and a
    /// label ([`PORT_VARIABLE_PREFIX`]) lets the local runner set it to another. Default: the container knows its
    /// port by itself, and only one task of it can run on a machine at a time.
    #[must_use]
    pub fn with_port_variable(mut self, variable: impl Into<String>) -> Self {
        self.variable = Some(variable.into());
        self
    }

    /// The label and the environment variable, `(name, value)` each, that go with the mapping.
    pub(super) fn port_variable(&self) -> Option<((String, String), (String, String))> {
        let variable = self.variable.clone()?;
        let label = format!("{PORT_VARIABLE_PREFIX}{}", self.container_port);
        Some(((label, variable.clone()), (variable, self.container_port.to_string())))
    }

    /// The variable that tells it to the container.
    pub(super) fn variable(&self) -> Option<&str> {
        self.variable.as_deref()
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn container_port(&self) -> u16 {
        self.container_port
    }

    pub(super) fn to_cfn(&self) -> ecs::PortMapping {
        ecs::PortMapping {
            name: Some(Value::from(self.name.as_str())),
            container_port: Some(Value::Known(self.container_port.into())),
            app_protocol: (self.app_protocol != AppProtocol::Tcp).then(|| Value::from(self.app_protocol.as_str())),
            ..ecs::PortMapping::default()
        }
    }
}
