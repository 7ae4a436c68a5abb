//! What of a new plan needs a restart.

use mesh_infra::Template;

use super::*;
use crate::image::{Image, Images};
use crate::stack_template::StackTemplate;

const TEMPLATE: &str = include_str!("../../plan/tests/data/appmesh.yaml");

fn plan(text: &str) -> Plan {
    let template = Template::from_text(text).expect("a template");
    let images = Images::default()
        .with("team/blue", Image::new(["blue"]))
        .with("team/store", Image::new(["store"]));
    let stack = StackTemplate {
        name: "demo",
        template: &template,
        parameters: &BTreeMap::new(),
    };
    Plan::new(&[stack], &images).expect("a plan")
}

/// What is said of these changes: each a text and what replaces it.
fn refused(changes: &[(&str, &str)]) -> String {
    let changed = changes.iter().fold(TEMPLATE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    needs_restart(&plan(TEMPLATE), &plan(&changed)).to_string()
}

#[test]
fn routes_and_whatever_else_envoys_can_be_told_need_none() {
    assert_eq!(refused(&[]), "");
    for change in [
        (
            "Match: {Prefix: /}\n          Action: {W",
            "Match: {Prefix: /x}\n          Action: {W",
        ),
        ("Weight: 1", "Weight: 0"),
        ("DROP_ALL", "ALLOW_ALL"),
        (
            "- {Name: ENABLE_ENVOY_XRAY_TRACING, Value: \"1\"}",
            "- {Name: X, Value: y}",
        ),
    ] {
        assert_eq!(refused(&[change]), "", "{change:?}");
    }
}

#[test]
fn what_tasks_are_made_of_needs_a_restart() {
    let listeners = [
        ("Port: 9080, Protocol: http", "Port: 9081, Protocol: http2"),
        (
            "Match: {Prefix: /}\n          Action: {T",
            "Match: {Prefix: /, Port: 9081}\n          Action: {T",
        ),
    ];
    assert_eq!(
        refused(&listeners),
        "gateway: mesh/demo/virtualGateway/door has other listeners: 9081 (http2), and had 9080 (http)"
    );
    assert_eq!(
        refused(&[
            ("DesiredCount: 2", "DesiredCount: 3"),
            ("  Batch:", "  Batches:"),
            ("ServiceName: batch", "ServiceName: job")
        ]),
        "batch: is gone: its tasks would have to be stopped\n\
         blue: is to have 3 tasks and has 2\n\
         job: is new: its tasks would have to be started"
    );
    assert_eq!(
        refused(&[("VirtualServiceName: store\n", "VirtualServiceName: database\n")]),
        "blue: mesh/demo/virtualNode/blue calls other TCP ports, and each has a listener that applications know\n\
         blue: mesh/demo/virtualNode/blue is in a mesh with other names to be called, which applications know\n\
         store: mesh/demo/virtualNode/demo-StoreNode is in a mesh with other names to be called, which applications know"
    );
    assert_eq!(
        refused(&[("Value: \"8080\"}]\n", "Value: \"8080\"}, {Name: A, Value: b}]\n")]),
        "blue: has other containers, or is registered elsewhere"
    );
}
