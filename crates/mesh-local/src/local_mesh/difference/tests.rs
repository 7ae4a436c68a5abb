//! Changes between plans.

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

/// The changed services after replacements in the template.
fn changed(edits: &[(&str, &str)]) -> Vec<(String, Change)> {
    let changed = edits.iter().fold(TEMPLATE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    changes(&plan(TEMPLATE), &plan(&changed)).into_iter().collect()
}

fn change_of(service: &str, change: Change) -> (String, Change) {
    (service.to_owned(), change)
}

#[test]
fn envoy_configuration_changes_restart_no_task() {
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
fn task_changes_restart_tasks_of_that_service_only() {
    let variable = ("Value: \"8080\"}]\n", "Value: \"8080\"}, {Name: A, Value: b}]\n");
    assert_eq!(changed(&[variable]), [change_of("blue", Change::Replaced)]);
    let listeners = [
        ("Port: 9080, Protocol: http", "Port: 9081, Protocol: http2"),
        (
            "Match: {Prefix: /}\n          Action: {T",
            "Match: {Prefix: /, Port: 9081}\n          Action: {T",
        ),
    ];
    assert_eq!(changed(&listeners), [change_of("gateway", Change::Replaced)]);
    // Its callers have a TCP listener for it, and both have its name in their environment.
    let name = ("VirtualServiceName: store\n", "VirtualServiceName: database\n");
    assert_eq!(
        changed(&[name]),
        [
            change_of("blue", Change::Replaced),
            change_of("store", Change::Replaced)
        ]
    );
}

#[test]
fn services_are_added_removed_and_scaled() {
    let edits = [
        ("DesiredCount: 2", "DesiredCount: 3"),
        ("  Batch:", "  Batches:"),
        ("ServiceName: batch", "ServiceName: job"),
    ];
    assert_eq!(
        changed(&edits),
        [
            change_of("batch", Change::Gone),
            change_of("blue", Change::Scaled),
            change_of("job", Change::New)
        ]
    );
}
