//! Validates property names: unknown ones are errors, known ones without local meaning are listed.

use cfn::{Structure, appmesh, closest, is_part_of, is_unknown, structure, unknown};
use mesh_infra::labels::{
    ROLE, ROLE_CONTROL_PLANE, ROLE_ENVOY, ROLE_ENVOY_AGENT, ROLE_LOG_ROUTER, ROLE_OTEL_COLLECTOR,
};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use super::environment_files;

/// Local support for the properties of a structure. Unsupported ones are reported as not simulated.
#[derive(Debug, Clone, Copy)]
enum Support {
    /// Only these: ECS adds properties to these structures, and a new one is reported until it is simulated here.
    Only {
        /// Simulated as on ECS, or rejected when read.
        simulated: &'static str,
        /// Ignored silently: placement, size, roles, logs and deployment on AWS. They have no local effect, and nearly
        /// every template has them, so a list of them would hide relevant entries.
        ignored: &'static str,
    },
    /// All but these, simulated or ignored.
    AllBut(&'static str),
}

/// Structures that are not listed are simulated, or ignored, as a whole; App Mesh's resources except for their owner.
const SUPPORT: [(&str, Support); 14] = [
    (
        "AWS::ECS::Service",
        Support::Only {
            simulated: "Cluster DesiredCount HealthCheckGracePeriodSeconds LoadBalancers ServiceConnectConfiguration \
                        ServiceName ServiceRegistries TaskDefinition",
            ignored: "AvailabilityZoneRebalancing CapacityProviderStrategy DeploymentConfiguration DeploymentController \
                      EnableECSManagedTags EnableExecuteCommand ForceNewDeployment \
                      LaunchType Monitoring NetworkConfiguration PlacementConstraints PlacementStrategies \
                      PlatformVersion PropagateTags Role Tags",
        },
    ),
    (
        "AWS::ECS::TaskDefinition",
        Support::Only {
            simulated: "ContainerDefinitions Family ProxyConfiguration",
            ignored: "Cpu EnableFaultInjection EphemeralStorage ExecutionRoleArn Memory NetworkMode \
                      PlacementConstraints RequiresCompatibilities RuntimePlatform Tags TaskRoleArn",
        },
    ),
    (
        "AWS::ECS::TaskDefinition.ContainerDefinition",
        Support::Only {
            simulated: "Command DependsOn DockerLabels EntryPoint Environment Essential HealthCheck Image Name \
                        PortMappings StopTimeout User",
            ignored: "Cpu FirelensConfiguration LinuxParameters LogConfiguration Memory MemoryReservation \
                      ReadonlyRootFilesystem RepositoryCredentials SystemControls VersionConsistency",
        },
    ),
    (
        "AWS::ECS::TaskDefinition.LinuxParameters",
        Support::Only {
            simulated: "",
            ignored: "Capabilities InitProcessEnabled",
        },
    ),
    (
        "AWS::ECS::TaskDefinition.PortMapping",
        Support::AllBut("ContainerPortRange"),
    ),
    (
        "AWS::ServiceDiscovery::Service",
        Support::AllBut("HealthCheckConfig ServiceAttributes"),
    ),
    (
        "AWS::ECS::Service.LoadBalancer",
        Support::AllBut("AdvancedConfiguration LoadBalancerName"),
    ),
    (
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        Support::Only {
            simulated: "LoadBalancerAttributes Name Scheme Type",
            ignored: "EnableCapacityReservationProvisionStabilize EnablePrefixForIpv6SourceNat \
                      EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic IpAddressType Ipv4IpamPoolId \
                      MinimumLoadBalancerCapacity SecurityGroups SubnetMappings Subnets Tags",
        },
    ),
    (
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        Support::Only {
            simulated: "HealthCheckEnabled HealthCheckIntervalSeconds HealthCheckPath HealthCheckPort \
                        HealthCheckProtocol HealthCheckTimeoutSeconds HealthyThresholdCount Matcher Name Port Protocol \
                        ProtocolVersion TargetGroupAttributes TargetType UnhealthyThresholdCount",
            ignored: "IpAddressType Tags VpcId",
        },
    ),
    (
        "AWS::ElasticLoadBalancingV2::TargetGroup.Matcher",
        Support::AllBut("GrpcCode"),
    ),
    (
        "AWS::ElasticLoadBalancingV2::Listener",
        Support::Only {
            simulated: "Certificates DefaultActions LoadBalancerArn Port Protocol",
            // Envoy's own choice of TLS versions and ciphers is that of recent policies.
            ignored: "AlpnPolicy SslPolicy Tags",
        },
    ),
    (
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        Support::Only {
            simulated: "Actions Conditions ListenerArn Priority",
            ignored: "Tags",
        },
    ),
    // The types of actions are read, and those that are not supported are listed.
    (
        "AWS::ElasticLoadBalancingV2::Listener.Action",
        Support::Only {
            simulated: "FixedResponseConfig ForwardConfig Order RedirectConfig TargetGroupArn Type",
            ignored: "AuthenticateCognitoConfig AuthenticateOidcConfig JwtValidationConfig",
        },
    ),
    (
        "AWS::ElasticLoadBalancingV2::ListenerRule.Action",
        Support::Only {
            simulated: "FixedResponseConfig ForwardConfig Order RedirectConfig TargetGroupArn Type",
            ignored: "AuthenticateCognitoConfig AuthenticateOidcConfig JwtValidationConfig",
        },
    ),
];

const CONTAINER: &str = "AWS::ECS::TaskDefinition.ContainerDefinition";

/// What the containers of Meshwright's own constructs have: the local runner starts its own in their place, or lists the
/// container as a whole, so a list of these properties would hide relevant entries.
const OF_OWN_CONTAINERS: [&str; 2] = ["Secrets", "User"];

/// Whether these are the labels of a container of Meshwright's own constructs.
fn is_own(labels: &Json) -> bool {
    const ROLES: [&str; 5] = [
        ROLE_ENVOY,
        ROLE_CONTROL_PLANE,
        ROLE_LOG_ROUTER,
        ROLE_OTEL_COLLECTOR,
        ROLE_ENVOY_AGENT,
    ];
    labels.get(ROLE).is_some_and(|own| ROLES.iter().any(|role| own == role))
}

/// The names of a container's secrets, each of which is a variable that it does not have locally.
fn secret_names(secrets: &Json) -> Vec<&str> {
    let secrets = secrets.as_array().into_iter().flatten();
    secrets.filter_map(|secret| secret.get("Name")?.as_str()).collect()
}

impl Support {
    fn of(structure: &str) -> Self {
        let known = SUPPORT.iter().find(|(name, _)| *name == structure);
        let others = match appmesh::kind_of(structure) {
            Some(_) => Self::AllBut("MeshOwner"),
            None => Self::AllBut(""),
        };
        known.map_or(others, |(_, support)| *support)
    }

    fn contains(self, property: &str) -> bool {
        let among = |names: &str| names.split_whitespace().any(|name| name == property);
        match self {
            Self::Only { simulated, ignored } => among(simulated) || among(ignored),
            Self::AllBut(names) => !among(names),
        }
    }
}

/// Properties that are simulated as a whole but of which these parts have no local effect, by type and path.
const NOT_READ: [(&str, &str); 11] = [
    ("AWS::ECS::Cluster", "CapacityProviders"),
    ("AWS::ECS::Cluster", "Configuration"),
    ("AWS::ECS::Cluster", "DefaultCapacityProviderStrategy"),
    ("AWS::ECS::Service", "ServiceConnectConfiguration.LogConfiguration"),
    ("AWS::ECS::Service", "ServiceConnectConfiguration.Services.Tls"),
    // What is outside of the given templates is noted where it is referred to.
    ("AWS::ECS::Service", "LoadBalancers.TargetGroupArn"),
    ("AWS::ElasticLoadBalancingV2::Listener", "LoadBalancerArn"),
    ("AWS::ElasticLoadBalancingV2::ListenerCertificate", "ListenerArn"),
    ("AWS::ElasticLoadBalancingV2::ListenerRule", "ListenerArn"),
    // Rules with an unknown priority are in the order of the template.
    ("AWS::ElasticLoadBalancingV2::ListenerRule", "Priority"),
    ("AWS::ServiceDiscovery::PrivateDnsNamespace", "Vpc"),
];

/// Whether a plan reads the property at `path`, such as `ContainerDefinitions[0].Image`, of a resource of this type.
pub(super) fn is_read(kind: &str, path: &str) -> bool {
    let names: Vec<&str> = path
        .split('.')
        .map(|segment| segment.split('[').next().unwrap_or_default())
        .collect();
    let within = names.join(".");
    let mut not_read = NOT_READ.iter().filter(|(listed, _)| *listed == kind);
    if matches!(names.first(), Some(&("Tags" | "Description"))) || not_read.any(|(_, part)| is_part_of(&within, part)) {
        return false;
    }
    let mut structure = structure(kind);
    for name in names {
        let Some(known) = structure else { return true };
        let is_read = match Support::of(known.name()) {
            Support::Only { simulated, .. } => {
                simulated.split_whitespace().any(|property| property == name)
                    || known.property_names().all(|property| property != name)
            }
            Support::AllBut(others) => others.split_whitespace().all(|property| property != name),
        };
        if !is_read {
            return false;
        }
        structure = known.part(name);
    }
    true
}

/// Reports unknown names in `properties`, and returns the paths of properties that are not simulated. An unknown name
/// is replaced by the closest known one, so that a missing property is not reported as a second error.
pub(super) fn check_names(kind: &str, properties: &mut Json, path: &str, diagnostics: &mut Diagnostics) -> Vec<String> {
    let mut not_simulated = Vec::new();
    if let Some(structure) = structure(kind) {
        check_structure(structure, properties, path, diagnostics, &mut not_simulated);
    }
    not_simulated
}

fn check_structure(
    structure: &Structure,
    json: &mut Json,
    path: &str,
    diagnostics: &mut Diagnostics,
    not_simulated: &mut Vec<String>,
) {
    if is_unknown(json) {
        return;
    }
    if let Json::Array(items) = json {
        for (index, item) in items.iter_mut().enumerate() {
            check_structure(structure, item, &format!("{path}[{index}]"), diagnostics, not_simulated);
        }
    }
    let Json::Object(object) = json else { return };
    let is_typo = |name: &&String| !structure.property_names().any(|known| known == name.as_str());
    let typos: Vec<String> = object.keys().filter(is_typo).cloned().collect();
    for typo in typos {
        let value = object.shift_remove(&typo).unwrap_or_default();
        let meant = closest(&typo, structure.property_names());
        let hint = meant.map_or(String::new(), |meant| format!("; did you mean {meant}?"));
        diagnostics.add(
            format!("{path}.{typo}"),
            format!("is not a property of {}{hint}", structure.name()),
        );
        if let Some(meant) = meant
            && !object.contains_key(meant)
        {
            object.insert(meant.to_owned(), value);
        }
    }
    let support = Support::of(structure.name());
    let is_replaced = structure.name() == CONTAINER && object.get("DockerLabels").is_some_and(is_own);
    for (name, value) in object.iter_mut() {
        let path = format!("{path}.{name}");
        if value.is_null() {
            // A YAML key without a value. CloudFormation rejects it; ignoring it could disable a feature silently.
            diagnostics.add(path.as_str(), "has no value; give it one or remove it");
            *value = unknown();
        }
        if is_replaced && OF_OWN_CONTAINERS.contains(&name.as_str()) {
            continue;
        }
        if !support.contains(name) {
            let parts = match name.as_str() {
                "Secrets" => secret_names(value),
                "EnvironmentFiles" => environment_files::arns(value),
                _ => Vec::new(),
            };
            match parts.as_slice() {
                [] => not_simulated.push(path),
                names => not_simulated.push(format!("{path}: {}", names.join(", "))),
            }
        } else if let Some(part) = structure.part(name) {
            check_structure(part, value, &path, diagnostics, not_simulated);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_reads_what_is_simulated() {
        for (kind, path, expected) in [
            ("AWS::ECS::Service", "DesiredCount", true),
            (
                "AWS::ECS::Service",
                "NetworkConfiguration.AwsvpcConfiguration.Subnets[0]",
                false,
            ),
            ("AWS::ECS::Service", "LoadBalancers[0].TargetGroupArn", false),
            ("AWS::ECS::Service", "LoadBalancers[0].ContainerPort", true),
            ("AWS::ElasticLoadBalancingV2::LoadBalancer", "Subnets[0]", false),
            ("AWS::ElasticLoadBalancingV2::ListenerRule", "Priority", false),
            ("AWS::ECS::Service", "ServiceConnectConfiguration.Namespace", true),
            (
                "AWS::ECS::Service",
                "ServiceConnectConfiguration.LogConfiguration.Options.a",
                false,
            ),
            (
                "AWS::ECS::Service",
                "ServiceConnectConfiguration.Services[0].Tls.KmsKey",
                false,
            ),
            (
                "AWS::ECS::TaskDefinition",
                "ContainerDefinitions[0].Environment[1].Value",
                true,
            ),
            (
                "AWS::ECS::TaskDefinition",
                "ContainerDefinitions[0].LogConfiguration",
                false,
            ),
            (
                "AWS::ECS::TaskDefinition",
                "ContainerDefinitions[0].DockerLabels.a.b",
                true,
            ),
            ("AWS::ECS::TaskDefinition", "ExecutionRoleArn", false),
            ("AWS::AppMesh::VirtualNode", "Spec.ServiceDiscovery.DNS.Hostname", true),
            ("AWS::AppMesh::VirtualNode", "Tags[0].Value", false),
            ("AWS::ServiceDiscovery::PrivateDnsNamespace", "Vpc", false),
        ] {
            assert_eq!(is_read(kind, path), expected, "{kind} {path}");
        }
    }

    #[test]
    fn listed_properties_exist() {
        let virtual_node = ("AWS::AppMesh::VirtualNode", Support::of("AWS::AppMesh::VirtualNode"));
        for (name, support) in SUPPORT.into_iter().chain([virtual_node]) {
            let structure = structure(name).expect("a known structure");
            let names = match support {
                Support::Only { simulated, ignored } => format!("{simulated} {ignored}"),
                Support::AllBut(names) => names.to_owned(),
            };
            for name in names.split_whitespace() {
                let is_known = structure.property_names().any(|property| property == name);
                assert!(is_known, "{}.{name}", structure.name());
            }
        }
    }
}
