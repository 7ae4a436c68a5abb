//! Secrets: values that ECS reads when a task starts, and that no template contains.

use cfn::{Value, ecs};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use super::concat::concat;
use super::iam::{allow, own_arn_value};

/// A value in Secrets Manager or Parameter Store, for an environment variable ([`Container::with_secret`]) or an option of
/// a log driver ([`LogDriver::with_secret_option`]).
///
/// ECS reads it when a task starts; the template contains its ARN alone, and running tasks keep an old value until they are
/// replaced. The execution role of the service allows reading exactly this secret; a role that is given by its ARN
/// ([`TaskDefinition::with_execution_role_arn`]) must allow it itself.
///
/// Source of formats and permissions: ECS developer guide, "Pass sensitive data to an Amazon ECS container" and "Amazon
/// ECS task execution IAM role" (read 2026-11-30).
///
/// [`Container::with_secret`]: crate::Container::with_secret
/// [`LogDriver::with_secret_option`]: crate::LogDriver::with_secret_option
/// [`TaskDefinition::with_execution_role_arn`]: crate::TaskDefinition::with_execution_role_arn
#[derive(Debug, Clone, PartialEq)]
pub struct Secret {
    store: Store,
    arn: Value<String>,
    json_key: Option<String>,
    version_stage: Option<String>,
    version_id: Option<String>,
    kms_key: Option<Value<String>>,
}

/// The service that keeps a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Store {
    SecretsManager,
    ParameterStore,
}

impl Secret {
    /// A secret of Secrets Manager by its full ARN, which ends in a hyphen and six characters. As a whole by default; see
    /// [`Secret::with_json_key`].
    #[must_use]
    pub fn secrets_manager(arn: impl Into<Value<String>>) -> Self {
        Self::new(Store::SecretsManager, arn.into())
    }

    /// A parameter of Parameter Store, usually a secure string: by its ARN, or by its name if it is in the account and region
    /// of the stack.
    #[must_use]
    pub fn ssm_parameter(arn_or_name: impl Into<Value<String>>) -> Self {
        let arn = match arn_or_name.into() {
            Value::Known(name) if !name.starts_with("arn:") => {
                own_arn_value("ssm", &format!("parameter/{}", name.trim_start_matches('/')))
            }
            other => other,
        };
        Self::new(Store::ParameterStore, arn)
    }

    fn new(store: Store, arn: Value<String>) -> Self {
        Self {
            store,
            arn,
            json_key: None,
            version_stage: None,
            version_id: None,
            kms_key: None,
        }
    }

    /// Selects one value of a secret that is a JSON object. For Secrets Manager. Default: the whole secret.
    #[must_use]
    pub fn with_json_key(mut self, key: impl Into<String>) -> Self {
        self.json_key = Some(key.into());
        self
    }

    /// Selects a version by its stage, such as `AWSPREVIOUS`. For Secrets Manager. Default, decided by Secrets Manager:
    /// `AWSCURRENT`.
    #[must_use]
    pub fn with_version_stage(mut self, stage: impl Into<String>) -> Self {
        self.version_stage = Some(stage.into());
        self
    }

    /// Selects a version by its id. For Secrets Manager. Default: as [`Secret::with_version_stage`].
    #[must_use]
    pub fn with_version_id(mut self, id: impl Into<String>) -> Self {
        self.version_id = Some(id.into());
        self
    }

    /// Sets the ARN of the KMS key that it is encrypted with, which the execution role may then use. Default: a key of AWS,
    /// which needs no permission.
    #[must_use]
    pub fn with_kms_key_arn(mut self, arn: impl Into<Value<String>>) -> Self {
        self.kms_key = Some(arn.into());
        self
    }

    /// As a variable or option of this name.
    pub(super) fn to_cfn(&self, name: &str) -> ecs::Secret {
        let selection = [&self.json_key, &self.version_stage, &self.version_id];
        let value_from = match selection.iter().any(|part| part.is_some()) {
            true => {
                let selection = selection.map(|part| part.as_deref().unwrap_or_default()).join(":");
                concat(&[self.arn.clone(), Value::Known(format!(":{selection}"))])
            }
            false => self.arn.clone(),
        };
        ecs::Secret {
            name: Value::from(name),
            value_from,
        }
    }

    /// Reports what ECS would reject, or could not find, when a task starts.
    pub(super) fn check(&self, path: &str, diagnostics: &mut Diagnostics) {
        let selection = [&self.json_key, &self.version_stage, &self.version_id];
        let selection = selection.into_iter().flatten();
        match self.store {
            Store::ParameterStore if selection.clone().next().is_some() => {
                let message =
                    "is a parameter, which has no JSON keys, stages or version ids; use Secret::secrets_manager";
                diagnostics.add(path, message);
            }
            _ => {
                for part in selection.filter(|part| part.is_empty() || part.contains(':')) {
                    let message =
                        format!("selects `{part}`; a JSON key, stage or version id is not empty and has no colon");
                    diagnostics.add(path, message);
                }
            }
        }
        let Value::Known(arn) = &self.arn else { return };
        let (is_valid, expected) = match self.store {
            Store::SecretsManager => (
                is_secret_arn(arn),
                "the full ARN of a secret, which ends in a hyphen and six characters: \
                 arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-AbCdEf; Secret::with_json_key selects a part",
            ),
            Store::ParameterStore => (
                is_parameter_arn(arn),
                "the ARN or name of a parameter: arn:aws:ssm:REGION:ACCOUNT:parameter/NAME or /NAME",
            ),
        };
        if !is_valid {
            diagnostics.add(path, format!("is `{arn}`; expected {expected}"));
        }
    }
}

/// The statements that allow reading these secrets, and nothing else.
pub(super) fn read_statements<'s>(secrets: impl Iterator<Item = &'s Secret> + Clone) -> Vec<Json> {
    let of = |store: Store| secrets.clone().filter(move |secret| secret.store == store);
    let values = of(Store::SecretsManager).map(|secret| &secret.arn);
    let parameters = of(Store::ParameterStore).map(|secret| &secret.arn);
    let keys = secrets.clone().filter_map(|secret| secret.kms_key.as_ref());
    let statements = [
        ("secretsmanager:GetSecretValue", distinct(values)),
        ("ssm:GetParameters", distinct(parameters)),
        ("kms:Decrypt", distinct(keys)),
    ];
    let statements = statements.into_iter().filter(|(_, resources)| !resources.is_empty());
    statements
        .map(|(action, resources)| allow(&[action], resources))
        .collect()
}

fn distinct<'v>(values: impl Iterator<Item = &'v Value<String>>) -> Vec<Json> {
    let mut distinct = Vec::new();
    for value in values.map(Value::to_json) {
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    distinct
}

fn is_secret_arn(arn: &str) -> bool {
    let parts: Vec<&str> = arn.split(':').collect();
    let has_random_part = |name: &str| {
        let random = name.rsplit_once('-').map(|(_, random)| random);
        random.is_some_and(|random| random.len() == 6 && random.bytes().all(|c| c.is_ascii_alphanumeric()))
    };
    matches!(parts[..], ["arn", _, "secretsmanager", _, _, "secret", name] if has_random_part(name))
}

fn is_parameter_arn(arn: &str) -> bool {
    let parts: Vec<&str> = arn.split(':').collect();
    matches!(parts[..], ["arn", _, "ssm", _, _, name] if name.starts_with("parameter/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf";

    fn errors(secret: &Secret) -> String {
        let mut diagnostics = Diagnostics::new();
        secret.check("S", &mut diagnostics);
        diagnostics.to_string()
    }

    #[test]
    fn a_part_of_a_secret_is_selected_in_its_value_from() {
        let of = |secret: Secret| secret.to_cfn("A").value_from.to_json();
        assert_eq!(of(Secret::secrets_manager(ARN)), json!(ARN));
        let key = Secret::secrets_manager(ARN).with_json_key("password");
        assert_eq!(of(key.clone()), json!(format!("{ARN}:password::")));
        assert_eq!(
            of(key.with_version_stage("AWSPREVIOUS")),
            json!(format!("{ARN}:password:AWSPREVIOUS:"))
        );
        assert_eq!(
            of(Secret::secrets_manager(ARN).with_version_id("v1")),
            json!(format!("{ARN}:::v1"))
        );
        let referenced = Secret::secrets_manager(Value::reference("Db")).with_json_key("user");
        assert_eq!(of(referenced), json!({"Fn::Sub": "${Db}:user::"}));
    }

    #[test]
    fn a_parameter_has_the_arn_of_its_name() {
        for name in ["/team/db", "team/db"] {
            assert_eq!(
                Secret::ssm_parameter(name).to_cfn("A").value_from.to_json(),
                json!({"Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/team/db"})
            );
        }
    }

    #[test]
    fn secrets_that_ecs_cannot_find_are_reported() {
        for valid in [
            Secret::secrets_manager(ARN),
            Secret::secrets_manager(Value::reference("Db")),
            Secret::ssm_parameter("arn:aws:ssm:eu-west-1:123456789012:parameter/db"),
            Secret::ssm_parameter("/db"),
        ] {
            assert_eq!(errors(&valid), "", "{valid:?}");
        }
        let without_end = Secret::secrets_manager("arn:aws:secretsmanager:eu-west-1:123456789012:secret:db");
        assert_eq!(
            errors(&without_end),
            "S: is `arn:aws:secretsmanager:eu-west-1:123456789012:secret:db`; expected the full ARN of a secret, which ends \
             in a hyphen and six characters: arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-AbCdEf; \
             Secret::with_json_key selects a part"
        );
        assert!(errors(&Secret::secrets_manager(format!("{ARN}:key::"))).contains("expected the full ARN"));
        assert!(errors(&Secret::ssm_parameter(ARN)).contains("expected the ARN or name of a parameter"));
        assert_eq!(
            errors(&Secret::ssm_parameter("/db").with_json_key("a")),
            "S: is a parameter, which has no JSON keys, stages or version ids; use Secret::secrets_manager"
        );
        assert!(errors(&Secret::secrets_manager(ARN).with_json_key("a:b")).contains("selects `a:b`"));
    }

    #[test]
    fn the_statements_allow_each_secret_once() {
        let key = "arn:aws:kms:eu-west-1:123456789012:key/k";
        let secrets = [
            Secret::secrets_manager(ARN).with_json_key("user").with_kms_key_arn(key),
            Secret::secrets_manager(ARN)
                .with_json_key("password")
                .with_kms_key_arn(key),
            Secret::ssm_parameter("arn:aws:ssm:eu-west-1:123456789012:parameter/db"),
        ];
        assert_eq!(
            read_statements(secrets.iter()),
            [
                json!({"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": ARN}),
                json!({"Effect": "Allow", "Action": "ssm:GetParameters",
                    "Resource": "arn:aws:ssm:eu-west-1:123456789012:parameter/db"}),
                json!({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key}),
            ]
        );
    }
}
