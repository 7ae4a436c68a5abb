//! Selected endpoints, endpoint health, and HTTP names of namespaces.

use super::*;

/// The addresses of blue.
fn blue_addresses(fixture: &Fixture) -> Vec<IpAddr> {
    let mesh_state = fixture.mesh_state();
    let instances = mesh_state.node_endpoints_of("demo", "blue").iter();
    instances.flat_map(|instance| instance.addresses.clone()).collect()
}

#[test]
fn all_instances_are_used_after_the_last_healthy_one_is_gone() {
    let mut fixture = Fixture::new();
    fixture.read(nodes(&[("blue", by_cloud_map("blue"))]));
    // Its first task is not ready.
    fixture.on_response(blue(), Ok(instances(&[("10.0.0.1", false)])));
    assert!(blue_addresses(&fixture).is_empty());
    fixture.on_response(blue(), Ok(instance_at("10.0.0.1")));
    // A rolling replacement: ECS removes the old task before Cloud Map reports the new one as healthy.
    fixture.on_response(blue(), Ok(instances(&[("10.0.0.1", true), ("10.0.0.2", false)])));
    let old: IpAddr = [10, 0, 0, 1].into();
    assert_eq!(blue_addresses(&fixture), [old]);
    fixture.on_response(blue(), Ok(instances(&[("10.0.0.2", false)])));
    let new: IpAddr = [10, 0, 0, 2].into();
    assert_eq!(blue_addresses(&fixture), [new]);
    let note = &fixture.source("Cloud Map").notes[0];
    assert!(note.contains("one was before, so all are used"), "{note}");
    // The service is deleted and created again.
    fixture.on_response(blue(), Ok(Response::Now(Discovery::NotFound, None)));
    fixture.on_response(blue(), Ok(instances(&[("10.0.0.3", false)])));
    assert!(blue_addresses(&fixture).is_empty());
    // The service is not required for a while.
    fixture.on_response(blue(), Ok(instance_at("10.0.0.3")));
    fixture.read(nodes(&[]));
    fixture.due_queries();
    fixture.read(nodes(&[("blue", by_cloud_map("blue"))]));
    fixture.on_response(blue(), Ok(instances(&[("10.0.0.3", false)])));
    assert!(blue_addresses(&fixture).is_empty());
}

#[test]
fn an_unhealthy_instance_is_polled_at_the_shorter_interval() {
    let mut fixture = Fixture::new();
    fixture.read(nodes(&[("blue", by_cloud_map("blue"))]));
    fixture.on_response(blue(), Ok(instances(&[("10.0.0.1", true), ("10.0.0.2", false)])));
    assert!(fixture.due_queries().is_empty());
    fixture.advance(2);
    assert_eq!(fixture.due_queries(), [("blue.demo".to_owned(), None)]);
    fixture.on_response(blue(), Ok(instance_at("10.0.0.2")));
    fixture.advance(2);
    assert_eq!(fixture.due_queries(), [("blue.demo".to_owned(), Some(7))]);
}

#[test]
fn healthy_instances_are_counted_per_virtual_node() {
    let mut fixture = Fixture::new();
    let mut narrow = by_cloud_map("blue");
    narrow["serviceDiscovery"]["awsCloudMap"]["attributes"] = json!([{"key": "LAST", "value": "1"}]);
    fixture.read(nodes(&[
        ("blue", by_cloud_map("blue")),
        ("narrow", narrow),
        ("green", by_name("green.demo")),
        ("empty", by_cloud_map("empty")),
        ("far", by_name("db.example.com")),
        ("caller", json!({})),
    ]));
    assert_eq!(fixture.state.healthy("demo"), [].into(), "nothing is served yet");
    fixture.on_response(
        blue(),
        Ok(instances(&[
            ("10.0.0.1", true),
            ("10.0.0.2", true),
            ("10.0.0.3", false),
        ])),
    );
    fixture.on_response(service("green", "demo"), Ok(instances(&[("10.0.0.4", false)])));
    for (name, namespace) in [("empty", "demo"), ("db", "example.com")] {
        fixture.on_response(service(name, namespace), Ok(Response::Now(Discovery::NotFound, None)));
    }
    let expected = [("blue", 2), ("narrow", 1), ("green", 0), ("empty", 0)];
    let expected = expected.map(|(node, count)| (node.to_owned(), count));
    assert_eq!(fixture.state.healthy("demo"), expected.into());
}

#[test]
fn a_namespace_with_an_id_is_queried_by_its_http_name() {
    let mut fixture = Fixture::new();
    fixture.state = fixture
        .state
        .with_namespaces(&[("demo".to_owned(), "ns-1".to_owned())].into());
    fixture.read(nodes(&[("blue", by_cloud_map("blue")), ("far", by_name("db.other"))]));
    let queried = |fixture: &mut Fixture| {
        let queries = fixture.state.queries(fixture.now).into_iter();
        queries.map(|query| query.namespace).collect::<Vec<_>>()
    };
    assert_eq!(queried(&mut fixture), ["other"]);
    assert!(!fixture.state.is_waiting(), "no query is due");
    fixture.on_response(service("db", "other"), Ok(Response::Now(Discovery::NotFound, None)));
    let failed = |fixture: &mut Fixture| {
        let denied = AwsError {
            call: "servicediscovery:GetNamespace",
            resource: "ns-1".to_owned(),
            ..failure(ErrorKind::Denied)
        };
        fixture.state.on_namespace("demo", Err(denied), fixture.now)
    };
    assert_eq!(failed(&mut fixture).len(), 1);
    assert!(failed(&mut fixture).is_empty(), "it is logged once");
    assert_eq!(fixture.state.namespace_backoff("demo"), 2);
    let reason = fixture.state.is_ready().expect_err("not ready");
    let remedy = "allow the action servicediscovery:GetNamespace on arn:aws:servicediscovery:*:*:namespace/ns-1";
    assert!(reason.contains(remedy), "{reason}");
    assert!(fixture.source("namespace demo, ns-1").error.is_some());

    let named = fixture
        .state
        .on_namespace("demo", Ok("demo-1a2b".to_owned()), fixture.now);
    assert_eq!(
        named,
        [LogEvent::Info("namespace demo has the HTTP name demo-1a2b".to_owned())]
    );
    assert_eq!(queried(&mut fixture), ["demo-1a2b"]);
    fixture.on_response(blue(), Ok(instance_at("10.0.0.1")));
    assert_eq!(fixture.state.is_ready(), Ok(()));
    assert_eq!(blue_addresses(&fixture).len(), 1, "the mesh has its own name for it");
    let source = fixture.source("namespace demo, ns-1");
    assert_eq!(
        (source.error, &source.notes[..]),
        (None, &["its HTTP name is demo-1a2b".to_owned()][..])
    );
}
