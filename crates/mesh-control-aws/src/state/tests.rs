//! Served views and log events, response by response.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::cloud_map::Response;
use crate::discovery::{Discovery, Instance};
use crate::endpoint_policy::EndpointPolicy;
use crate::error::ErrorKind;
use crate::parameter::Parameter;
use crate::service_plan::Check;
use mesh_control::SourceStatus;

/// A state, and its clock.
struct Fixture {
    state: State,
    now: Instant,
}

fn service(name: &str, namespace: &str) -> Service {
    Service {
        namespace: namespace.to_owned(),
        service: name.to_owned(),
    }
}

fn node(discovery: &Value) -> Value {
    json!({
        "listeners": [{"portMapping": {"port": 80, "protocol": "http"}}],
        "serviceDiscovery": discovery,
    })
}

fn by_cloud_map(name: &str) -> Value {
    node(&json!({"awsCloudMap": {"namespaceName": "demo", "serviceName": name}}))
}

fn by_name(hostname: &str) -> Value {
    node(&json!({"dns": {"hostname": hostname}}))
}

/// The parameters of a mesh with these virtual nodes.
fn nodes(nodes: &[(&str, Value)]) -> Vec<Parameter> {
    let nodes = nodes
        .iter()
        .map(|(name, spec)| Parameter::text(&format!("/meshwright/demo/virtualNode/{name}"), 1, &spec.to_string()));
    nodes.chain([Parameter::text("/meshwright/demo", 1, "{}")]).collect()
}

fn failure(reason: ErrorKind) -> AwsError {
    AwsError {
        call: "servicediscovery:DiscoverInstancesRevision",
        resource: "blue.demo".to_owned(),
        reason,
        message: "for a test".to_owned(),
    }
}

fn instance_at(address: &str) -> Response {
    instances(&[(address, true)])
}

/// A response with these instances, each healthy or not.
fn instances(instances: &[(&str, bool)]) -> Response {
    let registered = |(address, is_healthy): &(&str, bool)| {
        let attributes = [
            ("AWS_INSTANCE_IPV4".to_owned(), (*address).to_owned()),
            ("LAST".to_owned(), address.chars().last().into_iter().collect()),
        ];
        Instance::new(
            (*address).to_owned(),
            attributes.into(),
            *is_healthy,
            &EndpointPolicy::default(),
        )
    };
    Response::Now(
        Discovery::Instances(instances.iter().map(registered).collect()),
        Some(7),
    )
}

/// Short intervals.
const INTERVALS: PollIntervals = PollIntervals {
    markers: Duration::from_secs(2),
    parameters: Duration::from_secs(5),
    unmarked_changes: Duration::from_secs(60),
    endpoints: Duration::from_secs(1),
    active: Duration::from_secs(1),
    active_for: Duration::from_secs(10),
    health: Duration::from_secs(5),
    unused: Duration::from_secs(60),
    unknown: Duration::from_secs(30),
    longest: Duration::from_secs(30),
};

impl Fixture {
    fn new() -> Self {
        Self {
            state: State::of(["demo".to_owned()].iter(), INTERVALS, 0),
            now: Instant::now(),
        }
    }

    fn read(&mut self, parameters: Vec<Parameter>) -> Vec<LogEvent> {
        let events = self.state.on_parameters("demo", Ok(parameters), self.now);
        self.state.advance();
        events
    }

    fn on_response(&mut self, service: Service, response: Result<Response, AwsError>) -> Vec<LogEvent> {
        self.due_queries();
        let (_, events) = self.state.on_response(&service, response, self.now);
        self.state.advance();
        events
    }

    /// The queries that are due if Envoys use every service: each service with its known revision, or without for its
    /// instances.
    fn due_queries(&mut self) -> Vec<(String, Option<i64>)> {
        let required = RequiredServices::of(self.state.topologies());
        self.state.used = required.all().into_iter().cloned().collect();
        let queries = self.state.queries(self.now).into_iter();
        let known = |check| match check {
            Check::Revision(known) => known,
            Check::Instances => None,
        };
        queries
            .map(|query| (query.service.to_string(), known(query.check)))
            .collect()
    }

    fn advance(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn mesh_state(&self) -> MeshState {
        let mut mesh_state = MeshState::default();
        self.state.write(&mut mesh_state);
        mesh_state
    }

    fn served_nodes(&self) -> Vec<String> {
        let mesh_state = self.mesh_state();
        let nodes = mesh_state
            .meshes
            .get("demo")
            .map(|mesh| mesh.virtual_nodes.keys().cloned().collect());
        nodes.unwrap_or_default()
    }

    fn source(&self, name: &str) -> SourceStatus {
        let sources = self.state.sources(self.now).into_iter();
        sources
            .into_iter()
            .find(|source| source.name == name)
            .expect("a source with this name")
    }
}

fn blue() -> Service {
    service("blue", "demo")
}

#[test]
fn nothing_is_served_before_parameters_and_cloud_map_have_responded() {
    let mut fixture = Fixture::new();
    let reason = fixture.state.is_ready().expect_err("not ready");
    assert_eq!(reason, "mesh demo is not known yet: its parameters are not read yet");
    assert!(fixture.due_queries().is_empty());
    fixture.read(nodes(&[("blue", by_cloud_map("blue"))]));
    assert!(fixture.state.is_waiting());
    assert_eq!(fixture.due_queries(), [("blue.demo".to_owned(), None)]);
    assert!(!fixture.state.is_waiting());
    fixture.on_response(blue(), Err(failure(ErrorKind::Unreachable)));
    let reason = fixture.state.is_ready().expect_err("not ready");
    assert!(reason.contains("blue.demo got no response"), "{reason}");
    assert_eq!(fixture.mesh_state(), MeshState::default());
    fixture.on_response(blue(), Ok(instance_at("10.0.0.1")));
    assert_eq!(fixture.state.is_ready(), Ok(()));
    let mesh_state = fixture.mesh_state();
    let expected: IpAddr = [10, 0, 0, 1].into();
    assert_eq!(mesh_state.node_endpoints_of("demo", "blue")[0].addresses, [expected]);
}

#[test]
fn a_new_virtual_node_is_served_once_its_endpoints_are_known() {
    let mut fixture = Fixture::new();
    fixture.read(nodes(&[("blue", by_cloud_map("blue"))]));
    fixture.on_response(blue(), Ok(instance_at("10.0.0.1")));
    let first = fixture.state.served("demo").expect("served").0.clone();
    fixture.read(nodes(&[
        ("blue", by_cloud_map("blue")),
        ("green", by_cloud_map("green")),
    ]));
    assert_eq!(fixture.served_nodes(), ["blue"]);
    assert_eq!(fixture.state.served("demo").expect("served").0, &first);
    let notes = fixture.source("parameters of mesh demo").notes;
    assert!(
        notes[0].contains("waits for the first response of Cloud Map"),
        "{notes:?}"
    );
    fixture.due_queries();
    fixture.on_response(service("green", "demo"), Ok(Response::Now(Discovery::NotFound, None)));
    assert_eq!(fixture.served_nodes(), ["blue", "green"]);
    assert_ne!(fixture.state.served("demo").expect("served").0, &first);
    let notes = fixture.source("Cloud Map").notes;
    assert!(notes[0].contains("no service green.demo"), "{notes:?}");
}

#[test]
fn the_last_valid_view_is_served_and_reported_during_an_outage() {
    let mut fixture = Fixture::new();
    fixture.read(nodes(&[("blue", by_cloud_map("blue"))]));
    fixture.on_response(blue(), Ok(instance_at("10.0.0.1")));
    let before = fixture.mesh_state();
    fixture.advance(10);
    let out = Err(failure(ErrorKind::Unreachable));
    let events = fixture.state.on_parameters("demo", out.clone(), fixture.now);
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(
        fixture.state.on_parameters("demo", out, fixture.now).is_empty(),
        "it is logged once"
    );
    fixture.on_response(blue(), Err(failure(ErrorKind::Throttled)));
    fixture.advance(10);
    let deleted = fixture.state.on_parameters("demo", Ok(Vec::new()), fixture.now);
    assert!(
        matches!(&deleted[..], [LogEvent::Warning(text)] if text.contains("/meshwright/demo does not exist")),
        "{deleted:?}"
    );
    assert_eq!(fixture.mesh_state(), before);
    assert_eq!(fixture.state.is_ready(), Ok(()));
    let parameters = fixture.source("parameters of mesh demo");
    assert_eq!(parameters.last_success_seconds_ago, Some(20));
    assert_eq!(parameters.failing_for_seconds, Some(10));
    assert!(
        parameters.notes[0].starts_with("the last valid configuration is served"),
        "{parameters:?}"
    );
    assert!(
        fixture
            .source("Cloud Map")
            .error
            .expect("failing")
            .contains("is throttled")
    );
    assert!(fixture.state.is_mesh_failing("demo"));
    let events = fixture.read(nodes(&[("blue", by_cloud_map("blue"))]));
    assert!(
        matches!(&events[..], [LogEvent::Info(text)] if text.contains("readable again")),
        "{events:?}"
    );
    assert_eq!(fixture.source("parameters of mesh demo").error, None);
}

#[test]
fn instances_are_read_again_after_a_new_revision_or_the_health_interval() {
    let mut fixture = Fixture::new();
    fixture.read(nodes(&[("blue", by_cloud_map("blue"))]));
    fixture.on_response(blue(), Ok(instance_at("10.0.0.1")));
    assert!(fixture.due_queries().is_empty());
    fixture.advance(2);
    assert_eq!(fixture.due_queries(), [("blue.demo".to_owned(), Some(7))]);
    let mut has_changed = |response| fixture.state.on_response(&blue(), Ok(response), fixture.now).0;
    assert!(!has_changed(Response::Unchanged));
    assert!(!has_changed(instance_at("10.0.0.1")), "unchanged");
    assert!(has_changed(instance_at("10.0.0.2")));
    fixture.advance(2);
    fixture.on_response(blue(), Ok(Response::Unchanged));
    fixture.advance(4);
    assert_eq!(
        fixture.due_queries(),
        [("blue.demo".to_owned(), None)],
        "for its health"
    );
}

#[test]
fn names_unknown_to_cloud_map_are_resolved_by_dns_and_rarely_queried() {
    let mut fixture = Fixture::new();
    fixture.read(nodes(&[
        ("blue", by_name("blue.demo")),
        ("far", by_name("db.example.com")),
    ]));
    fixture.due_queries();
    fixture.on_response(blue(), Ok(instance_at("10.0.0.1")));
    fixture.on_response(
        service("db", "example.com"),
        Ok(Response::Now(Discovery::NotFound, None)),
    );
    assert_eq!(
        fixture.mesh_state().dns_endpoints.keys().collect::<Vec<_>>(),
        ["blue.demo"]
    );
    assert!(fixture.mesh_state().node_endpoints.is_empty());
    let queried = |fixture: &mut Fixture| {
        fixture
            .due_queries()
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
    };
    fixture.advance(2);
    assert_eq!(queried(&mut fixture), ["blue.demo"]);
    fixture.advance(32);
    assert_eq!(queried(&mut fixture), ["blue.demo", "db.example.com"]);
}

#[test]
fn a_denied_name_is_resolved_by_dns_and_a_denied_service_is_awaited() {
    let denied = || Err(failure(ErrorKind::Denied));
    let mut fixture = Fixture::new();
    fixture.read(nodes(&[("far", by_name("db.example.com"))]));
    let db = || service("db", "example.com");
    assert_eq!(fixture.on_response(db(), denied()).len(), 1);
    assert!(fixture.on_response(db(), denied()).is_empty(), "it is logged once");
    assert_eq!(fixture.state.is_ready(), Ok(()));
    assert!(fixture.mesh_state().dns_endpoints.is_empty());
    let source = fixture.source("Cloud Map");
    assert_eq!(source.error, None, "the other services respond");
    assert!(
        source.notes[0].starts_with("db.example.com is resolved by DNS: "),
        "{source:#?}"
    );
    assert!(source.notes[0].contains("allow the action"), "{source:#?}");
    let mut fixture = Fixture::new();
    fixture.read(nodes(&[("blue", by_cloud_map("blue"))]));
    fixture.on_response(blue(), denied());
    assert!(
        fixture
            .state
            .is_ready()
            .expect_err("not ready")
            .contains("allow the action")
    );
    // Known endpoints of a name remain.
    let mut fixture = Fixture::new();
    fixture.read(nodes(&[("blue", by_name("blue.demo"))]));
    fixture.on_response(blue(), Ok(instance_at("10.0.0.1")));
    fixture.on_response(blue(), denied());
    assert_eq!(fixture.mesh_state().dns_endpoints["blue.demo"].len(), 1);
    assert!(
        fixture
            .source("Cloud Map")
            .error
            .expect("failing")
            .contains("allow the action")
    );
}

#[test]
fn services_without_a_consumer_are_dropped() {
    let mut fixture = Fixture::new();
    fixture.read(nodes(&[
        ("blue", by_cloud_map("blue")),
        ("green", by_cloud_map("green")),
    ]));
    fixture.on_response(blue(), Ok(instance_at("10.0.0.1")));
    fixture.on_response(service("green", "demo"), Ok(instance_at("10.0.0.2")));
    fixture.read(nodes(&[("blue", by_cloud_map("blue"))]));
    fixture.advance(2);
    assert_eq!(fixture.due_queries().len(), 1);
    assert_eq!(fixture.mesh_state().node_endpoints.len(), 1);
}

#[test]
fn two_meshes_share_a_service_and_are_ready_together() {
    let names = ["demo".to_owned(), "other".to_owned()];
    let mut fixture = Fixture {
        state: State::of(names.iter(), INTERVALS, 0),
        now: Instant::now(),
    };
    fixture.read(nodes(&[("blue", by_cloud_map("blue"))]));
    fixture.on_response(blue(), Ok(instance_at("10.0.0.1")));
    let reason = fixture.state.is_ready().expect_err("not ready");
    assert_eq!(reason, "mesh other is not known yet: its parameters are not read yet");
    let of_other = |nodes: Vec<Parameter>| {
        nodes.into_iter().map(|parameter| Parameter {
            name: parameter.name.replace("/demo", "/other"),
            ..parameter
        })
    };
    let other: Vec<_> = of_other(nodes(&[("blue", by_cloud_map("blue"))])).collect();
    fixture.state.on_parameters("other", Ok(other), fixture.now);
    fixture.state.advance();
    assert_eq!(fixture.state.is_ready(), Ok(()));
    // Reading the other mesh fails, and the first one loses its node.
    fixture
        .state
        .on_parameters("other", Err(failure(ErrorKind::Throttled)), fixture.now);
    fixture.read(nodes(&[]));
    assert!(fixture.served_nodes().is_empty());
    assert_eq!(
        fixture.mesh_state().node_endpoints.len(),
        1,
        "the other mesh still requires it"
    );
    assert!(!fixture.state.is_mesh_failing("demo"));
    assert!(fixture.state.is_mesh_failing("other"));
    assert_eq!(fixture.state.parameter_calls(), 4);
}

#[test]
fn backoff_applies_to_failing_services_only() {
    let mut fixture = Fixture::new();
    fixture.read(nodes(&[
        ("blue", by_cloud_map("blue")),
        ("green", by_cloud_map("green")),
    ]));
    fixture.due_queries();
    fixture.on_response(blue(), Ok(instance_at("10.0.0.1")));
    let green = || service("green", "demo");
    fixture.on_response(green(), Ok(instance_at("10.0.0.2")));
    let (mut asked_about_blue, mut asked_about_green) = (0, 0);
    for _ in 0..60 {
        fixture.advance(1);
        for (queried, _) in fixture.due_queries() {
            if queried == "blue.demo" {
                asked_about_blue += 1;
                fixture.on_response(blue(), Ok(Response::Unchanged));
            } else {
                asked_about_green += 1;
                fixture.on_response(green(), Err(failure(ErrorKind::Denied)));
            }
        }
    }
    assert!(asked_about_blue >= 28, "{asked_about_blue}");
    // After about 2, 4, 8 and 16 s, and every 30 s.
    assert!((5..=6).contains(&asked_about_green), "{asked_about_green}");
    let source = fixture.source("Cloud Map");
    assert!(source.failing_for_seconds >= Some(57), "{source:?}");
    let events = fixture.on_response(green(), Ok(Response::Unchanged));
    assert_eq!(events, [LogEvent::Info("Cloud Map responds again".to_owned())]);
    assert_eq!(fixture.mesh_state().node_endpoints.len(), 2);
}

mod costs;
mod endpoints;
mod recovery;
