//! Reads the spec of a request: validation, and the one default that App Mesh writes into it.

use std::sync::Arc;

use mesh_model::app_mesh::{KeyCasing, Kind, ResourceSpec};
use serde_json::{Value, json};

use super::record::SpecDocument;
use crate::error::ApiError;

/// Reads the spec of a new or updated resource.
///
/// It is stored as given, with two exceptions: fields that are null are absent, and a health check without a port gets
/// its listener's, as App Mesh does it. An absent spec of a mesh is an empty one.
///
/// # Errors
///
/// `BadRequestException` with all invalid fields.
pub(super) fn read(kind: Kind, spec: Option<Value>) -> Result<Arc<SpecDocument>, ApiError> {
    let mut document = match (spec, kind) {
        (Some(spec), _) => spec,
        (None, Kind::Mesh) => json!({}),
        (None, _) => return Err(ApiError::bad_request("spec: is missing")),
    };
    remove_nulls(&mut document);
    let parsed = ResourceSpec::read(kind, &document, KeyCasing::Camel, "spec")
        .map_err(|errors| ApiError::bad_request(errors.to_string().replace('\n', "; ")))?;
    // The document is valid, so the second reading differs in the ports only.
    let parsed = match fill_in_health_check_ports(&mut document) {
        false => parsed,
        true => ResourceSpec::read(kind, &document, KeyCasing::Camel, "spec")
            .map_err(|errors| ApiError::bad_request(errors.to_string()))?,
    };
    Ok(Arc::new(SpecDocument::new(&document, parsed)))
}

fn remove_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(remove_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_nulls),
        _ => {}
    }
}

/// True if there was one to fill in.
///
/// Source: AWS's App Mesh controller for Kubernetes at 7588d122, whose comparison of specs ignores exactly this field.
fn fill_in_health_check_ports(document: &mut Value) -> bool {
    let mut is_changed = false;
    let listeners = document.get_mut("listeners").and_then(Value::as_array_mut);
    for listener in listeners.into_iter().flatten() {
        let Some(port) = listener.pointer("/portMapping/port").cloned() else {
            continue;
        };
        let check = listener.get_mut("healthCheck").and_then(Value::as_object_mut);
        if let Some(check) = check.filter(|check| !check.contains_key("port")) {
            check.insert("port".to_owned(), port);
            is_changed = true;
        }
    }
    is_changed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(kind: Kind, spec: Value) -> Value {
        serde_json::from_str(read(kind, Some(spec)).unwrap().json()).unwrap()
    }

    #[test]
    fn specs_are_stored_as_given() {
        let spec = json!({"provider": {"virtualRouter": {"virtualRouterName": "r"}}});
        assert_eq!(stored(Kind::VirtualService, spec.clone()), spec);
        let mesh = read(Kind::Mesh, None).unwrap();
        assert_eq!(mesh.json(), "{}");
    }

    #[test]
    fn nulls_are_absent() {
        let spec = json!({"provider": null});
        assert_eq!(stored(Kind::VirtualService, spec), json!({}));
    }

    #[test]
    fn health_checks_get_their_listeners_port() {
        let check = json!({"protocol": "http", "path": "/", "healthyThreshold": 2, "unhealthyThreshold": 2,
            "timeoutMillis": 2000, "intervalMillis": 5000});
        let listener =
            |port: u16, check: &Value| json!({"portMapping": {"port": port, "protocol": "http"}, "healthCheck": check});
        let mut filled = check.clone();
        filled["port"] = json!(9080);
        let spec = json!({"listeners": [listener(9080, &check)], "serviceDiscovery": {"dns": {"hostname": "a"}}});
        assert_eq!(stored(Kind::VirtualNode, spec)["listeners"][0]["healthCheck"], filled);
        let gateway = json!({"listeners": [listener(9080, &check)]});
        assert_eq!(
            stored(Kind::VirtualGateway, gateway)["listeners"][0]["healthCheck"],
            filled
        );
    }

    #[test]
    fn errors_have_the_fields_path() {
        let spec = json!({"listeners": [{"portMapping": {"port": 0, "protocol": "htp"}}]});
        let error = read(Kind::VirtualRouter, Some(spec)).unwrap_err();
        assert_eq!(
            error.message(),
            "spec.listeners[0].portMapping.port: is 0; allowed is a whole number from 1 to 65535; \
             spec.listeners[0].portMapping.protocol: is \"htp\"; allowed is http, http2, grpc, tcp"
        );
        assert_eq!(read(Kind::Route, None).unwrap_err().message(), "spec: is missing");
        let error = read(Kind::Mesh, Some(json!([]))).unwrap_err();
        assert_eq!(error.message(), "spec: is []; allowed is an object");
    }
}
