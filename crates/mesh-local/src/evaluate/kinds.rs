//! What becomes of a resource on one machine, by its type.

/// The types that mean something here.
pub(super) const RUN: [&str; 14] = [
    "AWS::AppMesh::GatewayRoute",
    "AWS::AppMesh::Mesh",
    "AWS::AppMesh::Route",
    "AWS::AppMesh::VirtualGateway",
    "AWS::AppMesh::VirtualNode",
    "AWS::AppMesh::VirtualRouter",
    "AWS::AppMesh::VirtualService",
    "AWS::ECS::Cluster",
    "AWS::ECS::Service",
    "AWS::ECS::TaskDefinition",
    "AWS::SSM::Parameter",
    "AWS::ServiceDiscovery::HttpNamespace",
    "AWS::ServiceDiscovery::PrivateDnsNamespace",
    "AWS::ServiceDiscovery::Service",
];

/// The parts of AWS whose work is done here. A type of theirs that is not known would leave a gap in the mesh itself,
/// where nobody would look for it.
const OURS: [&str; 3] = ["AWS::AppMesh::", "AWS::ECS::", "AWS::ServiceDiscovery::"];

/// Types of these parts that say where on AWS tasks run: one machine has one place.
const HARMLESS: [&str; 2] = [
    "AWS::ECS::CapacityProvider",
    "AWS::ECS::ClusterCapacityProviderAssociations",
];

/// Whether a template with a resource of this type cannot be run.
pub(crate) fn is_refused(kind: &str) -> bool {
    OURS.iter().any(|prefix| kind.starts_with(prefix)) && !RUN.contains(&kind) && !HARMLESS.contains(&kind)
}

/// The types of the same part of AWS that mean something here.
pub(crate) fn that_run_beside(kind: &str) -> Vec<&'static str> {
    let part = OURS.into_iter().find(|prefix| kind.starts_with(prefix));
    let runs_in = |part: &str| RUN.into_iter().filter(|other| other.starts_with(part)).collect();
    part.map(runs_in).unwrap_or_default()
}

/// Whether resources of this type are left out. One machine has networks, permissions and logs of its own, and what
/// else a template asks of AWS is none of a mesh's business.
pub(crate) fn is_not_simulated(kind: &str) -> bool {
    !RUN.contains(&kind) && !is_refused(kind)
}
