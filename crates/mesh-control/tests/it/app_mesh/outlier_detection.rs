//! Outlier detection.

use std::net::SocketAddr;

use mesh_control::node::tcp_egress_listener;
use serde_json::json;

use super::demo_mesh::{Demo, PORT, by_node, caller, http, node_speaking, node_with};
use super::tcp::who_answers;
use crate::harness::{Manner, MeshNode, ReservedPort, TcpUpstream, Upstream, eventually};

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
    demo.describe(&[("virtualNode/blue", node_with("blue", &detection))]);
    let well = Upstream::start("well", Manner::Name).await;
    let ill = Upstream::start("ill", Manner::Status(500)).await;
    demo.serve("blue", &[well.address, ill.address]);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    for _ in 0..40 {
        caller.get("shop.demo", "/").await;
    }
    assert_eq!((well.requests(), ill.requests()), (37, 3));
    let health = caller.envoy.health_of("cds_egress_demo_blue_http_8080").await;
    assert_eq!(health[&ill.address], "/failed_outlier_check");
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
    demo.describe(&[("virtualNode/blue", detection(100))]);
    let well = Upstream::start("well", Manner::Name).await;
    let ill = Upstream::start("ill", Manner::Status(500)).await;
    demo.serve("blue", &[well.address, ill.address]);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    let outliers = async |stat: &str| {
        let cluster = "cluster.cds_egress_demo_blue_http_8080";
        caller.envoy.stat(&format!("{cluster}.outlier_detection.{stat}")).await
    };
    for times in 1..=3 {
        eventually("it is left alone, again", async || {
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
            .stat_is(
                "cluster.cds_egress_demo_blue_http_8080.outlier_detection.ejections_active",
                0,
            )
            .await;
    }
    assert_eq!(ill.requests(), 6, "two errors each time");
}

#[tokio::test]
async fn times_of_zero_are_envoys_defaults() {
    let never = json!({"unit": "s", "value": 0});
    let detection = json!({"outlierDetection": {
        "maxServerErrors": 2, "interval": never, "baseEjectionDuration": never, "maxEjectionPercent": 100,
    }});
    let demo = Demo::with_routes(&[("all", http(json!({"prefix": "/"}), &[("blue", 1)]))]).await;
    demo.describe(&[("virtualNode/blue", node_with("blue", &detection))]);
    let well = Upstream::start("well", Manner::Name).await;
    let ill = Upstream::start("ill", Manner::Status(500)).await;
    demo.serve("blue", &[well.address, ill.address]);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    assert_eq!(demo.settled(1).await, Vec::<String>::new());
    eventually("it is left alone", async || {
        caller.get("shop.demo", "/").await;
        match caller.envoy.stat(&active("http")).await {
            0 => Err(format!("after {} errors", ill.requests())),
            _ => Ok(()),
        }
    })
    .await;
    let last = ill.requests();
    for _ in 0..10 {
        assert_eq!(caller.get("shop.demo", "/").await.body, "well");
    }
    assert_eq!(ill.requests(), last);
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
        demo.describe(&[("virtualNode/blue", node_with("blue", &detection))]);
        let tasks = [
            Upstream::start("ill", Manner::Status(500)).await,
            Upstream::start("ill", Manner::Status(500)).await,
        ];
        demo.serve("blue", &tasks.each_ref().map(|task| task.address));
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
    demo.describe(&[("virtualNode/blue", node_with("blue", &detection))]);
    let blue = Upstream::start("blue", Manner::AsAsked).await;
    demo.serve("blue", &[blue.address]);
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
    caller.envoy.stat_is(ejections, 1).await;
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
    demo.describe(&[("virtualNode/blue", node_with("blue", &detection))]);
    let ill = Upstream::start("ill", Manner::Status(502)).await;
    // Envoy compares success rates of at least five hosts with a hundred requests each per interval.
    let mut well = Vec::new();
    for _ in 0..5 {
        well.push(Upstream::start("well", Manner::Name).await);
    }
    let tasks: Vec<SocketAddr> = well.iter().chain([&ill]).map(|task| task.address).collect();
    demo.serve("blue", &tasks);
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
            ("virtualNode/blue", node_speaking("blue", protocol, &detection)),
            ("virtualService/shop.demo", by_node("blue")),
        ])
        .await;
        let gone = ReservedPort::pick();
        let (http, tcp) = (
            Upstream::start("well", Manner::Name).await,
            TcpUpstream::start("well").await,
        );
        let well = if protocol == "tcp" { tcp.address } else { http.address };
        demo.serve("blue", &[gone.address(), well]);
        let listener = tcp_egress_listener("shop.demo", PORT);
        let listeners = if protocol == "tcp" {
            vec![listener.clone()]
        } else {
            Vec::new()
        };
        let caller = MeshNode::start(&demo.mesh, "virtualNode/caller", &listeners, &[]).await;
        let answer = async || match protocol {
            "tcp" => who_answers(caller.listener(&listener)).await,
            _ => caller.get("shop.demo", "/").await.body,
        };
        eventually("it is left alone", async || {
            assert_eq!(answer().await, "well", "{protocol}");
            let active = caller.envoy.stat(&active(protocol)).await;
            if active == 1 { Ok(()) } else { Err(active.to_string()) }
        })
        .await;
        let failed = format!("cluster.cds_egress_demo_blue_{protocol}_8080.upstream_cx_connect_fail");
        let before = caller.envoy.stat(&failed).await;
        for _ in 0..10 {
            assert_eq!(answer().await, "well", "{protocol}");
        }
        assert_eq!(caller.envoy.stat(&failed).await, before, "{protocol}");
    }
}
