//! CloudFormation's quotas and required capabilities. Pure.
//!
//! Source: CloudFormation user guide, "Understand CloudFormation quotas", and API reference, `CreateChangeSet` (read
//! 2026-11-23).

use aws_sdk_cloudformation::types::Capability;
use cfn::Template;
use sidecar_contract::Diagnostics;

use super::DeploymentInput;
use crate::event::STACK;

/// Maximum length of a template in a request, in bytes.
const MAX_TEMPLATE_BODY: usize = 51_200;
/// Maximum length of a template in S3, in bytes.
const MAX_TEMPLATE_URL: usize = 1_000_000;
const RESOURCES: usize = 500;
const OUTPUTS: usize = 200;
const PARAMETERS: usize = 200;
const MAPPINGS: usize = 200;
/// In bytes.
const DESCRIPTION: usize = 1024;
/// In bytes.
const VALUE: usize = 4096;
const TAGS: usize = 50;
/// In characters.
const TAG_KEY: usize = 128;
/// In characters.
const TAG_VALUE: usize = 256;

/// The template argument of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// In the request.
    Text(String),
    /// To be uploaded to S3.
    Upload(String),
    /// In S3 already.
    Url(String),
}

/// The template argument: the S3 URL, or the text without whitespace.
///
/// # Errors
///
/// If the template is too long for S3: its length and the remedy.
pub(crate) fn body(input: &DeploymentInput) -> Result<Body, String> {
    if let Some(url) = &input.url {
        return Ok(Body::Url(url.clone()));
    }
    let text = input.template.to_compact_json();
    match text.len() {
        length if length <= MAX_TEMPLATE_BODY => Ok(Body::Text(text)),
        length if length <= MAX_TEMPLATE_URL => Ok(Body::Upload(text)),
        length => Err(format!(
            "has {length} bytes without whitespace; allowed are {MAX_TEMPLATE_URL}: divide it into several stacks"
        )),
    }
}

/// Validates everything but parameter names and allowed values.
pub(super) fn check(input: &DeploymentInput, diagnostics: &mut Diagnostics) {
    let DeploymentInput {
        stack,
        template,
        parameters,
        tags,
        ..
    } = input;
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if !stack.starts_with(|c: char| c.is_ascii_alphabetic()) || !stack.chars().all(allowed) || stack.len() > 128 {
        diagnostics.add(
            "StackName",
            format!("is `{stack}`; allowed are 1 to 128 of A-Z, a-z, 0-9 and -, beginning with a letter"),
        );
    }
    if template.resources.is_empty() {
        diagnostics.add("Resources", "is empty; at least one resource is required");
    }
    let counts = [
        ("Resources", template.resources.len(), RESOURCES),
        ("Outputs", template.outputs.len(), OUTPUTS),
        ("Parameters", template.parameters.len(), PARAMETERS),
        ("Mappings", template.mappings.len(), MAPPINGS),
        ("Tags", tags.len(), TAGS),
    ];
    for (section, count, limit) in counts {
        if count > limit {
            let remedy = match section {
                "Tags" => "",
                _ => ": divide it into several stacks",
            };
            diagnostics.add(section, format!("has {count} entries; allowed are {limit}{remedy}"));
        }
    }
    let description = template.description.as_ref().map_or(0, String::len);
    if description > DESCRIPTION {
        diagnostics.add(
            "Description",
            format!("has {description} bytes; allowed are {DESCRIPTION}"),
        );
    }
    for (name, value) in parameters.iter().filter(|(_, value)| value.len() > VALUE) {
        let length = value.len();
        diagnostics.add(
            format!("Parameters.{name}"),
            format!("has a value of {length} bytes; allowed are {VALUE}"),
        );
    }
    for (key, value) in tags {
        let path = format!("Tags.{key}");
        if key.is_empty() || key.chars().count() > TAG_KEY {
            diagnostics.add(&path, format!("allowed are keys of 1 to {TAG_KEY} characters"));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            diagnostics.add(&path, "begins with `aws:`, which is reserved by AWS");
        }
        if value.chars().count() > TAG_VALUE {
            diagnostics.add(&path, format!("allowed are values of up to {TAG_VALUE} characters"));
        }
    }
    if let Err(too_long) = body(input) {
        diagnostics.add("the template", too_long);
    }
}

/// Types that require a capability, and the property with a custom name (API reference,
/// `CreateChangeSet`, `Capabilities`).
const IAM: [(&str, &str); 9] = [
    (STACK, ""),
    ("AWS::IAM::AccessKey", ""),
    ("AWS::IAM::Group", "GroupName"),
    ("AWS::IAM::InstanceProfile", "InstanceProfileName"),
    ("AWS::IAM::ManagedPolicy", "ManagedPolicyName"),
    ("AWS::IAM::Policy", ""),
    ("AWS::IAM::Role", "RoleName"),
    ("AWS::IAM::User", "UserName"),
    ("AWS::IAM::UserToGroupAddition", ""),
];

/// The capability that a template requires, if any. Nested stacks and transforms are opaque, so they require the widest.
pub(crate) fn capabilities(template: &Template) -> Option<Capability> {
    if template.other.contains_key("Transform") {
        return Some(Capability::CapabilityNamedIam);
    }
    let mut needed = None;
    for resource in template.resources.values() {
        let Some((_, name)) = IAM.iter().find(|(kind, _)| *kind == resource.kind) else {
            continue;
        };
        let is_nested = resource.kind == STACK;
        if is_nested || (!name.is_empty() && resource.properties.get(name).is_some()) {
            return Some(Capability::CapabilityNamedIam);
        }
        needed = Some(Capability::CapabilityIam);
    }
    needed
}
