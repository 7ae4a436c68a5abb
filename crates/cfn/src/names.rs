//! The names of all properties that CloudFormation knows in the structures read here: a name it does not know is a
//! typo, and one it knows may still mean nothing to whoever runs the template.
//!
//! Source: the resource schemas in cfn-lint 1.58.0 (schemas of 2026-10-20, read 2026-11-23), without what is
//! read-only there. A part such as `AWS::ECS::Service.TimeoutConfiguration` is a definition of the schema.

/// A resource type, or a part of one, by the properties that CloudFormation knows in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Structure {
    /// Its name: the resource type, for a part followed by a dot and the part's name.
    pub name: &'static str,
    /// Its properties, separated by spaces, those that are structures or lists of them as `Property:Part`.
    properties: &'static str,
}

const STRUCTURES: [Structure; 39] = [
    Structure {
        name: "AWS::ECS::Cluster",
        properties: "CapacityProviders ClusterName ClusterSettings Configuration DefaultCapacityProviderStrategy \
                     ServiceConnectDefaults:ServiceConnectDefaults Tags",
    },
    Structure {
        name: "AWS::ECS::Cluster.ServiceConnectDefaults",
        properties: "Namespace",
    },
    Structure {
        name: "AWS::ECS::Service",
        properties: "AvailabilityZoneRebalancing CapacityProviderStrategy Cluster \
                     DeploymentConfiguration:DeploymentConfiguration DeploymentController DesiredCount \
                     EnableECSManagedTags EnableExecuteCommand ForceNewDeployment GatewayConnectors \
                     HealthCheckGracePeriodSeconds LaunchType LoadBalancers Monitoring \
                     NetworkConfiguration:NetworkConfiguration PlacementConstraints PlacementStrategies \
                     PlatformVersion PropagateTags Role SchedulingStrategy \
                     ServiceConnectConfiguration:ServiceConnectConfiguration ServiceName \
                     ServiceRegistries:ServiceRegistry Tags TaskDefinition VolumeConfigurations VpcLatticeConfigurations",
    },
    Structure {
        name: "AWS::ECS::Service.ServiceConnectConfiguration",
        properties: "AccessLogConfiguration ContainerConfigurations Enabled LogConfiguration Namespace \
                     Services:ServiceConnectService",
    },
    Structure {
        name: "AWS::ECS::Service.ServiceConnectService",
        properties: "ClientAliases:ServiceConnectClientAlias DiscoveryName IngressPortOverride PortName \
                     Timeout:TimeoutConfiguration Tls",
    },
    Structure {
        name: "AWS::ECS::Service.ServiceConnectClientAlias",
        properties: "DnsName Port TestTrafficRules:ServiceConnectTestTrafficRules",
    },
    Structure {
        name: "AWS::ECS::Service.ServiceConnectTestTrafficRules",
        properties: "Header",
    },
    Structure {
        name: "AWS::ECS::Service.TimeoutConfiguration",
        properties: "IdleTimeoutSeconds PerRequestTimeoutSeconds",
    },
    Structure {
        name: "AWS::ECS::Service.ServiceRegistry",
        properties: "ContainerName ContainerPort Port RegistryArn",
    },
    Structure {
        name: "AWS::ECS::Service.NetworkConfiguration",
        properties: "AwsvpcConfiguration:AwsVpcConfiguration",
    },
    Structure {
        name: "AWS::ECS::Service.AwsVpcConfiguration",
        properties: "AssignPublicIp SecurityGroups Subnets",
    },
    Structure {
        name: "AWS::ECS::Service.DeploymentConfiguration",
        properties: "Alarms BakeTimeInMinutes CanaryConfiguration \
                     DeploymentCircuitBreaker:DeploymentCircuitBreaker EarlySuccessCriteria LifecycleHooks \
                     LinearConfiguration MaximumPercent MinimumHealthyPercent Strategy",
    },
    Structure {
        name: "AWS::ECS::Service.DeploymentCircuitBreaker",
        properties: "Enable ResetOnHealthyTask Rollback ThresholdConfiguration",
    },
    Structure {
        name: "AWS::ECS::TaskDefinition",
        properties: "ContainerDefinitions:ContainerDefinition Cpu EnableFaultInjection EphemeralStorage \
                     ExecutionRoleArn Family InferenceAccelerators IpcMode Memory NetworkMode PidMode \
                     PlacementConstraints ProxyConfiguration:ProxyConfiguration RequiresCompatibilities \
                     RuntimePlatform:RuntimePlatform Tags TaskRoleArn Volumes",
    },
    Structure {
        name: "AWS::ECS::TaskDefinition.ContainerDefinition",
        properties: "Command Cpu CredentialSpecs DependsOn:ContainerDependency DisableNetworking DnsSearchDomains \
                     DnsServers DockerLabels DockerSecurityOptions EntryPoint Environment:KeyValuePair \
                     EnvironmentFiles Essential ExtraHosts FirelensConfiguration HealthCheck:HealthCheck Hostname \
                     Image Interactive Links LinuxParameters LogConfiguration Memory MemoryReservation MountPoints \
                     Name PortMappings:PortMapping Privileged PseudoTerminal ReadonlyRootFilesystem \
                     RepositoryCredentials ResourceRequirements RestartPolicy Secrets StartTimeout StopTimeout \
                     SystemControls Ulimits User VersionConsistency VolumesFrom WorkingDirectory",
    },
    Structure {
        name: "AWS::ECS::TaskDefinition.KeyValuePair",
        properties: "Name Value",
    },
    Structure {
        name: "AWS::ECS::TaskDefinition.PortMapping",
        properties: "AppProtocol ContainerPort ContainerPortRange HostPort Name Protocol",
    },
    Structure {
        name: "AWS::ECS::TaskDefinition.ContainerDependency",
        properties: "Condition ContainerName",
    },
    Structure {
        name: "AWS::ECS::TaskDefinition.HealthCheck",
        properties: "Command Interval Retries StartPeriod Timeout",
    },
    Structure {
        name: "AWS::ECS::TaskDefinition.ProxyConfiguration",
        // Its properties are a list of names and values, as environment variables are.
        properties: "ContainerName ProxyConfigurationProperties:KeyValuePair Type",
    },
    Structure {
        name: "AWS::ECS::TaskDefinition.RuntimePlatform",
        properties: "CpuArchitecture OperatingSystemFamily",
    },
    Structure {
        name: "AWS::ServiceDiscovery::HttpNamespace",
        properties: "Description Name Tags",
    },
    Structure {
        name: "AWS::ServiceDiscovery::PrivateDnsNamespace",
        properties: "Description Name Properties:Properties Tags Vpc",
    },
    Structure {
        name: "AWS::ServiceDiscovery::PrivateDnsNamespace.Properties",
        properties: "DnsProperties:PrivateDnsPropertiesMutable",
    },
    Structure {
        name: "AWS::ServiceDiscovery::PrivateDnsNamespace.PrivateDnsPropertiesMutable",
        properties: "SOA:SOA",
    },
    Structure {
        name: "AWS::ServiceDiscovery::PrivateDnsNamespace.SOA",
        properties: "TTL",
    },
    Structure {
        name: "AWS::ServiceDiscovery::Service",
        properties: "Description DnsConfig:DnsConfig HealthCheckConfig:HealthCheckConfig \
                     HealthCheckCustomConfig:HealthCheckCustomConfig Name NamespaceId ServiceAttributes Tags Type",
    },
    Structure {
        name: "AWS::ServiceDiscovery::Service.DnsConfig",
        properties: "DnsRecords:DnsRecord NamespaceId RoutingPolicy",
    },
    Structure {
        name: "AWS::ServiceDiscovery::Service.DnsRecord",
        properties: "TTL Type",
    },
    Structure {
        name: "AWS::ServiceDiscovery::Service.HealthCheckConfig",
        properties: "FailureThreshold ResourcePath Type",
    },
    Structure {
        name: "AWS::ServiceDiscovery::Service.HealthCheckCustomConfig",
        properties: "FailureThreshold",
    },
    Structure {
        name: "AWS::SSM::Parameter",
        properties: "AllowedPattern DataType Description Name Policies Tags Tier Type Value",
    },
    // What is within a spec is the model's to judge: it knows every field of it.
    Structure {
        name: "AWS::AppMesh::Mesh",
        properties: "MeshName Spec Tags",
    },
    Structure {
        name: "AWS::AppMesh::VirtualNode",
        properties: "MeshName MeshOwner Spec Tags VirtualNodeName",
    },
    Structure {
        name: "AWS::AppMesh::VirtualRouter",
        properties: "MeshName MeshOwner Spec Tags VirtualRouterName",
    },
    Structure {
        name: "AWS::AppMesh::Route",
        properties: "MeshName MeshOwner RouteName Spec Tags VirtualRouterName",
    },
    Structure {
        name: "AWS::AppMesh::VirtualService",
        properties: "MeshName MeshOwner Spec Tags VirtualServiceName",
    },
    Structure {
        name: "AWS::AppMesh::VirtualGateway",
        properties: "MeshName MeshOwner Spec Tags VirtualGatewayName",
    },
    Structure {
        name: "AWS::AppMesh::GatewayRoute",
        properties: "GatewayRouteName MeshName MeshOwner Spec Tags VirtualGatewayName",
    },
];

/// The structure of this name; `None` for one that is not read here.
#[must_use]
pub fn structure(name: &str) -> Option<Structure> {
    STRUCTURES.into_iter().find(|structure| structure.name == name)
}

impl Structure {
    /// The names of its properties.
    pub fn properties(self) -> impl Iterator<Item = &'static str> {
        self.entries().map(|(name, _)| name)
    }

    /// The structure that a property is, or is a list of.
    #[must_use]
    pub fn part(self, property: &str) -> Option<Structure> {
        let (_, part) = self.entries().find(|(name, _)| *name == property)?;
        let kind = self.name.split('.').next()?;
        structure(&format!("{kind}.{}", part?))
    }

    fn entries(self) -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
        self.properties.split(' ').map(|entry| match entry.split_once(':') {
            Some((name, part)) => (name, Some(part)),
            None => (entry, None),
        })
    }
}

/// The name that was probably meant by one that does not exist: close enough, whatever its capitals.
pub fn closest<'n>(typed: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let typed = typed.to_ascii_lowercase();
    names
        .into_iter()
        .map(|name| (strsim::levenshtein(&typed, &name.to_ascii_lowercase()), name))
        // A third of the letters: further away lie words that merely look alike.
        .filter(|(distance, name)| distance * 3 <= name.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_part_that_is_named_exists_and_is_used() {
        let mut used = BTreeSet::new();
        for whole in STRUCTURES {
            for (property, part) in whole.entries() {
                assert_eq!(
                    whole.part(property).is_some(),
                    part.is_some(),
                    "{}.{property}",
                    whole.name
                );
                used.extend(whole.part(property).map(|part| part.name));
            }
        }
        let parts = STRUCTURES.iter().filter(|structure| structure.name.contains('.'));
        for part in parts {
            assert!(used.contains(part.name), "{}", part.name);
        }
    }

    #[test]
    fn typos_are_understood_and_other_words_are_not() {
        let service = structure("AWS::ECS::Service").expect("it is read");
        for (typed, meant) in [
            ("DesiredCout", Some("DesiredCount")),
            ("desiredCount", Some("DesiredCount")),
            ("ServiceConectConfiguration", Some("ServiceConnectConfiguration")),
            ("Colour", None),
        ] {
            assert_eq!(closest(typed, service.properties()), meant, "{typed}");
        }
    }
}
