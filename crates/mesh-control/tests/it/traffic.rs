//! Requests pass both sidecars, and tasks get them round-robin.

use std::fs;

use mesh_control::XdsProtocol;
use mesh_control::access_log::{AccessLogEntry, sampled_trace_id};
use mesh_model::service_connect::AppProtocol;

use crate::harness::{Behaviour, CallResponse, Mesh, Task, Upstream, endpoint, eventually, in_both_protocols};

in_both_protocols!(a_request_passes_both_sidecars, round_robin_between_tasks);

async fn a_request_passes_both_sidecars(protocol: XdsProtocol) {
    let blue_endpoint = endpoint("blue", AppProtocol::Http);
    let mesh = Mesh::start(protocol, std::slice::from_ref(&blue_endpoint)).await;
    let application = Upstream::start("blue", Behaviour::Name).await;
    let blue = Task::with_application(&mesh, &blue_endpoint, application.address).await;
    let green = Task::start(&mesh, "green").await;
    mesh.set_endpoints("blue", &[blue.ingress(&blue_endpoint)]);
    green
        .wait_for_endpoints(&blue_endpoint, &[blue.ingress(&blue_endpoint)])
        .await;

    let expected = CallResponse {
        status: 200,
        fault: None,
        body: "blue".to_owned(),
    };
    for host in ["blue.serviceconnect", "blue.serviceconnect:80"] {
        assert_eq!(green.get(host).await, expected);
    }
    assert_eq!(application.requests(), 2);

    // A sampled request is in both access logs.
    let trace_id = sampled_trace_id("0af7651916cd43dd8448eb211c80319c");
    let traceparent = format!("00-{trace_id}-b7ad6b7169203331-01");
    let traced = green.request("blue.serviceconnect").header("traceparent", traceparent);
    assert!(traced.send().await.expect("a response").status().is_success());
    for (task, inbound, upstream) in [
        (&green, false, blue.ingress(&blue_endpoint)),
        (&blue, true, application.address),
    ] {
        let hop = eventually("the access-log entry is written", async || {
            let log = fs::read_to_string(task.access_log()).unwrap_or_default();
            // Earlier requests were not sampled.
            let mut hops = log.lines().map(AccessLogEntry::parse);
            match (hops.next().flatten(), hops.next()) {
                (Some(hop), None) => Ok(hop),
                _ => Err(log),
            }
        })
        .await;
        assert_eq!(hop.trace_id(), Some(trace_id.as_str()));
        assert_eq!(hop.is_inbound(), inbound, "{hop:?}");
        assert_eq!(hop.upstream, upstream.to_string());
        assert_eq!(hop.status, 200);
        assert_eq!(hop.flags, "-");
    }
}

async fn round_robin_between_tasks(protocol: XdsProtocol) {
    let blue = endpoint("blue", AppProtocol::Http);
    let mesh = Mesh::start(protocol, std::slice::from_ref(&blue)).await;
    let one = Upstream::start("one", Behaviour::Name).await;
    let two = Upstream::start("two", Behaviour::Name).await;
    mesh.set_endpoints("blue", &[one.address, two.address]);
    let green = Task::start(&mesh, "green").await;

    let mut responses = Vec::new();
    for _ in 0..20 {
        responses.push(green.get("blue.serviceconnect").await.body);
    }
    assert!(
        responses.windows(2).all(|pair| pair[0] != pair[1]),
        "not round-robin: {responses:?}"
    );
    assert_eq!((one.requests(), two.requests()), (10, 10));
}
