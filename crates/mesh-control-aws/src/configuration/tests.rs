//! Successive reads of one mesh: views and reported errors.

use mesh_model::app_mesh::RouteSpec;
use serde_json::json;

use super::*;

const ROUTE: &str = "virtualRouter/split/route/all";

fn parameter(path: &str, value: &Value) -> Parameter {
    let separator = if path.is_empty() { "" } else { "/" };
    Parameter::text(&format!("/meshwright/demo{separator}{path}"), 1, &value.to_string())
}

fn node() -> Value {
    json!({
        "listeners": [{"portMapping": {"port": 80, "protocol": "http"}}],
        "serviceDiscovery": {"awsCloudMap": {"namespaceName": "demo", "serviceName": "blue"}},
    })
}

fn route(targets: &[&str]) -> Value {
    let targets: Vec<Value> = targets
        .iter()
        .map(|node| json!({"virtualNode": node, "weight": 1}))
        .collect();
    json!({"httpRoute": {"match": {"prefix": "/"}, "action": {"weightedTargets": targets}}})
}

fn router(protocol: &str) -> Value {
    json!({"listeners": [{"portMapping": {"port": 80, "protocol": protocol}}]})
}

/// A mesh with the nodes `blue` and `green`, and a route to the former.
fn valid_mesh() -> Vec<Parameter> {
    vec![
        parameter("", &json!({})),
        parameter("virtualNode/blue", &node()),
        parameter("virtualNode/green", &node()),
        parameter("virtualRouter/split", &router("http")),
        parameter(ROUTE, &route(&["blue"])),
    ]
}

fn replace(parameters: &mut [Parameter], with: Parameter) {
    for parameter in parameters {
        if parameter.name == with.name {
            *parameter = with.clone();
        }
    }
}

fn targets(view: &View) -> Vec<&str> {
    let route = view.topology.virtual_routers["split"].routes.get("all");
    let targets = route.into_iter().flat_map(RouteSpec::targets);
    targets.map(|target| target.virtual_node.as_str()).collect()
}

#[track_caller]
fn check_damaged(view: &View, expected: &[&str]) {
    assert_eq!(view.damaged, expected);
}

#[test]
fn a_valid_mesh_is_served_unchanged() {
    let view = Configuration::of("demo").read(&valid_mesh()).expect("a mesh");
    check_damaged(&view, &[]);
    assert_eq!(targets(&view), ["blue"]);
    assert_eq!(view.config_hash, ConfigHash::of(&valid_mesh()));
}

#[test]
fn without_the_meshs_own_parameter_there_is_no_mesh() {
    let mut configuration = Configuration::of("demo");
    for reading in [vec![], valid_mesh().split_off(1)] {
        let error = configuration.read(&reading).expect_err("no mesh");
        assert!(
            error.starts_with("the parameter /meshwright/demo does not exist"),
            "{error}"
        );
    }
    let damaged = [Parameter::text("/meshwright/demo", 1, "no JSON")];
    let error = configuration.read(&damaged).expect_err("no mesh");
    assert!(error.starts_with("/meshwright/demo: is not valid JSON"), "{error}");
}

#[test]
fn an_invalid_document_keeps_its_last_valid_value() {
    let mut configuration = Configuration::of("demo");
    configuration.read(&valid_mesh()).expect("a mesh");
    let mut reading = valid_mesh();
    replace(
        &mut reading,
        parameter(ROUTE, &json!({"httpRoute": {"match": {"prefix": "no"}}})),
    );
    replace(
        &mut reading,
        Parameter::text("/meshwright/demo/virtualNode/blue", 2, "{"),
    );
    let view = configuration.read(&reading).expect("a mesh");
    assert_eq!(targets(&view), ["blue"]);
    assert!(view.topology.virtual_nodes.contains_key("blue"));
    assert!(view.damaged.len() >= 2, "{:?}", view.damaged);
    for damaged in &view.damaged {
        assert!(damaged.starts_with("/meshwright/demo/virtual"), "{damaged}");
        assert!(damaged.ends_with("; its last valid value is kept"), "{damaged}");
    }
}

#[test]
fn a_document_that_was_never_valid_is_ignored() {
    let mut reading = valid_mesh();
    reading.push(Parameter::text(
        "/meshwright/demo/virtualNode/new",
        1,
        "{\"listener\": 1}",
    ));
    reading.push(parameter("notes", &json!({})));
    reading.push(Parameter {
        kind: "SecureString".to_owned(),
        ..parameter("virtualService/blue.demo", &json!({}))
    });
    let view = Configuration::of("demo").read(&reading).expect("a mesh");
    assert_eq!(view.topology.virtual_nodes.len(), 2);
    assert_eq!(view.damaged.len(), 3, "{:?}", view.damaged);
    assert!(
        view.damaged.iter().all(|text| text.ends_with("; it is ignored")),
        "{:?}",
        view.damaged
    );
}

#[test]
fn a_route_to_a_missing_node_waits_for_it() {
    let mut configuration = Configuration::of("demo");
    configuration.read(&valid_mesh()).expect("a mesh");
    let mut reading = valid_mesh();
    replace(&mut reading, parameter(ROUTE, &route(&["blue", "red"])));
    let view = configuration.read(&reading).expect("a mesh");
    assert_eq!(targets(&view), ["blue"]);
    check_damaged(
        &view,
        &[
            "/meshwright/demo/virtualRouter/split/route/all: refers to the virtual node `red`, which does not exist; its \
           last valid value is kept",
        ],
    );
    reading.push(parameter("virtualNode/red", &node()));
    let view = configuration.read(&reading).expect("a mesh");
    assert_eq!(targets(&view), ["blue", "red"]);
    check_damaged(&view, &[]);
}

#[test]
fn deleted_documents_are_kept_while_others_refer_to_them() {
    let mut configuration = Configuration::of("demo");
    configuration.read(&valid_mesh()).expect("a mesh");
    let mut reading = valid_mesh();
    reading.retain(|parameter| !parameter.name.contains("virtualNode"));
    let view = configuration.read(&reading).expect("a mesh");
    assert_eq!(view.topology.virtual_nodes.keys().collect::<Vec<_>>(), ["blue"]);
    check_damaged(
        &view,
        &["/meshwright/demo/virtualNode/blue: was deleted, and others refer to it; it is kept"],
    );
    reading.retain(|parameter| !parameter.name.ends_with("route/all"));
    let view = configuration.read(&reading).expect("a mesh");
    assert!(view.topology.virtual_nodes.is_empty());
    check_damaged(&view, &[]);
}

#[test]
fn an_inconsistent_mesh_keeps_its_last_valid_view() {
    let mut configuration = Configuration::of("demo");
    let before = configuration.read(&valid_mesh()).expect("a mesh");
    let mut reading = valid_mesh();
    // The unchanged route is for another protocol than its router now.
    replace(&mut reading, parameter("virtualRouter/split", &router("http2")));
    let view = configuration.read(&reading).expect("a mesh");
    assert_eq!(view.topology, before.topology);
    assert_eq!(view.damaged.len(), 1, "{:?}", view.damaged);
    assert!(
        view.damaged[0].ends_with("; the mesh keeps its last valid configuration"),
        "{:?}",
        view.damaged
    );
}

#[test]
fn the_first_read_ignores_inconsistent_documents_and_their_dependents() {
    let mut reading = valid_mesh();
    replace(&mut reading, parameter(ROUTE, &route(&["red"])));
    reading.push(parameter(
        "virtualService/red.demo",
        &json!({"provider": {"virtualRouter": {"virtualRouterName": "missing"}}}),
    ));
    reading.push(parameter(
        "virtualNode/caller",
        &json!({"backends": [{"virtualService": {"virtualServiceName": "red.demo"}}]}),
    ));
    let view = Configuration::of("demo").read(&reading).expect("a mesh");
    assert!(targets(&view).is_empty());
    assert_eq!(view.topology.virtual_nodes.len(), 2);
    assert_eq!(view.damaged.len(), 3, "{:?}", view.damaged);
}

#[test]
fn a_mesh_of_the_api_is_named_with_its_place() {
    let mut configuration = Configuration::of("demo");
    configuration.read(&valid_mesh()).unwrap();
    let mut parameters = valid_mesh();
    replace(
        &mut parameters,
        parameter("", &json!({"claimedBy": "the DynamoDB table meshes"})),
    );
    let error = configuration.read(&parameters).unwrap_err();
    assert!(
        error.contains("demo") && error.contains("the DynamoDB table meshes") && error.contains("/meshwright/demo"),
        "{error}"
    );
}
