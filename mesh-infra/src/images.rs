//! Container images that constructs use.

/// Envoy's own image, of the release that the control plane is tested with.
pub const ENVOY: &str = "envoyproxy/envoy:v1.40.0";

/// The repository and tag of [`ENVOY`] in the account's own registry, from which tasks pull it, decided by us: Docker Hub
/// allows ten pulls per hour from an unauthenticated address (Docker's documentation, "Usage and limits", read
/// 2026-11-23), so tasks could fail to start during a scale-out.
pub const ENVOY_MIRROR: (&str, &str) = ("meshwright/envoy", "v1.40.0");

/// The repository of the control plane's image.
pub const CONTROL_PLANE: &str = "meshwright/mesh-control";

/// The repository of the agent's image.
pub const ENVOY_AGENT: &str = "meshwright/envoy-agent";
