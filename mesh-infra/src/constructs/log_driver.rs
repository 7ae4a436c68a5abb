//! Log drivers of containers.

use cfn::Value;
use indexmap::IndexMap;
use serde_json::{Map, Value as Json, json};
use sidecar_contract::Diagnostics;

use super::Secret;
use super::concat::concat;
use super::iam::allow;
use super::logs::LogGroup;

/// The driver of CloudWatch Logs.
const AWSLOGS: &str = "awslogs";
/// The driver of the task's log router.
const FIRELENS: &str = "awsfirelens";
/// The option of `awslogs` with the log group.
const GROUP: &str = "awslogs-group";

/// Where a container's output goes, in place of the log group of its service ([`Container::with_log_driver`]).
///
/// Fargate has the drivers `awslogs`, `splunk` and `awsfirelens`; others are an error there (ECS API reference,
/// `LogConfiguration`, read 2026-11-30). EC2 instances also have `fluentd`, `gelf`, `journald`, `json-file` and `syslog`.
///
/// [`Container::with_log_driver`]: crate::Container::with_log_driver
#[derive(Debug, Clone, PartialEq)]
pub struct LogDriver {
    name: String,
    options: IndexMap<String, Value<String>>,
    secrets: Vec<(String, Secret)>,
}

impl LogDriver {
    /// CloudWatch Logs: by default the log group of the service, as without a driver, so that options can be added, such as
    /// `mode` and `max-buffer-size`. The option `awslogs-group` names another group, to which the execution role may then
    /// write; the group must exist.
    #[must_use]
    pub fn awslogs() -> Self {
        Self::named(AWSLOGS)
    }

    /// The log router of the task, which [`TaskDefinition::with_log_router`] adds. Options select its output, such as `Name`
    /// and `region`.
    ///
    /// [`TaskDefinition::with_log_router`]: crate::TaskDefinition::with_log_router
    #[must_use]
    pub fn firelens() -> Self {
        Self::named(FIRELENS)
    }

    /// Splunk's HTTP Event Collector at this URL, with this token.
    #[must_use]
    pub fn splunk(url: impl Into<Value<String>>, token: Secret) -> Self {
        Self::named("splunk")
            .with_option("splunk-url", url)
            .with_secret_option("splunk-token", token)
    }

    /// Any other driver, by name.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            options: IndexMap::new(),
            secrets: Vec::new(),
        }
    }

    /// Sets an option. Default: the driver's.
    #[must_use]
    pub fn with_option(mut self, name: impl Into<String>, value: impl Into<Value<String>>) -> Self {
        self.options.insert(name.into(), value.into());
        self
    }

    /// Sets an option to a secret.
    #[must_use]
    pub fn with_secret_option(mut self, name: impl Into<String>, secret: Secret) -> Self {
        self.secrets.push((name.into(), secret));
        self
    }

    pub(super) fn secrets(&self) -> impl Iterator<Item = &Secret> + Clone {
        self.secrets.iter().map(|(_, secret)| secret)
    }

    /// Whether it writes to the log group of its service.
    pub(super) fn needs_log_group(&self) -> bool {
        self.name == AWSLOGS && !self.options.contains_key(GROUP)
    }

    /// The `LogConfiguration`. For `awslogs`, options that are not set are those of the group with this prefix.
    pub(super) fn to_json(&self, group: Option<(&LogGroup, &str)>, prefix: &str) -> Json {
        let mut options = match (self.name == AWSLOGS, group) {
            (true, Some((group, prefix))) if self.needs_log_group() => group.options(prefix),
            (true, _) => Map::from_iter([
                ("awslogs-region".to_owned(), json!({"Ref": "AWS::Region"})),
                // Fargate requires one.
                ("awslogs-stream-prefix".to_owned(), json!(prefix)),
            ]),
            (false, _) => Map::new(),
        };
        for (name, value) in &self.options {
            options.insert(name.clone(), value.to_json());
        }
        let mut configuration = json!({"LogDriver": self.name});
        if !options.is_empty() {
            configuration["Options"] = Json::Object(options);
        }
        if !self.secrets.is_empty() {
            let secrets = self.secrets.iter();
            let secrets =
                secrets.map(|(name, secret)| json!({"Name": name, "ValueFrom": secret.to_cfn(name).value_from}));
            configuration["SecretOptions"] = secrets.collect();
        }
        configuration
    }

    /// The statement that allows writing to a log group outside the stack, if it has one.
    pub(super) fn write_statement(&self) -> Option<Json> {
        let group = self.options.get(GROUP).filter(|_| self.name == AWSLOGS)?;
        let region = self.options.get("awslogs-region").cloned();
        let region = region.unwrap_or_else(|| Value::reference("AWS::Region"));
        let start = Value::Sub("arn:${AWS::Partition}:logs:".to_owned());
        let middle = Value::Sub(":${AWS::AccountId}:log-group:".to_owned());
        let streams = concat(&[start, region, middle, group.clone(), Value::from(":*")]);
        let mut actions = vec!["logs:CreateLogStream", "logs:PutLogEvents"];
        if self.options.get("awslogs-create-group") == Some(&Value::from("true")) {
            actions.push("logs:CreateLogGroup");
        }
        Some(allow(&actions, vec![streams.to_json()]))
    }

    /// Reports options that are set twice, and invalid secrets.
    pub(super) fn check(&self, path: &str, diagnostics: &mut Diagnostics) {
        for (index, (name, secret)) in self.secrets.iter().enumerate() {
            let path = format!("{path}.SecretOptions[{index}]");
            secret.check(&format!("{path}.ValueFrom"), diagnostics);
            let is_repeated = self.secrets[..index].iter().any(|(other, _)| other == name);
            if is_repeated || self.options.contains_key(name) {
                diagnostics.add(
                    path,
                    format!("sets `{name}`, which is set already; each option is set once"),
                );
            }
        }
    }
}
