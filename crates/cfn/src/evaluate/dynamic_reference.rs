//! Dynamic references: `{{resolve:ssm:…}}`, `{{resolve:ssm-secure:…}}` and `{{resolve:secretsmanager:…}}` in texts.
//!
//! Syntax: CloudFormation user guide, "Get values stored in other services using dynamic references" (read 2026-11-30).
//! CloudFormation resolves them after the functions of a property, so that a part of a reference can come from one.

use std::fmt;

use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use super::{Context, Evaluated, Reason, Resolution, StackScope, Unknown, scalar_text};

const START: &str = "{{resolve:";

/// A reference to a value that Systems Manager or Secrets Manager keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DynamicReference {
    /// The service that keeps the value.
    pub service: DynamicService,
    /// The name of the parameter, or the name or ARN of the secret.
    pub name: String,
    /// The version of the parameter. `None`: the latest.
    pub version: Option<String>,
    /// The key of a secret that is a JSON object. `None`: the whole secret.
    pub json_key: Option<String>,
}

/// A service that keeps values for dynamic references.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DynamicService {
    /// Systems Manager, a `String` or `StringList`.
    Ssm,
    /// Systems Manager, a `SecureString`.
    SsmSecure,
    /// Secrets Manager.
    SecretsManager,
}

impl DynamicService {
    /// Its name in a reference.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ssm => "ssm",
            Self::SsmSecure => "ssm-secure",
            Self::SecretsManager => "secretsmanager",
        }
    }

    /// Whether its values are secrets, which must not be printed.
    #[must_use]
    pub fn is_secret(self) -> bool {
        self != Self::Ssm
    }
}

impl DynamicReference {
    /// Parses the text between `{{resolve:` and `}}`, such as `ssm:/db/host:1`. `None` for other services.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (service, rest) = text.trim().split_once(':')?;
        let service = [
            DynamicService::Ssm,
            DynamicService::SsmSecure,
            DynamicService::SecretsManager,
        ]
        .into_iter()
        .find(|known| known.name() == service)?;
        let (name, version, json_key) = if service == DynamicService::SecretsManager {
            // An ARN has six colons of its own: arn:PARTITION:secretsmanager:REGION:ACCOUNT:secret:NAME
            let colons = if rest.starts_with("arn:") { 6 } else { 0 };
            let end = rest
                .match_indices(':')
                .nth(colons)
                .map_or(rest.len(), |(index, _)| index);
            let (name, options) = rest.split_at(end);
            // SecretString, the key, then the version's stage or id
            let options: Vec<&str> = options.split(':').skip(1).collect();
            let option = |index: usize| options.get(index).filter(|text| !text.is_empty());
            let version = option(3).or_else(|| option(2));
            (
                name,
                version.map(|text| (*text).to_owned()),
                option(1).map(|text| (*text).to_owned()),
            )
        } else {
            match rest.rsplit_once(':') {
                Some((name, version)) if version.bytes().all(|digit| digit.is_ascii_digit()) => (
                    name,
                    Some(version).filter(|text| !text.is_empty()).map(str::to_owned),
                    None,
                ),
                _ => (rest, None, None),
            }
        };
        (!name.is_empty()).then(|| Self {
            service,
            name: name.to_owned(),
            version,
            json_key,
        })
    }
}

/// As in a template, without the braces: `resolve:ssm:/db/host`.
impl fmt::Display for DynamicReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "resolve:{}:{}", self.service.name(), self.name)?;
        match (&self.json_key, &self.version) {
            (Some(key), _) => write!(f, ":SecretString:{key}"),
            (None, Some(version)) if self.service != DynamicService::SecretsManager => write!(f, ":{version}"),
            (None, _) => Ok(()),
        }
    }
}

/// A text with its dynamic references resolved, as far as a template or the resolver knows their values. Others stay as
/// they are, unknown if the resolver says so.
pub(super) fn resolve(stack: StackScope<'_>, text: &str, path: &str, context: &mut Context<'_>) -> Evaluated {
    let mut resolved = String::with_capacity(text.len());
    let mut first_unknown = None;
    let mut rest = text;
    while let Some((before, opened)) = rest.split_once(START) {
        resolved.push_str(before);
        let Some((reference, after)) = opened.split_once("}}") else {
            rest = opened;
            resolved.push_str(START);
            continue;
        };
        rest = after;
        let found = DynamicReference::parse(reference).map(|reference| {
            let resolution = value(stack, &reference, path, context);
            (reference, resolution)
        });
        match found {
            Some((_, Some(Resolution::Known(value)))) => resolved.push_str(&scalar_text(&value)),
            other => {
                resolved.push_str(&format!("{START}{reference}}}}}"));
                let reason = match other {
                    Some((reference, Some(Resolution::Unknown))) => Some(Reason::Unresolved(reference.to_string())),
                    Some((_, Some(Resolution::Invalid))) => Some(Reason::Invalid),
                    _ => None,
                };
                first_unknown = first_unknown.or(reason);
            }
        }
    }
    resolved.push_str(rest);
    match first_unknown {
        Some(reason) => Evaluated::Unknown(Unknown::new(path, reason, Json::from(resolved))),
        None => Evaluated::Known(Json::from(resolved)),
    }
}

/// The value of a reference. `None` if the reference is to be left as it is.
fn value(
    stack: StackScope<'_>,
    reference: &DynamicReference,
    path: &str,
    context: &mut Context<'_>,
) -> Option<Resolution> {
    let known = stack.resolver().dynamic_reference(stack, reference, context);
    if known == Some(Resolution::Unknown)
        && reference.service != DynamicService::SecretsManager
        && let Some(value) = stack.ssm_parameter(&reference.name, path, context)
    {
        return Some(value);
    }
    known
}

impl StackScope<'_> {
    /// The value of a parameter of Systems Manager that one of the evaluator's stacks declares, if it is known.
    #[must_use]
    pub fn declared_ssm_parameter(self, name: &str) -> Option<Json> {
        let mut reported_where_declared = Diagnostics::new();
        match self.ssm_parameter(name, "", &mut Context::new(&mut reported_where_declared))? {
            Resolution::Known(value) => Some(value),
            Resolution::Unknown | Resolution::Invalid => None,
        }
    }

    /// The value of a parameter of Systems Manager that one of the evaluator's stacks declares. `None` if none does.
    pub(super) fn ssm_parameter(self, name: &str, path: &str, context: &mut Context<'_>) -> Option<Resolution> {
        for stack in self.evaluator.stacks() {
            for (id, resource) in &stack.template().resources {
                let item = format!("{}{id}", stack.path_prefix());
                if resource.kind != "AWS::SSM::Parameter" || context.is_visiting(&item) {
                    continue;
                }
                // Its errors are reported where it is declared.
                let declared = context.muted(|context| {
                    let name = stack.property_text(id, "Name", path, context)?.ok()?;
                    stack.has_resource(id, context).then_some(name)
                });
                if declared.as_deref() == Some(name) {
                    let value = context.muted(|context| stack.property_text(id, "Value", path, context));
                    return Some(match value {
                        Some(Ok(text)) => Resolution::Known(Json::from(text)),
                        Some(Err(_)) | None => Resolution::Unknown,
                    });
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_have_a_service_a_name_and_options() {
        let arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf";
        for (text, name, version, key) in [
            ("ssm:/db/host", "/db/host", None, None),
            ("ssm:/db/host:3", "/db/host", Some("3"), None),
            ("ssm-secure:/db/password:1", "/db/password", Some("1"), None),
            ("secretsmanager:db", "db", None, None),
            ("secretsmanager:db:SecretString:password", "db", None, Some("password")),
            (
                "secretsmanager:db:SecretString:password:AWSPREVIOUS",
                "db",
                Some("AWSPREVIOUS"),
                Some("password"),
            ),
            ("secretsmanager:db:SecretString:::7", "db", Some("7"), None),
            (
                &format!("secretsmanager:{arn}:SecretString:user"),
                arn,
                None,
                Some("user"),
            ),
            (&format!("secretsmanager:{arn}"), arn, None, None),
        ] {
            let reference = DynamicReference::parse(text).expect("a reference");
            assert_eq!(reference.name, name, "{text}");
            assert_eq!(reference.version.as_deref(), version, "{text}");
            assert_eq!(reference.json_key.as_deref(), key, "{text}");
        }
        assert_eq!(DynamicReference::parse("vault:x"), None);
        assert_eq!(DynamicReference::parse("ssm:"), None);
    }
}
