//! What only App Mesh needed: its actions in policies, its managed policies, its VPC endpoints, and the parameter with the
//! name of its image. And what Envoys need instead: the permission to pull their image.

use std::collections::BTreeSet;

use cfn::{ResourceType, Template, ecs, iam, intrinsic};
use mesh_infra::EnvoyContainer;
use serde_json::{Map, Value as Json, json};

use super::changes::ChangeKind;
use super::control_planes::referenced;
use super::draft::Draft;

/// The prefix of App Mesh's actions, and of those of its preview.
const ACTIONS: [&str; 2] = ["appmesh:", "appmesh-preview:"];
/// The beginning of the names of AWS's managed policies for App Mesh, such as `AWSAppMeshEnvoyAccess`.
const MANAGED_POLICIES: &str = ":aws:policy/AWSAppMesh";
/// AWS's managed policy for execution roles. Source: ECS developer guide, "Amazon ECS task execution IAM role" (read
/// 2026-11-23).
const EXECUTION_POLICY: &str = "AmazonECSTaskExecutionRolePolicy";
/// The ends of the names of App Mesh's VPC endpoint services. Source: App Mesh user guide, "Interface VPC endpoints" (read
/// 2026-11-23).
const ENDPOINTS: [&str; 2] = [".appmesh-envoy-management", ".appmesh"];
/// Where AWS publishes the name of App Mesh's Envoy image.
const IMAGE_PARAMETER: &str = "/aws/service/appmesh/";

const NO_API: &str =
    "App Mesh's API and endpoint no longer exist, and the control plane needs no permission of an Envoy";

/// Removes App Mesh's actions and managed policies from the roles and policies of a stack.
pub(crate) fn remove_actions(stack: usize, draft: &mut Draft<'_>) {
    let mut empty = Vec::new();
    let stack_name = draft.name(stack);
    let Draft { templates, changes, .. } = draft;
    for (id, resource) in &mut templates[stack].resources {
        if !resource.kind.starts_with("AWS::IAM::") {
            continue;
        }
        let target = (stack_name, id.as_str(), resource.kind.as_str());
        let Json::Object(properties) = &mut resource.properties else {
            continue;
        };
        let mut removed = Vec::new();
        if let Some(Json::Array(managed)) = properties.get_mut("ManagedPolicyArns") {
            managed.retain(|arn| {
                let text = arn.to_string();
                let is_ours = text.contains(MANAGED_POLICIES);
                if is_ours {
                    removed.push("AWS's managed policy for App Mesh".to_owned());
                }
                !is_ours
            });
        }
        if properties.get("ManagedPolicyArns") == Some(&json!([])) {
            properties.shift_remove("ManagedPolicyArns");
        }
        if let Some(Json::Array(policies)) = properties.get_mut("Policies") {
            policies.retain_mut(|policy| {
                let actions = policy.get_mut("PolicyDocument").map(remove_from_document);
                let (actions, is_empty) = actions.unwrap_or_default();
                removed.extend(actions);
                !is_empty
            });
        }
        if properties.get("Policies") == Some(&json!([])) {
            properties.shift_remove("Policies");
        }
        if let Some(document) = properties.get_mut("PolicyDocument") {
            let (actions, is_empty) = remove_from_document(document);
            removed.extend(actions);
            if is_empty {
                empty.push(id.clone());
            }
        }
        removed.dedup();
        if !removed.is_empty() && !empty.contains(id) {
            changes.add(
                target,
                ChangeKind::Changed,
                format!("without {}", removed.join(", ")),
                NO_API,
            );
        }
    }
    for id in empty {
        remove(stack, &id, "the policy, which allows nothing else", NO_API, draft);
    }
}

/// Removes App Mesh's actions from the statements of a policy. Returns them, and whether no statement is left.
fn remove_from_document(document: &mut Json) -> (Vec<String>, bool) {
    let mut removed = Vec::new();
    let Some(statements) = document.get_mut("Statement") else {
        return (removed, false);
    };
    let mut keeps = |statement: &mut Json| {
        let Some(actions) = statement.get_mut("Action") else {
            return true;
        };
        let is_ours = |action: &Json| {
            let text = action.as_str().unwrap_or_default().to_ascii_lowercase();
            ACTIONS.iter().any(|prefix| text.starts_with(prefix))
        };
        match actions {
            Json::Array(list) => {
                let count = list.len();
                list.retain(|action| {
                    if is_ours(action) {
                        removed.push(action.as_str().unwrap_or_default().to_owned());
                    }
                    !is_ours(action)
                });
                count == 0 || !list.is_empty()
            }
            action if is_ours(action) => {
                removed.push(action.as_str().unwrap_or_default().to_owned());
                false
            }
            _ => true,
        }
    };
    let is_empty = match statements {
        Json::Array(list) => {
            list.retain_mut(|statement| keeps(statement));
            list.is_empty()
        }
        Json::Object(_) => !keeps(statements),
        _ => false,
    };
    let is_emptied = is_empty && !removed.is_empty();
    (removed, is_emptied)
}

/// Removes the VPC endpoints of App Mesh's API and of its Envoy management endpoint.
pub(crate) fn remove_endpoints(stack: usize, draft: &mut Draft<'_>) {
    let resources = draft.stacks.sources()[stack].template.resources.iter();
    let is_ours = |service: &Json| {
        let text = cfn::evaluate::render(&draft.stacks.valued(stack, service).unwrap_or_default());
        ENDPOINTS.iter().any(|end| text.ends_with(end))
    };
    let found: Vec<String> = resources
        .filter(|(_, resource)| resource.kind == "AWS::EC2::VPCEndpoint")
        .filter(|(_, resource)| resource.properties.get("ServiceName").is_some_and(is_ours))
        .map(|(id, _)| id.clone())
        .collect();
    for id in found {
        let reason = "App Mesh's endpoint services no longer exist, so CloudFormation could not create it";
        remove(stack, &id, "the VPC endpoint", reason, draft);
    }
}

/// Removes a resource, and the outputs and dependencies that refer to it. Reports other references.
fn remove(stack: usize, id: &str, what: &str, reason: &str, draft: &mut Draft<'_>) {
    let stack_name = draft.name(stack);
    let template = &mut draft.templates[stack];
    let Some(resource) = template.resources.shift_remove(id) else {
        return;
    };
    let kind = resource.kind.as_str();
    draft
        .changes
        .add((stack_name, id, kind), ChangeKind::Removed, what, reason);
    for other in template.resources.values_mut() {
        other.depends_on.retain(|dependency| dependency != id);
    }
    let outputs: Vec<String> = template
        .outputs
        .iter()
        .filter(|(_, output)| refers_to(&output.value, id))
        .map(|(name, _)| name.clone())
        .collect();
    for name in outputs {
        template.outputs.shift_remove(&name);
        let reason = format!("it refers to `{id}`, which is removed");
        draft
            .changes
            .add((stack_name, &name, "Output"), ChangeKind::Removed, "the output", reason);
    }
    for (other, resource) in &template.resources {
        if refers_to(&resource.properties, id) {
            let message = format!("refers to `{id}` ({kind}), which existed only for App Mesh; remove the reference");
            draft
                .diagnostics
                .add(format!("{stack_name}.Resources.{other}.Properties"), message);
        }
    }
}

/// Whether a value refers to a resource or parameter.
fn refers_to(json: &Json, id: &str) -> bool {
    match intrinsic(json) {
        Some(("Fn::Sub", argument)) => {
            let text = argument
                .as_str()
                .or_else(|| argument.get(0)?.as_str())
                .unwrap_or_default();
            let mut names = text.split("${").skip(1).filter_map(|rest| rest.split_once('}'));
            let is_name = |name: &str| name.trim().split('.').next() == Some(id);
            if names.any(|(name, _)| is_name(name)) {
                return true;
            }
        }
        Some(_) if referenced(json) == Some(id) => return true,
        _ => {}
    }
    match json {
        Json::Object(object) => object.values().any(|value| refers_to(value, id)),
        Json::Array(items) => items.iter().any(|item| refers_to(item, id)),
        _ => false,
    }
}

/// Removes the template's parameters with the name of App Mesh's image, which nothing uses any more: CloudFormation looks
/// up the value of each parameter, used or not.
pub(crate) fn remove_image_parameters(stack: usize, draft: &mut Draft<'_>) {
    let stack_name = draft.name(stack);
    let template = &mut draft.templates[stack];
    let is_ours = |parameter: &cfn::Parameter| {
        let default = parameter.default.as_ref().and_then(Json::as_str).unwrap_or_default();
        parameter.kind.starts_with("AWS::SSM::Parameter::") && default.starts_with(IMAGE_PARAMETER)
    };
    let unused: Vec<String> = template
        .parameters
        .iter()
        .filter(|(name, parameter)| is_ours(parameter) && !is_used(template, name))
        .map(|(name, _)| name.clone())
        .collect();
    for name in unused {
        template.parameters.shift_remove(&name);
        draft.changes.add(
            (stack_name, &name, "Parameter"),
            ChangeKind::Removed,
            "the parameter",
            "it has the name of App Mesh's image, which no container uses any more",
        );
    }
}

fn is_used(template: &Template, name: &str) -> bool {
    let resources = template.resources.values().map(|resource| &resource.properties);
    let outputs = template.outputs.values().map(|output| &output.value);
    let conditions = template.conditions.values();
    resources
        .chain(outputs)
        .chain(conditions)
        .any(|json| refers_to(json, name))
}

/// Lets ECS pull the Envoy image of a task definition.
pub(crate) fn allow_pull(stack: usize, task: &str, draft: &mut Draft<'_>) {
    const POLICY: &str = "EnvoyImage";
    let stack_name = draft.name(stack);
    let Draft { templates, changes, .. } = draft;
    let template = &mut templates[stack];
    let reason = "ECS pulls the image from the account's own registry";
    let role = template.resources[task].properties.get("ExecutionRoleArn").cloned();
    let Some(role) = role else {
        let mut id = format!("{task}ExecutionRole");
        while template.resources.contains_key(&id) {
            id.push('X');
        }
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"
        }]});
        let properties = json!({"AssumeRolePolicyDocument": trust, "Policies": [policy(POLICY)]});
        template.resources[task].properties["ExecutionRoleArn"] = json!({"Fn::GetAtt": [id, "Arn"]});
        template
            .resources
            .insert(id.clone(), cfn::Resource::new(iam::Role::KIND, properties));
        let target = (stack_name, id.as_str(), iam::Role::KIND);
        return changes.add(target, ChangeKind::Added, format!("execution role of {task}"), reason);
    };
    let id = referenced(&role).filter(|id| {
        template
            .resources
            .get(*id)
            .is_some_and(|role| role.kind == iam::Role::KIND)
    });
    let Some(id) = id.map(str::to_owned) else {
        let what = format!("execution role {}", cfn::evaluate::render(&role));
        let reason = format!("{reason}; this role, which is not in the template, must allow it");
        return changes.add(
            (stack_name, task, ecs::TaskDefinition::KIND),
            ChangeKind::Kept,
            what,
            reason,
        );
    };
    let is_allowed = {
        let attached = template.resources.values().filter(|other| {
            let roles = other.properties.get("Roles").and_then(Json::as_array);
            roles.is_some_and(|roles| roles.iter().any(|role| referenced(role) == Some(&id)))
        });
        let mut policies = attached
            .map(|policy| &policy.properties)
            .chain([&template.resources[&id].properties]);
        policies.any(allows_any_image)
    };
    if is_allowed {
        return;
    }
    let Json::Object(properties) = &mut template.resources[&id].properties else {
        return;
    };
    match properties.get_mut("Policies") {
        Some(Json::Array(policies)) if policies.iter().any(|policy| policy["PolicyName"] == POLICY) => return,
        Some(Json::Array(policies)) => policies.push(policy(POLICY)),
        _ => drop(properties.insert("Policies".to_owned(), json!([policy(POLICY)]))),
    }
    let target = (stack_name, id.as_str(), iam::Role::KIND);
    changes.add(
        target,
        ChangeKind::Changed,
        "policy that allows pulling Envoy's image",
        reason,
    );
}

fn policy(name: &str) -> Json {
    let document = json!({"Version": "2012-10-17", "Statement": EnvoyContainer::pull_statements()});
    json!({"PolicyName": name, "PolicyDocument": document})
}

/// Whether a role or policy allows pulling images of any repository.
fn allows_any_image(properties: &Json) -> bool {
    let managed = properties
        .get("ManagedPolicyArns")
        .map(Json::to_string)
        .unwrap_or_default();
    managed.contains(EXECUTION_POLICY) || statements(properties).iter().any(|statement| allows_pull(statement))
}

/// The statements of all policies in the properties of a role or policy.
fn statements(properties: &Json) -> Vec<&Map<String, Json>> {
    let inline = properties
        .get("Policies")
        .and_then(Json::as_array)
        .into_iter()
        .flatten();
    let documents = inline
        .chain([properties])
        .filter_map(|policy| policy.get("PolicyDocument"));
    let statements = documents.filter_map(|document| document.get("Statement"));
    let lists = statements.flat_map(|statement| match statement {
        Json::Array(list) => list.iter().collect(),
        single => vec![single],
    });
    lists.filter_map(Json::as_object).collect()
}

fn allows_pull(statement: &Map<String, Json>) -> bool {
    let texts = |key: &str| -> BTreeSet<String> {
        let values = match statement.get(key) {
            Some(Json::Array(list)) => list.iter().collect(),
            Some(single) => vec![single],
            None => Vec::new(),
        };
        values.into_iter().filter_map(Json::as_str).map(str::to_owned).collect()
    };
    let actions = texts("Action");
    let is_pull = ["*", "ecr:*", "ecr:BatchGetImage"]
        .iter()
        .any(|action| actions.contains(*action));
    statement.get("Effect").and_then(Json::as_str) == Some("Allow") && is_pull && texts("Resource").contains("*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_actions_of_app_mesh_are_removed() {
        let mut document = json!({"Statement": [
            {"Action": "appmesh:StreamAggregatedResources", "Resource": "*"},
            {"Action": ["appmesh:*", "s3:GetObject"], "Resource": "*"},
            {"NotAction": "iam:*"}
        ]});
        let (removed, is_empty) = remove_from_document(&mut document);
        assert_eq!(removed, ["appmesh:StreamAggregatedResources", "appmesh:*"]);
        assert!(!is_empty);
        assert_eq!(
            document,
            json!({"Statement": [{"Action": ["s3:GetObject"], "Resource": "*"}, {"NotAction": "iam:*"}]})
        );
        let mut alone = json!({"Statement": {"Action": "appmesh:StreamAggregatedResources"}});
        assert!(remove_from_document(&mut alone).1);
        let mut none = json!({"Statement": []});
        assert!(!remove_from_document(&mut none).1);
    }

    #[test]
    fn references_are_found_in_every_form() {
        for (json, refers) in [
            (json!({"Ref": "A"}), true),
            (json!([{"Fn::GetAtt": ["A", "Id"]}]), true),
            (json!({"x": {"Fn::GetAtt": "A.Id"}}), true),
            (json!({"Fn::Sub": "x ${A.Id}"}), true),
            (json!({"Fn::Sub": ["${V}", {"V": {"Ref": "A"}}]}), true),
            (json!({"Fn::Sub": "${!A} ${AB}"}), false),
            (json!("A"), false),
        ] {
            assert_eq!(refers_to(&json, "A"), refers, "{json}");
        }
    }

    #[test]
    fn execution_roles_that_allow_any_image_are_recognized() {
        let managed = json!({"ManagedPolicyArns": [{"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"},
            ":iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"]]}]});
        assert!(allows_any_image(&managed));
        let statement = |resource: &str| json!({"PolicyDocument": {"Statement": {"Effect": "Allow", "Action": "ecr:BatchGetImage", "Resource": resource}}});
        assert!(allows_any_image(&statement("*")));
        assert!(!allows_any_image(&statement("arn:aws:ecr:eu-west-1:1:repository/x")));
    }
}
