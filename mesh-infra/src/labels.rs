//! Docker labels by which a container tells the local runner how to start it. They have no effect on AWS.

/// The role of a container in the mesh: [`ROLE_ENVOY`] for an Envoy that starts from a bootstrap of the local runner,
/// [`ROLE_CONTROL_PLANE`] for a control plane, which the local runner replaces by its own; [`ROLE_LOG_ROUTER`],
/// [`ROLE_OTEL_COLLECTOR`] and [`ROLE_ENVOY_AGENT`] for containers that the local runner does not start.
pub const ROLE: &str = "meshwright.role";
/// The value of [`ROLE`] for an Envoy.
pub const ROLE_ENVOY: &str = "envoy";
/// The value of [`ROLE`] for a control plane.
pub const ROLE_CONTROL_PLANE: &str = "control-plane";
/// The value of [`ROLE`] for a log router.
pub const ROLE_LOG_ROUTER: &str = "log-router";
/// The value of [`ROLE`] for an OpenTelemetry collector.
pub const ROLE_OTEL_COLLECTOR: &str = "otel-collector";
/// The value of [`ROLE`] for a container beside an Envoy that serves it stored configurations, or keeps its token.
pub const ROLE_ENVOY_AGENT: &str = "envoy-agent";

/// The environment variable that holds the address to listen on: `meshwright.bind` = `SERVICE_BIND`.
///
/// On AWS the variable has a value of its own. The local runner sets another one, because nothing should listen beyond
/// loopback on a machine that others can reach.
pub const BIND_VARIABLE: &str = "meshwright.bind";

/// The prefix of the label with the environment variable that holds a port, completed by the container port:
/// `meshwright.port.3000` = `SERVICE_PORT`.
///
/// On AWS every task has an IP address of its own, and the variable holds the container port. Local tasks share their
/// addresses: the runner gives each task a port of its own and sets the variable to it.
pub const PORT_VARIABLE_PREFIX: &str = "meshwright.port.";
