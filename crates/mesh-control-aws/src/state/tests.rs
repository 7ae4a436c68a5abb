//! What is served and said, reading by reading and answer by response.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::cloud_map::Response;
use crate::discovery::{Discovery, Instance};
use crate::error::ErrorKind;
use mesh_control::SourceStatus;

/// A state, its clock, and what happens to it.
struct Told {
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

/// The parameters of a mesh of these virtual nodes.
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
        said: "for a test".to_owned(),
    }
}

fn at(address: &str) -> Response {
    are(&[(address, true)])
}

/// An answer with these instances, each of which is healthy or not.
fn are(instances: &[(&str, bool)]) -> Response {
    let registered = |(address, is_healthy): &(&str, bool)| {
        let attributes = [
            ("AWS_INSTANCE_IPV4".to_owned(), (*address).to_owned()),
            ("LAST".to_owned(), address.chars().last().into_iter().collect()),
        ];
        Instance::new((*address).to_owned(), attributes.into(), *is_healthy)
    };
    Response::Now(
        Discovery::Instances(instances.iter().map(registered).collect()),
        Some(7),
    )
}

/// Short, so that little time has to pass.
const INTERVALS: PollIntervals = PollIntervals {
    parameters: Duration::from_secs(5),
    endpoints: Duration::from_secs(1),
    health: Duration::from_secs(5),
    unknown: Duration::from_secs(30),
    longest: Duration::from_secs(30),
};

impl Told {
    fn new() -> Self {
        Self {
            state: State::of(["demo".to_owned()].iter(), INTERVALS),
            now: Instant::now(),
        }
    }

    fn read(&mut self, parameters: Vec<Parameter>) -> Vec<LogEvent> {
        let news = self.state.on_parameters("demo", Ok(parameters), self.now);
        self.state.advance();
        news
    }

    fn answered(&mut self, service: Service, response: Result<Response, AwsError>) -> Vec<LogEvent> {
        self.asks();
        let (_, news) = self.state.on_response(&service, response, self.now);
        self.state.advance();
        news
    }

    fn asks(&mut self) -> Vec<(String, Option<i64>)> {
        let queries = self.state.queries(self.now).into_iter();
        queries.map(|query| (query.service.to_string(), query.known)).collect()
    }

    fn passes(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn world(&self) -> MeshState {
        let mut world = MeshState::default();
        self.state.write(&mut world);
        world
    }

    fn served_nodes(&self) -> Vec<String> {
        let world = self.world();
        let nodes = world
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
            .expect("such a source")
    }
}

fn blue() -> Service {
    service("blue", "demo")
}

#[test]
fn nothing_is_served_before_parameters_and_cloud_map_have_answered() {
    let mut told = Told::new();
    let reason = told.state.is_ready().expect_err("not ready");
    assert_eq!(reason, "mesh demo is not known yet: its parameters are being read");
    assert!(told.asks().is_empty());
    told.read(nodes(&[("blue", by_cloud_map("blue"))]));
    assert!(told.state.is_waiting());
    assert_eq!(told.asks(), [("blue.demo".to_owned(), None)]);
    assert!(!told.state.is_waiting());
    told.answered(blue(), Err(failure(ErrorKind::Unreachable)));
    let reason = told.state.is_ready().expect_err("not ready");
    assert!(reason.contains("blue.demo got no answer"), "{reason}");
    assert_eq!(told.world(), MeshState::default());
    told.answered(blue(), Ok(at("10.0.0.1")));
    assert_eq!(told.state.is_ready(), Ok(()));
    let world = told.world();
    let expected: IpAddr = [10, 0, 0, 1].into();
    assert_eq!(world.node_endpoints_of("demo", "blue")[0].addresses, [expected]);
}

#[test]
fn a_new_virtual_node_is_served_once_it_is_known_where_its_tasks_are() {
    let mut told = Told::new();
    told.read(nodes(&[("blue", by_cloud_map("blue"))]));
    told.answered(blue(), Ok(at("10.0.0.1")));
    let first = told.state.served("demo").expect("served").0.clone();
    told.read(nodes(&[
        ("blue", by_cloud_map("blue")),
        ("green", by_cloud_map("green")),
    ]));
    assert_eq!(told.served_nodes(), ["blue"]);
    assert_eq!(told.state.served("demo").expect("served").0, &first);
    let notes = told.source("parameters of mesh demo").notes;
    assert!(notes[0].contains("waits for Cloud Map's first answer"), "{notes:?}");
    told.asks();
    told.answered(service("green", "demo"), Ok(Response::Now(Discovery::NotFound, None)));
    assert_eq!(told.served_nodes(), ["blue", "green"]);
    assert_ne!(told.state.served("demo").expect("served").0, &first);
    let notes = told.source("Cloud Map").notes;
    assert!(notes[0].contains("no service green.demo"), "{notes:?}");
}

#[test]
fn through_an_outage_the_last_good_view_is_served_and_said_to_be() {
    let mut told = Told::new();
    told.read(nodes(&[("blue", by_cloud_map("blue"))]));
    told.answered(blue(), Ok(at("10.0.0.1")));
    let before = told.world();
    told.passes(10);
    let out = Err(failure(ErrorKind::Unreachable));
    let news = told.state.on_parameters("demo", out.clone(), told.now);
    assert_eq!(news.len(), 1, "{news:?}");
    assert!(
        told.state.on_parameters("demo", out, told.now).is_empty(),
        "it is said once"
    );
    told.answered(blue(), Err(failure(ErrorKind::Throttled)));
    told.passes(10);
    let deleted = told.state.on_parameters("demo", Ok(Vec::new()), told.now);
    assert!(
        matches!(&deleted[..], [LogEvent::Warning(text)] if text.contains("/meshwright/demo does not exist")),
        "{deleted:?}"
    );
    assert_eq!(told.world(), before);
    assert_eq!(told.state.is_ready(), Ok(()));
    let parameters = told.source("parameters of mesh demo");
    assert_eq!(parameters.last_success_seconds_ago, Some(20));
    assert_eq!(parameters.failing_for_seconds, Some(10));
    assert!(
        parameters.notes[0].starts_with("the last good view is served"),
        "{parameters:?}"
    );
    assert!(
        told.source("Cloud Map")
            .error
            .expect("failing")
            .contains("is throttled")
    );
    assert_eq!(told.state.parameters_backoff("demo"), (3, 2));
    let news = told.read(nodes(&[("blue", by_cloud_map("blue"))]));
    assert!(
        matches!(&news[..], [LogEvent::Info(text)] if text.contains("read again")),
        "{news:?}"
    );
    assert_eq!(told.source("parameters of mesh demo").error, None);
}

#[test]
fn instances_are_read_again_when_the_revision_has_changed_or_their_health_may_have() {
    let mut told = Told::new();
    told.read(nodes(&[("blue", by_cloud_map("blue"))]));
    told.answered(blue(), Ok(at("10.0.0.1")));
    assert_eq!(told.asks(), [("blue.demo".to_owned(), Some(7))]);
    told.passes(4);
    told.answered(blue(), Ok(Response::Unchanged));
    assert_eq!(told.asks(), [("blue.demo".to_owned(), Some(7))]);
    let mut has_changed = |response| told.state.on_response(&blue(), Ok(response), told.now).0;
    assert!(!has_changed(Response::Unchanged));
    assert!(!has_changed(at("10.0.0.1")), "it says the same");
    assert!(has_changed(at("10.0.0.2")));
    assert_eq!(told.asks(), [("blue.demo".to_owned(), Some(7))]);
    told.passes(4);
    told.passes(1);
    assert_eq!(told.asks(), [("blue.demo".to_owned(), None)]);
}

#[test]
fn names_that_cloud_map_does_not_know_are_left_to_dns_and_rarely_asked_about() {
    let mut told = Told::new();
    told.read(nodes(&[
        ("blue", by_name("blue.demo")),
        ("far", by_name("db.example.com")),
    ]));
    told.asks();
    told.answered(blue(), Ok(at("10.0.0.1")));
    told.answered(
        service("db", "example.com"),
        Ok(Response::Now(Discovery::NotFound, None)),
    );
    assert_eq!(told.world().dns_endpoints.keys().collect::<Vec<_>>(), ["blue.demo"]);
    assert!(told.world().node_endpoints.is_empty());
    let asked = |told: &mut Told| told.asks().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(asked(&mut told), ["blue.demo"]);
    told.passes(30);
    assert_eq!(asked(&mut told), ["blue.demo", "db.example.com"]);
}

#[test]
fn a_name_that_may_not_be_asked_about_is_left_to_dns_and_a_service_that_may_not_is_waited_for() {
    let denied = || Err(failure(ErrorKind::Denied));
    let mut told = Told::new();
    told.read(nodes(&[("far", by_name("db.example.com"))]));
    let db = || service("db", "example.com");
    assert_eq!(told.answered(db(), denied()).len(), 1);
    assert!(told.answered(db(), denied()).is_empty(), "it is said once");
    assert_eq!(told.state.is_ready(), Ok(()));
    assert!(told.world().dns_endpoints.is_empty());
    let source = told.source("Cloud Map");
    assert_eq!(source.error, None, "the others answer");
    assert!(
        source.notes[0].starts_with("db.example.com is left to DNS: "),
        "{source:#?}"
    );
    assert!(source.notes[0].contains("allow the action"), "{source:#?}");
    let mut told = Told::new();
    told.read(nodes(&[("blue", by_cloud_map("blue"))]));
    told.answered(blue(), denied());
    assert!(
        told.state
            .is_ready()
            .expect_err("not ready")
            .contains("allow the action")
    );
    // Once it was known where a name's tasks are, that stays.
    let mut told = Told::new();
    told.read(nodes(&[("blue", by_name("blue.demo"))]));
    told.answered(blue(), Ok(at("10.0.0.1")));
    told.answered(blue(), denied());
    assert_eq!(told.world().dns_endpoints["blue.demo"].len(), 1);
    assert!(
        told.source("Cloud Map")
            .error
            .expect("failing")
            .contains("allow the action")
    );
}

#[test]
fn services_that_nobody_wants_any_more_are_forgotten() {
    let mut told = Told::new();
    told.read(nodes(&[
        ("blue", by_cloud_map("blue")),
        ("green", by_cloud_map("green")),
    ]));
    told.answered(blue(), Ok(at("10.0.0.1")));
    told.answered(service("green", "demo"), Ok(at("10.0.0.2")));
    told.read(nodes(&[("blue", by_cloud_map("blue"))]));
    assert_eq!(told.asks().len(), 1);
    assert_eq!(told.world().node_endpoints.len(), 1);
}

#[test]
fn two_meshes_share_a_service_and_are_ready_together() {
    let names = ["demo".to_owned(), "other".to_owned()];
    let mut told = Told {
        state: State::of(names.iter(), INTERVALS),
        now: Instant::now(),
    };
    told.read(nodes(&[("blue", by_cloud_map("blue"))]));
    told.answered(blue(), Ok(at("10.0.0.1")));
    let reason = told.state.is_ready().expect_err("not ready");
    assert_eq!(reason, "mesh other is not known yet: its parameters are being read");
    let of_other = |nodes: Vec<Parameter>| {
        nodes.into_iter().map(|parameter| Parameter {
            name: parameter.name.replace("/demo", "/other"),
            ..parameter
        })
    };
    let other: Vec<_> = of_other(nodes(&[("blue", by_cloud_map("blue"))])).collect();
    told.state.on_parameters("other", Ok(other), told.now);
    told.state.advance();
    assert_eq!(told.state.is_ready(), Ok(()));
    // A reading of the other mesh fails, and the first one goes on without its node.
    told.state
        .on_parameters("other", Err(failure(ErrorKind::Throttled)), told.now);
    told.read(nodes(&[]));
    assert!(told.served_nodes().is_empty());
    assert_eq!(told.world().node_endpoints.len(), 1, "the other mesh wants it still");
    assert_eq!(told.state.parameters_backoff("demo"), (0, 4));
    assert_eq!(told.state.parameters_backoff("other"), (1, 4));
}

#[test]
fn a_service_that_fails_is_asked_about_more_rarely_and_the_others_are_not() {
    let mut told = Told::new();
    told.read(nodes(&[
        ("blue", by_cloud_map("blue")),
        ("green", by_cloud_map("green")),
    ]));
    told.asks();
    told.answered(blue(), Ok(at("10.0.0.1")));
    let green = || service("green", "demo");
    told.answered(green(), Ok(at("10.0.0.2")));
    let mut asked_about_green = 0;
    for _ in 0..60 {
        told.passes(1);
        let asked: Vec<String> = told.asks().into_iter().map(|(name, _)| name).collect();
        assert!(asked.contains(&"blue.demo".to_owned()), "{asked:?}");
        if asked.len() == 2 {
            asked_about_green += 1;
            told.answered(green(), Err(failure(ErrorKind::Denied)));
        }
        told.answered(blue(), Ok(Response::Unchanged));
        let source = told.source("Cloud Map");
        assert!(source.error.is_some(), "it fails until it answers again");
    }
    // After 2, 4, 8 and 16 s, and every 30 s.
    assert_eq!(asked_about_green, 5);
    assert_eq!(told.source("Cloud Map").failing_for_seconds, Some(59));
    let news = told.answered(green(), Ok(Response::Unchanged));
    assert_eq!(news, [LogEvent::Info("Cloud Map answers again".to_owned())]);
    assert_eq!(told.world().node_endpoints.len(), 2);
}

mod endpoints;
