//! DNS names during the change from one plan to the next.

use std::collections::BTreeMap;

use mesh_infra::Template;

use super::*;
use crate::image::{Image, Images};
use crate::plan::Plan;
use crate::stack_input::StackInput;

const TEMPLATE: &str = include_str!("../../plan/tests/data/appmesh.yaml");

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

#[tokio::test]
async fn removed_names_resolve_until_the_change_is_complete() {
    if let Err(unfit) = check() {
        panic!("{unfit}");
    }
    let old = plan();
    let mut new = plan();
    let services = &mut new.meshes.get_mut("demo").expect("such a mesh").virtual_services;
    let (gone, spec) = services.pop_first().expect("it has some");
    services.insert("new.other.local".to_owned(), spec);
    for service in &mut new.cloud_map {
        service.namespace = "other.local".to_owned();
    }

    new.dns_zones = vec!["other.local".to_owned()];

    let network = MeshNetwork::start(&old, &launcher()).await.expect("a network");
    let task = network.allocate_address().expect("all are free").address();
    network.names().set_client(task, "demo", "caller");
    let find = |name: &str| network.names().resolve(name, DnsType::A, task.into());
    let first = find(&gone);
    assert!(matches!(first, DnsLookup::Records { .. }), "{gone}: {first:?}");
    assert_eq!(find("x.other.local"), DnsLookup::OutOfZone);

    network.add_names(&new).expect("there are enough");
    assert_eq!(find(&gone), first);
    let added = find("new.other.local");
    assert!(
        matches!(added, DnsLookup::Records { .. }) && added != first,
        "{added:?}"
    );
    for zone in ["x.demo.local", "x.other.local"] {
        assert_eq!(find(zone), DnsLookup::NxDomain);
    }

    network.retain_names(&new);
    assert_eq!(find(&gone), DnsLookup::OutOfZone);
    assert_eq!(find("new.other.local"), added);
    assert_eq!(find("x.demo.local"), DnsLookup::OutOfZone);
}
