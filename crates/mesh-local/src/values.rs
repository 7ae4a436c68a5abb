//! Values that templates leave open and that the caller knows: of resources on AWS, of other stacks, of secrets.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use cfn::closest;
use mesh_infra::cfn::evaluate::DynamicReference;
use serde_json::Value as Json;

/// Values by name, and which of them were read.
///
/// | name | value of |
/// |---|---|
/// | `CountNow.DesiredCount`, `Vpc` | an attribute of a resource, or what its `Ref` returns |
/// | `network:PrivateSubnetOne` | an import, by the name of the export |
/// | `resolve:ssm:/db/host`, `resolve:secretsmanager:db:SecretString:password` | a dynamic reference, with or without its version |
/// | `ssm:/infra/cluster` | a parameter of Systems Manager, for parameters of the types `AWS::SSM::Parameter::Value<…>` and dynamic references |
/// | `s3://BUCKET/KEY` | an environment file of a container: its lines, or an object with the variables |
/// | `Resources.Web.Properties.DesiredCount` | a property whose value is not known |
///
/// With several stacks, the name of a stack and a slash may come first, for a value in that stack alone.
#[derive(Debug, Clone, Default)]
pub struct Values {
    given: BTreeMap<String, Json>,
    read: RefCell<BTreeSet<String>>,
    /// All names that were looked up.
    wanted: RefCell<BTreeSet<String>>,
    secrets: RefCell<BTreeSet<String>>,
    /// Parameters of Systems Manager and secrets that were looked up and not given, by their text.
    missing: RefCell<BTreeMap<String, DynamicReference>>,
    /// The imports that no given stack exports, with the most similar name that one exports.
    imports: RefCell<BTreeMap<String, Option<String>>>,
}

impl Values {
    /// Adds a value. The last one of a name counts.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Json>) -> Self {
        self.given.insert(name.into(), value.into());
        self
    }

    /// The given values that nothing has read so far, each as a message with the most similar name that was looked up.
    #[must_use]
    pub fn unread(&self) -> Vec<(String, String)> {
        let (read, wanted) = (self.read.borrow(), self.wanted.borrow());
        let unread = self.given.keys().filter(|name| !read.contains(*name));
        let unread = unread.map(|name| {
            let others = wanted.iter().map(String::as_str).filter(|other| !read.contains(*other));
            let hint = closest(name, others).map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
            (name.clone(), format!("nothing reads this value{hint}"))
        });
        unread.collect()
    }

    /// The parameters of Systems Manager and the secrets that were looked up and not given. One of the templates may declare
    /// them.
    #[must_use]
    pub fn missing_references(&self) -> Vec<DynamicReference> {
        self.missing.borrow().values().cloned().collect()
    }

    /// Remembers a reference without a value, as one to the whole secret.
    fn note_missing(&self, reference: &DynamicReference) {
        let mut whole = reference.clone();
        whole.json_key = None;
        self.missing.borrow_mut().insert(whole.to_string(), whole);
    }

    /// The value of a parameter of Systems Manager, for a parameter of a template.
    pub(crate) fn ssm_parameter(&self, prefix: &str, name: &str) -> Option<Json> {
        let names = [format!("ssm:{name}"), format!("resolve:ssm:{name}")];
        let value = self.get(prefix, names.iter().map(String::as_str));
        if let (None, Some(reference)) = (&value, DynamicReference::parse(&format!("ssm:{name}"))) {
            self.note_missing(&reference);
        }
        value
    }

    /// The value of one of these names, the first that was given, in the stack with this path prefix.
    pub(crate) fn get<'n>(&self, prefix: &str, names: impl IntoIterator<Item = &'n str>) -> Option<Json> {
        let mut found = None;
        for name in names {
            for name in [format!("{prefix}{name}"), name.to_owned()] {
                if found.is_none()
                    && let Some(value) = self.given.get(&name)
                {
                    self.read.borrow_mut().insert(name.clone());
                    found = Some(value.clone());
                }
                self.wanted.borrow_mut().insert(name);
            }
        }
        found
    }

    /// The value of a dynamic reference.
    pub(crate) fn dynamic(&self, prefix: &str, reference: &DynamicReference) -> Option<Json> {
        let value = self.given(prefix, reference);
        if value.is_none() {
            self.note_missing(reference);
        }
        value
    }

    fn given(&self, prefix: &str, reference: &DynamicReference) -> Option<Json> {
        let whole = reference.to_string();
        let service = reference.service.name();
        let mut unversioned = reference.clone();
        unversioned.version = None;
        let key = |document: Json| -> Option<Json> {
            let Some(key) = &reference.json_key else {
                return Some(document);
            };
            let document = match document {
                Json::String(text) => serde_json::from_str(&text).ok()?,
                other => other,
            };
            document.get(key).cloned()
        };
        let exact = [whole.clone(), unversioned.to_string()];
        let exact = self.get(prefix, exact.iter().map(String::as_str));
        let value = exact.or_else(|| {
            let names = [
                format!("{service}:{}", reference.name),
                format!("resolve:{service}:{}", reference.name),
            ];
            key(self.get(prefix, names.iter().map(String::as_str))?)
        });
        if let Some(value) = value.as_ref().filter(|_| reference.service.is_secret()) {
            self.secrets.borrow_mut().insert(cfn::evaluate::scalar_text(value));
        }
        value
    }

    /// The value of a container's secret, by its `ValueFrom`: the name or ARN of a parameter of Systems Manager, or the ARN
    /// of a secret, which a key of its JSON object may follow.
    pub(crate) fn secret(&self, prefix: &str, value_from: &str) -> Option<Json> {
        let reference = match value_from.split_once(":secretsmanager:") {
            Some(_) => {
                // A key of the secret follows its ARN.
                let end = value_from
                    .match_indices(':')
                    .nth(6)
                    .map_or(value_from.len(), |(index, _)| index);
                let (arn, rest) = value_from.split_at(end);
                let key = rest.split(':').nth(1).filter(|key| !key.is_empty());
                let key = key.map_or_else(String::new, |key| format!(":SecretString:{key}"));
                let name = arn.rsplit(':').next().unwrap_or_default();
                // AWS appends a hyphen and six characters to the name.
                let plain = name
                    .rsplit_once('-')
                    .filter(|(_, suffix)| suffix.len() == 6)
                    .map_or(name, |(plain, _)| plain);
                let names = [arn, name, plain];
                let references = names.map(|name| DynamicReference::parse(&format!("secretsmanager:{name}{key}")));
                references.into_iter().flatten().collect::<Vec<_>>()
            }
            None => {
                let names = Self::parameter_names(value_from).unwrap_or_default();
                let references = names.iter().flat_map(|name| {
                    ["ssm-secure", "ssm"].map(|service| DynamicReference::parse(&format!("{service}:{name}")))
                });
                references.flatten().collect()
            }
        };
        let direct = self.get(prefix, [value_from]);
        let value = direct.or_else(|| reference.iter().find_map(|reference| self.given(prefix, reference)));
        if value.is_none()
            && let Some(first) = reference.first()
        {
            self.note_missing(first);
        }
        if let Some(value) = &value {
            self.secrets.borrow_mut().insert(cfn::evaluate::scalar_text(value));
        }
        value
    }

    /// The names that a parameter of Systems Manager may have, by the `ValueFrom` of a container's secret. `None` for a
    /// secret of Secrets Manager.
    pub(crate) fn parameter_names(value_from: &str) -> Option<[String; 2]> {
        if value_from.contains(":secretsmanager:") {
            return None;
        }
        let name = value_from
            .split_once(":parameter/")
            .map_or(value_from, |(_, name)| name);
        Some([name.to_owned(), format!("/{name}")])
    }

    /// Remembers an import that no given stack exports.
    pub(crate) fn note_import(&self, name: &str, exported: &[&str]) {
        let meant = closest(name, exported.iter().copied()).map(str::to_owned);
        self.imports.borrow_mut().insert(name.to_owned(), meant);
    }

    /// What to do about a value that is not known, beside giving it: for an import, the template of the stack that exports
    /// it.
    pub(crate) fn import_hint(&self, name: &str) -> Option<String> {
        Some(match self.imports.borrow().get(name)? {
            Some(meant) => format!(" or the template of the stack that exports it; did you mean the export `{meant}`?"),
            None => " or the template of the stack that exports it".to_owned(),
        })
    }

    /// A message without the secrets that were read.
    pub(crate) fn redacted(&self, message: &str) -> String {
        let secrets = self.secrets.borrow();
        // A shorter text may be a word of the message.
        let secrets = secrets.iter().filter(|secret| secret.len() >= 4);
        secrets.fold(message.to_owned(), |message, secret| {
            message.replace(secret.as_str(), "(secret)")
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_found_by_name_and_stack() {
        let values = Values::default()
            .with("Db.Host", "a")
            .with("app/Db.Host", "b")
            .with("Gone", "c");
        assert_eq!(values.get("app/", ["Db.Host"]), Some(json!("b")));
        assert_eq!(values.get("base/", ["Db.Host"]), Some(json!("a")));
        assert_eq!(values.get("", ["Gon", "Other"]), None);
        let unread = (
            "Gone".to_owned(),
            "nothing reads this value; did you mean `Gon`?".to_owned(),
        );
        assert_eq!(values.unread(), [unread]);
    }

    #[test]
    fn secrets_are_found_by_key_and_not_shown() {
        let values = Values::default()
            .with("secretsmanager:db", r#"{"password": "hunter2"}"#)
            .with("ssm:/host", "db.local");
        let parse = |text| DynamicReference::parse(text).expect("a reference");
        let password = parse("secretsmanager:db:SecretString:password");
        assert_eq!(values.dynamic("", &password), Some(json!("hunter2")));
        assert_eq!(values.dynamic("", &parse("ssm:/host:4")), Some(json!("db.local")));
        assert_eq!(values.dynamic("", &parse("secretsmanager:db:SecretString:user")), None);
        assert_eq!(values.redacted("is `hunter2`; allowed"), "is `(secret)`; allowed");
        for (value_from, expected) in [
            (
                "arn:aws:secretsmanager:eu-west-1:1:secret:db-AbCdEf:password::",
                Some("hunter2"),
            ),
            (
                "arn:aws:secretsmanager:eu-west-1:1:secret:db-AbCdEf",
                Some(r#"{"password": "hunter2"}"#),
            ),
            ("arn:aws:ssm:eu-west-1:1:parameter/host", Some("db.local")),
            ("/host", Some("db.local")),
            ("/other", None),
        ] {
            assert_eq!(values.secret("", value_from), expected.map(Json::from), "{value_from}");
        }
    }
}
