//! Steps without requests.

use bluegreen_state::{MemoryStore, step};
use cfn::Template;
use mesh_infra::app_mesh::{Kind, Protocol, ResourcePath};
use mesh_infra::{HttpRoute, Listener, Mesh, Stack, TcpRoute, VirtualNode, VirtualRouter};
use mesh_local::NodeStatistics;

use super::*;
use crate::application::RouteParameter;
use crate::sides::Sides;

/// A target without requests.
struct Idle;

impl DeploymentTarget for Idle {
    type Store = MemoryStore;

    fn store(&self) -> MemoryStore {
        MemoryStore::new()
    }

    async fn apply_template(&self, _: Request<'_, Version>, _: &Template) -> Result<Applied, CommandError> {
        Ok(Applied::settled())
    }

    async fn set_weights(&self, _: Request<'_, Version>, _: Vec<RouteParameter>) -> Result<Applied, CommandError> {
        Ok(Applied::settled())
    }

    async fn statistics(&self, _: &ResourcePath) -> Result<NodeStatistics, CommandError> {
        Ok(NodeStatistics::default())
    }
}

fn application(protocol: Protocol) -> Application {
    let node = |name| ResourcePath::new("shop", Kind::VirtualNode, name);
    let route = ResourcePath::within("shop", "split", Kind::Route, "sides");
    let describe = move |sides: &Sides| {
        let mut stack = Stack::new("shop");
        let mesh = stack.add("Mesh", Mesh::new("shop"));
        let router = VirtualRouter::new(&mesh, "split").with_listener(80, protocol);
        let router = stack.add("Split", router);
        let mut http = HttpRoute::new(&router, "sides").with_prefix("/");
        let mut tcp = TcpRoute::new(&router, "sides");
        for (index, name) in ["blue", "green"].into_iter().enumerate() {
            let listener = match protocol {
                Protocol::Tcp => Listener::tcp(80),
                _ => Listener::http(80),
            };
            let node = VirtualNode::new(&mesh, name).with_listener(listener);
            let node = stack.add(name, node.with_dns_endpoints(format!("{name}.shop")));
            let weight = sides.weights()[index];
            http = http
                .with_target(&node, weight)
                .with_mirror(&node, sides.mirrors()[index]);
            tcp = tcp.with_target(&node, weight);
        }
        match protocol {
            Protocol::Tcp => stack.add("Sides", tcp),
            _ => stack.add("Sides", http),
        };
        stack
    };
    Application::new("shop", [node("blue"), node("green")], route, describe)
}

/// The first state of a rollout of version 2 for which `is_wanted`.
fn state(strategy: &str, is_wanted: impl Fn(&State<Version>) -> bool) -> State<Version> {
    let now = Timestamp::from_millis(0);
    let deploy = Event::Deploy {
        version: 2,
        strategy: strategy.parse().expect("a strategy"),
        controller: "ci".to_owned(),
    };
    let mut state = step(&State::initial(1), deploy, now).0;
    while !is_wanted(&state) {
        let request = state.last_request();
        for event in [Event::WeightsApplied { request }, Event::Ready { request }] {
            state = step(&state, event, now).0;
        }
    }
    state
}

/// What follows a step without requests, and what was reported.
async fn advance(
    application: &Application,
    state: &State<Version>,
    inconclusive: InconclusivePolicy,
) -> (Advance, String) {
    let reported = RefCell::new(String::new());
    let options = AnalysisOptions {
        inconclusive,
        ..AnalysisOptions::default()
    };
    let report = |line: &str| reported.borrow_mut().push_str(line);
    let controller = RolloutController::with_analysis(application, Idle, options, report);
    let platform = controller.controller.platform();
    for _ in 0..2 {
        assert_eq!(platform.check_health(state).await, Ok(()));
    }
    let advance = platform.advance(state).await;
    drop(controller);
    (advance, reported.into_inner())
}

#[tokio::test]
async fn policy_decides_about_mirrored_requests_as_well() {
    let application = application(Protocol::Http);
    let state = state("canary:10%,30s,test:2m,mirror:15%", |state| state.mirror().is_some());
    assert_eq!(state.weights().share(Side::Green), Percent::NONE);
    let finding =
        "the analysis of green 2 with 15% of the requests mirrored is inconclusive: it had 0 requests, fewer than 20";
    let (waits, _) = advance(&application, &state, InconclusivePolicy::Wait).await;
    assert!(
        matches!(&waits, Advance::Wait(reason) if reason.starts_with(finding)),
        "{waits:?}"
    );
    let (rolls_back, _) = advance(&application, &state, InconclusivePolicy::RollBack).await;
    assert_eq!(rolls_back, Advance::RollBack(finding.to_owned()));
    let (proceeds, reported) = advance(&application, &state, InconclusivePolicy::Proceed).await;
    assert_eq!(
        (proceeds, reported),
        (Advance::Proceed, format!("{finding}; proceeding"))
    );
}

#[tokio::test]
async fn steps_of_a_tcp_route_proceed_without_analysis() {
    let application = application(Protocol::Tcp);
    let state = state("canary:10%,30s", |state| {
        state.weights().share(Side::Green) > Percent::NONE
    });
    for policy in [InconclusivePolicy::Wait, InconclusivePolicy::RollBack] {
        let (proceeds, reported) = advance(&application, &state, policy).await;
        assert_eq!(proceeds, Advance::Proceed);
        assert!(
            reported.starts_with("green 2 at 10% has no analysis, because Envoys count no requests of a TCP route"),
            "{reported}"
        );
    }
    let http = self::application(Protocol::Http);
    let (waits, _) = advance(&http, &state, InconclusivePolicy::Wait).await;
    assert!(matches!(waits, Advance::Wait(_)), "{waits:?}");
}
