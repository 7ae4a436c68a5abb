//! The names of properties: those that CloudFormation does not know are mistakes, and those that it knows and that
//! mean nothing here are listed.

use mesh_infra::cfn::{Structure, closest, is_unknown, structure, unknown};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

/// What is done about properties that CloudFormation knows. Every other one is listed as not simulated.
struct Known {
    structure: &'static str,
    /// Those that are done here as ECS does them, or refused where they are read.
    honoured: &'static str,
    /// Those that say where on AWS things run, how large they are there, under which role, where their logs are kept, and
    /// how a deployment replaces them. That is of no consequence on one machine, and nearly every template has them: a
    /// list of them would hide what is of consequence.
    harmless: &'static str,
}

/// Structures that are not here are honoured, or harmless, as a whole.
const KNOWN: [Known; 17] = [
    Known {
        structure: "AWS::ECS::Cluster",
        honoured: "ClusterName ServiceConnectDefaults",
        harmless: "CapacityProviders ClusterSettings Configuration DefaultCapacityProviderStrategy Tags",
    },
    Known {
        structure: "AWS::ECS::Service",
        honoured: "Cluster DesiredCount ServiceConnectConfiguration ServiceName ServiceRegistries TaskDefinition",
        harmless: "AvailabilityZoneRebalancing CapacityProviderStrategy DeploymentConfiguration DeploymentController \
                   EnableECSManagedTags EnableExecuteCommand ForceNewDeployment HealthCheckGracePeriodSeconds \
                   LaunchType Monitoring NetworkConfiguration PlacementConstraints PlacementStrategies PlatformVersion PropagateTags Role \
                   Tags",
    },
    Known {
        structure: "AWS::ECS::Service.ServiceConnectConfiguration",
        honoured: "AccessLogConfiguration ContainerConfigurations Enabled Namespace Services",
        harmless: "LogConfiguration",
    },
    Known {
        structure: "AWS::ECS::TaskDefinition",
        honoured: "ContainerDefinitions Family ProxyConfiguration",
        harmless: "Cpu EnableFaultInjection EphemeralStorage ExecutionRoleArn Memory NetworkMode PlacementConstraints \
                   RequiresCompatibilities RuntimePlatform Tags TaskRoleArn",
    },
    Known {
        structure: "AWS::ECS::TaskDefinition.ContainerDefinition",
        honoured: "Command DependsOn DockerLabels EntryPoint Environment Essential HealthCheck Image Name \
                   PortMappings StopTimeout",
        harmless: "Cpu LogConfiguration Memory MemoryReservation RepositoryCredentials SystemControls VersionConsistency",
    },
    Known {
        structure: "AWS::ECS::TaskDefinition.PortMapping",
        honoured: "AppProtocol ContainerPort Name Protocol",
        harmless: "HostPort",
    },
    Known {
        structure: "AWS::ECS::TaskDefinition.ProxyConfiguration",
        honoured: "ContainerName ProxyConfigurationProperties Type",
        harmless: "",
    },
    Known {
        structure: "AWS::ServiceDiscovery::PrivateDnsNamespace",
        honoured: "Name",
        harmless: "Description Properties Tags Vpc",
    },
    Known {
        structure: "AWS::ServiceDiscovery::Service",
        honoured: "DnsConfig HealthCheckCustomConfig Name NamespaceId Type",
        harmless: "Description Tags",
    },
    Known {
        structure: "AWS::SSM::Parameter",
        honoured: "Name Type Value",
        harmless: "AllowedPattern DataType Description Policies Tags Tier",
    },
    Known {
        structure: "AWS::AppMesh::Mesh",
        honoured: "MeshName Spec",
        harmless: "Tags",
    },
    Known {
        structure: "AWS::AppMesh::VirtualNode",
        honoured: "MeshName Spec VirtualNodeName",
        harmless: "Tags",
    },
    Known {
        structure: "AWS::AppMesh::VirtualRouter",
        honoured: "MeshName Spec VirtualRouterName",
        harmless: "Tags",
    },
    Known {
        structure: "AWS::AppMesh::Route",
        honoured: "MeshName RouteName Spec VirtualRouterName",
        harmless: "Tags",
    },
    Known {
        structure: "AWS::AppMesh::VirtualService",
        honoured: "MeshName Spec VirtualServiceName",
        harmless: "Tags",
    },
    Known {
        structure: "AWS::AppMesh::VirtualGateway",
        honoured: "MeshName Spec VirtualGatewayName",
        harmless: "Tags",
    },
    Known {
        structure: "AWS::AppMesh::GatewayRoute",
        honoured: "GatewayRouteName MeshName Spec VirtualGatewayName",
        harmless: "Tags",
    },
];

/// Notes the names in `properties` that CloudFormation does not know, and gives the paths of those that are not
/// simulated. An unknown name is replaced by the one that was probably meant: what is lacking otherwise would be told
/// as a second mistake.
pub(super) fn sort_out(kind: &str, properties: &mut Json, path: &str, diagnostics: &mut Diagnostics) -> Vec<String> {
    let mut not_simulated = Vec::new();
    if let Some(structure) = structure(kind) {
        walk(structure, properties, path, diagnostics, &mut not_simulated);
    }
    not_simulated
}

fn walk(
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
            walk(structure, item, &format!("{path}[{index}]"), diagnostics, not_simulated);
        }
    }
    let Json::Object(object) = json else { return };
    let is_typo = |name: &&String| !structure.property_names().any(|known| known == name.as_str());
    let typos: Vec<String> = object.keys().filter(is_typo).cloned().collect();
    for typo in typos {
        let value = object.shift_remove(&typo).unwrap_or_default();
        let meant = closest(&typo, structure.property_names());
        let question = meant.map_or(String::new(), |meant| format!("; did you mean {meant}?"));
        diagnostics.add(
            format!("{path}.{typo}"),
            format!("is no property of {}{question}", structure.name()),
        );
        if let Some(meant) = meant
            && !object.contains_key(meant)
        {
            object.insert(meant.to_owned(), value);
        }
    }
    let known = KNOWN.iter().find(|known| known.structure == structure.name());
    for (name, value) in object.iter_mut() {
        let path = format!("{path}.{name}");
        if value.is_null() {
            // In YAML that is a name with nothing after it. CloudFormation refuses it; leaving it out would switch
            // off whatever it was to be the beginning of.
            diagnostics.add(path.as_str(), "has no value; give it one or remove it");
            *value = unknown();
        }
        let among = |names: &str| names.split(' ').any(|known| known == name);
        if known.is_some_and(|known| !among(known.honoured) && !among(known.harmless)) {
            not_simulated.push(path);
        } else if let Some(part) = structure.part(name) {
            walk(part, value, &path, diagnostics, not_simulated);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_about_properties_is_said_of_properties_that_exist() {
        for known in KNOWN {
            let structure = structure(known.structure).expect("it is read");
            for name in known.honoured.split(' ').chain(known.harmless.split_whitespace()) {
                assert!(
                    structure.property_names().any(|property| property == name),
                    "{}.{name}",
                    known.structure
                );
            }
        }
    }
}
