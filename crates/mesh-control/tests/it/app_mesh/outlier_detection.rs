//! Outlier detection.

use std::net::SocketAddr;

use mesh_control::node::tcp_egress_listener;
use serde_json::json;

use super::demo_mesh::{Demo, PORT, by_node, caller, http, node_with, node_with_protocol};
use super::tcp::responding_application;
use crate::harness::{Behaviour, MeshNode, ReservedPort, TcpUpstream, Upstream, eventually};

/// The number of ejected hosts of `blue` with this protocol.
fn active(protocol: &str) -> String {
    format!("cluster.cds_egress_demo_blue_{protocol}_8080.outlier_detection.ejections_active")
}

#[tokio::test]
async fn a_host_with_consecutive_errors_is_ejected() {
    let detection = json!({"outlierDetection": {
        "maxServerErrors": 3,
        "interval": {"unit": "s", "value": 1},
        "baseEjectionDuration": {"unit": "s", "value": 600},
        "maxEjectionPercent": 50,
    }});
    let demo = Demo::with_routes(&[("all", http(json!({"prefix": "/"}), &[("blue", 1)]))]).await;
    demo.put(&[("virtualNode/blue", node_with("blue", &detection))]);
    let healthy = Upstream::start("well", Behaviour::Name).await;
    let failing = Upstream::start("failing", Behaviour::Status(500)).await;
    demo.set_endpoints("blue", &[healthy.address, failing.address]);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    // Envoy's main thread ejects, so the worker may still call the host after its last error.
    eventually("the host is ejected", async || {
        caller.get("shop.demo", "/").await;
        match caller.envoy.stat(&active("http")).await {
            0 => Err(format!("after {} errors", failing.requests())),
            _ => Ok(()),
        }
    })
    .await;
    let errors = failing.requests();
    assert!(errors >= 3, "{errors} errors");
    for _ in 0..40 {
        assert_eq!(caller.get("shop.demo", "/").await.body, "well");
    }
    assert_eq!(failing.requests(), errors);
    let health = caller.envoy.health_of("cds_egress_demo_blue_http_8080").await;
    assert_eq!(health[&failing.address], "/failed_outlier_check");
}

#[tokio::test]
async fn an_ejected_host_returns_after_the_ejection_time() {
    let soon = json!({"unit": "ms", "value": 100});
    let detection = |percent: u32| {
        let detection = json!({"outlierDetection": {
            "maxServerErrors": 2, "interval": soon, "baseEjectionDuration": soon, "maxEjectionPercent": percent,
        }});
        node_with("blue", &detection)
    };
    let demo = Demo::with_routes(&[("all", http(json!({"prefix": "/"}), &[("blue", 1)]))]).await;
    demo.put(&[("virtualNode/blue", detection(100))]);
    let healthy = Upstream::start("well", Behaviour::Name).await;
    let failing = Upstream::start("failing", Behaviour::Status(500)).await;
    demo.set_endpoints("blue", &[healthy.address, failing.address]);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    let outliers = async |stat: &str| {
        let cluster = "cluster.cds_egress_demo_blue_http_8080";
        caller.envoy.stat(&format!("{cluster}.outlier_detection.{stat}")).await
    };
    for times in 1..=3 {
        eventually("the host is ejected again", async || {
            caller.get("shop.demo", "/").await;
            match outliers("ejections_enforced_consecutive_5xx").await {
                ejections if ejections >= times => Ok(()),
                other => Err(other.to_string()),
            }
        })
        .await;
        // It returns without a request.
        caller
            .envoy
            .wait_for_stat(
                "cluster.cds_egress_demo_blue_http_8080.outlier_detection.ejections_active",
                0,
            )
            .await;
    }
    // At least two errors each time: Envoy's main thread ejects, so the worker may still call the host meanwhile.
    assert!(failing.requests() >= 6, "{} errors", failing.requests());
}

#[tokio::test]
async fn times_of_zero_are_envoys_defaults() {
    let never = json!({"unit": "s", "value": 0});
    let detection = json!({"outlierDetection": {
        "maxServerErrors": 2, "interval": never, "baseEjectionDuration": never, "maxEjectionPercent": 100,
    }});
    let demo = Demo::with_routes(&[("all", http(json!({"prefix": "/"}), &[("blue", 1)]))]).await;
    demo.put(&[("virtualNode/blue", node_with("blue", &detection))]);
    let healthy = Upstream::start("well", Behaviour::Name).await;
    let failing = Upstream::start("failing", Behaviour::Status(500)).await;
    demo.set_endpoints("blue", &[healthy.address, failing.address]);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    assert_eq!(demo.settled(1).await, Vec::<String>::new());
    eventually("the host is ejected", async || {
        caller.get("shop.demo", "/").await;
        match caller.envoy.stat(&active("http")).await {
            0 => Err(format!("after {} errors", failing.requests())),
            _ => Ok(()),
        }
    })
    .await;
    let last = failing.requests();
    for _ in 0..10 {
        assert_eq!(caller.get("shop.demo", "/").await.body, "well");
    }
    assert_eq!(failing.requests(), last);
}

#[tokio::test]
async fn the_maximum_ejection_percentage_holds() {
    for (percent, left_alone) in [(0, 0), (50, 1), (100, 2)] {
        let detection = json!({"outlierDetection": {
            "maxServerErrors": 1,
            "interval": {"unit": "s", "value": 600},
            "baseEjectionDuration": {"unit": "s", "value": 600},
            "maxEjectionPercent": percent,
        }});
        let demo = Demo::with_routes(&[("all", http(json!({"prefix": "/"}), &[("blue", 1)]))]).await;
        demo.put(&[("virtualNode/blue", node_with("blue", &detection))]);
        let tasks = [
            Upstream::start("failing", Behaviour::Status(500)).await,
            Upstream::start("failing", Behaviour::Status(500)).await,
        ];
        demo.set_endpoints("blue", &tasks.each_ref().map(|task| task.address));
        let caller = MeshNode::calling(&demo.mesh, "caller").await;
        for _ in 0..10 {
            // Hosts beyond the maximum are called nevertheless.
            assert_eq!(caller.get("shop.demo", "/").await.status, 500);
        }
        assert_eq!(caller.envoy.stat(&active("http")).await, left_alone, "{percent} %");
    }
}

#[tokio::test]
async fn client_errors_eject_no_host() {
    let detection = json!({"outlierDetection": {
        "maxServerErrors": 2,
        "interval": {"unit": "ms", "value": 50},
        "baseEjectionDuration": {"unit": "s", "value": 600},
        "maxEjectionPercent": 100,
    }});
    let demo = Demo::with_routes(&[("all", http(json!({"prefix": "/"}), &[("blue", 1)]))]).await;
    demo.put(&[("virtualNode/blue", node_with("blue", &detection))]);
    let blue = Upstream::start("blue", Behaviour::StatusInPath).await;
    demo.set_endpoints("blue", &[blue.address]);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    // Errors and other responses alternate: never two consecutive errors.
    for _ in 0..10 {
        caller.get("shop.demo", "/500").await;
        caller.get("shop.demo", "/404").await;
    }
    let ejections = "cluster.cds_egress_demo_blue_http_8080.outlier_detection.ejections_enforced_total";
    assert_eq!(caller.envoy.stat(ejections).await, 0);
    for _ in 0..2 {
        caller.get("shop.demo", "/500").await;
    }
    caller.envoy.wait_for_stat(ejections, 1).await;
}

/// Envoy has two more criteria: consecutive gateway errors, and the success rate. Both apply here, and neither is
/// configured.
#[tokio::test]
async fn other_criteria_eject_no_host() {
    let detection = json!({"outlierDetection": {
        "maxServerErrors": 100_000,
        "interval": {"unit": "s", "value": 2},
        "baseEjectionDuration": {"unit": "s", "value": 600},
        "maxEjectionPercent": 100,
    }});
    let demo = Demo::with_routes(&[("all", http(json!({"prefix": "/"}), &[("blue", 1)]))]).await;
    demo.put(&[("virtualNode/blue", node_with("blue", &detection))]);
    let failing = Upstream::start("failing", Behaviour::Status(502)).await;
    // Envoy compares success rates of at least five hosts with a hundred requests each per interval.
    let mut healthy = Vec::new();
    for _ in 0..5 {
        healthy.push(Upstream::start("well", Behaviour::Name).await);
    }
    let tasks: Vec<SocketAddr> = healthy.iter().chain([&failing]).map(|task| task.address).collect();
    demo.set_endpoints("blue", &tasks);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    let outliers = async |stat: &str| {
        let cluster = "cluster.cds_egress_demo_blue_http_8080";
        caller.envoy.stat(&format!("{cluster}.outlier_detection.{stat}")).await
    };
    eventually("Envoy sees both", async || {
        for _ in 0..100 {
            caller.get("shop.demo", "/").await;
        }
        let seen = [
            outliers("ejections_detected_consecutive_gateway_failure").await,
            outliers("ejections_detected_success_rate").await,
        ];
        if seen.contains(&0) {
            Err(format!("{seen:?}"))
        } else {
            Ok(())
        }
    })
    .await;
    assert_eq!(outliers("ejections_enforced_total").await, 0);
}

#[tokio::test]
async fn a_host_that_refuses_connections_is_ejected() {
    let detection = json!({"outlierDetection": {
        "maxServerErrors": 2,
        "interval": {"unit": "s", "value": 600},
        "baseEjectionDuration": {"unit": "s", "value": 600},
        "maxEjectionPercent": 50,
    }});
    for protocol in ["http", "tcp"] {
        let demo = Demo::start(&[
            ("virtualNode/caller", caller(&["shop.demo"])),
            ("virtualNode/blue", node_with_protocol("blue", protocol, &detection)),
            ("virtualService/shop.demo", by_node("blue")),
        ])
        .await;
        let gone = ReservedPort::pick();
        let (http, tcp) = (
            Upstream::start("well", Behaviour::Name).await,
            TcpUpstream::start("well").await,
        );
        let healthy = if protocol == "tcp" { tcp.address } else { http.address };
        demo.set_endpoints("blue", &[gone.address(), healthy]);
        let listener = tcp_egress_listener("shop.demo", PORT);
        let listeners = if protocol == "tcp" {
            vec![listener.clone()]
        } else {
            Vec::new()
        };
        let caller = MeshNode::start(&demo.mesh, "virtualNode/caller", &listeners, &[]).await;
        let response = async || match protocol {
            "tcp" => responding_application(caller.listener(&listener)).await,
            _ => caller.get("shop.demo", "/").await.body,
        };
        eventually("the host is ejected", async || {
            assert_eq!(response().await, "well", "{protocol}");
            let active = caller.envoy.stat(&active(protocol)).await;
            if active == 1 { Ok(()) } else { Err(active.to_string()) }
        })
        .await;
        let failed = format!("cluster.cds_egress_demo_blue_{protocol}_8080.upstream_cx_connect_fail");
        let before = caller.envoy.stat(&failed).await;
        for _ in 0..10 {
            assert_eq!(response().await, "well", "{protocol}");
        }
        assert_eq!(caller.envoy.stat(&failed).await, before, "{protocol}");
    }
}
