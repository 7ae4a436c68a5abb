//! Settings of all roles in a stack: permission boundary, path and names.

use cfn::{Resource, ResourceType, Template, Value, iam};
use serde_json::{Value as Json, json};
use sidecar_contract::Diagnostics;

/// Characters of a role's name. Source: IAM user guide, "IAM and AWS STS quotas" (read 2026-11-30).
const NAME: usize = 64;
/// Characters of a path. Source: IAM API reference, `CreateRole` (read 2026-11-30).
const PATH: usize = 512;
/// Digits of the stack's id in the name of a role, with a hyphen before them.
const DIGITS: usize = 9;

/// What all roles of a stack have.
#[derive(Debug, Default)]
pub(super) struct RoleSettings {
    pub(super) boundary: Option<Value<String>>,
    pub(super) path: Option<String>,
    pub(super) name_prefix: Option<String>,
}

impl RoleSettings {
    /// Sets the properties of every role that does not have them. Reports invalid ones once, not for each role.
    pub(super) fn apply(&self, template: &mut Template, diagnostics: &mut Diagnostics) {
        self.check(diagnostics);
        for (id, resource) in &mut template.resources {
            if resource.kind == iam::Role::KIND {
                self.apply_to(id, resource, diagnostics);
            }
        }
    }

    fn apply_to(&self, id: &str, role: &mut Resource, diagnostics: &mut Diagnostics) {
        let Json::Object(properties) = &mut role.properties else {
            return;
        };
        if let Some(boundary) = &self.boundary {
            properties
                .entry("PermissionsBoundary")
                .or_insert_with(|| boundary.to_json());
        }
        if let Some(path) = &self.path {
            properties.entry("Path").or_insert_with(|| Json::from(path.as_str()));
        }
        if let Some(prefix) = &self.name_prefix
            && !properties.contains_key("RoleName")
        {
            let length = prefix.chars().count() + id.len() + DIGITS;
            if length > NAME {
                let message = format!(
                    "would have a name of {length} characters with the prefix `{prefix}`; IAM allows {NAME}; use a shorter \
                     prefix or id"
                );
                diagnostics.add(format!("Resources.{id}.Properties.RoleName"), message);
            }
            properties.insert("RoleName".to_owned(), name(prefix, id));
        }
    }

    fn check(&self, diagnostics: &mut Diagnostics) {
        if let Some(Value::Known(arn)) = &self.boundary
            && !is_policy_arn(arn)
        {
            let message = format!(
                "is `{arn}`; expected the ARN of a managed policy, such as arn:aws:iam::123456789012:policy/NAME"
            );
            diagnostics.add("PermissionBoundary", message);
        }
        if let Some(path) = &self.path
            && !is_path(path)
        {
            let message = format!(
                "is `{path}`; expected 1 to {PATH} printed ASCII characters without spaces, with / at both ends, such as /mesh/"
            );
            diagnostics.add("RolePath", message);
        }
        if let Some(prefix) = &self.name_prefix {
            let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
            if prefix.is_empty() || !prefix.chars().all(is_allowed) {
                let message = format!("is `{prefix}`; allowed are a-z, A-Z, 0-9, _, +, =, ,, ., @ and -, at least one");
                diagnostics.add("RoleNamePrefix", message);
            }
        }
    }
}

/// Prefix, logical id, and the first digits of the UUID in the stack's ARN: `arn:…:stack/NAME/UUID`.
fn name(prefix: &str, id: &str) -> Json {
    let uuid = json!({"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]});
    let digits = json!({"Fn::Select": [0, {"Fn::Split": ["-", uuid]}]});
    json!({"Fn::Join": ["-", [format!("{prefix}{id}"), digits]]})
}

fn is_policy_arn(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let is_account =
        |account: &str| account == "aws" || account.len() == 12 && account.bytes().all(|c| c.is_ascii_digit());
    matches!(parts[..], ["arn", partition, "iam", "", account, policy]
        if partition.starts_with("aws") && is_account(account) && policy.starts_with("policy/"))
}

fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && path.ends_with('/')
        && path.len() <= PATH
        && path.chars().all(|character| character.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_and_paths_are_validated() {
        for (arn, is_valid) in [
            ("arn:aws:iam::123456789012:policy/Boundary", true),
            ("arn:aws-cn:iam::aws:policy/path/PowerUserAccess", true),
            ("arn:aws:iam::123456789012:role/Boundary", false),
            ("arn:aws:iam::1:policy/Boundary", false),
            ("Boundary", false),
        ] {
            assert_eq!(is_policy_arn(arn), is_valid, "{arn}");
        }
        for (path, is_valid) in [
            ("/", true),
            ("/mesh/", true),
            ("/a/b/", true),
            ("mesh/", false),
            ("/mesh", false),
            ("/a b/", false),
            ("", false),
        ] {
            assert_eq!(is_path(path), is_valid, "{path}");
        }
    }
}
