//! What parameters and resources answer to `Ref` and `Fn::GetAtt` when the stack is this machine.
//!
//! The forms are CloudFormation's (return values of each resource type, read 2026-11-23), with a region and an
//! account that cannot be mistaken for real ones.

use mesh_infra::cfn::appmesh::{kind_of, name_properties};
use mesh_infra::cfn::unknown;
use mesh_model::app_mesh::Kind;
use serde_json::{Value as Json, json};

use super::{Evaluation, Progress, RUN, is_refused, wrong};

/// The region of everything that runs here.
pub(crate) const REGION: &str = "local";
/// The account of everything that runs here.
pub(crate) const ACCOUNT: &str = "000000000000";

/// Types that do not run here and answer `Ref` with an ARN, which templates take apart.
const ARN_BY_REF: [&str; 7] = [
    "AWS::ACMPCA::CertificateAuthority",
    "AWS::CertificateManager::Certificate",
    "AWS::ElasticLoadBalancingV2::",
    "AWS::IAM::ManagedPolicy",
    "AWS::SNS::Topic",
    "AWS::SecretsManager::Secret",
    "AWS::StepFunctions::StateMachine",
];

impl Evaluation<'_> {
    pub(super) fn reference(self, name: &str, path: &str, progress: &mut Progress<'_>) -> Json {
        if let Some(value) = self.pseudo_parameter(name) {
            return value;
        }
        if let Some(value) = self.stack().parameters.get(name) {
            return value.clone();
        }
        let Some(resource) = self.stack().template.resources.get(name) else {
            return wrong(
                path,
                &format!("refers to `{name}`, which is neither a parameter nor a resource"),
                progress,
            );
        };
        if !self.is_there(name, progress) {
            return left_out(name, path, progress);
        }
        if let Some(kind) = kind_of(&resource.kind) {
            return self.mesh_arn(name, kind, path, progress);
        }
        match resource.kind.as_str() {
            "AWS::ECS::Cluster" => Json::from(self.name_of(name, "ClusterName", path, progress)),
            "AWS::ECS::TaskDefinition" => {
                let family = self.name_of(name, "Family", path, progress);
                arn("ecs", &format!("task-definition/{family}:1"))
            }
            "AWS::ECS::Service" => self.service_arn(name, path, progress),
            "AWS::ServiceDiscovery::HttpNamespace" | "AWS::ServiceDiscovery::PrivateDnsNamespace" => {
                Json::from(self.cloud_map_id("ns", name))
            }
            "AWS::ServiceDiscovery::Service" => Json::from(self.cloud_map_id("srv", name)),
            "AWS::SSM::Parameter" => Json::from(self.name_of(name, "Name", path, progress)),
            // That it cannot be run is the problem; what it would have answered is none of its own.
            kind if is_refused(kind) => unknown(),
            kind if ARN_BY_REF.iter().any(|prefix| kind.starts_with(prefix)) => made_up_arn(kind, name),
            // What is not simulated has no value here; its logical id says at least where the text came from.
            _ => Json::from(name),
        }
    }

    pub(super) fn attribute(self, name: &str, attribute: &str, path: &str, progress: &mut Progress<'_>) -> Json {
        let Some(resource) = self.stack().template.resources.get(name) else {
            return wrong(path, &format!("refers to `{name}`, which is no resource"), progress);
        };
        if !self.is_there(name, progress) {
            return left_out(name, path, progress);
        }
        let kind = resource.kind.as_str();
        let known = match kind_of(kind) {
            Some(kind) => self.mesh_attribute(name, kind, attribute, path, progress),
            None => self.known_attribute(name, kind, attribute, path, progress),
        };
        known.unwrap_or_else(|| match kind {
            kind if is_refused(kind) => unknown(),
            kind if RUN.contains(&kind) => wrong(
                path,
                &format!("`{name}` is an {kind}, which has no attribute `{attribute}` here"),
                progress,
            ),
            kind if attribute.ends_with("Arn") => made_up_arn(kind, name),
            _ => Json::from(format!("{name}.{attribute}")),
        })
    }

    /// An attribute of a resource that means something here.
    fn known_attribute(
        self,
        name: &str,
        kind: &str,
        attribute: &str,
        path: &str,
        progress: &mut Progress<'_>,
    ) -> Option<Json> {
        Some(match (kind, attribute) {
            ("AWS::ECS::Cluster", "Arn") => {
                let cluster = self.name_of(name, "ClusterName", path, progress);
                arn("ecs", &format!("cluster/{cluster}"))
            }
            ("AWS::ECS::TaskDefinition", "TaskDefinitionArn") => self.reference(name, path, progress),
            ("AWS::ECS::Service", "Name") => Json::from(self.name_of(name, "ServiceName", path, progress)),
            ("AWS::ECS::Service", "ServiceArn") => self.service_arn(name, path, progress),
            ("AWS::ServiceDiscovery::HttpNamespace" | "AWS::ServiceDiscovery::PrivateDnsNamespace", "Id") => {
                Json::from(self.cloud_map_id("ns", name))
            }
            ("AWS::ServiceDiscovery::HttpNamespace" | "AWS::ServiceDiscovery::PrivateDnsNamespace", "Arn") => arn(
                "servicediscovery",
                &format!("namespace/{}", self.cloud_map_id("ns", name)),
            ),
            ("AWS::ServiceDiscovery::PrivateDnsNamespace", "HostedZoneId") => {
                Json::from(self.cloud_map_id("zone", name))
            }
            ("AWS::ServiceDiscovery::Service", "Id") => Json::from(self.cloud_map_id("srv", name)),
            ("AWS::ServiceDiscovery::Service", "Arn") => arn(
                "servicediscovery",
                &format!("service/{}", self.cloud_map_id("srv", name)),
            ),
            ("AWS::ServiceDiscovery::Service", "Name") => Json::from(self.name_of(name, "Name", path, progress)),
            ("AWS::SSM::Parameter", "Type" | "Value") => {
                let text = self.property(name, attribute, path, progress);
                text.map_or_else(unknown, Json::from)
            }
            _ => return None,
        })
    }

    /// An attribute of a resource of App Mesh: its ARN, and all names that are in it.
    fn mesh_attribute(
        self,
        name: &str,
        kind: Kind,
        attribute: &str,
        path: &str,
        progress: &mut Progress<'_>,
    ) -> Option<Json> {
        Some(match attribute {
            "Arn" => self.mesh_arn(name, kind, path, progress),
            "Uid" => Json::from(format!("{name}.Uid")),
            "MeshOwner" | "ResourceOwner" => Json::from(ACCOUNT),
            attribute => {
                let position = name_properties(kind)
                    .iter()
                    .position(|property| *property == attribute)?;
                let resource = self.mesh_path(name, kind, path, progress);
                Json::from(match (position, resource.parent) {
                    (0, _) => resource.mesh,
                    (1, Some(parent)) => parent,
                    _ => resource.name,
                })
            }
        })
    }

    fn mesh_arn(self, name: &str, kind: Kind, path: &str, progress: &mut Progress<'_>) -> Json {
        let resource = self.mesh_path(name, kind, path, progress);
        arn("appmesh", &resource.to_string())
    }

    fn pseudo_parameter(self, name: &str) -> Option<Json> {
        let stack = self.stack().name;
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

    fn service_arn(self, name: &str, path: &str, progress: &mut Progress<'_>) -> Json {
        let service = self.name_of(name, "ServiceName", path, progress);
        arn("ecs", &format!("service/{service}"))
    }

    /// An id that Cloud Map would make up. Those of several stacks must differ.
    fn cloud_map_id(self, kind: &str, logical_id: &str) -> String {
        format!("{kind}-{}", self.generated_name(logical_id).to_ascii_lowercase())
    }
}

fn left_out(name: &str, path: &str, progress: &mut Progress<'_>) -> Json {
    wrong(
        path,
        &format!("refers to `{name}`, which its condition leaves out"),
        progress,
    )
}

/// The ARN of a resource that does not run here.
fn made_up_arn(kind: &str, logical_id: &str) -> Json {
    let mut words = kind.split("::").skip(1);
    let mut word = || words.next().unwrap_or("resource").to_ascii_lowercase();
    let (service, resource) = (word(), word());
    arn(&service, &format!("{resource}/{logical_id}"))
}

fn arn(service: &str, resource: &str) -> Json {
    Json::from(format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"))
}
