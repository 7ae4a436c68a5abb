//! What the control plane is told of tasks.

use std::net::IpAddr;

use mesh_infra::Template;

use super::*;
use crate::image::{Image, Images};
use crate::slot::Site;
use crate::stack_template::StackTemplate;

const TEMPLATE: &str = include_str!("../plan/tests/data/appmesh.yaml");

fn shared(state: &std::path::Path) -> Site<'_> {
    Site {
        state,
        network: None,
        collector: ([127, 0, 0, 1], 4318).into(),
    }
}

fn plan() -> Plan {
    let template = Template::from_text(TEMPLATE).expect("a template");
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

#[test]
fn names_are_known_before_anybody_answers_to_them() {
    let world = world(&plan());
    assert_eq!(world.meshes.keys().collect::<Vec<_>>(), ["demo"]);
    assert_eq!(
        world.hosts,
        BTreeMap::from([("blue.demo.local".to_owned(), Vec::new())])
    );
    assert_eq!(world.registered.len(), 2);
    assert!(world.registered_under("demo.local", "store").is_empty());
}

#[test]
fn tasks_are_registered_with_their_envoys_and_all_attributes() {
    let plan = plan();
    let state = tempfile::tempdir().expect("a folder");
    let registered = |name: &str| {
        let service = plan.services.iter().find(|service| service.name == name);
        let service = service.expect("such a service");
        let slot = Slot::new(service, 1, 0, None, shared(state.path())).expect("ports");
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
fn a_task_outside_of_the_mesh_is_found_at_its_own_ports() {
    let mut plan = plan();
    let registry = plan.services[0].registry.clone();
    let batch = plan.services.iter_mut().find(|service| service.name == "batch");
    let batch = batch.expect("such a service");
    batch.registry = registry;
    let state = tempfile::tempdir().expect("a folder");
    let slot = Slot::new(batch, 1, 0, None, shared(state.path())).expect("ports");
    let registrations = registrations(&slot, batch, &[]);
    let [Registration::Service { instance, .. }] = registrations.as_slice() else {
        panic!("{registrations:?}");
    };
    assert_eq!(instance.ingress, slot.apps().collect());
    assert_eq!(instance.ingress.keys().collect::<Vec<_>>(), [&70]);
}
