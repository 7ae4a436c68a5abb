//! gRPC: routes, retries, timeouts.

use serde_json::{Value, json};
use tonic::Code;

use super::demo_mesh::{PORT, conditions, grpc, node_with_protocol, with};
use super::http2_fixture::Http2Fixture;
use crate::harness::{MeshNode, SILENCE, marked, rejection};

impl Http2Fixture {
    /// The name of the responding node; code and local-reply reason of an error.
    async fn calls(&self, path: &str, metadata: &[(&str, &str)]) -> String {
        match self.caller.call(path, "", metadata).await {
            Ok(name) => name,
            Err(error) => format!("{:?}", marked(&error)),
        }
    }
}

const NO_ROUTE: &str = r#"(Unimplemented, Some("no-route"))"#;

#[tokio::test]
async fn calls_are_matched_by_service_and_method_and_split_by_weight() {
    let fixture = Http2Fixture::with_protocol(
        "grpc",
        &[
            (
                "method",
                grpc(json!({"serviceName": "shop.Cart", "methodName": "Add"}), &[("blue", 1)]),
            ),
            ("service", grpc(json!({"serviceName": "shop.Cart"}), &[("green", 1)])),
            (
                "both",
                grpc(json!({"serviceName": "shop.Stock"}), &[("blue", 1), ("green", 1)]),
            ),
        ],
    )
    .await;
    for (path, expected) in [
        ("/shop.Cart/Add", "blue"),
        ("/shop.Cart/Remove", "green"),
        ("/shop.Cart/AddAll", "green"),
        ("/shop.Carts/Add", NO_ROUTE),
        ("/shop/Add", NO_ROUTE),
    ] {
        assert_eq!(fixture.calls(path, &[]).await, expected, "{path}");
    }
    // Other requests match no gRPC route, whatever their path.
    let plain = fixture.caller.get("/shop.Cart/Add").await;
    assert_eq!((plain.status, plain.fault.as_deref()), (404, Some("no-route")));

    let before = fixture.blue.requests();
    for _ in 0..100 {
        fixture.calls("/shop.Stock/Count", &[]).await;
    }
    let blue = fixture.blue.requests() - before;
    // Binomial, n = 100, p = 0.5: mean 50, standard deviation 5. Fewer than 2 runs in 10 million are beyond 25.
    assert!((25..=75).contains(&blue), "{blue}");
}

#[tokio::test]
async fn every_metadata_match_and_its_inversion() {
    let mut routes = Vec::new();
    for (kind, condition, ..) in conditions() {
        for (name, invert) in [(format!("x-{kind}"), false), (format!("x-not-{kind}"), true)] {
            let mut metadata = json!({"name": name, "invert": invert});
            if !condition.is_null() {
                metadata["match"] = condition.clone();
            }
            let matching = json!({"serviceName": format!("shop.{name}"), "metadata": [metadata]});
            routes.push((name, grpc(matching, &[("blue", 1)])));
        }
    }
    let routes: Vec<(&str, Value)> = routes
        .iter()
        .map(|(name, route)| (name.as_str(), route.clone()))
        .collect();
    let fixture = Http2Fixture::with_protocol("grpc", &routes).await;
    for (kind, _, fits, fails) in conditions() {
        for (name, if_fits, if_not) in [
            (format!("x-{kind}"), "blue", NO_ROUTE),
            (format!("x-not-{kind}"), NO_ROUTE, "blue"),
        ] {
            let path = format!("/shop.{name}/Ask");
            assert_eq!(fixture.calls(&path, &[(&name, fits)]).await, if_fits, "{name}");
            let other: Vec<(&str, &str)> = fails.iter().map(|value| (name.as_str(), *value)).collect();
            assert_eq!(fixture.calls(&path, &other).await, if_not, "{name}");
        }
    }
}

#[tokio::test]
async fn a_call_is_retried_after_the_events_of_its_route() {
    let route = |service: &str, policy: Value| {
        let route = grpc(json!({"serviceName": service}), &[("blue", 1)]);
        if policy.is_null() {
            route
        } else {
            with(route, "retryPolicy", policy)
        }
    };
    let retrying = |times: u32, events: &[&str]| {
        json!({
            "maxRetries": times,
            "perRetryTimeout": {"unit": "s", "value": 5},
            "grpcRetryEvents": events,
        })
    };
    let cases = [
        ("default", Value::Null, Code::Unavailable, Code::Internal, 3),
        (
            "cancelled",
            retrying(1, &["cancelled"]),
            Code::Cancelled,
            Code::Aborted,
            2,
        ),
        (
            "deadline",
            retrying(2, &["deadline-exceeded"]),
            Code::DeadlineExceeded,
            Code::Unavailable,
            3,
        ),
        ("internal", retrying(3, &["internal"]), Code::Internal, Code::Unknown, 4),
        (
            "exhausted",
            retrying(1, &["resource-exhausted"]),
            Code::ResourceExhausted,
            Code::Internal,
            2,
        ),
        (
            "unavailable",
            retrying(1, &["unavailable"]),
            Code::Unavailable,
            Code::Cancelled,
            2,
        ),
        (
            "none",
            retrying(0, &["unavailable"]),
            Code::Unavailable,
            Code::Internal,
            1,
        ),
    ];
    let routes: Vec<(&str, Value)> = cases
        .iter()
        .map(|(name, policy, ..)| (*name, route(name, policy.clone())))
        .collect();
    let fixture = Http2Fixture::with_protocol("grpc", &routes).await;
    for (name, _, tried_again, not_tried_again, tries) in cases {
        for (code, tries) in [(tried_again, tries), (not_tried_again, 1)] {
            let before = fixture.blue.requests();
            let error = fixture
                .caller
                .call(&format!("/{name}/Ask"), &rejection(code), &[])
                .await;
            let error = error.expect_err("an error");
            assert_eq!(
                (marked(&error), error.message()),
                ((code, None), "refused by blue"),
                "{name}"
            );
            assert_eq!(fixture.blue.requests() - before, tries, "{name}, {code:?}");
        }
    }
}

#[tokio::test]
async fn a_slow_call_gets_a_local_reply() {
    let soon = json!({"unit": "ms", "value": 100});
    let never = json!({"unit": "s", "value": 0});
    let slow = |service: &str| grpc(json!({"serviceName": service}), &[("blue", 1)]);
    let each = json!({
        "maxRetries": 1, "perRetryTimeout": soon, "httpRetryEvents": ["gateway-error"],
    });
    let fixture = Http2Fixture::with_protocol(
        "grpc",
        &[
            ("request", with(slow("request"), "timeout", json!({"perRequest": soon}))),
            (
                "idle",
                with(slow("idle"), "timeout", json!({"perRequest": never, "idle": soon})),
            ),
            ("each", with(slow("each"), "retryPolicy", each)),
        ],
    )
    .await;
    for (service, tries) in [("request", 1), ("idle", 1), ("each", 2)] {
        let before = fixture.blue.requests();
        let error = fixture.caller.call(&format!("/{service}/Ask"), SILENCE, &[]).await;
        let error = error.expect_err("an error");
        assert_eq!(
            marked(&error),
            (Code::Unavailable, Some("timed-out")),
            "{service}: {error}"
        );
        assert_eq!(fixture.blue.requests() - before, tries, "{service}");
    }
}

#[tokio::test]
async fn a_call_passes_both_envoys_within_the_listener_timeout() {
    let fixture = Http2Fixture::with_protocol(
        "grpc",
        &[("all", grpc(json!({"serviceName": "shop.Cart"}), &[("blue", 1)]))],
    )
    .await;
    let limit = json!({"timeout": {"grpc": {"perRequest": {"unit": "ms", "value": 100}}}});
    fixture
        .demo
        .put(&[("virtualNode/blue", node_with_protocol("blue", "grpc", &limit))]);
    let blue = MeshNode::serving(&fixture.demo.mesh, "blue", &[(PORT, fixture.blue.address)]).await;
    fixture.demo.set_endpoints("blue", &[blue.ingress(PORT)]);
    fixture
        .client
        .wait_for_tasks("cds_egress_demo_blue_grpc_8080", &[blue.ingress(PORT)])
        .await;

    let path = "/shop.Cart/Add";
    assert_eq!(fixture.calls(path, &[]).await, "blue");
    let rejected = fixture.caller.call(path, &rejection(Code::NotFound), &[]).await;
    assert_eq!(marked(&rejected.expect_err("an error")), (Code::NotFound, None));
    let slow = fixture.caller.call(path, SILENCE, &[]).await;
    assert_eq!(
        marked(&slow.expect_err("an error")),
        (Code::Unavailable, Some("timed-out"))
    );
}
