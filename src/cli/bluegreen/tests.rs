//! Deployments of versions that the example lacks, to a mesh of real Envoys.

use std::num::{NonZeroU16, NonZeroU32};

use bluegreen_state::{FinalStatus, Outcome, Reason, Side};
use demo_service::traffic;
use futures_util::future::LocalBoxFuture;
use mesh_infra::app_mesh::{Kind, Protocol};
use mesh_infra::cfn::ssm;
use mesh_infra::{
    AppProtocol, Cluster, Container, HealthCheck, HttpGatewayRoute, HttpRoute, Listener, Mesh, Network, PortMapping,
    PrivateDnsNamespace, Resource, Service, TaskDefinition, VirtualGateway, VirtualNode, VirtualRouter, VirtualService,
};
use tempfile::TempDir;

use super::*;
use crate::DEMO_SERVICE_IMAGE;
use crate::up::{BoxError, ScenarioContext};

const MESH: &str = "demo";
/// The parameter with the version of each side.
const STATE: &str = "/demo/state";

/// A version with an error rate of 20 %.
const FAILING: Version = 2;
/// A version with tasks that never become ready.
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

/// Runs the application in a temporary state directory, and `scenario` with it.
fn run<F>(scenario: F)
where
    F: for<'a> FnOnce(&'a BlueGreen, &'a LocalStateDir, ScenarioContext) -> LocalBoxFuture<'a, Result<(), BoxError>>,
{
    let directory = TempDir::new().expect("a directory");
    let state_dir = LocalStateDir::open(Some(directory.path()), "test").expect("a directory");
    let app = app();
    let scenario = Box::new(|context: ScenarioContext| scenario(&app, &state_dir, context));
    let result = app.up(
        &state_dir,
        None,
        mesh_local::Network::Shared,
        Instant::now(),
        Some(scenario),
    );
    result.expect("the scenario passes");
}

/// Deploys a version and returns how that ended.
async fn deploy(
    app: &BlueGreen,
    state_dir: &LocalStateDir,
    version: Version,
    strategy: &str,
) -> Result<FinalStatus, BoxError> {
    let target = LocalTarget::new(state_dir)?;
    let controller = RolloutController::new(&app.application, target, |line| eprintln!("{line}"));
    let event = |controller| Event::Deploy {
        version,
        strategy: strategy.parse().expect("a strategy"),
        controller,
    };
    let outcome = controller.run(event).await?;
    outcome.map(|outcome| outcome.status).ok_or("it did not end".into())
}

/// Asserts that the running mesh is the one that would be started from the stored state. Returns the state document in
/// its template.
async fn assert_matches_state(app: &BlueGreen, state_dir: &LocalStateDir) -> String {
    let client = reqwest::Client::builder()
        .unix_socket(state_dir.socket())
        .no_proxy()
        .build();
    let response = client.expect("a client").get("http://meshwright/template").send().await;
    let running = response.expect("a response").text().await.expect("a text");
    let state = state_dir.state().await.expect("it can be read").expect("it exists");
    let expected = app.application.runnable_template(Some(&state)).expect("a template");
    assert_eq!(running, expected.to_json());
    let value = &expected.resources["State"].properties["Value"];
    value.as_str().expect("a text").to_owned()
}

fn failed_check(ended: FinalStatus) -> String {
    match ended {
        FinalStatus::RolledBack {
            reason: Reason::CheckFailed(what),
        } => what,
        other => panic!("expected a failed check: {other:?}"),
    }
}

#[test]
fn version_with_errors_is_rolled_back_and_the_state_has_the_finding() {
    run(|app, state_dir, context| Box::pin(version_with_errors(app, state_dir, context)));
}

async fn version_with_errors(
    app: &BlueGreen,
    state_dir: &LocalStateDir,
    context: ScenarioContext,
) -> Result<(), BoxError> {
    let target = format!("{}/", context.gateways["gateway"]).parse().expect("a target");
    let plan = traffic::Plan::new(target)
        .with_rate(NonZeroU32::new(200).expect("not zero"))
        .with_concurrency(NonZeroU16::new(32).expect("not zero"));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopped = async {
        let _ = stopped.await;
    };
    let requests = traffic::run(&plan, stopped, std::future::pending(), |_| Ok(()));
    let deployed = async {
        let status = deploy(app, state_dir, FAILING, "canary:30%,1h").await;
        stop.send(()).expect("the traffic client is running");
        status
    };
    let (summary, status) = tokio::join!(requests, deployed);
    let finding = failed_check(status?);
    assert!(
        finding.ends_with("% of its requests failed, 0.0% on the other side"),
        "{finding}"
    );

    let state = state_dir.state().await?.expect("it exists");
    let Some(Outcome { version, status, .. }) = state.last_outcome() else {
        panic!("the state has no outcome: {state}");
    };
    assert_eq!((*version, failed_check(status.clone())), (FAILING, finding));
    assert_eq!(state.weights().share(Side::Blue).get(), 100);
    let document = assert_matches_state(app, state_dir).await;
    assert_eq!(document, r#"{"nextUpdate":"blue","nextVersion":1,"currentVersion":2}"#);
    // The failed requests are responses of the version itself.
    let summary = summary.expect("the traffic client runs");
    assert!(
        !summary.is_success() && summary.to_string().contains("500"),
        "{summary}"
    );
    Ok(())
}

#[test]
fn version_that_never_becomes_ready_is_rolled_back_and_removed_from_the_mesh() {
    run(|app, state_dir, _context| Box::pin(never_ready(app, state_dir)));
}

async fn never_ready(app: &BlueGreen, state_dir: &LocalStateDir) -> Result<(), BoxError> {
    // The rollback restores a version other than the initial one: green serves 5.
    assert_eq!(deploy(app, state_dir, 5, "all-at-once").await?, FinalStatus::Successful);
    let document = assert_matches_state(app, state_dir).await;
    assert_eq!(document, r#"{"nextUpdate":"green","nextVersion":5,"currentVersion":1}"#);

    let finding = failed_check(deploy(app, state_dir, NEVER_READY, "all-at-once").await?);
    assert!(finding.contains("blue/"), "it names the task: {finding}");
    let document = assert_matches_state(app, state_dir).await;
    // Until the next deployment, blue runs the version of green, which is healthy.
    assert_eq!(document, r#"{"nextUpdate":"green","nextVersion":5,"currentVersion":5}"#);
    assert_eq!(deploy(app, state_dir, 6, "all-at-once").await?, FinalStatus::Successful);
    let document = assert_matches_state(app, state_dir).await;
    assert_eq!(document, r#"{"nextUpdate":"blue","nextVersion":6,"currentVersion":5}"#);
    Ok(())
}
