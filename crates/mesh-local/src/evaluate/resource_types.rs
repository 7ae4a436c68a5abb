//! How resource types are treated locally: simulated, ignored, or unsupported.

/// Types that are simulated.
pub(super) const SIMULATED: [&str; 20] = [
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
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::ElasticLoadBalancingV2::ListenerCertificate",
    "AWS::ElasticLoadBalancingV2::ListenerRule",
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::SSM::Parameter",
    "AWS::ServiceDiscovery::HttpNamespace",
    "AWS::ServiceDiscovery::Instance",
    "AWS::ServiceDiscovery::PrivateDnsNamespace",
    "AWS::ServiceDiscovery::Service",
];

/// Services of AWS that are simulated. Ignoring another type of theirs would leave an unnoticed gap in the mesh.
const SIMULATED_SERVICES: [&str; 3] = ["AWS::AppMesh::", "AWS::ECS::", "AWS::ServiceDiscovery::"];

/// Types of these services that decide where on AWS tasks run, which has no meaning on one machine.
const IGNORED: [&str; 2] = [
    "AWS::ECS::CapacityProvider",
    "AWS::ECS::ClusterCapacityProviderAssociations",
];

/// True if a template with a resource of this type cannot run locally.
pub(crate) fn is_unsupported(kind: &str) -> bool {
    SIMULATED_SERVICES.iter().any(|service| kind.starts_with(service))
        && !SIMULATED.contains(&kind)
        && !IGNORED.contains(&kind)
}

/// The simulated types of the same AWS service.
pub(crate) fn supported_types_like(kind: &str) -> Vec<&'static str> {
    let service = SIMULATED_SERVICES.into_iter().find(|service| kind.starts_with(service));
    let types = |service: &str| {
        SIMULATED
            .into_iter()
            .filter(|other| other.starts_with(service))
            .collect()
    };
    service.map(types).unwrap_or_default()
}

/// True if resources of this type are ignored: networks, permissions and logs, which the machine has itself, and
/// everything that a mesh does not depend on.
pub(crate) fn is_not_simulated(kind: &str) -> bool {
    !SIMULATED.contains(&kind) && !is_unsupported(kind)
}
