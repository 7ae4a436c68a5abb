//! What becomes of a resource on one machine, by its type.

/// The types that run here.
pub(crate) const RUN: [&str; 4] = [
    "AWS::ECS::Cluster",
    "AWS::ECS::Service",
    "AWS::ECS::TaskDefinition",
    "AWS::ServiceDiscovery::HttpNamespace",
];

/// Networks, permissions and logs of AWS: one machine has its own.
const NOT_SIMULATED: [&str; 4] = ["AWS::CDK::Metadata", "AWS::EC2::", "AWS::IAM::", "AWS::Logs::"];

/// Whether resources of this type are left out without harm.
pub(crate) fn is_not_simulated(kind: &str) -> bool {
    NOT_SIMULATED.iter().any(|prefix| kind.starts_with(prefix))
}

/// Whether a template with a resource of this type cannot be run.
pub(crate) fn is_refused(kind: &str) -> bool {
    !RUN.contains(&kind) && !is_not_simulated(kind)
}
