//! Validates property names: unknown ones are errors, known ones without local meaning are listed.

use mesh_infra::cfn::{Structure, closest, is_unknown, structure, unknown};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

/// Local support for the properties of a structure. Properties in neither list are reported as not simulated.
struct PropertySupport {
    structure: &'static str,
    /// Simulated as on ECS, or rejected when read.
    simulated: &'static str,
    /// Ignored silently: placement, size, roles, logs and deployment on AWS. They have no local effect, and nearly
    /// every template has them, so a list of them would hide relevant entries.
    ignored: &'static str,
}

/// Structures that are not listed are simulated, or ignored, as a whole.
const SUPPORT: [PropertySupport; 17] = [
    PropertySupport {
        structure: "AWS::ECS::Cluster",
        simulated: "ClusterName ServiceConnectDefaults",
        ignored: "CapacityProviders ClusterSettings Configuration DefaultCapacityProviderStrategy Tags",
    },
    PropertySupport {
        structure: "AWS::ECS::Service",
        simulated: "Cluster DesiredCount ServiceConnectConfiguration ServiceName ServiceRegistries TaskDefinition",
        ignored: "AvailabilityZoneRebalancing CapacityProviderStrategy DeploymentConfiguration DeploymentController \
                   EnableECSManagedTags EnableExecuteCommand ForceNewDeployment HealthCheckGracePeriodSeconds \
                   LaunchType Monitoring NetworkConfiguration PlacementConstraints PlacementStrategies PlatformVersion PropagateTags Role \
                   Tags",
    },
    PropertySupport {
        structure: "AWS::ECS::Service.ServiceConnectConfiguration",
        simulated: "AccessLogConfiguration ContainerConfigurations Enabled Namespace Services",
        ignored: "LogConfiguration",
    },
    PropertySupport {
        structure: "AWS::ECS::TaskDefinition",
        simulated: "ContainerDefinitions Family ProxyConfiguration",
        ignored: "Cpu EnableFaultInjection EphemeralStorage ExecutionRoleArn Memory NetworkMode PlacementConstraints \
                   RequiresCompatibilities RuntimePlatform Tags TaskRoleArn",
    },
    PropertySupport {
        structure: "AWS::ECS::TaskDefinition.ContainerDefinition",
        simulated: "Command DependsOn DockerLabels EntryPoint Environment Essential HealthCheck Image Name \
                   PortMappings StopTimeout",
        ignored: "Cpu LogConfiguration Memory MemoryReservation RepositoryCredentials SystemControls VersionConsistency",
    },
    PropertySupport {
        structure: "AWS::ECS::TaskDefinition.PortMapping",
        simulated: "AppProtocol ContainerPort Name Protocol",
        ignored: "HostPort",
    },
    PropertySupport {
        structure: "AWS::ECS::TaskDefinition.ProxyConfiguration",
        simulated: "ContainerName ProxyConfigurationProperties Type",
        ignored: "",
    },
    PropertySupport {
        structure: "AWS::ServiceDiscovery::PrivateDnsNamespace",
        simulated: "Name",
        ignored: "Description Properties Tags Vpc",
    },
    PropertySupport {
        structure: "AWS::ServiceDiscovery::Service",
        simulated: "DnsConfig HealthCheckCustomConfig Name NamespaceId Type",
        ignored: "Description Tags",
    },
    PropertySupport {
        structure: "AWS::SSM::Parameter",
        simulated: "Name Type Value",
        ignored: "AllowedPattern DataType Description Policies Tags Tier",
    },
    PropertySupport {
        structure: "AWS::AppMesh::Mesh",
        simulated: "MeshName Spec",
        ignored: "Tags",
    },
    PropertySupport {
        structure: "AWS::AppMesh::VirtualNode",
        simulated: "MeshName Spec VirtualNodeName",
        ignored: "Tags",
    },
    PropertySupport {
        structure: "AWS::AppMesh::VirtualRouter",
        simulated: "MeshName Spec VirtualRouterName",
        ignored: "Tags",
    },
    PropertySupport {
        structure: "AWS::AppMesh::Route",
        simulated: "MeshName RouteName Spec VirtualRouterName",
        ignored: "Tags",
    },
    PropertySupport {
        structure: "AWS::AppMesh::VirtualService",
        simulated: "MeshName Spec VirtualServiceName",
        ignored: "Tags",
    },
    PropertySupport {
        structure: "AWS::AppMesh::VirtualGateway",
        simulated: "MeshName Spec VirtualGatewayName",
        ignored: "Tags",
    },
    PropertySupport {
        structure: "AWS::AppMesh::GatewayRoute",
        simulated: "GatewayRouteName MeshName Spec VirtualGatewayName",
        ignored: "Tags",
    },
];

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
    let known = SUPPORT.iter().find(|known| known.structure == structure.name());
    for (name, value) in object.iter_mut() {
        let path = format!("{path}.{name}");
        if value.is_null() {
            // A YAML key without a value. CloudFormation rejects it; ignoring it could disable a feature silently.
            diagnostics.add(path.as_str(), "has no value; give it one or remove it");
            *value = unknown();
        }
        let among = |names: &str| names.split(' ').any(|known| known == name);
        if known.is_some_and(|known| !among(known.simulated) && !among(known.ignored)) {
            not_simulated.push(path);
        } else if let Some(part) = structure.part(name) {
            check_structure(part, value, &path, diagnostics, not_simulated);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn supported_properties_exist() {
        for known in SUPPORT {
            let structure = structure(known.structure).expect("a known structure");
            for name in known.simulated.split(' ').chain(known.ignored.split_whitespace()) {
                assert!(
                    structure.property_names().any(|property| property == name),
                    "{}.{name}",
                    known.structure
                );
            }
        }
    }
}
