//! Permissions: identities, their policies, and resource policies.

use cfn::Resource;
use serde_json::Value as Json;

use super::render::Renderer;

/// Resource policies: type, property of the policy, property of the protected resource.
const RESOURCE_POLICIES: [(&str, &str, &str); 8] = [
    ("AWS::S3::BucketPolicy", "PolicyDocument", "Bucket"),
    ("AWS::SQS::QueuePolicy", "PolicyDocument", "Queues"),
    ("AWS::SNS::TopicPolicy", "PolicyDocument", "Topics"),
    ("AWS::KMS::Key", "KeyPolicy", ""),
    ("AWS::SecretsManager::ResourcePolicy", "ResourcePolicy", "SecretId"),
    ("AWS::ECR::Repository", "RepositoryPolicyText", ""),
    ("AWS::Logs::ResourcePolicy", "PolicyDocument", ""),
    ("AWS::EC2::VPCEndpoint", "PolicyDocument", ""),
];

/// Emits the permission statements of a resource.
pub(super) fn statements_of(id: &str, resource: &Resource, renderer: &Renderer<'_>, emit: &mut dyn FnMut(String)) {
    let properties = &resource.properties;
    let property = |name: &str| properties.get(name);
    match resource.kind.as_str() {
        "AWS::IAM::Role" | "AWS::IAM::User" | "AWS::IAM::Group" => {
            let kind = resource.kind.trim_start_matches("AWS::IAM::").to_lowercase();
            let who = format!("{kind} `{id}`");
            for statement in statements(property("AssumeRolePolicyDocument")) {
                let (whom, unless) = (principals(&statement, renderer), conditions(&statement, renderer));
                let may = if allows(&statement) { "may be" } else { "may not be" };
                emit(format!("{who} {may} assumed by {whom}{unless}"));
            }
            for policy in list(property("Policies")) {
                policy_statements(&who, policy.get("PolicyDocument"), renderer, emit);
            }
            for policy in renderer.render_each(property("ManagedPolicyArns")) {
                emit(format!("{who} has the managed policy {policy}"));
            }
            if let Some(boundary) = property("PermissionsBoundary") {
                emit(format!(
                    "{who} is limited by the permissions boundary {}",
                    renderer.render(boundary)
                ));
            }
            for group in renderer.render_each(property("Groups")) {
                emit(format!("{who} is in group {group}"));
            }
        }
        "AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy" => {
            let mut holders = Vec::new();
            for (kind, property) in [("role", "Roles"), ("user", "Users"), ("group", "Groups")] {
                let names = renderer.render_each(properties.get(property));
                holders.extend(names.iter().map(|name| format!("{kind} `{}`", plain(name))));
            }
            if holders.is_empty() {
                holders.push(format!("the holders of policy `{id}`"));
            }
            for who in holders {
                policy_statements(&who, property("PolicyDocument"), renderer, emit);
            }
        }
        "AWS::IAM::AccessKey" => {
            let user = renderer.render_each(property("UserName")).join(", ");
            emit(format!("user {user} has access key `{id}`"));
        }
        "AWS::IAM::InstanceProfile" => {
            for role in renderer.render_each(property("Roles")) {
                emit(format!("instances with profile `{id}` act as role `{}`", plain(&role)));
            }
        }
        "AWS::IAM::UserToGroupAddition" => {
            for user in renderer.render_each(property("Users")) {
                emit(format!(
                    "user {user} is in group {}",
                    renderer.render_each(property("GroupName")).join(", ")
                ));
            }
        }
        "AWS::Lambda::Permission" => {
            let whom = renderer.render_each(property("Principal")).join(", ");
            let (what, on) = (
                renderer.render_each(property("Action")),
                renderer.render_each(property("FunctionName")),
            );
            emit(format!("{whom} may {} on {}", what.join(", "), on.join(", ")));
        }
        "AWS::CloudFormation::Stack" => {
            emit(format!("nested stack `{id}` may create any resource, including roles"));
        }
        "AWS::ECS::Service"
            if property("EnableExecuteCommand").is_some_and(|enabled| renderer.render(enabled) == "true") =>
        {
            emit(format!(
                "principals with ecs:ExecuteCommand get a shell in tasks of service `{id}`"
            ));
        }
        "AWS::ECS::TaskDefinition" => {
            for (property, meaning) in [("TaskRoleArn", "act as"), ("ExecutionRoleArn", "are started as")] {
                for role in renderer.render_each(properties.get(property)) {
                    let role = plain(role.trim_end_matches(".Arn}"));
                    emit(format!("tasks of `{id}` {meaning} role `{role}`"));
                }
            }
        }
        kind => {
            let Some((_, document, guarded)) = RESOURCE_POLICIES.iter().find(|(known, ..)| *known == kind) else {
                return;
            };
            let guarded = renderer.render_each(properties.get(guarded));
            let guarded = if guarded.is_empty() {
                format!("`{id}`")
            } else {
                guarded.join(", ")
            };
            for statement in statements(property(document)) {
                let (whom, unless) = (principals(&statement, renderer), conditions(&statement, renderer));
                let (may, what) = (may(&statement), actions(&statement, renderer));
                emit(format!("{whom} {may} {what} on {guarded}{unless}"));
            }
        }
    }
}

/// `${Role}` as `Role`.
fn plain(name: &str) -> &str {
    name.trim_start_matches("${").trim_end_matches('}')
}

fn policy_statements(who: &str, document: Option<&Json>, renderer: &Renderer<'_>, emit: &mut dyn FnMut(String)) {
    for statement in statements(document) {
        let (may, what) = (may(&statement), actions(&statement, renderer));
        let on = match (statement.get("Resource"), statement.get("NotResource")) {
            (None, Some(not)) => format!("everything but {}", renderer.render_each(Some(not)).join(", ")),
            (on, _) => match renderer.render_each(on).join(", ") {
                on if on == "*" => "everything".to_owned(),
                on => on,
            },
        };
        let unless = conditions(&statement, renderer);
        emit(format!("{who} {may} {what} on {on}{unless}"));
    }
}

fn list(value: Option<&Json>) -> Vec<Json> {
    match value {
        Some(Json::Array(items)) => items.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    }
}

fn statements(document: Option<&Json>) -> Vec<Json> {
    list(document.and_then(|document| document.get("Statement")))
}

fn allows(statement: &Json) -> bool {
    statement.get("Effect").and_then(Json::as_str) != Some("Deny")
}

fn may(statement: &Json) -> &'static str {
    if allows(statement) { "may" } else { "may not" }
}

fn actions(statement: &Json, renderer: &Renderer<'_>) -> String {
    match (statement.get("Action"), statement.get("NotAction")) {
        (None, Some(not)) => format!("do everything but {}", renderer.render_each(Some(not)).join(", ")),
        (actions, _) => match renderer.render_each(actions).join(", ") {
            all if all == "*" => "do everything".to_owned(),
            actions => actions,
        },
    }
}

fn principals(statement: &Json, renderer: &Renderer<'_>) -> String {
    let (all_but, principal) = match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (None, Some(not)) => ("any principal but ", Some(not)),
        (principal, _) => ("", principal),
    };
    let names = match principal {
        Some(Json::Object(kinds)) => kinds
            .values()
            .flat_map(|names| renderer.render_each(Some(names)))
            .collect(),
        other => renderer.render_each(other),
    };
    let names: Vec<_> = names
        .into_iter()
        .map(|name| if name == "*" { "any principal".to_owned() } else { name })
        .collect();
    format!("{all_but}{}", names.join(", "))
}

fn conditions(statement: &Json, renderer: &Renderer<'_>) -> String {
    let operators = statement.get("Condition").and_then(Json::as_object);
    let mut texts = Vec::new();
    for (operator, keys) in operators.into_iter().flatten() {
        for (key, values) in keys.as_object().into_iter().flatten() {
            texts.push(format!(
                "{key} {operator} {}",
                renderer.render_each(Some(values)).join(" or ")
            ));
        }
    }
    if texts.is_empty() {
        return String::new();
    }
    format!(", if {}", texts.join(" and "))
}
