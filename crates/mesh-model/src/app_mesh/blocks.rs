//! Specs as nested blocks with keys in snake case, as Terraform's AWS provider writes them.
//!
//! A block is a list with one object, a repeated block a list with several, and its key is in the singular: `listener` for
//! `listeners`. In a state, what is not set is null, an empty text, an empty list or zero.
//!
//! Source: the documentation of the resources `aws_appmesh_*` of hashicorp/aws (read 2026-11-30).

use serde_json::{Map, Value};
use sidecar_contract::{Diagnostics, ValidationErrors};

use super::cursor::join;
use super::kind::Kind;
use super::schema::{Field, Schema, Shape};
use super::{
    GatewayRouteSpec, MeshSpec, RouteSpec, VirtualGatewaySpec, VirtualNodeSpec, VirtualRouterSpec, VirtualServiceSpec,
};

/// A spec that was read from blocks.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BlockSpec {
    /// The document in the casing of the API, for [`ResourceSpec::read`](super::ResourceSpec::read).
    pub document: Value,
    /// The paths of fields whose value is zero, which blocks also have where nothing is set: read as not set.
    pub ambiguous: Vec<String>,
}

/// Converts a spec from nested blocks. `path` is the path to the document, with which the path of every error begins.
/// Limits are not checked.
///
/// # Errors
///
/// Blocks that are not lists or objects, that occur several times where one is allowed, and unknown fields with a value.
pub fn from_blocks(kind: Kind, blocks: &Value, path: &str) -> Result<BlockSpec, ValidationErrors> {
    let mut converter = Converter {
        diagnostics: Diagnostics::new(),
        ambiguous: Vec::new(),
    };
    let document = converter.convert(shape(kind), blocks, path);
    converter.diagnostics.into_result(BlockSpec {
        document: document.unwrap_or_else(|| Value::Object(Map::new())),
        ambiguous: converter.ambiguous,
    })
}

fn shape(kind: Kind) -> &'static Shape {
    match kind {
        Kind::Mesh => MeshSpec::SHAPE,
        Kind::VirtualNode => VirtualNodeSpec::SHAPE,
        Kind::VirtualRouter => VirtualRouterSpec::SHAPE,
        Kind::Route => RouteSpec::SHAPE,
        Kind::VirtualService => VirtualServiceSpec::SHAPE,
        Kind::VirtualGateway => VirtualGatewaySpec::SHAPE,
        Kind::GatewayRoute => GatewayRouteSpec::SHAPE,
    }
}

struct Converter {
    diagnostics: Diagnostics,
    ambiguous: Vec<String>,
}

impl Converter {
    /// `None` for a value that is not set.
    fn convert(&mut self, shape: &Shape, value: &Value, path: &str) -> Option<Value> {
        match (shape, value) {
            (_, Value::Null) => None,
            (Shape::Structure { .. } | Shape::Union(_), Value::Array(items)) => match items.as_slice() {
                [] => None,
                [only] => Some(self.block(shape, only, path)),
                several => {
                    let message = format!("is a block that occurs {} times; allowed is one", several.len());
                    self.diagnostics.add(path, message);
                    None
                }
            },
            (Shape::Structure { .. } | Shape::Union(_), value) => Some(self.block(shape, value, path)),
            (Shape::List { .. }, Value::Array(items)) if items.is_empty() => None,
            (Shape::List { of, .. }, Value::Array(items)) => {
                let items = items.iter().enumerate();
                let items = items.map(|(index, item)| self.item(of, item, &format!("{path}[{index}]")));
                Some(items.collect())
            }
            // A list of keys and values is a map.
            (Shape::List { .. }, Value::Object(entries)) if entries.is_empty() => None,
            (Shape::List { .. }, Value::Object(entries)) => {
                let pairs = entries
                    .iter()
                    .map(|(key, value)| serde_json::json!({"key": key, "value": value}));
                Some(pairs.collect())
            }
            (Shape::Text { .. } | Shape::Printable { .. } | Shape::Keyword(_), Value::String(text))
                if text.is_empty() =>
            {
                None
            }
            (_, scalar) => Some(scalar.clone()),
        }
    }

    fn item(&mut self, shape: &Shape, value: &Value, path: &str) -> Value {
        match shape {
            Shape::Structure { .. } | Shape::Union(_) => self.block(shape, value, path),
            _ => value.clone(),
        }
    }

    /// An object. Terraform writes null for a block without fields.
    fn block(&mut self, shape: &Shape, value: &Value, path: &str) -> Value {
        let mut converted = Map::new();
        let entries = match value {
            Value::Null => return Value::Object(converted),
            Value::Object(entries) => entries,
            _ => {
                self.diagnostics.add(path, "is not a block");
                return Value::Null;
            }
        };
        let fields = shape.fields(false);
        for (name, value) in entries {
            let path = join(path, name);
            match fields.iter().find(|field| is_named(field, name)) {
                Some(field) => {
                    if self.is_unset_number(field, value, &path) {
                        continue;
                    }
                    if let Some(value) = self.convert(field.shape, value, &path) {
                        converted.insert(field.name.to_owned(), value);
                    }
                }
                None if is_unset(value) => {}
                None => self.diagnostics.add(path, "is not a known field of App Mesh"),
            }
        }
        Value::Object(converted)
    }

    fn is_unset_number(&mut self, field: &Field, value: &Value, path: &str) -> bool {
        let Shape::Whole { min, .. } = field.shape else {
            return false;
        };
        let is_zero = !field.required && value.as_i64() == Some(0);
        // Durations have a unit, which says that they are set.
        if is_zero && *min == 0 && field.name != "value" {
            self.ambiguous.push(path.to_owned());
            return true;
        }
        is_zero && *min > 0
    }
}

/// Whether a field has this name in blocks, of which repeated ones are in the singular. Lists of texts and numbers are not
/// blocks.
fn is_named(field: &Field, name: &str) -> bool {
    let plural = snake_case(field.name);
    let is_repeated = match field.shape {
        Shape::List { of, .. } => matches!(of, Shape::Structure { .. } | Shape::Union(_)),
        _ => false,
    };
    plural == name || is_repeated && plural.strip_suffix('s') == Some(name)
}

fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
    }
}

fn snake_case(name: &str) -> String {
    let letters = name.chars().map(|letter| match letter.is_ascii_uppercase() {
        true => format!("_{}", letter.to_ascii_lowercase()),
        false => letter.to_string(),
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::app_mesh::{KeyCasing, ResourceSpec};

    fn converted(kind: Kind, blocks: Value) -> BlockSpec {
        let spec = from_blocks(kind, &blocks, "spec").unwrap_or_else(|errors| panic!("{errors}"));
        ResourceSpec::read(kind, &spec.document, KeyCasing::Camel, "spec").unwrap_or_else(|errors| panic!("{errors}"));
        spec
    }

    #[test]
    fn blocks_of_a_virtual_node_become_its_document() {
        let listener = json!({
            "port_mapping": [{"port": 80, "protocol": "http"}],
            "health_check": [{"healthy_threshold": 2, "interval_millis": 5000, "path": "", "port": 0, "protocol": "http",
                              "timeout_millis": 2000, "unhealthy_threshold": 2}],
            "timeout": [{"grpc": [], "http": [{"idle": [], "per_request": [{"unit": "s", "value": 0}]}], "tcp": []}],
            "tls": []
        });
        let blocks = json!([{
            "backend": [{"virtual_service": [{"client_policy": [], "virtual_service_name": "green.local"}]}],
            "backend_defaults": [],
            "listener": [listener],
            "logging": [null],
            "service_discovery": [{"aws_cloud_map": [{"attributes": {"stack": "blue"}, "namespace_name": "local",
                                                      "service_name": "blue"}], "dns": []}]
        }]);
        let spec = converted(Kind::VirtualNode, blocks);
        assert_eq!(
            spec.document,
            json!({
                "backends": [{"virtualService": {"virtualServiceName": "green.local"}}],
                "listeners": [{
                    "portMapping": {"port": 80, "protocol": "http"},
                    "healthCheck": {"healthyThreshold": 2, "intervalMillis": 5000, "protocol": "http",
                                    "timeoutMillis": 2000, "unhealthyThreshold": 2},
                    "timeout": {"http": {"perRequest": {"unit": "s", "value": 0}}}
                }],
                "logging": {},
                "serviceDiscovery": {"awsCloudMap": {"attributes": [{"key": "stack", "value": "blue"}],
                                                     "namespaceName": "local", "serviceName": "blue"}}
            })
        );
        assert!(spec.ambiguous.is_empty());
    }

    #[test]
    fn a_priority_of_zero_is_read_as_not_set_and_reported() {
        let header = json!({"invert": false, "match": [{"exact": "", "prefix": "x", "range": [], "regex": "", "suffix": ""}],
                            "name": "x-user"});
        let route = json!({
            "action": [{"weighted_target": [{"port": 0, "virtual_node": "blue", "weight": 0}]}],
            "match": [{"header": [header], "method": "", "path": [], "port": 0, "prefix": "/", "query_parameter": [],
                       "scheme": ""}],
            "retry_policy": [], "timeout": []
        });
        let spec = converted(
            Kind::Route,
            json!([{"grpc_route": [], "http2_route": [], "http_route": [route], "priority": 0, "tcp_route": []}]),
        );
        assert_eq!(
            spec.document,
            json!({"httpRoute": {
                "action": {"weightedTargets": [{"virtualNode": "blue", "weight": 0}]},
                "match": {"headers": [{"invert": false, "match": {"prefix": "x"}, "name": "x-user"}], "prefix": "/"}
            }})
        );
        assert_eq!(spec.ambiguous, ["spec.priority"]);
    }

    #[test]
    fn unknown_fields_with_a_value_are_errors() {
        let blocks = json!([{"egress_filter": [{"type": "ALLOW_ALL"}], "surprise": [{"x": 1}], "empty": []}]);
        let errors = from_blocks(Kind::Mesh, &blocks, "spec").expect_err("an unknown field");
        assert_eq!(errors.to_string(), "spec.surprise: is not a known field of App Mesh");
        let twice = json!([{"egress_filter": [{"type": "ALLOW_ALL"}, {"type": "DROP_ALL"}]}]);
        assert!(from_blocks(Kind::Mesh, &twice, "spec").is_err());
    }
}
