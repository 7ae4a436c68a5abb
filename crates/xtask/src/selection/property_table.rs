//! The resource types and definitions of the property table.
//!
//! Definitions that are not listed are not validated: the specs of App Mesh, which `mesh-model` validates, and
//! structures that no crate of this workspace reads.

/// A resource type, and the definitions of its schema.
#[derive(Debug)]
pub(crate) struct Selected {
    pub(crate) kind: &'static str,
    pub(crate) definitions: &'static [&'static str],
}

pub(crate) const RESOURCES: &[Selected] = &[
    Selected {
        kind: "AWS::ECS::Cluster",
        definitions: &["ServiceConnectDefaults"],
    },
    Selected {
        kind: "AWS::ECS::Service",
        definitions: &[
            "ServiceConnectConfiguration",
            "ServiceConnectService",
            "ServiceConnectClientAlias",
            "ServiceConnectTestTrafficRules",
            "TimeoutConfiguration",
            "ServiceRegistry",
            "NetworkConfiguration",
            "AwsVpcConfiguration",
            "LoadBalancer",
            "DeploymentConfiguration",
            "DeploymentCircuitBreaker",
        ],
    },
    Selected {
        kind: "AWS::ECS::TaskDefinition",
        definitions: &[
            "ContainerDefinition",
            "KeyValuePair",
            "PortMapping",
            "ContainerDependency",
            "HealthCheck",
            "ProxyConfiguration",
            "RuntimePlatform",
            "LinuxParameters",
            "Secret",
            "LogConfiguration",
            "FirelensConfiguration",
            "MountPoint",
            "Volume",
            "EFSVolumeConfiguration",
            "AuthorizationConfig",
        ],
    },
    Selected {
        kind: "AWS::ElasticLoadBalancingV2::Listener",
        definitions: &[
            "Certificate",
            "Action",
            "FixedResponseConfig",
            "ForwardConfig",
            "RedirectConfig",
            "TargetGroupStickinessConfig",
            "TargetGroupTuple",
        ],
    },
    Selected {
        kind: "AWS::ElasticLoadBalancingV2::ListenerCertificate",
        definitions: &["Certificate"],
    },
    Selected {
        kind: "AWS::ElasticLoadBalancingV2::ListenerRule",
        definitions: &[
            "Action",
            "FixedResponseConfig",
            "ForwardConfig",
            "RedirectConfig",
            "TargetGroupStickinessConfig",
            "TargetGroupTuple",
            "HostHeaderConfig",
            "HttpHeaderConfig",
            "HttpRequestMethodConfig",
            "PathPatternConfig",
            "QueryStringConfig",
            "QueryStringKeyValue",
            "RuleCondition",
            "SourceIpConfig",
        ],
    },
    Selected {
        kind: "AWS::ElasticLoadBalancingV2::LoadBalancer",
        definitions: &["LoadBalancerAttribute"],
    },
    Selected {
        kind: "AWS::ElasticLoadBalancingV2::TargetGroup",
        definitions: &["Matcher", "TargetGroupAttribute"],
    },
    Selected {
        kind: "AWS::ServiceDiscovery::HttpNamespace",
        definitions: &[],
    },
    Selected {
        kind: "AWS::ServiceDiscovery::PrivateDnsNamespace",
        definitions: &["Properties", "PrivateDnsPropertiesMutable", "SOA"],
    },
    Selected {
        kind: "AWS::ServiceDiscovery::Service",
        definitions: &["DnsConfig", "DnsRecord", "HealthCheckConfig", "HealthCheckCustomConfig"],
    },
    Selected {
        kind: "AWS::SSM::Parameter",
        definitions: &[],
    },
    Selected {
        kind: "AWS::AppMesh::Mesh",
        definitions: &[],
    },
    Selected {
        kind: "AWS::AppMesh::VirtualNode",
        definitions: &[],
    },
    Selected {
        kind: "AWS::AppMesh::VirtualRouter",
        definitions: &[],
    },
    Selected {
        kind: "AWS::AppMesh::Route",
        definitions: &[],
    },
    Selected {
        kind: "AWS::AppMesh::VirtualService",
        definitions: &[],
    },
    Selected {
        kind: "AWS::AppMesh::VirtualGateway",
        definitions: &[],
    },
    Selected {
        kind: "AWS::AppMesh::GatewayRoute",
        definitions: &[],
    },
];
