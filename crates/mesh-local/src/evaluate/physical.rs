//! Physical ids and attributes of resources on this machine.
//!
//! Their formats are CloudFormation's (return values of each resource type, read 2026-11-23), with a region and an
//! account that cannot be mistaken for real ones.

use cfn::appmesh::{kind_of, name_properties};
use cfn::closest;
use cfn::evaluate::{Context, Import, Reference, Resolution, Resolver, StackScope};
use mesh_model::app_mesh::{Kind, ResourcePath};
use serde_json::{Value as Json, json};

use super::resource_types::{SIMULATED, is_unsupported};

/// The region of all local resources.
pub const REGION: &str = "local";
/// The account of all local resources.
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

/// Resolves everything, or reports an error.
#[derive(Debug)]
pub(super) struct LocalResolver;

impl Resolver for LocalResolver {
    fn pseudo_parameter(&self, stack: StackScope<'_>, name: &str) -> Option<Json> {
        let stack = stack.name();
        Some(match name {
            "AWS::Region" => Json::from(REGION),
            "AWS::AccountId" => Json::from(ACCOUNT),
            "AWS::Partition" => Json::from("aws"),
            "AWS::URLSuffix" => Json::from("amazonaws.com"),
            "AWS::StackName" => Json::from(stack),
            "AWS::StackId" => arn("cloudformation", &format!("stack/{stack}/local")),
            "AWS::NotificationARNs" => json!([]),
            _ => return None,
        })
    }

    fn resource(&self, reference: Reference<'_>, context: &mut Context<'_>) -> Resolution {
        let kind = reference.resource.kind.as_str();
        let mut resource = PhysicalResource {
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

    fn import(&self, import: Import<'_>, context: &mut Context<'_>) -> Resolution {
        let exported = import.exported;
        let hint = match closest(import.name, exported.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if exported.is_empty() => {
                "they export nothing; give the template of the stack that does, too".to_owned()
            }
            None => format!("they export {}", exported.join(", ")),
        };
        let message = format!(
            "`Fn::ImportValue` needs `{}`, which none of the given stacks exports; {hint}",
            import.name
        );
        context.report(import.path, message);
        Resolution::Invalid
    }

    fn availability_zones(&self, _region: &str) -> Option<Vec<String>> {
        Some(["a", "b", "c"].map(|zone| format!("{REGION}-{zone}")).into())
    }
}

/// A resource under evaluation, and the path of the reference to it.
struct PhysicalResource<'r, 'd> {
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
            "AWS::SSM::Parameter" => Json::from(self.name("Name")),
            // The unsupported type is reported where it is declared.
            kind if is_unsupported(kind) => return Resolution::Invalid,
            kind if ARN_BY_REF.iter().any(|prefix| kind.starts_with(prefix)) => synthetic_arn(kind, self.logical_id),
            // Not simulated. The logical id at least shows where the text came from.
            _ => Json::from(self.logical_id),
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
            kind if attribute.ends_with("Arn") => Resolution::Known(synthetic_arn(kind, self.logical_id)),
            _ => Resolution::Known(Json::from(format!("{}.{attribute}", self.logical_id))),
        })
    }

    /// An attribute of a simulated type.
    fn simulated_attribute(&mut self, kind: &str, attribute: &str) -> Option<Resolution> {
        Some(Resolution::Known(match (kind, attribute) {
            ("AWS::ECS::Cluster", "Arn") => {
                let cluster = self.name("ClusterName");
                arn("ecs", &format!("cluster/{cluster}"))
            }
            ("AWS::ECS::TaskDefinition", "TaskDefinitionArn") => self.task_definition_arn(),
            ("AWS::ECS::Service", "Name") => Json::from(self.name("ServiceName")),
            ("AWS::ECS::Service", "ServiceArn") => self.service_arn(),
            ("AWS::ServiceDiscovery::HttpNamespace" | "AWS::ServiceDiscovery::PrivateDnsNamespace", "Id") => {
                Json::from(self.cloud_map_id("ns"))
            }
            ("AWS::ServiceDiscovery::HttpNamespace" | "AWS::ServiceDiscovery::PrivateDnsNamespace", "Arn") => {
                arn("servicediscovery", &format!("namespace/{}", self.cloud_map_id("ns")))
            }
            ("AWS::ServiceDiscovery::PrivateDnsNamespace", "HostedZoneId") => Json::from(self.cloud_map_id("zone")),
            ("AWS::ServiceDiscovery::Service", "Id") => Json::from(self.cloud_map_id("srv")),
            ("AWS::ServiceDiscovery::Service", "Arn") => {
                arn("servicediscovery", &format!("service/{}", self.cloud_map_id("srv")))
            }
            ("AWS::ServiceDiscovery::Service", "Name") => Json::from(self.name("Name")),
            ("AWS::SSM::Parameter", "Type" | "Value") => match self.property(attribute) {
                Some(text) => Json::from(text),
                None => return Some(Resolution::Invalid),
            },
            _ => return None,
        }))
    }

    /// An attribute of an App Mesh resource: its ARN, and the names in it.
    fn mesh_attribute(&mut self, kind: Kind, attribute: &str) -> Option<Json> {
        Some(match attribute {
            "Arn" => self.mesh_arn(kind),
            "Uid" => Json::from(format!("{}.Uid", self.logical_id)),
            "MeshOwner" | "ResourceOwner" => Json::from(ACCOUNT),
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
        arn("appmesh", &self.mesh_path(kind).to_string())
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
        arn("ecs", &format!("service/{service}"))
    }

    fn task_definition_arn(&mut self) -> Json {
        let family = self.name("Family");
        arn("ecs", &format!("task-definition/{family}:1"))
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

    /// An id like those that Cloud Map generates, unique across stacks.
    fn cloud_map_id(&self, kind: &str) -> String {
        format!("{kind}-{}", self.generated_name().to_ascii_lowercase())
    }
}

/// The ARN of a resource that is not simulated.
fn synthetic_arn(kind: &str, logical_id: &str) -> Json {
    let mut parts = kind.split("::").skip(1);
    let mut part = || parts.next().unwrap_or("resource").to_ascii_lowercase();
    let (service, resource) = (part(), part());
    arn(&service, &format!("{resource}/{logical_id}"))
}

fn arn(service: &str, resource: &str) -> Json {
    Json::from(format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"))
}
