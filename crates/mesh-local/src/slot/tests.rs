//! Listeners, metadata and environment of task slots.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;

use mesh_infra::Template;

use super::*;
use crate::image::{Image, Images};
use crate::plan::Plan;
use crate::stack_input::StackInput;

const TEMPLATE: &str = include_str!("../plan/tests/data/appmesh.yaml");

fn plan(images: &Images) -> Plan {
    let template = Template::from_text(TEMPLATE).expect("a template");
    let stack = StackInput {
        name: "demo",
        template: &template,
        parameters: &BTreeMap::new(),
    };
    Plan::new(&[stack], images).expect("a plan")
}

fn slot(plan: &Plan, service: &str, state: &Path) -> (Slot, ServicePlan) {
    let found = plan.services.iter().find(|found| found.name == service);
    let service = found.expect("such a service").clone();
    (Slot::new(&service, 1, 7, None, shared(state)).expect("ports"), service)
}

fn shared(state: &Path) -> SlotContext<'_> {
    SlotContext {
        run_dir: state,
        network: None,
        collector: ([127, 0, 0, 1], 4318).into(),
    }
}

fn images() -> Images {
    Images::default()
        .with("team/blue", Image::new(["blue"]))
        .with("team/store", Image::new(["store"]))
}

#[test]
fn a_virtual_nodes_envoy_and_application_have_each_others_ports() {
    let state = tempfile::tempdir().expect("a directory");
    let (slot, service) = slot(&plan(&images()), "blue", state.path());
    assert_eq!(slot.node_id(), Some("mesh/demo/virtualNode/blue"));
    let metadata = slot.node_metadata().expect("an Envoy");
    let listeners: Vec<&str> = metadata.listener_ports.keys().map(String::as_str).collect();
    assert_eq!(listeners, ["egress", "egress-store-6379", "ingress-8080"]);
    assert_eq!(metadata.extension.app_address, Some(IpAddr::from([127, 0, 0, 1])));
    assert_eq!(metadata.extension.app_ports.keys().collect::<Vec<_>>(), [&8080]);
    assert_eq!(
        slot.ingress("8080").map(|address| address.port()),
        Some(metadata.listener_ports["ingress-8080"])
    );
    let tcp = SocketAddr::from(([127, 0, 0, 1], metadata.listener_ports["egress-store-6379"]));
    assert_eq!(slot.tcp_listeners(), BTreeSet::from([tcp.port()]));

    let variables: BTreeMap<String, OsString> = slot.environment_of(&service.containers[0]).into_iter().collect();
    let variable = |name: &str| variables[name].to_str().expect("a text").to_owned();
    assert_eq!(variable("SERVER_PORT"), metadata.extension.app_ports[&8080].to_string());
    assert_eq!(
        variable("MESHWRIGHT_EGRESS"),
        format!("127.0.0.1:{}", metadata.listener_ports["egress"])
    );
    assert_eq!(variable("MESHWRIGHT_SUFFIXES"), "demo.local,store");
    assert_eq!(variable("MESHWRIGHT_TCP_EGRESS"), format!("store:6379={tcp}"));
    let admin = slot.admin_socket();
    assert_eq!(
        variable("MESHWRIGHT_READY"),
        format!("http://unix:{}:/ready", admin.display())
    );
}

#[test]
fn a_tasks_directory_is_private() {
    let state = tempfile::tempdir().expect("a directory");
    let (slot, _) = slot(&plan(&images()), "blue", state.path());
    let mode = slot.dir.metadata().expect("it exists").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn envoy_and_containers_have_the_collectors_address() {
    let state = tempfile::tempdir().expect("a directory");
    let (slot, service) = slot(&plan(&images()), "blue", state.path());
    let collector = shared(state.path()).collector;
    assert_eq!(
        slot.node_metadata().expect("an Envoy").extension.collector,
        Some(collector)
    );
    let mut container = service.containers[0].clone();
    let otel_variables = |container: &ContainerPlan| {
        let variables = slot.environment_of(container).into_iter();
        let spans: BTreeMap<String, OsString> = variables.filter(|(name, _)| name.starts_with("OTEL_")).collect();
        spans
    };
    let variables = otel_variables(&container);
    assert_eq!(variables["OTEL_EXPORTER_OTLP_ENDPOINT"], *format!("http://{collector}"));
    assert_eq!(variables["OTEL_SERVICE_NAME"], "blue/1");
    let own = (
        "OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(),
        "http://elsewhere:4318".to_owned(),
    );
    container.environment.extend([own.clone()]);
    assert_eq!(otel_variables(&container), BTreeMap::from([(own.0, own.1.into())]));
}

#[test]
fn calls_to_the_runner_are_not_intercepted() {
    let state = tempfile::tempdir().expect("a directory");
    let (_, service) = slot(&plan(&images()), "blue", state.path());
    let rules = InterceptionSetup::of(&service, None)
        .expect("an Envoy")
        .rules
        .to_restore();
    let rules = rules.expect("rules");
    assert!(rules.contains("10.77.0.1 -j RETURN\n"), "{rules}");
}

#[test]
fn a_virtual_gateway_has_an_egress_listener_for_itself() {
    let state = tempfile::tempdir().expect("a directory");
    let (slot, _) = slot(&plan(&images()), "gateway", state.path());
    assert_eq!(slot.node_id(), Some("mesh/demo/virtualGateway/door"));
    let metadata = slot.node_metadata().expect("an Envoy");
    let listeners: Vec<&str> = metadata.listener_ports.keys().map(String::as_str).collect();
    assert_eq!(listeners, ["egress", "ingress-9080"]);
    assert_eq!(
        slot.egress().map(|address| address.port()),
        Some(metadata.listener_ports["egress"])
    );
    assert_eq!(slot.apps().count(), 0);
}

#[test]
fn a_stub_has_one_port_for_all_container_ports() {
    let state = tempfile::tempdir().expect("a directory");
    let stubbed = Images::default().with_stub(Image::new(["stub"]), "STUB_PORT");
    let (_, mut service) = slot(&plan(&stubbed), "blue", state.path());
    let mut second = service.containers[0].ports[0].clone();
    second.mapping.container_port = 9090;
    second.variable = None;
    service.containers[0].ports.push(second);
    service.name = "other".to_owned();
    let slot = Slot::new(&service, 1, 8, None, shared(state.path())).expect("ports");
    let addresses: BTreeSet<SocketAddr> = slot.apps().map(|(_, address)| address).collect();
    assert_eq!((slot.apps().count(), addresses.len()), (2, 1));
}

#[test]
fn a_task_without_a_mesh_has_no_envoy() {
    let state = tempfile::tempdir().expect("a directory");
    let (slot, service) = slot(&plan(&images()), "batch", state.path());
    assert!(slot.node_metadata().is_none() && slot.node_id().is_none() && !slot.is_in_mesh());
    let variables = slot.environment_of(&service.containers[0]);
    assert!(
        variables.iter().all(|(name, _)| !name.starts_with("MESHWRIGHT_")),
        "{variables:?}"
    );
}
