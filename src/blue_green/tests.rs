//! Deployments of an app that has versions of which the example has none, to a mesh of real Envoys.

use std::num::{NonZeroU16, NonZeroU32};

use bluegreen_state::{FinalStatus, Outcome, Reason};
use demo_service::traffic;
use futures_util::future::LocalBoxFuture;
use mesh_infra::app_mesh::{Kind, Protocol};
use mesh_infra::{
    AppProtocol, Cluster, Container, HealthCheck, HttpGatewayRoute, HttpRoute, Listener, Mesh, Network, PortMapping,
    PrivateDnsNamespace, Resource, Service, TaskDefinition, VirtualGateway, VirtualNode, VirtualRouter, VirtualService,
};
use tempfile::TempDir;

use super::*;
use crate::DEMO_SERVICE_IMAGE;
use crate::up::Scene;

const MESH: &str = "demo";
/// Where the description says which side carries what.
const STATE: &str = "/demo/state";

/// A version of which every fifth answer is a failure.
const FAILING: Version = 2;
/// A version whose tasks never become ready.
const NEVER_READY: Version = 3;

fn app() -> BlueGreen {
    let node = |name| ResourcePath::new(MESH, Kind::VirtualNode, name);
    let route = ResourcePath::within(MESH, "split", Kind::Route, "sides");
    BlueGreen::new("test", [node("blue"), node("green")], route, describe)
}

fn describe(sides: &Sides) -> Stack {
    let mut stack = Stack::new("test");
    let network = stack.add("Network", Network::from_parameters());
    let cluster = stack.add("Cluster", Cluster::new());
    let namespace = stack.add("Namespace", PrivateDnsNamespace::new("appmesh", &network));
    let mesh = stack.add("Mesh", Mesh::new(MESH));
    let router = VirtualRouter::new(&mesh, "split").with_listener(80, Protocol::Http);
    let router = stack.add("split", router);
    let mut route = HttpRoute::new(&router, "sides").with_prefix("/");
    let versions = [("blue", sides.blue()), ("green", sides.green())];
    for ((name, version), weight) in versions.into_iter().zip(sides.weights()) {
        let node = VirtualNode::new(&mesh, name)
            .with_listener(Listener::http(80))
            .with_dns_endpoints(namespace.dns_name(name));
        let node = stack.add(name, node);
        route = route.with_target(&node, weight);
        let service = Service::new(&cluster, task(name, version))
            .with_name(name)
            .with_network(&network)
            .with_virtual_node(&node)
            .with_service_discovery(&namespace);
        stack.add(name, service);
    }
    stack.add("sides", route);
    let split = VirtualService::new(&mesh, "split.appmesh").with_provider_router(&router);
    let split = stack.add("split", split);
    let gateway = VirtualGateway::new(&mesh, "gateway").with_listener(Listener::http(9080));
    let gateway = stack.add("gateway", gateway);
    let to_split = HttpGatewayRoute::new(&gateway, "split", &split).with_prefix("/");
    stack.add("split", to_split);
    let service = Service::gateway(&cluster, &gateway)
        .with_name("gateway")
        .with_network(&network);
    stack.add("gateway", service);
    let state = ssm::Parameter::string(STATE, sides.document());
    stack.add("State", Resource::of(&state));
    stack
}

fn task(name: &str, version: Version) -> TaskDefinition {
    let http = PortMapping::new("http", 80)
        .with_app_protocol(AppProtocol::Http)
        .with_port_variable("SERVICE_PORT");
    let container = Container::new("app", DEMO_SERVICE_IMAGE)
        .with_environment("SERVICE_NAME", name)
        .with_environment("SERVICE_VERSION", version.to_string())
        .with_port(http)
        .with_health_check(HealthCheck::command(["demo-service", "health"]));
    TaskDefinition::new(match version {
        FAILING => container.with_environment("SERVICE_FAILURES", "20%"),
        NEVER_READY => container.with_environment("SERVICE_DELAY", "no time at all"),
        _ => container,
    })
}

/// Runs the app in a folder of its own, and `play` in it.
fn run<F>(play: F)
where
    F: for<'a> FnOnce(&'a BlueGreen, &'a Place, Scene) -> LocalBoxFuture<'a, Result<(), String>>,
{
    let folder = TempDir::new().expect("a folder");
    let place = Place::of(Some(folder.path()), "test").expect("a folder");
    let app = app();
    let story = Box::new(|scene: Scene| play(&app, &place, scene));
    let played = app.up(&place, mesh_local::Network::Shared, Instant::now(), Some(story));
    assert_eq!(played, Ok(()));
}

/// Deploys a version, and gives how that ended.
async fn deploy(app: &BlueGreen, place: &Place, version: Version, strategy: &str) -> Result<FinalStatus, String> {
    let driver = Driver::new(app, Here::new(place)?);
    let event = Event::Deploy {
        version,
        strategy: strategy.parse().expect("it is a strategy"),
        controller: driver.name().to_owned(),
    };
    let ended = driver.drive(event, |line| eprintln!("{line}")).await?;
    ended.map(|outcome| outcome.status).ok_or("it did not end".to_owned())
}

/// That the mesh which runs is what it would be if it were started from the stored state now. Gives what its description
/// says of the sides.
async fn agreed(app: &BlueGreen, place: &Place) -> String {
    let client = reqwest::Client::builder()
        .unix_socket(place.socket())
        .no_proxy()
        .build();
    let answer = client.expect("a client").get("http://meshwright/template").send().await;
    let held = answer.expect("it answers").text().await.expect("a text");
    let state = place.state().expect("it can be read").expect("there is one");
    let sides = Sides::that_run(&state).expect("two sides");
    let expected = app.synth(&sides).expect("a template").to_json();
    assert_eq!(held, expected);
    app.parameter(&sides, STATE).expect("it is described")
}

fn failed_check(ended: FinalStatus) -> String {
    match ended {
        FinalStatus::RolledBack {
            reason: Reason::CheckFailed(what),
        } => what,
        other => panic!("it should have failed a check: {other:?}"),
    }
}

#[test]
fn a_version_that_fails_calls_returns_by_itself_and_the_state_says_why() {
    run(|app, place, scene| Box::pin(fails_calls(app, place, scene)));
}

async fn fails_calls(app: &BlueGreen, place: &Place, scene: Scene) -> Result<(), String> {
    let target = format!("{}/", scene.doors["gateway"]).parse().expect("a target");
    let plan = traffic::Plan::new(target)
        .with_rate(NonZeroU32::new(200).expect("it is not zero"))
        .with_concurrency(NonZeroU16::new(32).expect("it is not zero"));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopped = async {
        let _told = stopped.await;
    };
    let calls = traffic::run(&plan, stopped, std::future::pending(), |_| Ok(()));
    let deployed = async {
        let ended = deploy(app, place, FAILING, "canary:30%,1h").await;
        stop.send(()).expect("it is still called");
        ended
    };
    let (summary, ended) = tokio::join!(calls, deployed);
    let what = failed_check(ended?);
    assert!(
        what.ends_with(" % of the calls to it failed, and 0.0 % of those to the other side"),
        "{what}"
    );

    let state = place.state()?.expect("it was deployed");
    let Some(Outcome {
        version, status: ended, ..
    }) = state.last_outcome()
    else {
        panic!("the state does not say how it ended: {state}");
    };
    assert_eq!((*version, failed_check(ended.clone())), (FAILING, what));
    assert_eq!(state.weights().share(Side::Blue).get(), 100);
    let document = agreed(app, place).await;
    assert_eq!(document, r#"{"nextUpdate":"blue","nextVersion":1,"currentVersion":2}"#);
    // The failures that were counted are those that it answered itself.
    let summary = summary.expect("traffic can be made");
    assert!(
        !summary.all_went_well() && summary.to_string().contains("500"),
        "{summary}"
    );
    Ok(())
}

#[test]
fn a_version_that_never_becomes_ready_returns_by_itself_and_leaves_no_trace_in_what_runs() {
    run(|app, place, _scene| Box::pin(never_ready(app, place)));
}

async fn never_ready(app: &BlueGreen, place: &Place) -> Result<(), String> {
    // Something to return to that is not the beginning: green serves 5.
    assert_eq!(deploy(app, place, 5, "all-at-once").await?, FinalStatus::Successful);
    let document = agreed(app, place).await;
    assert_eq!(document, r#"{"nextUpdate":"green","nextVersion":5,"currentVersion":1}"#);

    let what = failed_check(deploy(app, place, NEVER_READY, "all-at-once").await?);
    assert!(what.contains("blue/"), "it names the task: {what}");
    let document = agreed(app, place).await;
    // Until the next deployment, blue runs what green does: that is known to be well.
    assert_eq!(document, r#"{"nextUpdate":"green","nextVersion":5,"currentVersion":5}"#);
    assert_eq!(deploy(app, place, 6, "all-at-once").await?, FinalStatus::Successful);
    let document = agreed(app, place).await;
    assert_eq!(document, r#"{"nextUpdate":"blue","nextVersion":6,"currentVersion":5}"#);
    Ok(())
}
