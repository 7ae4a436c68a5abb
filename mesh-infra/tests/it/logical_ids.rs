//! Logical ids are a public contract: they depend only on a resource's own id.

use std::collections::BTreeSet;

use mesh_infra::{Cluster, HttpNamespace, Network, Resource, Service, Stack, Template};
use serde_json::json;

use crate::serviceconnect::{demo_service, demo_stack, demo_task};

fn ids(template: &Template) -> BTreeSet<&str> {
    let resources = template.resources.keys();
    resources
        .chain(template.parameters.keys())
        .map(String::as_str)
        .collect()
}

#[test]
fn logical_ids_follow_from_the_given_ids() {
    let template = demo_stack().synth().unwrap();
    assert_eq!(
        ids(&template),
        BTreeSet::from([
            "BlueExecutionRole",
            "BlueLogGroup",
            "BlueService",
            "BlueTaskDefinition",
            "Cluster",
            "GreenExecutionRole",
            "GreenLogGroup",
            "GreenService",
            "GreenTaskDefinition",
            "Namespace",
            "NetworkSecurityGroups",
            "NetworkSubnets",
        ])
    );
}

#[test]
fn logical_ids_do_not_depend_on_other_constructs_or_order() {
    let mut stack = Stack::new("serviceconnect");
    stack.add("Topic", Resource::new("AWS::SNS::Topic", json!({})));
    let network = stack.add("Network", Network::from_parameters());
    let namespace = stack.add("Namespace", HttpNamespace::new("serviceconnect"));
    let cluster = stack.add("Cluster", Cluster::new().with_service_connect_namespace(&namespace));
    stack.add("red", demo_service(&cluster, &network, "red", 1));
    let blue = stack.add("blue", demo_service(&cluster, &network, "blue", 2));
    stack.add(
        "green",
        demo_service(&cluster, &network, "green", 1).with_backend(&blue),
    );

    let agreed = demo_stack().synth().unwrap();
    let template = stack.synth().unwrap();
    assert!(ids(&agreed).is_subset(&ids(&template)));
    for (id, resource) in &agreed.resources {
        assert_eq!(&template.resources[id], resource, "{id}");
    }
}

#[test]
fn a_given_id_is_unique_per_kind() {
    let mut stack = Stack::new("twice");
    let cluster = stack.add("demo", Cluster::new());
    stack.add("demo", HttpNamespace::new("demo"));
    let network = stack.add("demo", Network::in_subnets(["subnet-1"]));
    let service = Service::new(&cluster, demo_task("demo")).with_network(&network);
    stack.add("demo", service.clone());
    let template = stack.synth().unwrap();
    let agreed = [
        "DemoCluster",
        "DemoExecutionRole",
        "DemoLogGroup",
        "DemoNamespace",
        "DemoService",
        "DemoTaskDefinition",
    ];
    assert_eq!(ids(&template), BTreeSet::from(agreed));

    stack.add("DemoService", service);
    stack.add("grün", Cluster::new());
    assert_eq!(
        stack.synth().unwrap_err().to_string(),
        "Resources.DemoLogGroup: is created by `DemoService`, but `demo` created it already; ids are unique in a stack\n\
         Resources.DemoExecutionRole: is created by `DemoService`, but `demo` created it already; ids are unique in a stack\n\
         Resources.DemoTaskDefinition: is created by `DemoService`, but `demo` created it already; ids are unique in a stack\n\
         Resources.DemoService: is created by `DemoService`, but `demo` created it already; ids are unique in a stack\n\
         Resources.grün: is not a valid id; allowed are 1 to 200 ASCII letters and digits, with - _ . or spaces between words"
    );
}
