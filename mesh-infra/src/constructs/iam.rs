//! IAM roles with permissions for single resources.
//!
//! No managed policy is attached: `AmazonECSTaskExecutionRolePolicy` allows reading every repository and writing to
//! every log group of the account.

use cfn::{Value, iam};
use serde_json::{Value as Json, json};

/// The version of the policy language, the only one in use.
pub(super) const VERSION: &str = "2012-10-17";

/// A statement that allows these actions on these resources. A single action or resource is written without a list.
pub(super) fn allow(actions: &[&str], mut resources: Vec<Json>) -> Json {
    let resource = match resources.len() {
        1 => resources.remove(0),
        _ => Json::from(resources),
    };
    let action = match actions {
        [only] => Json::from(*only),
        several => json!(several),
    };
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

/// An ARN in the stack's partition. `end` follows the service and may contain `${…}`.
pub(super) fn arn(service: &str, end: &str) -> Json {
    Value::<String>::Sub(format!("arn:${{AWS::Partition}}:{service}:{end}")).to_json()
}

/// An ARN in the stack's region and account.
pub(super) fn own_arn(service: &str, resource: &str) -> Json {
    own_arn_value(service, resource).to_json()
}

/// As [`own_arn`], as a value.
pub(super) fn own_arn_value(service: &str, resource: &str) -> Value<String> {
    Value::Sub(format!(
        "arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}"
    ))
}

/// The role with which ECS itself pulls images and writes logs.
pub(super) fn execution_role(description: String, statements: Vec<Json>) -> iam::Role {
    role(description, "Execution", trust(None), statements)
}

/// The role of the containers. Only tasks of the stack's own account and region can assume it, which prevents the
/// confused-deputy problem. Source: ECS developer guide, "Amazon ECS task IAM role" (read 2026-11-23).
pub(super) fn task_role(description: String, statements: Vec<Json>) -> iam::Role {
    let condition = json!({
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        "ArnLike": {"aws:SourceArn": own_arn("ecs", "*")}
    });
    role(description, "Task", trust(Some(condition)), statements)
}

/// What the agent of ECS Exec calls. Source: ECS developer guide, "Amazon ECS task IAM role", "Permissions required for ECS
/// Exec" (read 2026-11-30). Channels have no ARN.
pub(super) fn exec_statement() -> Json {
    const CHANNELS: [&str; 4] = [
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
    ];
    allow(&CHANNELS, vec![json!("*")])
}

fn trust(condition: Option<Json>) -> Json {
    let mut statement = json!({
        "Effect": "Allow",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": "sts:AssumeRole"
    });
    if let Some(condition) = condition {
        statement["Condition"] = condition;
    }
    json!({"Version": VERSION, "Statement": [statement]})
}

fn role(description: String, policy: &str, trust: Json, statements: Vec<Json>) -> iam::Role {
    iam::Role {
        description: Some(Value::Known(description)),
        policies: vec![iam::Policy {
            policy_name: Value::from(policy),
            policy_document: json!({"Version": VERSION, "Statement": statements}),
        }],
        ..iam::Role::new(trust)
    }
}
