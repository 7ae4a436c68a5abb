//! Mesh states of plans, and task registrations.

use std::net::IpAddr;

use mesh_infra::Template;

use super::*;
use crate::image::{Image, Images};
use crate::slot::SlotContext;
use crate::stack_input::StackInput;

const TEMPLATE: &str = include_str!("../plan/tests/data/appmesh.yaml");

fn slot_context(state: &std::path::Path) -> SlotContext<'_> {
    SlotContext {
        run_dir: state,
        network: None,
        collector: ([127, 0, 0, 1], 4318).into(),
    }
}

fn plan() -> Plan {
    let template = Template::from_text(TEMPLATE).expect("a template");
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

#[test]
fn names_exist_before_their_tasks() {
    let state = initial_state(&plan());
    assert_eq!(state.meshes.keys().collect::<Vec<_>>(), ["demo"]);
    assert_eq!(
        state.dns_endpoints,
        BTreeMap::from([("blue.demo.local".to_owned(), Vec::new())])
    );
    assert_eq!(state.node_endpoints.len(), 2);
    assert!(state.node_endpoints_of("demo.local", "store").is_empty());
}

#[test]
fn tasks_are_registered_with_envoy_ports_and_attributes() {
    let plan = plan();
    let state = tempfile::tempdir().expect("a directory");
    let registered = |name: &str| {
        let service = plan.services.iter().find(|service| service.name == name);
        let service = service.expect("such a service");
        let slot = Slot::new(service, 1, 0, None, slot_context(state.path())).expect("ports");
        (registrations(&slot, service, &plan.namespaces), slot)
    };
    let (blue, slot) = registered("blue");
    let [Registration::Service { service, instance }] = blue.as_slice() else {
        panic!("{blue:?}");
    };
    assert_eq!(service.hostname().as_deref(), Some("blue.demo.local"));
    assert_eq!(instance.id, "blue/1");
    assert_eq!(instance.addresses, [IpAddr::from([127, 0, 0, 1])]);
    let ingress = slot.ingress("8080").expect("a listener");
    assert_eq!(instance.ingress, BTreeMap::from([(8080, ingress)]));
    let attributes: Vec<(&str, &str)> = instance
        .attributes
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        attributes,
        [
            ("AVAILABILITY_ZONE", "local-a"),
            ("AWS_INSTANCE_IPV4", "127.0.0.1"),
            ("AWS_INSTANCE_PORT", "8080"),
            ("ECS_CLUSTER_NAME", "demo"),
            ("ECS_SERVICE_NAME", "blue"),
            ("ECS_TASK_DEFINITION_FAMILY", "blue"),
            ("REGION", "local"),
        ]
    );
    assert!(registered("gateway").0.is_empty());
}

#[test]
fn a_task_without_an_envoy_is_registered_with_its_own_ports() {
    let mut plan = plan();
    let registry = plan.services[0].registry.clone();
    let batch = plan.services.iter_mut().find(|service| service.name == "batch");
    let batch = batch.expect("such a service");
    batch.registry = registry;
    let state = tempfile::tempdir().expect("a directory");
    let slot = Slot::new(batch, 1, 0, None, slot_context(state.path())).expect("ports");
    let registrations = registrations(&slot, batch, &[]);
    let [Registration::Service { instance, .. }] = registrations.as_slice() else {
        panic!("{registrations:?}");
    };
    assert_eq!(instance.ingress, slot.apps().collect());
    assert_eq!(instance.ingress.keys().collect::<Vec<_>>(), [&70]);
}

/// The plan of the template after replacements.
fn edited(edits: &[(&str, &str)]) -> Plan {
    let text = edits.iter().fold(TEMPLATE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    let template = Template::from_text(&text).expect("a template");
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

#[test]
fn a_change_expands_switches_and_contracts() {
    let before = plan();
    // Another weight, and another name of a virtual service.
    let after = edited(&[
        ("Weight: 1", "Weight: 7"),
        ("VirtualServiceName: store\n", "VirtualServiceName: database\n"),
    ]);
    let services =
        |state: &MeshState| -> Vec<String> { state.meshes["demo"].virtual_services.keys().cloned().collect() };
    let mut now = initial_state(&before);
    let (old, new) = (services(&now), services(&initial_state(&after)));
    assert!(
        old.contains(&"store".to_owned()) && new.contains(&"database".to_owned()),
        "{old:?} {new:?}"
    );

    expand(&mut now, &after);
    let both = services(&now);
    assert!(
        both.contains(&"store".to_owned()) && both.contains(&"database".to_owned()),
        "{both:?}"
    );
    assert_eq!(
        now.meshes["demo"].virtual_routers,
        initial_state(&before).meshes["demo"].virtual_routers
    );
    let calls = |state: &MeshState, service: &str| {
        let backends = &state.meshes["demo"].virtual_nodes["blue"].backends;
        backends.iter().any(|backend| {
            let Backend::VirtualService(called) = backend;
            called.virtual_service_name == service
        })
    };
    assert!(calls(&now, "store") && calls(&now, "database"));

    switch(&mut now, &after);
    assert_eq!(now.meshes, initial_state(&after).meshes);
    contract(&mut now, &after);
    assert_eq!(now, initial_state(&after));
    // And back, as after a failed task.
    contract(&mut now, &before);
    assert_eq!(now, initial_state(&before));
}

#[test]
fn virtual_nodes_listen_on_the_ports_of_both_plans_until_contraction() {
    let mut after = plan();
    let mesh = after.meshes.get_mut("demo").expect("there is one");
    let blue = mesh.virtual_nodes.get_mut("blue").expect("there is one");
    blue.listeners[0].port_mapping.port = 9999;
    let mut now = initial_state(&plan());
    let also = |state: &MeshState| -> Vec<u16> {
        let key = ("demo".to_owned(), "blue".to_owned());
        let listeners = state.extra_listeners.get(&key).into_iter().flatten();
        listeners.map(|listener| listener.port_mapping.port).collect()
    };
    expand(&mut now, &after);
    assert_eq!(
        (
            also(&now),
            now.meshes["demo"].virtual_nodes["blue"].listeners[0].port_mapping.port
        ),
        (vec![9999], 8080)
    );
    switch(&mut now, &after);
    assert_eq!(
        (
            also(&now),
            now.meshes["demo"].virtual_nodes["blue"].listeners[0].port_mapping.port
        ),
        (vec![8080], 9999)
    );
    contract(&mut now, &after);
    assert_eq!(also(&now), [0; 0]);
}

#[test]
fn replaced_meshes_keep_the_former_listeners_until_the_end() {
    let plan = plan();
    let mut state = initial_state(&plan);
    let before = state.clone();
    let mut meshes = plan.meshes.clone();
    let blue = meshes
        .get_mut("demo")
        .and_then(|mesh| mesh.virtual_nodes.get_mut("blue"));
    let listener = &mut blue.expect("such a node").listeners[0];
    let former = listener.clone();
    listener.port_mapping.port += 1;
    replace_meshes(&mut state, meshes.clone());
    assert_eq!(state.meshes, meshes);
    let key = ("demo".to_owned(), "blue".to_owned());
    assert_eq!(state.extra_listeners, BTreeMap::from([(key, vec![former])]));
    end_replacement(&mut state);
    let expected = MeshState { meshes, ..before };
    assert_eq!(state, expected);
}
