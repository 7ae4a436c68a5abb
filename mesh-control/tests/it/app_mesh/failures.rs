//! What happens when a target fails: retries, limits, and being left alone.

use serde_json::{Value, json};

use super::demo::{Demo, PORT, http, marked, node_with};
use crate::harness::{Manner, Member, Upstream, eventually};

/// A route to `blue` with more said of it.
fn route_with(key: &str, value: &Value) -> Value {
    let mut route = http(json!({"prefix": "/"}), &[("blue", 1)]);
    route["httpRoute"][key] = value.clone();
    route
}

fn retrying(times: u32, events: &[&str]) -> Value {
    let policy = json!({
        "maxRetries": times,
        "perRetryTimeout": {"unit": "s", "value": 5},
        "httpRetryEvents": events,
    });
    route_with("retryPolicy", &policy)
}

#[tokio::test]
async fn a_request_is_tried_as_often_as_its_route_says() {
    for (route, status, tries) in [
        (http(json!({"prefix": "/"}), &[("blue", 1)]), 503, 3),
        (http(json!({"prefix": "/"}), &[("blue", 1)]), 500, 1),
        (retrying(0, &["server-error"]), 503, 1),
        (retrying(3, &["server-error"]), 500, 4),
        (retrying(1, &["gateway-error"]), 504, 2),
        (retrying(1, &["gateway-error"]), 500, 1),
        (retrying(1, &["client-error"]), 409, 2),
        (retrying(1, &["client-error"]), 503, 1),
    ] {
        let demo = Demo::with_routes(&[("all", route.clone())]).await;
        let blue = Upstream::start("blue", Manner::Status(status)).await;
        demo.serve("blue", &[blue.address]);
        let caller = Member::calling(&demo.mesh, "caller").await;
        let answer = caller.get("shop.demo", "/").await;
        assert_eq!((marked(&answer), blue.requests()), ((status, None), tries), "{route}");
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered_by_the_envoy() {
    let limit = json!({"perRequest": {"unit": "ms", "value": 100}});
    let demo = Demo::with_routes(&[("all", route_with("timeout", &limit))]).await;
    let blue = Upstream::start("blue", Manner::Silence).await;
    demo.serve("blue", &[blue.address]);
    let caller = Member::calling(&demo.mesh, "caller").await;
    assert_eq!(marked(&caller.get("shop.demo", "/").await), (504, Some("timed-out")));
    assert_eq!(blue.requests(), 1);
}

#[tokio::test]
async fn a_task_that_fails_too_often_is_left_alone() {
    let detection = json!({"outlierDetection": {
        "maxServerErrors": 3,
        "interval": {"unit": "s", "value": 1},
        "baseEjectionDuration": {"unit": "s", "value": 600},
        "maxEjectionPercent": 50,
    }});
    let demo = Demo::with_routes(&[("all", http(json!({"prefix": "/"}), &[("blue", 1)]))]).await;
    demo.describe(&[("virtualNode/blue", node_with("blue", &detection))]);
    let well = Upstream::start("well", Manner::Name).await;
    let ill = Upstream::start("ill", Manner::Status(500)).await;
    demo.serve("blue", &[well.address, ill.address]);
    let caller = Member::calling(&demo.mesh, "caller").await;
    for _ in 0..40 {
        caller.get("shop.demo", "/").await;
    }
    assert_eq!((well.requests(), ill.requests()), (37, 3));
    let health = caller.envoy.health_of("cds_egress_demo_blue_http_8080").await;
    assert_eq!(health[&ill.address], "/failed_outlier_check");
}

#[tokio::test]
async fn a_full_connection_pool_turns_requests_away() {
    let pool = json!({"connectionPool": {"http": {"maxConnections": 1, "maxPendingRequests": 1}}});
    let demo = Demo::start(&[("virtualNode/blue", node_with("blue", &pool))]).await;
    let application = Upstream::start("blue", Manner::Silence).await;
    let blue = Member::serving(&demo.mesh, "blue", &[(PORT, application.address)]).await;
    let at = blue.ingress(PORT);
    let cluster = "cluster.cds_ingress_demo_blue_http_8080";
    let first = tokio::spawn(blue.request(at, "blue.demo", "/").send());
    // The first has the connection; only then can another wait for it.
    application.has_been_asked(1).await;
    let second = tokio::spawn(blue.request(at, "blue.demo", "/").send());
    blue.envoy
        .stat_is(&format!("{cluster}.upstream_rq_pending_active"), 1)
        .await;
    let answer = blue.get_at(PORT, "blue.demo", "/").await;
    assert_eq!(marked(&answer), (503, Some("unreachable")));
    assert_eq!(
        blue.envoy
            .stat(&format!("{cluster}.upstream_rq_pending_overflow"))
            .await,
        1
    );
    first.abort();
    second.abort();
}

#[tokio::test]
async fn changing_a_health_check_loses_no_request() {
    let check = |interval: u32| {
        let check = json!({"healthCheck": {
            "protocol": "http", "path": "/", "intervalMillis": interval, "timeoutMillis": 2000,
            "healthyThreshold": 2, "unhealthyThreshold": 2,
        }});
        node_with("blue", &check)
    };
    let demo = Demo::with_routes(&[("all", http(json!({"prefix": "/"}), &[("blue", 1)]))]).await;
    let blue = Upstream::start("blue", Manner::Name).await;
    demo.serve("blue", &[blue.address]);
    let caller = Member::calling(&demo.mesh, "caller").await;
    let load = caller.load("shop.demo").await;
    for (interval, shown) in [(5000, "5s"), (7000, "7s")] {
        demo.describe(&[("virtualNode/blue", check(interval))]);
        eventually("the health check is in force", async || {
            let page = caller.envoy.page("/config_dump?resource=dynamic_active_clusters").await;
            if page.contains(&format!("\"interval\": \"{shown}\"")) {
                Ok(())
            } else {
                Err(page)
            }
        })
        .await;
        load.another(50).await;
    }
    load.stop_without_failures().await;
}
