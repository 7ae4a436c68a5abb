//! ARNs of a template's resources before they exist.

use cfn::{Resource, intrinsic};
use serde_json::Value as Json;

/// A resource of a stack.
#[derive(Debug, Clone, Copy)]
pub(super) struct StackResource<'t> {
    pub(super) stack: &'t str,
    pub(super) logical_id: &'t str,
    pub(super) resource: &'t Resource,
}

impl StackResource<'_> {
    /// The name in this property, or the pattern of the name that CloudFormation generates:
    /// `STACK-LOGICALID-RANDOM`. Source: CloudFormation user guide, "Name type" (read 2026-11-30).
    pub(super) fn name(&self, property: &str) -> String {
        self.named(property).unwrap_or_else(|| format!("{}-*", self.stack))
    }

    /// The name in this property, with `*` for what is not known; `None` without one.
    pub(super) fn named(&self, property: &str) -> Option<String> {
        let value = self.resource.properties.get(property)?;
        Some(pattern(value, self.stack))
    }
}

/// The text of a value, with `*` for what only CloudFormation knows.
fn pattern(value: &Json, stack: &str) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Object(_) => match intrinsic(value) {
            Some(("Fn::Sub", Json::String(text))) => substitute(text, stack),
            Some(("Fn::Join", arguments)) => join(arguments, stack),
            _ => "*".to_owned(),
        },
        _ => "*".to_owned(),
    }
}

fn join(arguments: &Json, stack: &str) -> String {
    let (Some(delimiter), Some(items)) = (arguments[0].as_str(), arguments[1].as_array()) else {
        return "*".to_owned();
    };
    let items: Vec<String> = items.iter().map(|item| pattern(item, stack)).collect();
    items.join(delimiter)
}

fn substitute(text: &str, stack: &str) -> String {
    let mut pattern = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        pattern.push_str(before);
        let Some((variable, remainder)) = after.split_once('}') else {
            break;
        };
        pattern.push_str(if variable == "AWS::StackName" { stack } else { "*" });
        rest = remainder;
    }
    pattern.push_str(rest);
    pattern
}

/// Patterns for a name: with a path of two segments or more, everything under the first two, as a policy is limited to
/// 6,144 characters (IAM user guide, "IAM and AWS STS quotas", read 2026-11-30).
pub(super) fn by_path(name: &str) -> Vec<String> {
    let segments: Vec<&str> = name.trim_start_matches('/').split('/').collect();
    match segments.as_slice() {
        [first, second, ..] => {
            let root = format!("/{first}/{second}");
            vec![format!("{root}/*"), root]
        }
        _ => vec![name.to_owned()],
    }
}
