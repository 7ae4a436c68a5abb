//! Environment variables of Envoy containers. The names are App Mesh's.

/// The virtual node or virtual gateway that an Envoy belongs to: its ARN, or the path at the end of the ARN, such as
/// `mesh/demo/virtualNode/blue`.
pub const APPMESH_RESOURCE_ARN: &str = "APPMESH_RESOURCE_ARN";

/// The Unix socket of a secret discovery service. The local runner supports it as well.
pub const APPMESH_SDS_SOCKET_PATH: &str = "APPMESH_SDS_SOCKET_PATH";
