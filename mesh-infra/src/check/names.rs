//! Names and texts that AWS refuses: too long, or of other letters. Some of them only after minutes.
//!
//! What is late is not judged, but for the letters around what `Fn::Sub` puts in.
//!
//! Sources, all read 2026-11-23: Elastic Load Balancing API reference, `CreateLoadBalancer` and `CreateTargetGroup`;
//! CloudWatch Logs API reference, `CreateLogGroup` and `PutRetentionPolicy`; IAM user guide, "IAM and AWS STS quotas"; ECS
//! API reference, `CreateService`, `CreateCluster`, `RegisterTaskDefinition`, and developer guide, "Amazon ECS service
//! quotas"; Cloud Map API reference, `CreateService`, `CreateHttpNamespace` and `CreatePrivateDnsNamespace`; EC2 API
//! reference, `CreateSecurityGroup` and `IpRange`.

use cfn::{Resource, ResourceType, Template, Value, ec2, ecs, elbv2, iam, logs, servicediscovery};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

/// What a text may be.
struct Rule {
    kind: &'static str,
    /// The path to it within the resource's properties; `[]` stands for every item of a list.
    path: &'static str,
    most: usize,
    is_allowed: fn(char) -> bool,
    /// What `is_allowed` allows, in words.
    allowed: &'static str,
    /// Whether a hyphen may be first or last.
    ends_in_hyphen: bool,
}

const RULES: [Rule; 16] = [
    rule(elbv2::LoadBalancer::KIND, "Name", 32, is_hyphenated, HYPHENATED).within_hyphens(),
    rule(elbv2::TargetGroup::KIND, "Name", 32, is_hyphenated, HYPHENATED).within_hyphens(),
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
        "letters, digits and signs",
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
        "ASCII letters, digits and signs",
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

/// Days for which CloudWatch Logs can keep a line.
const RETENTION: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];
/// Characters in all the policies within a role, spaces not counted.
const LONGEST_POLICIES: usize = 10_240;
/// Containers of a task definition, and bytes of one.
const MOST_CONTAINERS: usize = 10;
const LARGEST_TASK_DEFINITION: usize = 65_536;

const fn rule(
    kind: &'static str,
    path: &'static str,
    most: usize,
    is_allowed: fn(char) -> bool,
    allowed: &'static str,
) -> Rule {
    Rule {
        kind,
        path,
        most,
        is_allowed,
        allowed,
        ends_in_hyphen: true,
    }
}

impl Rule {
    const fn within_hyphens(self) -> Self {
        Self {
            ends_in_hyphen: false,
            ..self
        }
    }

    fn judge(&self, text: &Json, path: &str, diagnostics: &mut Diagnostics) {
        let (shown, letters, is_whole) = match Value::<String>::from_json(text) {
            Ok(Value::Known(text)) => (text.clone(), text, true),
            Ok(Value::Sub(text)) => (text.clone(), around_what_is_put_in(&text), false),
            Ok(_) | Err(_) => return,
        };
        let length = letters.chars().count();
        let is_bounded = length <= self.most && (length > 0 || !is_whole);
        let is_hyphen_outside =
            is_whole && !self.ends_in_hyphen && (letters.starts_with('-') || letters.ends_with('-'));
        if !is_bounded || is_hyphen_outside || !letters.chars().all(self.is_allowed) {
            diagnostics.add(
                path,
                format!("is `{shown}`; allowed are 1 to {} of {}", self.most, self.allowed),
            );
        } else if self.kind == elbv2::LoadBalancer::KIND && shown.starts_with("internal-") {
            diagnostics.add(
                path,
                format!("is `{shown}`; names that begin with internal- are AWS's own"),
            );
        }
    }
}

/// The text without what `Fn::Sub` puts in.
pub(super) fn around_what_is_put_in(text: &str) -> String {
    let mut parts = text.split("${");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| part.split_once('}').map_or("", |(_, rest)| rest));
    rest.fold(first, |text, rest| text + rest)
}

fn is_hyphenated(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '-'
}

fn is_of_log_group(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || ".-_/#".contains(letter)
}

fn is_of_role(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter)
}

fn is_of_ecs(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_-".contains(letter)
}

fn is_of_domain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_-.".contains(letter)
}

fn is_printed(letter: char) -> bool {
    letter == ' ' || letter.is_ascii_graphic()
}

fn is_of_security_group(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(letter)
}

pub(super) fn check(template: &Template, diagnostics: &mut Diagnostics) {
    for (id, resource) in &template.resources {
        let path = format!("Resources.{id}.Properties");
        for rule in RULES.iter().filter(|rule| rule.kind == resource.kind) {
            walk(&resource.properties, rule.path, &path, &mut |text, path| {
                rule.judge(text, path, diagnostics);
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

/// Calls `judge` for everything that the path leads to, with the way there.
fn walk(json: &Json, path: &str, here: &str, judge: &mut dyn FnMut(&Json, &str)) {
    let (key, rest) = path.split_once('.').unwrap_or((path, ""));
    let (key, is_list) = match key.strip_suffix("[]") {
        Some(key) => (key, true),
        None => (key, false),
    };
    let Some(found) = json.get(key) else { return };
    let here = format!("{here}.{key}");
    let mut go_on = |json: &Json, here: &str| match rest {
        "" => judge(json, here),
        rest => walk(json, rest, here, judge),
    };
    match (is_list, found) {
        (true, Json::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                go_on(item, &format!("{here}[{index}]"));
            }
        }
        (true, _) => {}
        (false, found) => go_on(found, &here),
    }
}

fn check_retention(resource: &Resource, path: &str, diagnostics: &mut Diagnostics) {
    let days = resource.properties.get("RetentionInDays");
    if let Some(Ok(Value::Known(days))) = days.map(Value::<u32>::from_json)
        && !RETENTION.contains(&days)
    {
        let allowed: Vec<String> = RETENTION.iter().map(u32::to_string).collect();
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
    if length > LONGEST_POLICIES {
        diagnostics.add(
            format!("{path}.Policies"),
            format!("have {length} characters; allowed are {LONGEST_POLICIES} for all policies within a role"),
        );
    }
}

fn check_task_definition(resource: &Resource, path: &str, diagnostics: &mut Diagnostics) {
    let bytes = resource.properties.to_string().len();
    if bytes > LARGEST_TASK_DEFINITION {
        diagnostics.add(
            path,
            format!("have {bytes} bytes; a task definition has at most {LARGEST_TASK_DEFINITION}"),
        );
    }
    if let Some(Json::Array(containers)) = resource.properties.get("ContainerDefinitions")
        && containers.len() > MOST_CONTAINERS
    {
        diagnostics.add(
            format!("{path}.ContainerDefinitions"),
            format!("are {}; a task has at most {MOST_CONTAINERS}", containers.len()),
        );
    }
}

#[cfg(test)]
mod tests;
