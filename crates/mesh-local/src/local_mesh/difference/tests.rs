//! What a new plan replaces.

use mesh_infra::Template;

use super::*;
use crate::image::{Image, Images};
use crate::stack_input::StackInput;

const TEMPLATE: &str = include_str!("../../plan/tests/data/appmesh.yaml");

fn plan(text: &str) -> Plan {
    let template = Template::from_text(text).expect("a template");
    let images = Images::default()
        .with("team/blue", Image::new(["blue"]))
        .with("team/store", Image::new(["store"]));
    let stack = StackInput {
        name: "demo",
        template: &template,
        parameters: &BTreeMap::new(),
    };
    Plan::new(&[stack], &images).expect("a plan")
}

/// What becomes of the services when the template is changed: each change a text and what replaces it.
fn changed(edits: &[(&str, &str)]) -> Vec<(String, Change)> {
    let changed = edits.iter().fold(TEMPLATE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    changes(&plan(TEMPLATE), &plan(&changed)).into_iter().collect()
}

fn one(service: &str, change: Change) -> (String, Change) {
    (service.to_owned(), change)
}

#[test]
fn what_envoys_can_be_told_touches_no_task() {
    assert_eq!(changed(&[]), []);
    for edit in [
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
        assert_eq!(changed(&[edit]), [], "{edit:?}");
    }
}

#[test]
fn what_tasks_are_made_of_replaces_those_of_that_service_only() {
    let variable = ("Value: \"8080\"}]\n", "Value: \"8080\"}, {Name: A, Value: b}]\n");
    assert_eq!(changed(&[variable]), [one("blue", Change::Replaced)]);
    let listeners = [
        ("Port: 9080, Protocol: http", "Port: 9081, Protocol: http2"),
        (
            "Match: {Prefix: /}\n          Action: {T",
            "Match: {Prefix: /, Port: 9081}\n          Action: {T",
        ),
    ];
    assert_eq!(changed(&listeners), [one("gateway", Change::Replaced)]);
    // Its callers have another listener for it, and both sides another name to know.
    let name = ("VirtualServiceName: store\n", "VirtualServiceName: database\n");
    assert_eq!(
        changed(&[name]),
        [one("blue", Change::Replaced), one("store", Change::Replaced)]
    );
}

#[test]
fn services_come_go_and_grow() {
    let edits = [
        ("DesiredCount: 2", "DesiredCount: 3"),
        ("  Batch:", "  Batches:"),
        ("ServiceName: batch", "ServiceName: job"),
    ];
    assert_eq!(
        changed(&edits),
        [
            one("batch", Change::Gone),
            one("blue", Change::Scaled),
            one("job", Change::New)
        ]
    );
}
