//! Weighted clusters: the share of requests of each target.

use serde_json::json;

use super::demo_mesh::{Demo, http, marked};
use crate::harness::{Behaviour, MeshNode, Upstream, eventually};

async fn split(weights: &[(&str, u32)]) -> (Demo, Upstream, Upstream, MeshNode) {
    let demo = Demo::with_routes(&[("all", http(json!({"prefix": "/"}), weights))]).await;
    let blue = Upstream::start("blue", Behaviour::Name).await;
    let green = Upstream::start("green", Behaviour::Name).await;
    demo.set_endpoints("blue", &[blue.address]);
    demo.set_endpoints("green", &[green.address]);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    (demo, blue, green, caller)
}

#[tokio::test]
async fn requests_are_split_by_weight() {
    let (_demo, blue, green, caller) = split(&[("blue", 90), ("green", 10)]).await;
    for _ in 0..2000 {
        assert_eq!(caller.get("shop.demo", "/").await.status, 200);
    }
    assert_eq!(blue.requests() + green.requests(), 2000);
    // Binomial, n = 2000, p = 0.1: mean 200, standard deviation 13.4. By Chernoff's bound, fewer than 2 runs in 10 million
    // are beyond 6 standard deviations.
    assert!((120..=280).contains(&green.requests()), "{}", green.requests());
}

#[tokio::test]
async fn a_target_of_weight_0_gets_no_request() {
    let (demo, blue, green, caller) = split(&[("blue", 1), ("green", 0)]).await;
    for _ in 0..100 {
        assert_eq!(caller.get("shop.demo", "/").await.body, "blue");
    }
    assert_eq!((blue.requests(), green.requests()), (100, 0));

    let no_target = http(json!({"prefix": "/"}), &[("blue", 0), ("green", 0)]);
    demo.put(&[("virtualRouter/shop/route/all", no_target)]);
    let response = eventually("the weights arrive", async || {
        let response = caller.get("shop.demo", "/").await;
        if response.status == 200 {
            Err(response.body)
        } else {
            Ok(response)
        }
    })
    .await;
    assert_eq!(marked(&response), (503, Some("no-healthy-endpoint")));
    assert!(
        response
            .body
            .contains("every target of route all of virtual router shop has weight 0"),
        "{}",
        response.body
    );
}

#[tokio::test]
async fn changed_weights_lose_no_request() {
    let (demo, blue, green, caller) = split(&[("blue", 1), ("green", 0)]).await;
    let load = caller.load("shop.demo").await;
    for (weights, target) in [
        ([("blue", 0), ("green", 1)], &green),
        ([("blue", 1), ("green", 0)], &blue),
    ] {
        let before = target.requests();
        demo.put(&[("virtualRouter/shop/route/all", http(json!({"prefix": "/"}), &weights))]);
        target.wait_for_requests(before + 50).await;
    }
    // A target that is removed.
    demo.put(&[(
        "virtualRouter/shop/route/all",
        http(json!({"prefix": "/"}), &[("green", 1)]),
    )]);
    green.wait_for_requests(green.requests() + 50).await;
    load.stop_without_failures().await;
}
