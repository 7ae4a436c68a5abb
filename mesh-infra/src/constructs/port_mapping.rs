//! Port mappings of containers.

use cfn::{Value, ecs};
use mesh_model::service_connect::AppProtocol;

use crate::labels::PORT_VARIABLE_PREFIX;

/// A port on which a container listens, with a name for Service Connect.
#[derive(Debug, Clone)]
pub struct PortMapping {
    name: String,
    container_port: u16,
    app_protocol: AppProtocol,
    variable: Option<String>,
}

impl PortMapping {
    /// A TCP port. The name is unique in its task definition: at most 64 of `a-z 0-9 _ -`, not starting with `-`. The
    /// port is 1 to 65535; in `awsvpc` mode, it is the same outside the container.
    #[must_use]
    pub fn new(name: impl Into<String>, container_port: u16) -> Self {
        Self {
            name: name.into(),
            container_port,
            app_protocol: AppProtocol::Tcp,
            variable: None,
        }
    }

    /// Sets the protocol. Default, decided by ECS: [`AppProtocol::Tcp`], for which a proxy forwards bytes. ECS
    /// rejects a change once a service uses Service Connect.
    #[must_use]
    pub fn with_app_protocol(mut self, app_protocol: AppProtocol) -> Self {
        self.app_protocol = app_protocol;
        self
    }

    /// Sets the environment variable with the port. Its value is the port, unless an Envoy listens there instead of
    /// the container ([`Service::with_virtual_node`](crate::Service::with_virtual_node)). A label
    /// ([`PORT_VARIABLE_PREFIX`]) lets the local runner choose another port. Default: none; the port is fixed, and
    /// only one such task can run on a machine at a time.
    #[must_use]
    pub fn with_port_variable(mut self, variable: impl Into<String>) -> Self {
        self.variable = Some(variable.into());
        self
    }

    /// The label and the environment variable of the mapping, as `(name, value)` each.
    pub(super) fn port_variable(&self) -> Option<((String, String), (String, String))> {
        let variable = self.variable.clone()?;
        let label = format!("{PORT_VARIABLE_PREFIX}{}", self.container_port);
        Some(((label, variable.clone()), (variable, self.container_port.to_string())))
    }

    /// The environment variable with the port.
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
