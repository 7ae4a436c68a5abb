//! ARNs of a template's resources before they exist.

use cfn::Resource;
use serde_json::Value as Json;

use super::deployment::Deployment;

/// A resource of a stack.
#[derive(Debug, Clone, Copy)]
pub(super) struct StackResource<'t> {
    pub(super) stack: &'t str,
    pub(super) resource: &'t Resource,
}

impl StackResource<'_> {
    /// The name in this property, or the pattern of the name that CloudFormation generates:
    /// `STACK-LOGICALID-RANDOM`. Source: CloudFormation user guide, "Name type" (read 2026-11-30).
    pub(super) fn name(&self, deployment: &Deployment<'_>, property: &str) -> String {
        self.named(deployment, property)
            .unwrap_or_else(|| format!("{}-*", self.stack))
    }

    /// The name in this property, with `*` for what is not known; `None` without one.
    pub(super) fn named(&self, deployment: &Deployment<'_>, property: &str) -> Option<String> {
        let value = self.resource.properties.get(property)?;
        Some(pattern(value, self.stack, deployment))
    }
}

/// The text of a value, with `*` for what only CloudFormation knows.
fn pattern(value: &Json, stack: &str, deployment: &Deployment<'_>) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Object(function) => match function.get("Fn::Sub") {
            Some(Json::String(text)) => substitute(text, stack, deployment),
            _ => "*".to_owned(),
        },
        _ => "*".to_owned(),
    }
}

fn substitute(text: &str, stack: &str, deployment: &Deployment<'_>) -> String {
    let mut pattern = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        pattern.push_str(before);
        let Some((variable, remainder)) = after.split_once('}') else {
            break;
        };
        pattern.push_str(match variable {
            "AWS::StackName" => stack,
            "AWS::Region" => deployment.region(),
            "AWS::AccountId" => deployment.account(),
            _ => "*",
        });
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
