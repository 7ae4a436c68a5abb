//! A policy that protects the parameters of meshes.

use cfn::{Resource, Value, iam};
use mesh_model::app_mesh::resource_path::PARAMETER_PREFIX;
use serde_json::{Value as Json, json};

use super::iam::VERSION;
use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};

/// What changes a parameter. Source: service authorization reference, "AWS Systems Manager" (read 2026-11-30).
const ACTIONS: [&str; 5] = [
    "ssm:DeleteParameter",
    "ssm:DeleteParameters",
    "ssm:LabelParameterVersion",
    "ssm:PutParameter",
    "ssm:UnlabelParameterVersion",
];

/// A policy that denies changes of the parameters that describe meshes, below `/meshwright/`, to all but the given roles:
/// a person with wide permissions on Parameter Store cannot reroute a mesh by hand, past its stack.
///
/// [`ParameterGuard::document`] is the text, for a service control policy of AWS Organizations, which holds for all roles
/// of an account. Added to a stack, it is a managed policy, which holds for the roles that it is attached to, and for those
/// whose permission boundary includes it.
///
/// The roles are the one that deploys the stacks, or the service role of CloudFormation if stacks have one: CloudFormation
/// calls Parameter Store as the role that deploys, unless it was given another (CloudFormation user guide, "AWS
/// CloudFormation service role", read 2026-11-30). Blue-green deployments change weights by stack updates, so they need no
/// other role.
///
/// ```
/// use mesh_infra::ParameterGuard;
///
/// let guard = ParameterGuard::new(["arn:aws:iam::*:role/deployer"]);
/// println!("{:#}", guard.document());
/// ```
#[derive(Debug, Clone)]
pub struct ParameterGuard {
    roles: Vec<String>,
    mesh: Option<String>,
}

impl ParameterGuard {
    /// A policy with these exceptions: ARNs of roles, in which `*` and `?` are wildcards. At least one.
    #[must_use]
    pub fn new(roles: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            roles: roles.into_iter().map(Into::into).collect(),
            mesh: None,
        }
    }

    /// Protects the parameters of this mesh alone. Default, decided by us: those of all meshes.
    #[must_use]
    pub fn with_mesh(mut self, name: impl Into<String>) -> Self {
        self.mesh = Some(name.into());
        self
    }

    /// The policy document, for every region and partition.
    #[must_use]
    pub fn document(&self) -> Json {
        let arn = |path: String| format!("arn:*:ssm:*:*:parameter{path}");
        let resources = match &self.mesh {
            // The mesh itself has a parameter as well.
            Some(mesh) => vec![
                arn(format!("{PARAMETER_PREFIX}{mesh}")),
                arn(format!("{PARAMETER_PREFIX}{mesh}/*")),
            ],
            None => vec![arn(format!("{PARAMETER_PREFIX}*"))],
        };
        json!({"Version": VERSION, "Statement": [{
            "Sid": "OnlyDeploymentsChangeMeshes",
            "Effect": "Deny",
            "Action": ACTIONS,
            "Resource": resources,
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": self.roles}}
        }]})
    }
}

/// A guard that was added to a stack.
#[derive(Debug, Clone)]
pub struct ParameterGuardHandle(LogicalId);

impl ParameterGuardHandle {
    /// The policy's logical id.
    #[must_use]
    pub fn logical_id(&self) -> &LogicalId {
        &self.0
    }

    /// The policy's ARN.
    #[must_use]
    pub fn arn(&self) -> Value<String> {
        Value::reference(self.0.qualified())
    }
}

impl Construct for ParameterGuard {
    type Handle = ParameterGuardHandle;
    const KIND: &'static str = "Policy";

    fn add_to(self, scope: &mut Scope<'_>) -> ParameterGuardHandle {
        let id = scope.logical_id();
        let path = format!("Resources.{id}.Properties.PolicyDocument");
        if self.roles.is_empty() {
            let message = "allows no role, so that no deployment could change a mesh; add the role that deploys";
            scope.diagnostics().add(path.as_str(), message);
        }
        for role in self.roles.iter().filter(|role| !is_role_arn(role)) {
            let message =
                format!("allows `{role}`; expected the ARN of a role, such as arn:aws:iam::123456789012:role/NAME");
            scope.diagnostics().add(path.as_str(), message);
        }
        let policy = iam::ManagedPolicy {
            description: Some(Value::from(
                "Denies changes of mesh parameters to all but the roles that deploy",
            )),
            ..iam::ManagedPolicy::new(self.document())
        };
        scope.add_resource(&id, Resource::of(&policy));
        ParameterGuardHandle(id)
    }
}

fn is_role_arn(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    matches!(parts[..], ["arn", _, "iam", "", _, role] if role.starts_with("role/"))
}
