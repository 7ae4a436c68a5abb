//! The end of an outage, lists of namespaces, and services that no Envoy uses.

use super::*;

/// Three services, each with a response.
fn three() -> Fixture {
    let mut fixture = Fixture::new();
    fixture.state = fixture
        .state
        .with_namespaces(&[("demo".to_owned(), "ns-1".to_owned())].into());
    fixture.state.on_namespace("demo", Ok("demo".to_owned()), fixture.now);
    let caller = json!({"backends": [{"virtualService": {"virtualServiceName": "blue.demo"}}]});
    let mut parameters = nodes(&[
        ("blue", by_cloud_map("blue")),
        ("green", by_cloud_map("green")),
        ("red", by_cloud_map("red")),
        ("caller", caller),
    ]);
    let provider = json!({"provider": {"virtualNode": {"virtualNodeName": "blue"}}});
    let name = "/meshwright/demo/virtualService/blue.demo";
    parameters.push(Parameter::text(name, 1, &provider.to_string()));
    fixture.read(parameters);
    for name in NAMES {
        fixture.on_response(service(name, "demo"), Ok(instance_at("10.0.0.1")));
    }
    fixture
}

const NAMES: [&str; 3] = ["blue", "green", "red"];

fn names(queries: &[(String, Option<i64>)]) -> Vec<&str> {
    queries.iter().map(|(name, _)| name.as_str()).collect()
}

fn counts(counts: [usize; 3]) -> Result<BTreeMap<String, usize>, AwsError> {
    Ok(NAMES.map(str::to_owned).into_iter().zip(counts).collect())
}

#[test]
fn the_first_response_after_an_outage_ends_the_backoff_of_all_services() {
    let mut fixture = three();
    for _ in 0..6 {
        for name in NAMES {
            fixture.on_response(service(name, "demo"), Err(failure(ErrorKind::Unreachable)));
        }
        fixture.advance(1);
    }
    assert!(fixture.due_queries().len() < 3, "they back off");
    fixture.on_response(blue(), Ok(instance_at("10.0.0.1")));
    assert_eq!(names(&fixture.due_queries()), ["green.demo", "red.demo"]);
}

#[test]
fn a_response_about_one_service_does_not_end_the_backoff_of_a_failing_one() {
    let mut fixture = three();
    for _ in 0..6 {
        fixture.on_response(blue(), Err(failure(ErrorKind::Other)));
        fixture.on_response(service("red", "demo"), Ok(Response::Unchanged));
    }
    assert!(!names(&fixture.due_queries()).contains(&"blue.demo"));
}

#[test]
fn a_changed_number_of_instances_makes_a_service_due() {
    let mut fixture = three();
    fixture.state.intervals.endpoints = Duration::from_secs(4);
    assert!(
        fixture
            .state
            .on_listing("demo", counts([1, 1, 1]), fixture.now)
            .is_empty()
    );
    fixture.advance(2);
    assert!(
        fixture.due_queries().is_empty(),
        "revisions of listed services are not compared"
    );
    fixture.state.on_listing("demo", counts([1, 2, 1]), fixture.now);
    assert_eq!(fixture.due_queries(), [("green.demo".to_owned(), None)]);
    let two = instances(&[("10.0.0.1", true), ("10.0.0.2", true)]);
    fixture.on_response(service("green", "demo"), Ok(two));
    fixture.state.on_listing("demo", counts([1, 2, 1]), fixture.now);
    assert!(fixture.due_queries().is_empty());
    // Without a new list, revisions are compared.
    fixture.advance(13);
    assert_eq!(fixture.due_queries().len(), 3);
}

#[test]
fn lists_that_are_denied_or_wrong_are_not_relied_on() {
    let mut fixture = three();
    fixture.state.intervals.endpoints = Duration::from_secs(4);
    fixture.state.intervals.health = Duration::from_secs(600);
    let denied = AwsError {
        call: "servicediscovery:ListServices",
        ..failure(ErrorKind::Denied)
    };
    let events = fixture.state.on_listing("demo", Err(denied.clone()), fixture.now);
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(fixture.state.on_listing("demo", Err(denied), fixture.now).is_empty());
    fixture.advance(5);
    assert_eq!(fixture.due_queries().len(), 3);
    let note = |fixture: &Fixture| fixture.source("Cloud Map").notes.join("; ");
    assert!(
        note(&fixture).contains("servicediscovery:ListServices"),
        "{}",
        note(&fixture)
    );
    for _ in 0..5 {
        fixture.state.on_listing("demo", counts([1, 2, 1]), fixture.now);
        fixture.advance(1);
        fixture.on_response(service("green", "demo"), Ok(instance_at("10.0.0.1")));
        fixture.advance(3);
    }
    assert!(
        note(&fixture).contains("differ from DiscoverInstances"),
        "{}",
        note(&fixture)
    );
    fixture.state.on_listing("demo", counts([1, 1, 1]), fixture.now);
    fixture.advance(5);
    assert_eq!(fixture.due_queries().len(), 3);
}

#[test]
fn only_services_that_connected_envoys_use_are_polled_often() {
    let mut fixture = three();
    let queried = |fixture: &mut Fixture| {
        let queries = fixture.state.queries(fixture.now).into_iter();
        queries.map(|query| query.service.to_string()).collect::<Vec<_>>()
    };
    let caller = BTreeSet::from(["mesh/demo/virtualNode/caller".to_owned()]);
    fixture.state.on_connected(BTreeSet::new());
    fixture.advance(20);
    assert!(queried(&mut fixture).is_empty());
    fixture.state.on_connected(caller.clone());
    assert_eq!(queried(&mut fixture), ["blue.demo"], "at once");
    let unchanged = instance_at("10.0.0.1");
    fixture.state.on_response(&blue(), Ok(unchanged), fixture.now);
    fixture.state.on_connected(caller);
    fixture.advance(2);
    assert_eq!(queried(&mut fixture), ["blue.demo"]);
    fixture.state.on_connected(BTreeSet::new());
    fixture
        .state
        .on_response(&blue(), Ok(instance_at("10.0.0.1")), fixture.now);
    fixture.advance(20);
    assert!(queried(&mut fixture).is_empty());
    fixture.advance(60);
    assert_eq!(queried(&mut fixture), ["blue.demo", "green.demo", "red.demo"]);
}
