//! Physical ids and attributes of resources on this machine.
//!
//! Their formats are CloudFormation's (return values of each resource type, read 2026-11-23), with a region and an
//! account that cannot be mistaken for real ones.

use cfn::appmesh::{kind_of, name_properties};
use cfn::evaluate::{Context, DynamicReference, Import, Reference, Resolution, Resolver, StackScope};
use mesh_model::app_mesh::{Kind, ResourcePath};
use serde_json::{Value as Json, json};

use super::resource_types::{SIMULATED, is_unsupported};
use crate::stack_environment::{Region, StackEnvironment};

/// The region of all local resources, unless the environment has another one.
pub const REGION: &str = "local";
/// The account of all local resources, unless the environment has another one.
pub const ACCOUNT: &str = "000000000000";

/// Limit on the length of names in characters: the longest that AWS allows anywhere.
const MAX_NAME_LENGTH: usize = 1024;

/// Types without simulation that return an ARN for `Ref`, which templates take apart.
const ARN_BY_REF: [&str; 7] = [
    "AWS::ACMPCA::CertificateAuthority",
    "AWS::CertificateManager::Certificate",
    "AWS::ElasticLoadBalancingV2::",
    "AWS::IAM::ManagedPolicy",
    "AWS::SNS::Topic",
    "AWS::SecretsManager::Secret",
    "AWS::StepFunctions::StateMachine",
];

/// The property that `Ref` returns, of types without simulation. Without it, AWS chooses the name.
const NAME_BY_REF: [(&str, &str); 14] = [
    ("AWS::DynamoDB::Table", "TableName"),
    ("AWS::ECR::Repository", "RepositoryName"),
    ("AWS::ElastiCache::CacheCluster", "ClusterName"),
    ("AWS::Events::EventBus", "Name"),
    ("AWS::IAM::Role", "RoleName"),
    ("AWS::KMS::Alias", "AliasName"),
    ("AWS::Kinesis::Stream", "Name"),
    ("AWS::Lambda::Function", "FunctionName"),
    ("AWS::Logs::LogGroup", "LogGroupName"),
    ("AWS::RDS::DBCluster", "DBClusterIdentifier"),
    ("AWS::RDS::DBInstance", "DBInstanceIdentifier"),
    ("AWS::Route53::RecordSet", "Name"),
    ("AWS::S3::Bucket", "BucketName"),
    ("AWS::ServiceDiscovery::PublicDnsNamespace", "Name"),
];

/// Resolves what simulated resources return, and what the environment knows. The rest is unknown.
#[derive(Debug)]
pub(super) struct LocalResolver<'e> {
    pub(super) environment: &'e StackEnvironment,
}

impl LocalResolver<'_> {
    fn region(&self) -> &str {
        self.environment.region.as_ref().map_or(REGION, Region::name)
    }

    fn partition(&self) -> &'static str {
        self.environment.region.as_ref().map_or("aws", Region::partition)
    }

    fn account(&self) -> &str {
        self.environment.account.as_deref().unwrap_or(ACCOUNT)
    }

    fn arn(&self, service: &str, resource: &str) -> Json {
        let (partition, region, account) = (self.partition(), self.region(), self.account());
        Json::from(format!("arn:{partition}:{service}:{region}:{account}:{resource}"))
    }
}

impl Resolver for LocalResolver<'_> {
    fn pseudo_parameter(&self, stack: StackScope<'_>, name: &str) -> Option<Json> {
        let stack = stack.name();
        let region = self.environment.region.as_ref();
        Some(match name {
            "AWS::Region" => Json::from(self.region()),
            "AWS::AccountId" => Json::from(self.account()),
            "AWS::Partition" => Json::from(self.partition()),
            "AWS::URLSuffix" => Json::from(region.map_or("amazonaws.com", Region::url_suffix)),
            "AWS::StackName" => Json::from(stack),
            "AWS::StackId" => self.arn("cloudformation", &format!("stack/{stack}/local")),
            "AWS::NotificationARNs" => json!([]),
            _ => return None,
        })
    }

    fn resource(&self, reference: Reference<'_>, context: &mut Context<'_>) -> Resolution {
        let kind = reference.resource.kind.as_str();
        if !SIMULATED.contains(&kind) && !is_unsupported(kind) {
            let name = match reference.attribute {
                None => reference.logical_id.to_owned(),
                Some(attribute) => format!("{}.{attribute}", reference.logical_id),
            };
            let prefix = reference.stack.path_prefix();
            if let Some(value) = self.environment.values.get(prefix, [name.as_str()]) {
                return Resolution::Known(value);
            }
        }
        let mut resource = PhysicalResource {
            resolver: self,
            stack: reference.stack,
            logical_id: reference.logical_id,
            path: reference.path,
            context,
        };
        match reference.attribute {
            None => resource.physical_id(kind),
            Some(attribute) => resource.attribute(kind, attribute),
        }
    }

    fn import(&self, import: Import<'_>, _: &mut Context<'_>) -> Resolution {
        let value = self.environment.values.get("", [import.name]);
        if value.is_none() {
            self.environment.values.note_import(import.name, import.exported);
        }
        value.map_or(Resolution::Unknown, Resolution::Known)
    }

    fn dynamic_reference(
        &self,
        stack: StackScope<'_>,
        reference: &DynamicReference,
        _: &mut Context<'_>,
    ) -> Option<Resolution> {
        let value = self.environment.values.dynamic(stack.path_prefix(), reference);
        Some(value.map_or(Resolution::Unknown, Resolution::Known))
    }

    fn ssm_parameter(&self, stack: StackScope<'_>, name: &str) -> Resolution {
        let value = self.environment.values.ssm_parameter(stack.path_prefix(), name);
        value.map_or(Resolution::Unknown, Resolution::Known)
    }

    /// What is not known exists on AWS, and is not equal to what a template compares it with: mostly the empty string.
    fn assumed_comparison(&self) -> Option<bool> {
        Some(false)
    }

    fn mapping_hint(&self, _: StackScope<'_>, key: &str, keys: &[&str]) -> Option<String> {
        if key == self.account() && self.environment.account.is_none() {
            return Some(format!("choose an account with --account; it has {}", keys.join(", ")));
        }
        (key == self.region()).then(|| format!("choose a region with --region; it has {}", keys.join(", ")))
    }

    fn availability_zones(&self, region: &str) -> Option<Vec<String>> {
        let region = if region.is_empty() { self.region() } else { region };
        let separator = if region == REGION { "-" } else { "" };
        Some(["a", "b", "c"].map(|zone| format!("{region}{separator}{zone}")).into())
    }
}

/// A resource under evaluation, and the path of the reference to it.
struct PhysicalResource<'r, 'd> {
    resolver: &'r LocalResolver<'r>,
    stack: StackScope<'r>,
    logical_id: &'r str,
    path: &'r str,
    context: &'r mut Context<'d>,
}

impl PhysicalResource<'_, '_> {
    fn physical_id(&mut self, kind: &str) -> Resolution {
        if let Some(kind) = kind_of(kind) {
            return Resolution::Known(self.mesh_arn(kind));
        }
        Resolution::Known(match kind {
            "AWS::ECS::Cluster" => Json::from(self.name("ClusterName")),
            "AWS::ECS::TaskDefinition" => self.task_definition_arn(),
            "AWS::ECS::Service" => self.service_arn(),
            "AWS::ServiceDiscovery::HttpNamespace" | "AWS::ServiceDiscovery::PrivateDnsNamespace" => {
                Json::from(self.cloud_map_id("ns"))
            }
            "AWS::ServiceDiscovery::Service" => Json::from(self.cloud_map_id("srv")),
            "AWS::ServiceDiscovery::Instance" => Json::from(self.name("InstanceId")),
            "AWS::SSM::Parameter" => Json::from(self.name("Name")),
            "AWS::ElasticLoadBalancingV2::LoadBalancer" => self.load_balancer().arn(self.resolver),
            "AWS::ElasticLoadBalancingV2::TargetGroup" => self.target_group().arn(self.resolver),
            "AWS::ElasticLoadBalancingV2::Listener" => self.part_of_load_balancer("listener"),
            "AWS::ElasticLoadBalancingV2::ListenerRule" => self.part_of_load_balancer("listener-rule"),
            "AWS::ElasticLoadBalancingV2::ListenerCertificate" => Json::from(self.generated_name()),
            // The unsupported type is reported where it is declared.
            kind if is_unsupported(kind) => return Resolution::Invalid,
            kind if ARN_BY_REF.iter().any(|prefix| kind.starts_with(prefix)) => self.synthetic_arn(kind),
            kind => {
                let known = NAME_BY_REF.iter().find(|(named, _)| *named == kind);
                let name = known.and_then(|(_, property)| self.property(property));
                return name.map_or(Resolution::Unknown, |name| Resolution::Known(Json::from(name)));
            }
        })
    }

    fn attribute(&mut self, kind: &str, attribute: &str) -> Resolution {
        let known = match kind_of(kind) {
            Some(kind) => self.mesh_attribute(kind, attribute).map(Resolution::Known),
            None => self.simulated_attribute(kind, attribute),
        };
        known.unwrap_or_else(|| match kind {
            kind if is_unsupported(kind) => Resolution::Invalid,
            kind if SIMULATED.contains(&kind) => {
                let message = format!(
                    "`{}` is an {kind}, which has no attribute `{attribute}` here",
                    self.logical_id
                );
                self.context.report(self.path, message);
                Resolution::Invalid
            }
            kind if attribute.ends_with("Arn") => Resolution::Known(self.synthetic_arn(kind)),
            "AWS::ECR::Repository" if attribute == "RepositoryUri" => {
                let name = self.property("RepositoryName");
                let name = name.unwrap_or_else(|| self.generated_name().to_ascii_lowercase());
                let (account, region) = (self.resolver.account(), self.resolver.region());
                let suffix = self.resolver.environment.region.as_ref();
                let suffix = suffix.map_or("amazonaws.com", Region::url_suffix);
                Resolution::Known(Json::from(format!("{account}.dkr.ecr.{region}.{suffix}/{name}")))
            }
            _ => Resolution::Unknown,
        })
    }

    /// An attribute of a simulated type.
    fn simulated_attribute(&mut self, kind: &str, attribute: &str) -> Option<Resolution> {
        Some(Resolution::Known(match (kind, attribute) {
            ("AWS::ECS::Cluster", "Arn") => {
                let cluster = self.name("ClusterName");
                self.resolver.arn("ecs", &format!("cluster/{cluster}"))
            }
            ("AWS::ECS::TaskDefinition", "TaskDefinitionArn") => self.task_definition_arn(),
            ("AWS::ECS::Service", "Name") => Json::from(self.name("ServiceName")),
            ("AWS::ECS::Service", "ServiceArn") => self.service_arn(),
            ("AWS::ServiceDiscovery::HttpNamespace" | "AWS::ServiceDiscovery::PrivateDnsNamespace", "Id") => {
                Json::from(self.cloud_map_id("ns"))
            }
            ("AWS::ServiceDiscovery::HttpNamespace" | "AWS::ServiceDiscovery::PrivateDnsNamespace", "Arn") => self
                .resolver
                .arn("servicediscovery", &format!("namespace/{}", self.cloud_map_id("ns"))),
            ("AWS::ServiceDiscovery::PrivateDnsNamespace", "HostedZoneId") => Json::from(self.cloud_map_id("zone")),
            ("AWS::ServiceDiscovery::Service", "Id") => Json::from(self.cloud_map_id("srv")),
            ("AWS::ServiceDiscovery::Service", "Arn") => self
                .resolver
                .arn("servicediscovery", &format!("service/{}", self.cloud_map_id("srv"))),
            ("AWS::ServiceDiscovery::Service", "Name") => Json::from(self.name("Name")),
            ("AWS::SSM::Parameter", "Type" | "Value") => match self.property(attribute) {
                Some(text) => Json::from(text),
                None => return Some(Resolution::Invalid),
            },
            ("AWS::ElasticLoadBalancingV2::LoadBalancer", attribute) => {
                let load_balancer = self.load_balancer();
                match attribute {
                    "LoadBalancerArn" => load_balancer.arn(self.resolver),
                    "LoadBalancerName" => Json::from(load_balancer.name),
                    "LoadBalancerFullName" => Json::from(load_balancer.full_name()),
                    "DNSName" => Json::from(load_balancer.dns_name(self.resolver)),
                    "CanonicalHostedZoneID" => Json::from(self.cloud_map_id("zone")),
                    // They are those of the VPC.
                    "SecurityGroups" => return Some(Resolution::Unknown),
                    _ => return None,
                }
            }
            ("AWS::ElasticLoadBalancingV2::TargetGroup", attribute) => {
                let target_group = self.target_group();
                match attribute {
                    "TargetGroupArn" => target_group.arn(self.resolver),
                    "TargetGroupName" => Json::from(target_group.name),
                    "TargetGroupFullName" => Json::from(target_group.full_name()),
                    "LoadBalancerArns" => return Some(Resolution::Unknown),
                    _ => return None,
                }
            }
            ("AWS::ElasticLoadBalancingV2::Listener", "ListenerArn") => self.part_of_load_balancer("listener"),
            ("AWS::ElasticLoadBalancingV2::ListenerRule", "RuleArn") => self.part_of_load_balancer("listener-rule"),
            ("AWS::ElasticLoadBalancingV2::ListenerRule", "IsDefault") => Json::from(false),
            _ => return None,
        }))
    }

    fn load_balancer(&mut self) -> LoadBalancerId {
        let is_network = self.property("Type").is_some_and(|kind| kind == "network");
        LoadBalancerId {
            path: if is_network {
                "loadbalancer/net/"
            } else {
                "loadbalancer/app/"
            },
            is_internal: self.property("Scheme").is_some_and(|scheme| scheme == "internal"),
            name: self.name("Name"),
        }
    }

    fn target_group(&mut self) -> LoadBalancerId {
        LoadBalancerId {
            path: "targetgroup/",
            is_internal: false,
            name: self.name("Name"),
        }
    }

    /// The ARN of a listener or of a rule.
    fn part_of_load_balancer(&self, kind: &str) -> Json {
        let name = self.generated_name();
        let number = stable_number(&name);
        self.resolver
            .arn("elasticloadbalancing", &format!("{kind}/app/{name}/{number:016x}"))
    }

    /// An attribute of an App Mesh resource: its ARN, and the names in it.
    fn mesh_attribute(&mut self, kind: Kind, attribute: &str) -> Option<Json> {
        Some(match attribute {
            "Arn" => self.mesh_arn(kind),
            "Uid" => Json::from(format!("{}.Uid", self.logical_id)),
            "MeshOwner" | "ResourceOwner" => Json::from(self.resolver.account()),
            attribute => {
                let position = name_properties(kind)
                    .iter()
                    .position(|property| *property == attribute)?;
                let resource = self.mesh_path(kind);
                Json::from(match (position, resource.parent) {
                    (0, _) => resource.mesh,
                    (1, Some(parent)) => parent,
                    _ => resource.name,
                })
            }
        })
    }

    fn mesh_arn(&mut self, kind: Kind) -> Json {
        self.resolver.arn("appmesh", &self.mesh_path(kind).to_string())
    }

    /// The path of an App Mesh resource. Its mesh and its parent may be given by ARN.
    fn mesh_path(&mut self, kind: Kind) -> ResourcePath {
        let mut name = |property: &&str| {
            let given = self.name(property);
            let is_named_by_property = |path: &ResourcePath| name_properties(path.kind).last() == Some(property);
            ResourcePath::parse(&given)
                .filter(is_named_by_property)
                .map_or(given, |path| path.name)
        };
        let names: Vec<String> = name_properties(kind).iter().map(&mut name).collect();
        match names.as_slice() {
            [mesh, parent, name] => ResourcePath::within(mesh, parent, kind, name),
            [mesh, name] => ResourcePath::new(mesh, kind, name),
            names => ResourcePath::of_mesh(names.first().map_or("", String::as_str)),
        }
    }

    fn service_arn(&mut self) -> Json {
        let service = self.name("ServiceName");
        self.resolver.arn("ecs", &format!("service/{service}"))
    }

    fn task_definition_arn(&mut self) -> Json {
        let family = self.name("Family");
        self.resolver.arn("ecs", &format!("task-definition/{family}:1"))
    }

    /// The name set by a property, else one generated as CloudFormation does.
    fn name(&mut self, property: &str) -> String {
        match self.property(property) {
            Some(name) if name.chars().count() > MAX_NAME_LENGTH => {
                let length = name.chars().count();
                let message = format!("is {length} characters long; at most {MAX_NAME_LENGTH} are allowed");
                self.context.report(self.path, message);
                self.generated_name()
            }
            Some(name) => name,
            None => self.generated_name(),
        }
    }

    /// A property as text. `None` if it is not set or unknown.
    fn property(&mut self, property: &str) -> Option<String> {
        let text = self
            .stack
            .property_text(self.logical_id, property, self.path, self.context)?;
        text.ok()
    }

    fn generated_name(&self) -> String {
        format!("{}-{}", self.stack.name(), self.logical_id)
    }

    /// The ARN of a resource that is not simulated.
    fn synthetic_arn(&mut self, kind: &str) -> Json {
        if kind == "AWS::SecretsManager::Secret" {
            let name = self.property("Name").unwrap_or_else(|| self.generated_name());
            // AWS appends a hyphen and six characters to the name.
            return self.resolver.arn("secretsmanager", &format!("secret:{name}-AbCdEf"));
        }
        let mut parts = kind.split("::").skip(1);
        let mut part = || parts.next().unwrap_or("resource").to_ascii_lowercase();
        let (service, resource) = (part(), part());
        self.resolver.arn(&service, &format!("{resource}/{}", self.logical_id))
    }

    /// An id like those that Cloud Map generates, unique across stacks.
    fn cloud_map_id(&self, kind: &str) -> String {
        format!("{kind}-{}", self.generated_name().to_ascii_lowercase())
    }
}

/// The names of a load balancer or of a target group.
struct LoadBalancerId {
    /// The beginning of its ARN's last part.
    path: &'static str,
    is_internal: bool,
    name: String,
}

impl LoadBalancerId {
    fn arn(&self, resolver: &LocalResolver<'_>) -> Json {
        let Self { path, name, .. } = self;
        resolver.arn(
            "elasticloadbalancing",
            &format!("{path}{name}/{:016x}", stable_number(name)),
        )
    }

    /// The end of its ARN, which metrics have as dimension.
    fn full_name(&self) -> String {
        let path = self.path.trim_start_matches("loadbalancer/");
        format!("{path}{}/{:016x}", self.name, stable_number(&self.name))
    }

    /// Its host name: a label has at most 63 characters, and a number keeps shortened names apart.
    fn dns_name(&self, resolver: &LocalResolver<'_>) -> String {
        const LONGEST_NAME: usize = 32;
        let internal = if self.is_internal { "internal-" } else { "" };
        let name: String = self.name.chars().take(LONGEST_NAME).collect();
        let number = stable_number(&self.name) % 10_000_000_000;
        let region = resolver.region();
        let environment = resolver.environment.region.as_ref();
        let suffix = environment.map_or("amazonaws.com", Region::url_suffix);
        format!("{internal}{name}-{number}.{region}.elb.{suffix}").to_ascii_lowercase()
    }
}

/// A number that is the same in every run: FNV-1a.
fn stable_number(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |number, byte| {
        (number ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
