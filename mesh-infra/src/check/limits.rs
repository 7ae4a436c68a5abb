//! Limits of names and texts: lengths and allowed characters. AWS checks some of them only minutes into a deployment.
//!
//! Unresolved values are not checked, except for the literal part of `Fn::Sub`.
//!
//! Sources, all read 2026-11-23: Elastic Load Balancing API reference, `CreateLoadBalancer` and `CreateTargetGroup`;
//! CloudWatch Logs API reference, `CreateLogGroup` and `PutRetentionPolicy`; IAM user guide, "IAM and AWS STS quotas"; ECS
//! API reference, `CreateService`, `CreateCluster`, `RegisterTaskDefinition`, and developer guide, "Amazon ECS service
//! quotas"; Cloud Map API reference, `CreateService`, `CreateHttpNamespace` and `CreatePrivateDnsNamespace`; EC2 API
//! reference, `CreateSecurityGroup` and `IpRange`.

use cfn::{Resource, ResourceType, Template, Value, ec2, ecs, elbv2, iam, logs, servicediscovery};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

/// The limits of one text property.
struct Rule {
    kind: &'static str,
    /// The path within the resource's properties; `[]` selects every item of a list.
    path: &'static str,
    max_length: usize,
    is_allowed: fn(char) -> bool,
    /// The description of `is_allowed`.
    allowed: &'static str,
    /// Whether the first and last character may be a hyphen.
    may_have_outer_hyphen: bool,
}

const RULES: [Rule; 16] = [
    rule(elbv2::LoadBalancer::KIND, "Name", 32, is_hyphenated, HYPHENATED).without_outer_hyphen(),
    rule(elbv2::TargetGroup::KIND, "Name", 32, is_hyphenated, HYPHENATED).without_outer_hyphen(),
    rule(
        logs::LogGroup::KIND,
        "LogGroupName",
        512,
        is_of_log_group,
        "a-z, A-Z, 0-9, ., -, _, / and #",
    ),
    rule(iam::Role::KIND, "RoleName", 64, is_of_role, OF_ROLE),
    rule(iam::Role::KIND, "Policies[].PolicyName", 128, is_of_role, OF_ROLE),
    rule(
        iam::Role::KIND,
        "Description",
        1000,
        is_printed,
        "letters, digits and punctuation",
    ),
    rule(ecs::Service::KIND, "ServiceName", 255, is_of_ecs, OF_ECS),
    rule(ecs::Cluster::KIND, "ClusterName", 255, is_of_ecs, OF_ECS),
    rule(ecs::TaskDefinition::KIND, "Family", 255, is_of_ecs, OF_ECS),
    rule(
        ecs::TaskDefinition::KIND,
        "ContainerDefinitions[].Name",
        255,
        is_of_ecs,
        OF_ECS,
    ),
    rule(servicediscovery::Service::KIND, "Name", 127, is_of_domain, OF_DOMAIN),
    rule(
        servicediscovery::PrivateDnsNamespace::KIND,
        "Name",
        253,
        is_of_domain,
        OF_DOMAIN,
    ),
    rule(
        servicediscovery::HttpNamespace::KIND,
        "Name",
        1024,
        is_printed,
        "ASCII letters, digits and punctuation",
    ),
    rule(
        ec2::SecurityGroup::KIND,
        "GroupDescription",
        255,
        is_of_security_group,
        OF_SECURITY_GROUP,
    ),
    rule(
        ec2::SecurityGroup::KIND,
        "SecurityGroupIngress[].Description",
        255,
        is_of_security_group,
        OF_SECURITY_GROUP,
    ),
    rule(
        ec2::SecurityGroup::KIND,
        "SecurityGroupEgress[].Description",
        255,
        is_of_security_group,
        OF_SECURITY_GROUP,
    ),
];

const HYPHENATED: &str = "a-z, A-Z, 0-9 and -, with a letter or digit at both ends";
const OF_ROLE: &str = "a-z, A-Z, 0-9, _, +, =, ,, ., @ and -";
const OF_ECS: &str = "a-z, A-Z, 0-9, _ and -";
const OF_DOMAIN: &str = "a-z, A-Z, 0-9, _, - and .";
const OF_SECURITY_GROUP: &str = "a-z, A-Z, 0-9, spaces and ._-:/()#,@[]+=&;{}!$*";

/// The retention times of CloudWatch Logs, in days.
const RETENTION_DAYS: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];
/// Characters of all inline policies of a role together, without whitespace.
const MAX_POLICIES: usize = 10_240;
/// Containers of a task definition.
const MAX_CONTAINERS: usize = 10;
/// Bytes of a task definition.
const MAX_TASK_DEFINITION: usize = 65_536;

const fn rule(
    kind: &'static str,
    path: &'static str,
    max_length: usize,
    is_allowed: fn(char) -> bool,
    allowed: &'static str,
) -> Rule {
    Rule {
        kind,
        path,
        max_length,
        is_allowed,
        allowed,
        may_have_outer_hyphen: true,
    }
}

impl Rule {
    const fn without_outer_hyphen(self) -> Self {
        Self {
            may_have_outer_hyphen: false,
            ..self
        }
    }

    fn check(&self, text: &Json, path: &str, diagnostics: &mut Diagnostics) {
        let (shown, literal, is_complete) = match Value::<String>::from_json(text) {
            Ok(Value::Known(text)) => (text.clone(), text, true),
            Ok(Value::Sub(text)) => (text.clone(), literal_part(&text), false),
            Ok(_) | Err(_) => return,
        };
        let length = literal.chars().count();
        let is_length_allowed = length <= self.max_length && (length > 0 || !is_complete);
        let has_outer_hyphen =
            is_complete && !self.may_have_outer_hyphen && (literal.starts_with('-') || literal.ends_with('-'));
        if !is_length_allowed || has_outer_hyphen || !literal.chars().all(self.is_allowed) {
            diagnostics.add(
                path,
                format!("is `{shown}`; allowed are 1 to {} of {}", self.max_length, self.allowed),
            );
        } else if self.kind == elbv2::LoadBalancer::KIND && shown.starts_with("internal-") {
            diagnostics.add(path, format!("is `{shown}`; the prefix internal- is reserved by AWS"));
        }
    }
}

/// The text of `Fn::Sub` without its `${…}`.
pub(super) fn literal_part(text: &str) -> String {
    let mut parts = text.split("${");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| part.split_once('}').map_or("", |(_, rest)| rest));
    rest.fold(first, |text, rest| text + rest)
}

fn is_hyphenated(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '-'
}

fn is_of_log_group(char: char) -> bool {
    char.is_ascii_alphanumeric() || ".-_/#".contains(char)
}

fn is_of_role(char: char) -> bool {
    char.is_ascii_alphanumeric() || "_+=,.@-".contains(char)
}

fn is_of_ecs(char: char) -> bool {
    char.is_ascii_alphanumeric() || "_-".contains(char)
}

fn is_of_domain(char: char) -> bool {
    char.is_ascii_alphanumeric() || "_-.".contains(char)
}

fn is_printed(char: char) -> bool {
    char == ' ' || char.is_ascii_graphic()
}

fn is_of_security_group(char: char) -> bool {
    char.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(char)
}

pub(super) fn check(template: &Template, diagnostics: &mut Diagnostics) {
    for (id, resource) in &template.resources {
        let path = format!("Resources.{id}.Properties");
        for rule in RULES.iter().filter(|rule| rule.kind == resource.kind) {
            visit(&resource.properties, rule.path, &path, &mut |text, path| {
                rule.check(text, path, diagnostics);
            });
        }
        match resource.kind.as_str() {
            logs::LogGroup::KIND => check_retention(resource, &path, diagnostics),
            iam::Role::KIND => check_policies(resource, &path, diagnostics),
            ecs::TaskDefinition::KIND => check_task_definition(resource, &path, diagnostics),
            _ => {}
        }
    }
}

/// Calls `visitor` for every value that `path` selects in `json`, with its full path.
fn visit(json: &Json, path: &str, parent: &str, visitor: &mut dyn FnMut(&Json, &str)) {
    let (key, rest) = path.split_once('.').unwrap_or((path, ""));
    let (key, is_list) = match key.strip_suffix("[]") {
        Some(key) => (key, true),
        None => (key, false),
    };
    let Some(value) = json.get(key) else { return };
    let path = format!("{parent}.{key}");
    let mut descend = |json: &Json, path: &str| match rest {
        "" => visitor(json, path),
        rest => visit(json, rest, path, visitor),
    };
    match (is_list, value) {
        (true, Json::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                descend(item, &format!("{path}[{index}]"));
            }
        }
        (true, _) => {}
        (false, value) => descend(value, &path),
    }
}

fn check_retention(resource: &Resource, path: &str, diagnostics: &mut Diagnostics) {
    let days = resource.properties.get("RetentionInDays");
    if let Some(Ok(Value::Known(days))) = days.map(Value::<u32>::from_json)
        && !RETENTION_DAYS.contains(&days)
    {
        let allowed: Vec<String> = RETENTION_DAYS.iter().map(u32::to_string).collect();
        diagnostics.add(
            format!("{path}.RetentionInDays"),
            format!("is {days}; CloudWatch Logs allows {}", allowed.join(", ")),
        );
    }
}

fn check_policies(resource: &Resource, path: &str, diagnostics: &mut Diagnostics) {
    let Some(Json::Array(policies)) = resource.properties.get("Policies") else {
        return;
    };
    let documents = policies.iter().filter_map(|policy| policy.get("PolicyDocument"));
    let length: usize = documents.map(|document| document.to_string().len()).sum();
    if length > MAX_POLICIES {
        diagnostics.add(
            format!("{path}.Policies"),
            format!("have {length} characters; the policies of a role have at most {MAX_POLICIES} together"),
        );
    }
}

fn check_task_definition(resource: &Resource, path: &str, diagnostics: &mut Diagnostics) {
    let bytes = resource.properties.to_string().len();
    if bytes > MAX_TASK_DEFINITION {
        diagnostics.add(
            path,
            format!("has {bytes} bytes; a task definition has at most {MAX_TASK_DEFINITION}"),
        );
    }
    if let Some(Json::Array(containers)) = resource.properties.get("ContainerDefinitions")
        && containers.len() > MAX_CONTAINERS
    {
        diagnostics.add(
            format!("{path}.ContainerDefinitions"),
            format!(
                "has {} containers; a task has at most {MAX_CONTAINERS}",
                containers.len()
            ),
        );
    }
}

#[cfg(test)]
mod tests;
