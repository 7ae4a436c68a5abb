//! `ServiceConnectConfiguration` between CloudFormation's spelling and the model's.
//!
//! The model of Service Connect lives in [`mesh_model::service_connect`], in the spelling of the ECS API and
//! without late values. A template writes the same thing in CloudFormation's spelling, and its namespace is as a
//! rule an attribute of another resource. This file is the bridge.

use mesh_model::key_casing;
use mesh_model::service_connect::ServiceConnectConfiguration as Model;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::lenient_read::mend;
use crate::read::{ReadError, dotted, joined};
use crate::value::{Literal, Value, intrinsic};

/// How an ECS service takes part in Service Connect, as the template's JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServiceConnectConfiguration(
    /// The properties in CloudFormation's spelling: `Enabled`, `Namespace`, `Services`, `LogConfiguration`, ….
    pub Map<String, Json>,
);

/// Log options are names that users choose (`awslogs-group`, `Name`), so these parts keep their letters when
/// the spelling around them changes.
const KEPT_AS_THEY_ARE: [(&str, &str); 2] = [
    ("LogConfiguration", "logConfiguration"),
    ("AccessLogConfiguration", "accessLogConfiguration"),
];

impl ServiceConnectConfiguration {
    /// The model's configuration in CloudFormation's spelling. `namespace` takes the place of the model's own,
    /// because only it can be late.
    #[must_use]
    pub fn new(configuration: &Model, namespace: Option<Value<String>>) -> Self {
        let document = serde_json::to_value(configuration).expect("the model has string keys and finite numbers");
        let Json::Object(mut api) = document else {
            unreachable!("a struct serialises to an object");
        };
        let kept: Vec<_> = KEPT_AS_THEY_ARE
            .into_iter()
            .filter_map(|(cloudformation, key)| Some((cloudformation, api.shift_remove(key)?)))
            .collect();
        let namespace = namespace.or_else(|| configuration.namespace.clone().map(Value::Known));
        let mut properties = Map::new();
        properties.insert("Enabled".to_owned(), Json::from(configuration.enabled));
        if let Some(namespace) = namespace {
            properties.insert("Namespace".to_owned(), namespace.to_json());
        }
        if let Json::Object(rest) = key_casing::to_pascal_case(Json::Object(api)) {
            for (key, value) in rest {
                properties.entry(key).or_insert(value);
            }
        }
        properties.extend(kept.into_iter().map(|(key, value)| (key.to_owned(), value)));
        Self(properties)
    }

    /// Whether the service takes part. False as well when that is not known yet.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.0
            .get("Enabled")
            .is_some_and(|enabled| bool::from_json(enabled) == Ok(true))
    }

    /// The namespace, by name or ARN. `None` when the cluster's default holds.
    #[must_use]
    pub fn namespace(&self) -> Option<Value<String>> {
        Value::from_json(self.0.get("Namespace")?).ok()
    }

    /// The configuration as the model has it. Its namespace is there only if it is known.
    ///
    /// # Errors
    ///
    /// The first property that does not fit, or that the model does not know, by its path in CloudFormation's
    /// spelling. A late value anywhere but in the namespace is [late](ReadError::is_unresolved).
    pub fn to_model(&self) -> Result<Model, ReadError> {
        let mut properties = self.0.clone();
        let namespace = properties
            .shift_remove("Namespace")
            .map(|namespace| Value::<String>::from_json(&namespace))
            .transpose()
            .map_err(|message| ReadError::new("Namespace", message, false))?;
        let mut kept = Vec::new();
        for (cloudformation, api) in KEPT_AS_THEY_ARE {
            kept.extend(properties.shift_remove(cloudformation).map(|value| (api, value)));
        }
        let mut document = Json::Object(properties);
        refuse_late("", &document)?;
        settle_scalars("", &mut document)?;
        let written = document.clone();
        let mut document = key_casing::to_camel_case(document);
        if let Json::Object(api) = &mut document {
            if let Some(Value::Known(namespace)) = namespace {
                api.insert("namespace".to_owned(), Json::from(namespace));
            }
            api.extend(kept.into_iter().map(|(key, value)| (key.to_owned(), value)));
        }
        let model: Model = serde_path_to_error::deserialize(&document).map_err(|error| {
            let path = dotted(error.path())
                .split('.')
                .map(key_casing::pascal_case)
                .collect::<Vec<_>>()
                .join(".");
            ReadError::new(path, error.inner().to_string(), false)
        })?;
        let known = Json::Object(Self::new(&model, None).0);
        refuse_unknown("", &written, &known)?;
        Ok(model)
    }

    /// The configuration as the model has it, and everything that does not fit, as [`Self::to_model`] finds it.
    /// What does not fit is made up in the model, so that the rest of it can be judged; `None` if that fails.
    #[must_use]
    pub fn to_model_all(&self) -> (Option<Model>, Vec<ReadError>) {
        let stand_in = |field: &str, number: usize| match field {
            "Enabled" => Json::from(true),
            "Port" => Json::from(1),
            // Names must not be claimed twice only because two of them are not known.
            _ => Json::from(format!("unknown-{number}")),
        };
        mend(Json::Object(self.0.clone()), stand_in, |json| match json {
            Json::Object(object) => Self(object.clone()).to_model(),
            other => Err(ReadError::new("", format!("is {other}; allowed is an object"), false)),
        })
    }
}

/// Refuses what the model did not take over: dropping it silently would run another service than was described.
fn refuse_unknown(path: &str, written: &Json, known: &Json) -> Result<(), ReadError> {
    match (written, known) {
        (Json::Object(written), Json::Object(known)) => written.iter().try_for_each(|(key, value)| {
            let path = joined(path, key);
            match known.get(key) {
                Some(known) => refuse_unknown(&path, value, known),
                None if is_nothing(value) => Ok(()),
                None => Err(ReadError::new(path, "is not supported yet; remove it", false)),
            }
        }),
        (Json::Array(written), Json::Array(known)) => written
            .iter()
            .zip(known)
            .enumerate()
            .try_for_each(|(index, (value, known))| refuse_unknown(&format!("{path}[{index}]"), value, known)),
        _ => Ok(()),
    }
}

/// What the model leaves out when it is written.
fn is_nothing(json: &Json) -> bool {
    json.is_null() || json.as_array().is_some_and(Vec::is_empty)
}

fn refuse_late(path: &str, json: &Json) -> Result<(), ReadError> {
    if intrinsic(json).is_some() {
        return Err(ReadError::new(
            path,
            "is known only once CloudFormation has evaluated it",
            true,
        ));
    }
    match json {
        Json::Object(object) => object
            .iter()
            .try_for_each(|(key, value)| refuse_late(&joined(path, key), value)),
        Json::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| refuse_late(&format!("{path}[{index}]"), item)),
        _ => Ok(()),
    }
}

/// Turns `"80"` into `80` and `"true"` into `true` where CloudFormation takes both and the model does not.
fn settle_scalars(path: &str, json: &mut Json) -> Result<(), ReadError> {
    match json {
        Json::Object(object) => object.iter_mut().try_for_each(|(key, value)| {
            let path = joined(path, key);
            let settled = match key.as_str() {
                "Enabled" => bool::from_json(value).map(Json::from),
                "Port" | "IngressPortOverride" | "IdleTimeoutSeconds" | "PerRequestTimeoutSeconds" => {
                    u32::from_json(value).map(Json::from)
                }
                _ => return settle_scalars(&path, value),
            };
            *value = settled.map_err(|message| ReadError::new(path, message, false))?;
            Ok(())
        }),
        Json::Array(items) => items
            .iter_mut()
            .enumerate()
            .try_for_each(|(index, item)| settle_scalars(&format!("{path}[{index}]"), item)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn configuration(json: Json) -> ServiceConnectConfiguration {
        serde_json::from_value(json).expect("an object")
    }

    #[test]
    fn the_namespace_may_be_late_and_nothing_else() {
        let late = configuration(json!({
            "Enabled": "true",
            "Namespace": {"Fn::GetAtt": ["Namespace", "Arn"]},
            "Services": [{"PortName": "http", "ClientAliases": [{"Port": "80"}]}]
        }));
        assert_eq!(late.namespace(), Some(Value::attribute("Namespace", "Arn")));
        let model = late.to_model().unwrap();
        assert_eq!(model.namespace, None);
        assert_eq!(model.services[0].client_aliases[0].port, 80);

        let error = configuration(json!({"Enabled": true, "Services": [{"PortName": {"Ref": "Port"}}]}))
            .to_model()
            .unwrap_err();
        assert!(error.is_unresolved());
        assert_eq!(error.path(), "Services[0].PortName");
    }

    #[test]
    fn mistakes_are_named_in_cloudformations_spelling() {
        let error = configuration(json!({"Enabled": true, "Services": [{"ClientAliases": [{"Port": "http"}]}]}))
            .to_model()
            .unwrap_err();
        assert_eq!(error.path(), "Services[0].ClientAliases[0].Port");
    }

    #[test]
    fn what_the_model_does_not_know_is_refused_by_name() {
        for (services, path) in [
            (json!([{"PortName": "http", "ClientAliases": []}]), None),
            (json!([{"PortName": "http", "Weight": 3}]), Some("Services[0].Weight")),
            (json!([{"PortName": "http", "Tls": {"KmsKey": "k"}}]), None),
        ] {
            let read = configuration(json!({"Enabled": true, "Services": services})).to_model();
            assert_eq!(read.err().as_ref().map(ReadError::path), path, "{services}");
        }
    }

    #[test]
    fn log_options_keep_their_letters() {
        let written = json!({
            "Enabled": true,
            "Namespace": "serviceconnect",
            "LogConfiguration": {"LogDriver": "awsfirelens", "Options": {"Name": "cloudwatch", "awslogs-group": "g"}}
        });
        let model = configuration(written.clone()).to_model().unwrap();
        assert_eq!(
            serde_json::to_value(ServiceConnectConfiguration::new(&model, None)).unwrap(),
            written
        );
    }
}
