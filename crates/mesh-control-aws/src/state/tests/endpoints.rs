//! Who is called, who counts as healthy, and by which name Cloud Map is asked.

use super::*;

/// Where calls to blue go.
fn called(told: &Told) -> Vec<IpAddr> {
    let world = told.world();
    let instances = world.node_endpoints_of("demo", "blue").iter();
    instances.flat_map(|instance| instance.addresses.clone()).collect()
}

#[test]
fn a_service_whose_last_healthy_instance_has_gone_is_called_where_its_new_ones_are() {
    let mut told = Told::new();
    told.read(nodes(&[("blue", by_cloud_map("blue"))]));
    // Its first task ever is not ready.
    told.answered(blue(), Ok(are(&[("10.0.0.1", false)])));
    assert!(called(&told).is_empty());
    told.answered(blue(), Ok(at("10.0.0.1")));
    // A rolling replacement: ECS takes the old task away before Cloud Map calls the new one healthy.
    told.answered(blue(), Ok(are(&[("10.0.0.1", true), ("10.0.0.2", false)])));
    let old: IpAddr = [10, 0, 0, 1].into();
    assert_eq!(called(&told), [old]);
    told.answered(blue(), Ok(are(&[("10.0.0.2", false)])));
    let new: IpAddr = [10, 0, 0, 2].into();
    assert_eq!(called(&told), [new]);
    let note = &told.source("Cloud Map").notes[0];
    assert!(note.contains("one was before, so all are called"), "{note}");
    // The service is deleted, and another one of the same name starts anew.
    told.answered(blue(), Ok(Response::Now(Discovery::NotFound, None)));
    told.answered(blue(), Ok(are(&[("10.0.0.3", false)])));
    assert!(called(&told).is_empty());
    // Nobody wants it any more, and then somebody does.
    told.answered(blue(), Ok(at("10.0.0.3")));
    told.read(nodes(&[]));
    told.asks();
    told.read(nodes(&[("blue", by_cloud_map("blue"))]));
    told.answered(blue(), Ok(are(&[("10.0.0.3", false)])));
    assert!(called(&told).is_empty());
}

#[test]
fn as_long_as_an_instance_is_not_healthy_it_is_asked_about_at_the_shorter_interval() {
    let mut told = Told::new();
    told.read(nodes(&[("blue", by_cloud_map("blue"))]));
    told.answered(blue(), Ok(are(&[("10.0.0.1", true), ("10.0.0.2", false)])));
    assert_eq!(told.asks(), [("blue.demo".to_owned(), Some(7))]);
    told.passes(1);
    assert_eq!(told.asks(), [("blue.demo".to_owned(), None)]);
    told.answered(blue(), Ok(at("10.0.0.2")));
    told.passes(1);
    assert_eq!(told.asks(), [("blue.demo".to_owned(), Some(7))]);
}

#[test]
fn healthy_instances_are_counted_for_each_virtual_node_that_cloud_map_knows() {
    let mut told = Told::new();
    let mut narrow = by_cloud_map("blue");
    narrow["serviceDiscovery"]["awsCloudMap"]["attributes"] = json!([{"key": "LAST", "value": "1"}]);
    told.read(nodes(&[
        ("blue", by_cloud_map("blue")),
        ("narrow", narrow),
        ("green", by_name("green.demo")),
        ("nobody", by_cloud_map("nobody")),
        ("far", by_name("db.example.com")),
        ("caller", json!({})),
    ]));
    assert_eq!(told.state.healthy("demo"), [].into(), "nothing is served yet");
    told.answered(
        blue(),
        Ok(are(&[("10.0.0.1", true), ("10.0.0.2", true), ("10.0.0.3", false)])),
    );
    told.answered(service("green", "demo"), Ok(are(&[("10.0.0.4", false)])));
    for (name, namespace) in [("nobody", "demo"), ("db", "example.com")] {
        told.answered(service(name, namespace), Ok(Response::Now(Discovery::NotFound, None)));
    }
    let expected = [("blue", 2), ("narrow", 1), ("green", 0), ("nobody", 0)];
    let expected = expected.map(|(node, count)| (node.to_owned(), count));
    assert_eq!(told.state.healthy("demo"), expected.into());
}

#[test]
fn a_namespace_that_has_an_id_is_asked_about_by_the_name_that_cloud_map_has_for_it() {
    let mut told = Told::new();
    told.state = told
        .state
        .with_namespaces(&[("demo".to_owned(), "ns-1".to_owned())].into());
    told.read(nodes(&[("blue", by_cloud_map("blue")), ("far", by_name("db.other"))]));
    let asked = |told: &mut Told| {
        let queries = told.state.queries(told.now).into_iter();
        queries.map(|query| query.namespace).collect::<Vec<_>>()
    };
    assert_eq!(asked(&mut told), ["other"]);
    assert!(!told.state.is_waiting(), "nothing can be asked for now");
    told.answered(service("db", "other"), Ok(Response::Now(Discovery::NotFound, None)));
    let failed = |told: &mut Told| {
        let denied = AwsError {
            call: "servicediscovery:GetNamespace",
            resource: "ns-1".to_owned(),
            ..failure(ErrorKind::Denied)
        };
        told.state.on_namespace("demo", Err(denied), told.now)
    };
    assert_eq!(failed(&mut told).len(), 1);
    assert!(failed(&mut told).is_empty(), "it is said once");
    assert_eq!(told.state.namespace_backoff("demo"), 2);
    let reason = told.state.is_ready().expect_err("not ready");
    let remedy = "allow the action servicediscovery:GetNamespace on arn:aws:servicediscovery:*:*:namespace/ns-1";
    assert!(reason.contains(remedy), "{reason}");
    assert!(told.source("namespace demo, ns-1").error.is_some());

    let named = told.state.on_namespace("demo", Ok("demo-1a2b".to_owned()), told.now);
    assert_eq!(
        named,
        [LogEvent::Info("namespace demo is asked about as demo-1a2b".to_owned())]
    );
    assert_eq!(asked(&mut told), ["demo-1a2b"]);
    told.answered(blue(), Ok(at("10.0.0.1")));
    assert_eq!(told.state.is_ready(), Ok(()));
    assert_eq!(called(&told).len(), 1, "the mesh calls it by its own name");
    let source = told.source("namespace demo, ns-1");
    assert_eq!(
        (source.error, &source.notes[..]),
        (None, &["Cloud Map calls it demo-1a2b".to_owned()][..])
    );
}
