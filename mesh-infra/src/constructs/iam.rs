//! Roles: who may take one, and what it allows, down to the single resource.
//!
//! No managed policy is attached anywhere: `AmazonECSTaskExecutionRolePolicy` allows reading every repository and
//! writing every log group of the account.

use cfn::{Value, iam};
use serde_json::{Value as Json, json};

/// The version of the language of policies, the only one in use.
const VERSION: &str = "2012-10-17";

/// A statement that allows these actions on these resources. One resource stands alone, as people write it.
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

/// An ARN in the stack's partition: `end` is all that follows the service, which `Fn::Sub` reads.
pub(super) fn arn(service: &str, end: &str) -> Json {
    Value::<String>::Sub(format!("arn:${{AWS::Partition}}:{service}:{end}")).to_json()
}

/// The same, in the stack's region and account.
pub(super) fn own_arn(service: &str, resource: &str) -> Json {
    arn(service, &format!("${{AWS::Region}}:${{AWS::AccountId}}:{resource}"))
}

/// The role by which ECS itself, before and beside the containers, pulls images and writes logs.
pub(super) fn execution_role(description: String, statements: Vec<Json>) -> iam::Role {
    role(description, "Execution", trust(None), statements)
}

/// The role that containers act in. Only tasks of the stack's own account and region may take it. Source: ECS developer
/// guide, "Amazon ECS task IAM role", which protects against a confused deputy so (read 2026-11-23).
pub(super) fn task_role(description: String, statements: Vec<Json>) -> iam::Role {
    let condition = json!({
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        "ArnLike": {"aws:SourceArn": own_arn("ecs", "*")}
    });
    role(description, "Task", trust(Some(condition)), statements)
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
        assume_role_policy_document: trust,
        description: Some(Value::Known(description)),
        role_name: None,
        policies: vec![iam::Policy {
            policy_name: Value::from(policy),
            policy_document: json!({"Version": VERSION, "Statement": statements}),
        }],
        managed_policy_arns: None,
        other: serde_json::Map::new(),
    }
}
