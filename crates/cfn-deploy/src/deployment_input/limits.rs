//! What CloudFormation takes, and what not. Pure.
//!
//! Source: CloudFormation user guide, "Understand CloudFormation quotas", and API reference, `CreateChangeSet` (read
//! 2026-11-23).

use aws_sdk_cloudformation::types::Capability;
use cfn::Template;
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use super::DeploymentInput;
use crate::event::STACK;

/// How long a template may be that is sent, in bytes.
const SENT: usize = 51_200;
/// How long a template may be that lies in S3, in bytes.
const IN_S3: usize = 1_000_000;
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

/// A template on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// It is sent.
    Text(String),
    /// It lies in S3.
    Url(String),
}

/// How a template gets there: as it is written, or without spaces if it is too long with them.
///
/// # Errors
///
/// How long it is and what to do, if it is too long to be sent and lies nowhere.
pub(crate) fn body(input: &DeploymentInput) -> Result<Body, String> {
    if let Some(url) = &input.url {
        return Ok(Body::Url(url.clone()));
    }
    let text = input.template.to_json();
    if text.len() <= SENT {
        return Ok(Body::Text(text));
    }
    let length = match compact(&text) {
        Some(compact) if compact.len() <= SENT => return Ok(Body::Text(compact)),
        Some(compact) => compact.len(),
        None => text.len(),
    };
    if length > IN_S3 {
        return Err(format!(
            "is {length} bytes long, also without spaces; CloudFormation takes {IN_S3} bytes at most: split the stack"
        ));
    }
    Err(format!(
        "is {length} bytes long, also without spaces; CloudFormation takes {SENT} bytes in a request, and {IN_S3} bytes \
         from S3: write it to a file, upload that with `aws s3 cp FILE s3://BUCKET/KEY`, and say where it lies: \
         https://BUCKET.s3.REGION.amazonaws.com/KEY"
    ))
}

fn compact(text: &str) -> Option<String> {
    let document: Json = serde_json::from_str(text).ok()?;
    Some(document.to_string())
}

/// Everything but the values of parameters.
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
        diagnostics.add("Resources", "is empty; CloudFormation demands at least one resource");
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
            diagnostics.add(
                section,
                format!("has {count} entries; CloudFormation takes {limit} at most"),
            );
        }
    }
    let description = template.description.as_ref().map_or(0, String::len);
    if description > DESCRIPTION {
        diagnostics.add(
            "Description",
            format!("is {description} bytes long; CloudFormation takes {DESCRIPTION} at most"),
        );
    }
    for (name, value) in parameters.iter().filter(|(_, value)| value.len() > VALUE) {
        let length = value.len();
        diagnostics.add(
            format!("Parameters.{name}"),
            format!("has a value of {length} bytes; CloudFormation takes {VALUE} at most"),
        );
    }
    for (key, value) in tags {
        let path = format!("Tags.{key}");
        if key.is_empty() || key.chars().count() > TAG_KEY {
            diagnostics.add(&path, format!("allowed are keys of 1 to {TAG_KEY} characters"));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            diagnostics.add(&path, "begins with `aws:`, which AWS keeps to itself");
        }
        if value.chars().count() > TAG_VALUE {
            diagnostics.add(&path, format!("allowed are values of up to {TAG_VALUE} characters"));
        }
    }
    if let Err(too_long) = body(input) {
        diagnostics.add("the template", too_long);
    }
}

/// Types that only somebody who is known to want them may create, and the property that names them (API reference,
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

/// What CloudFormation wants to be told that the caller knows: none, or one, as the template needs. What a nested stack
/// or a transform brings cannot be seen, so it may be all.
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
