//! Actions that CloudFormation needs to create, read, update and delete a resource.
//!
//! Sources: "handlers" of the resource schemas in the CloudFormation registry, and the service authorization reference
//! (read 2026-11-30).

mod ec2;
mod ecs;
mod elbv2;
mod observability;
mod others;
mod storage;

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Value as Json, json};

use super::deployment::Deployment;
use super::policy::Policy;
use super::resource_names::{StackResource, by_path};

/// Why a policy cannot be derived from templates.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyError {
    /// The actions of these resource types are not known here.
    UnknownTypes(Vec<String>),
    /// These roles, by logical id, have a name that only the deployment knows: a policy would have to allow all roles.
    UnknownRoleNames(Vec<String>),
}

impl fmt::Display for PolicyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownTypes(types) => write!(
                formatter,
                "no IAM actions are known for {0}; write these statements yourself, with the actions in the schema of the \
                 resource type (`aws cloudformation describe-type --type RESOURCE --type-name {1}`)",
                types.join(", "),
                types.first().map_or("NAME", String::as_str)
            ),
            Self::UnknownRoleNames(roles) => write!(
                formatter,
                "the names of the roles {} are values of the deployment, so that a policy would have to allow all roles; \
                 leave the names to CloudFormation, or use `Stack::with_role_name_prefix`",
                roles.join(", ")
            ),
        }
    }
}

impl std::error::Error for PolicyError {}

const ROLE: &str = "AWS::IAM::Role";

/// Where the actions of a type are allowed.
#[derive(Debug, Clone, Copy)]
enum Scope {
    /// All resources of the region: identifiers are generated, or the action has no resource type.
    Region,
    /// All resources of a service without regions.
    Global,
    /// Log groups, by name.
    LogGroup,
    /// Parameters, by name.
    Parameter,
    /// The cluster, by name.
    Cluster,
    /// Services and their deployments, in clusters of the stacks.
    Service,
    /// Task definitions, by family.
    TaskDefinition,
    /// The role, by name and path.
    Role,
    /// Actions by which the role gets permissions, with its permissions boundary.
    NewRole,
    /// Passing the role to ECS tasks.
    PassRole,
    /// The policy, by name and path.
    ManagedPolicy,
    /// The alarm, by name.
    Alarm,
    /// Dashboards: how CloudFormation names them is not documented.
    Dashboard,
    /// The repository, by name.
    Repository,
}

/// Actions and where they are allowed.
type Rule = (Scope, &'static [&'static str]);

/// A resource type with its rules, and the services whose service-linked role it may create.
#[derive(Debug)]
struct ResourceActions {
    kind: &'static str,
    rules: &'static [Rule],
    linked_services: &'static [&'static str],
}

/// All known types.
fn known() -> impl Iterator<Item = &'static ResourceActions> {
    [
        ec2::TYPES,
        ecs::TYPES,
        elbv2::TYPES,
        observability::TYPES,
        others::TYPES,
        storage::TYPES,
    ]
    .into_iter()
    .flatten()
}

/// Allows what CloudFormation needs for the resources of the stacks.
pub(super) fn allow_resources(deployment: &Deployment<'_>, policy: &mut Policy) -> Result<(), PolicyError> {
    let boundary = permissions_boundary(deployment);
    let mut unknown = BTreeSet::new();
    for resource in deployment.all_resources() {
        let Some(known) = known().find(|known| known.kind == resource.resource.kind) else {
            unknown.insert(resource.resource.kind.clone());
            continue;
        };
        for (scope, actions) in known.rules {
            let condition = condition(deployment, *scope, boundary.as_deref());
            policy.allow_if(actions, resources(deployment, *scope, resource), &condition);
        }
        for service in known.linked_services {
            allow_service_linked_role(deployment, service, policy);
        }
    }
    if !unknown.is_empty() {
        return Err(PolicyError::UnknownTypes(unknown.into_iter().collect()));
    }
    let roles = deployment.resources(ROLE).filter(|role| role.name("RoleName") == "*");
    let unnamed: Vec<String> = roles.map(|role| role.logical_id.to_owned()).collect();
    match unnamed.is_empty() {
        true => Ok(()),
        false => Err(PolicyError::UnknownRoleNames(unnamed)),
    }
}

/// The resources of a rule. Source of ARNs and of the actions that have none: service authorization reference (read
/// 2026-11-30).
fn resources(deployment: &Deployment<'_>, scope: Scope, resource: StackResource<'_>) -> Vec<String> {
    match scope {
        Scope::Region | Scope::Global => vec!["*".to_owned()],
        Scope::LogGroup => {
            let arn = deployment.arn("logs", &format!("log-group:{}", resource.name("LogGroupName")));
            vec![format!("{arn}:*"), arn]
        }
        Scope::Parameter => {
            let generated = || format!("CFN-{}*", resource.stack);
            let name = resource.named("Name").unwrap_or_else(generated);
            by_path(&name)
                .into_iter()
                .map(|path| deployment.arn("ssm", &format!("parameter/{}", path.trim_start_matches('/'))))
                .collect()
        }
        Scope::Cluster => vec![deployment.arn("ecs", &format!("cluster/{}", resource.name("ClusterName")))],
        // The cluster may be in another stack.
        Scope::Service => {
            let name = resource.name("ServiceName");
            ["service", "service-deployment", "service-revision"]
                .map(|kind| match kind {
                    "service" => deployment.arn("ecs", &format!("{kind}/*/{name}")),
                    _ => deployment.arn("ecs", &format!("{kind}/*/{name}/*")),
                })
                .to_vec()
        }
        Scope::TaskDefinition => {
            let family = resource.name("Family");
            vec![deployment.arn("ecs", &format!("task-definition/{family}:*"))]
        }
        Scope::ManagedPolicy => {
            let path = resource.named("Path").unwrap_or_else(|| "/".to_owned());
            let name = resource.name("ManagedPolicyName");
            vec![deployment.global_arn("iam", &format!("policy{path}{name}"))]
        }
        Scope::Alarm => vec![deployment.arn("cloudwatch", &format!("alarm:{}", resource.name("AlarmName")))],
        Scope::Dashboard => vec![deployment.global_arn("cloudwatch", "dashboard/*")],
        Scope::Repository => {
            // Generated names are in lower case.
            let generated = || format!("{}-*", resource.stack.to_lowercase());
            let name = resource.named("RepositoryName").unwrap_or_else(generated);
            vec![deployment.arn("ecr", &format!("repository/{name}"))]
        }
        Scope::Role | Scope::NewRole | Scope::PassRole => {
            let path = resource.named("Path").unwrap_or_else(|| "/".to_owned());
            let name = resource.name("RoleName");
            vec![deployment.global_arn("iam", &format!("role{path}{name}"))]
        }
    }
}

/// The condition of a rule; null for none.
fn condition(deployment: &Deployment<'_>, scope: Scope, boundary: Option<&str>) -> Json {
    match (scope, boundary) {
        (Scope::Region, _) => deployment.regional_condition(),
        (Scope::NewRole, Some(boundary)) => json!({"ArnLike": {"iam:PermissionsBoundary": boundary}}),
        (Scope::PassRole, _) => json!({"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}),
        _ => Json::Null,
    }
}

/// The permissions boundary that every role of the stacks has.
fn permissions_boundary(deployment: &Deployment<'_>) -> Option<String> {
    let mut roles = deployment.resources(ROLE);
    let boundary = |role: StackResource<'_>| role.named("PermissionsBoundary");
    let first = roles.next().and_then(boundary)?;
    (first != "*" && roles.all(|role| boundary(role).as_ref() == Some(&first))).then_some(first)
}

/// Allows creating the role with which an AWS service acts for the account: the first user of a service in an account
/// creates it. Source: IAM user guide, "Service-linked roles" (read 2026-11-30).
fn allow_service_linked_role(deployment: &Deployment<'_>, service: &str, policy: &mut Policy) {
    let role = deployment.global_arn("iam", &format!("role/aws-service-role/{service}/*"));
    let condition = json!({"StringEquals": {"iam:AWSServiceName": service}});
    policy.allow_if(&["iam:CreateServiceLinkedRole"], [role], &condition);
}
