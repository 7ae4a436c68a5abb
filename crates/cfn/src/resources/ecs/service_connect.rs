//! The Service Connect configuration of a service, converted from and to [`mesh_model::service_connect`].
//!
//! The model has the key casing of the ECS API and no expressions. A template has CloudFormation's key casing, and its
//! namespace is usually an attribute of another resource.

use mesh_model::key_casing;
use mesh_model::service_connect::ServiceConnectConfiguration as Model;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::lenient_read::repair;
use crate::read::{ReadError, dotted, joined};
use crate::value::{Literal, Value, intrinsic};

/// The Service Connect configuration of an ECS service, as the template's JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServiceConnectConfiguration(
    /// The properties in CloudFormation's key casing: `Enabled`, `Namespace`, `Services`, `LogConfiguration`, ….
    pub Map<String, Json>,
);

/// Log configurations contain names that users choose (`awslogs-group`, `Name`), whose casing is not converted.
const NOT_CONVERTED: [(&str, &str); 2] = [
    ("LogConfiguration", "logConfiguration"),
    ("AccessLogConfiguration", "accessLogConfiguration"),
];

impl ServiceConnectConfiguration {
    /// The model's configuration in CloudFormation's key casing. `namespace`, which can be an expression, replaces the
    /// model's own.
    #[must_use]
    pub fn new(configuration: &Model, namespace: Option<Value<String>>) -> Self {
        let document = serde_json::to_value(configuration).expect("the model has string keys and finite numbers");
        let Json::Object(mut api) = document else {
            unreachable!("a struct serialises to an object");
        };
        let kept: Vec<_> = NOT_CONVERTED
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

    /// True if Service Connect is enabled; false if that is unknown.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.0
            .get("Enabled")
            .is_some_and(|enabled| bool::from_json(enabled) == Ok(true))
    }

    /// The namespace, by name or ARN. `None` for the cluster's default.
    #[must_use]
    pub fn namespace(&self) -> Option<Value<String>> {
        Value::from_json(self.0.get("Namespace")?).ok()
    }

    /// The configuration as the model. The namespace is set only if it is known.
    ///
    /// # Errors
    ///
    /// The first property that is invalid or unknown to the model, by its path in CloudFormation's key casing. An
    /// expression anywhere but in the namespace is [unresolved](ReadError::is_unresolved).
    pub fn to_model(&self) -> Result<Model, ReadError> {
        let mut properties = self.0.clone();
        let namespace = properties
            .shift_remove("Namespace")
            .map(|namespace| Value::<String>::from_json(&namespace))
            .transpose()
            .map_err(|message| ReadError::new("Namespace", message, false))?;
        let mut kept = Vec::new();
        for (cloudformation, api) in NOT_CONVERTED {
            kept.extend(properties.shift_remove(cloudformation).map(|value| (api, value)));
        }
        let mut document = Json::Object(properties);
        reject_expressions("", &document)?;
        convert_scalars("", &mut document)?;
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
        reject_unknown("", &written, &known)?;
        Ok(model)
    }

    /// The configuration as the model, and all errors of [`Self::to_model`]. Invalid values are replaced by placeholders,
    /// so that the rest can be validated; `None` if that fails.
    #[must_use]
    pub fn to_model_all(&self) -> (Option<Model>, Vec<ReadError>) {
        let placeholder = |field: &str, number: usize| match field {
            "Enabled" => Json::from(true),
            "Port" => Json::from(1),
            // Unique, so that unknown names are not reported as duplicates.
            _ => Json::from(format!("unknown-{number}")),
        };
        repair(Json::Object(self.0.clone()), placeholder, |json| match json {
            Json::Object(object) => Self(object.clone()).to_model(),
            other => Err(ReadError::new("", format!("is {other}; allowed is an object"), false)),
        })
    }
}

/// Rejects properties that the model dropped: ignoring them would run another service than the template describes.
fn reject_unknown(path: &str, written: &Json, known: &Json) -> Result<(), ReadError> {
    match (written, known) {
        (Json::Object(written), Json::Object(known)) => written.iter().try_for_each(|(key, value)| {
            let path = joined(path, key);
            match known.get(key) {
                Some(known) => reject_unknown(&path, value, known),
                None if is_empty(value) => Ok(()),
                None => Err(ReadError::new(path, "is not supported yet; remove it", false)),
            }
        }),
        (Json::Array(written), Json::Array(known)) => written
            .iter()
            .zip(known)
            .enumerate()
            .try_for_each(|(index, (value, known))| reject_unknown(&format!("{path}[{index}]"), value, known)),
        _ => Ok(()),
    }
}

/// Values that the model does not write.
fn is_empty(json: &Json) -> bool {
    json.is_null() || json.as_array().is_some_and(Vec::is_empty)
}

fn reject_expressions(path: &str, json: &Json) -> Result<(), ReadError> {
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
            .try_for_each(|(key, value)| reject_expressions(&joined(path, key), value)),
        Json::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| reject_expressions(&format!("{path}[{index}]"), item)),
        _ => Ok(()),
    }
}

/// Converts `"80"` to `80` and `"true"` to `true`: CloudFormation accepts both, the model does not.
fn convert_scalars(path: &str, json: &mut Json) -> Result<(), ReadError> {
    match json {
        Json::Object(object) => object.iter_mut().try_for_each(|(key, value)| {
            let path = joined(path, key);
            let converted = match key.as_str() {
                "Enabled" => bool::from_json(value).map(Json::from),
                "Port" | "IngressPortOverride" | "IdleTimeoutSeconds" | "PerRequestTimeoutSeconds" => {
                    u32::from_json(value).map(Json::from)
                }
                _ => return convert_scalars(&path, value),
            };
            *value = converted.map_err(|message| ReadError::new(path, message, false))?;
            Ok(())
        }),
        Json::Array(items) => items
            .iter_mut()
            .enumerate()
            .try_for_each(|(index, item)| convert_scalars(&format!("{path}[{index}]"), item)),
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
    fn only_the_namespace_can_be_an_expression() {
        let configuration_with_reference = configuration(json!({
            "Enabled": "true",
            "Namespace": {"Fn::GetAtt": ["Namespace", "Arn"]},
            "Services": [{"PortName": "http", "ClientAliases": [{"Port": "80"}]}]
        }));
        assert_eq!(
            configuration_with_reference.namespace(),
            Some(Value::attribute("Namespace", "Arn"))
        );
        let model = configuration_with_reference.to_model().unwrap();
        assert_eq!(model.namespace, None);
        assert_eq!(model.services[0].client_aliases[0].port, 80);

        let error = configuration(json!({"Enabled": true, "Services": [{"PortName": {"Ref": "Port"}}]}))
            .to_model()
            .unwrap_err();
        assert!(error.is_unresolved());
        assert_eq!(error.path(), "Services[0].PortName");
    }

    #[test]
    fn errors_have_paths_in_cloudformations_casing() {
        let error = configuration(json!({"Enabled": true, "Services": [{"ClientAliases": [{"Port": "http"}]}]}))
            .to_model()
            .unwrap_err();
        assert_eq!(error.path(), "Services[0].ClientAliases[0].Port");
    }

    #[test]
    fn rejects_properties_unknown_to_the_model() {
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
    fn log_options_keep_their_casing() {
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
