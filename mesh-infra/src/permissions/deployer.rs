//! Actions of the deploy tool: the verbs `deploy`, `diff`, `outputs` and `destroy`, and rollouts.

use std::collections::BTreeSet;

use serde_json::json;

use super::deployment::Deployment;
use super::policy::Policy;

/// Parameter paths of the mesh, its replicas' status, its revision markers, and rollouts.
const MESH: &str = "/meshwright/";
const STATUS: &str = "/meshwright-status";
const REVISION: &str = "/meshwright-revision";
const ROLLOUT: &str = "/meshwright-rollout";

/// Actions on a stack.
const STACK: &[&str] = &[
    "cloudformation:CreateChangeSet",
    "cloudformation:DeleteChangeSet",
    "cloudformation:DeleteStack",
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeEvents",
    "cloudformation:DescribeStackDriftDetectionStatus",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStackResourceDrifts",
    "cloudformation:DescribeStackResources",
    "cloudformation:DescribeStacks",
    "cloudformation:DetectStackDrift",
    "cloudformation:DetectStackResourceDrift",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:GetTemplate",
    "cloudformation:ListChangeSets",
    "cloudformation:ListStackResources",
    "cloudformation:TagResource",
    "cloudformation:UntagResource",
    // Tries failed resources again.
    "cloudformation:UpdateStack",
];

/// Actions on what other stacks import from a stack, and share with it.
const OTHER_STACKS: &[&str] = &["cloudformation:ListImports", "cloudformation:ListStacks"];

/// Actions by which `destroy` removes registrations and namespaces that Service Connect leaves behind.
const CLOUD_MAP: &[&str] = &[
    "servicediscovery:DeleteNamespace",
    "servicediscovery:DeleteService",
    "servicediscovery:DeregisterInstance",
    "servicediscovery:GetNamespace",
    "servicediscovery:GetOperation",
    "servicediscovery:GetService",
    "servicediscovery:ListInstances",
    "servicediscovery:ListNamespaces",
    "servicediscovery:ListServices",
    "servicediscovery:ListTagsForResource",
];

/// Actions of checks before a deployment, and of the diagnosis of a failed one. The tool works without them.
const CHECKS: &[&str] = &[
    "cloudformation:ListResources",
    "ec2:DescribeAddresses",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeVpcs",
    "ecr:BatchGetImage",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "ecs:DescribeTasks",
    "ecs:ListTasks",
    "elasticloadbalancing:DescribeLoadBalancers",
    "servicequotas:GetAWSDefaultServiceQuota",
    "servicequotas:GetServiceQuota",
];

/// Actions on the bucket of templates over 51,200 bytes: to make it, and to find it.
const BUCKET: &[&str] = &[
    "s3:CreateBucket",
    "s3:GetBucketTagging",
    "s3:ListBucket",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
];

/// Actions on templates in it.
const TEMPLATES: &[&str] = &["s3:GetObject", "s3:PutObject"];

/// The bucket that the deploy tool makes, and its prefix of templates.
const BUCKET_NAME: &str = "meshwright-templates";
const TEMPLATE_PREFIX: &str = "meshwright";

/// Whose permissions CloudFormation uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeployerRole {
    /// The permissions of this role, which the deployer passes to CloudFormation: `deploy --role-arn`.
    WithServiceRole(String),
    /// The deployer's own.
    WithoutServiceRole,
}

/// Allows the calls of the deploy tool.
pub(super) fn allow_deployer(deployment: &Deployment<'_>, role: &DeployerRole, policy: &mut Policy) {
    let stacks = deployment.stacks().map(|(stack, _)| stack);
    let stacks = stacks.map(|stack| deployment.arn("cloudformation", &format!("stack/{stack}/*")));
    policy.allow(STACK, stacks);
    let region = deployment.regional_condition();
    policy.allow_if(OTHER_STACKS, ["*".to_owned()], &region);
    policy.allow_if(CLOUD_MAP, ["*".to_owned()], &region);
    policy.allow_if(CHECKS, ["*".to_owned()], &region);
    // The last log lines of stopped tasks.
    let groups = deployment
        .resources("AWS::Logs::LogGroup")
        .map(|group| group.name("LogGroupName"));
    let streams = groups.map(|group| deployment.arn("logs", &format!("log-group:{group}:log-stream:*")));
    policy.allow(&["logs:GetLogEvents"], streams);
    let bucket = format!(
        "arn:{}:s3:::{BUCKET_NAME}-{}-{}",
        deployment.partition(),
        deployment.account(),
        deployment.region()
    );
    policy.allow(TEMPLATES, [format!("{bucket}/{TEMPLATE_PREFIX}/*")]);
    policy.allow(BUCKET, [bucket]);
    for mesh in meshes(deployment) {
        for prefix in [STATUS, REVISION] {
            let parameters = parameters(deployment, &format!("{prefix}/{mesh}"));
            policy.allow(&["ssm:GetParametersByPath"], parameters);
        }
        // A rollout waits for the configuration with the versions of these parameters.
        let mesh = parameters(deployment, &format!("{MESH}{mesh}"));
        policy.allow(&["ssm:GetParameter", "ssm:GetParametersByPath"], mesh);
    }
    for (stack, _) in deployment.stacks() {
        // The state, and its lock.
        let state = ["", ".lock"].map(|end| deployment.arn("ssm", &format!("parameter{ROLLOUT}/{stack}{end}")));
        policy.allow(&["ssm:DeleteParameter", "ssm:GetParameter", "ssm:PutParameter"], state);
    }
    if let DeployerRole::WithServiceRole(arn) = role {
        let condition = json!({"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}});
        policy.allow_if(&["iam:PassRole"], [arn.clone()], &condition);
    }
}

/// The meshes whose parameters are in the stacks.
fn meshes(deployment: &Deployment<'_>) -> BTreeSet<String> {
    let resources = deployment
        .stacks()
        .flat_map(|(_, template)| template.resources.values());
    resources
        .filter(|resource| resource.kind == "AWS::SSM::Parameter")
        .filter_map(|parameter| parameter.properties.get("Name")?.as_str()?.strip_prefix(MESH))
        .filter_map(|path| path.split('/').next())
        .map(str::to_owned)
        .collect()
}

/// The parameter with this path, and all below it.
fn parameters(deployment: &Deployment<'_>, path: &str) -> [String; 2] {
    [path.to_owned(), format!("{path}/*")].map(|path| deployment.arn("ssm", &format!("parameter{path}")))
}
