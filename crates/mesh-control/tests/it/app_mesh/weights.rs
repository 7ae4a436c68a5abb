//! How many requests go where.

use serde_json::json;

use super::demo::{Demo, http, marked};
use crate::harness::{Manner, Member, Upstream, eventually};

async fn shop(weights: &[(&str, u32)]) -> (Demo, Upstream, Upstream, Member) {
    let demo = Demo::with_routes(&[("all", http(json!({"prefix": "/"}), weights))]).await;
    let blue = Upstream::start("blue", Manner::Name).await;
    let green = Upstream::start("green", Manner::Name).await;
    demo.serve("blue", &[blue.address]);
    demo.serve("green", &[green.address]);
    let caller = Member::calling(&demo.mesh, "caller").await;
    (demo, blue, green, caller)
}

#[tokio::test]
async fn requests_are_shared_by_weight() {
    let (_demo, blue, green, caller) = shop(&[("blue", 90), ("green", 10)]).await;
    for _ in 0..2000 {
        assert_eq!(caller.get("shop.demo", "/").await.status, 200);
    }
    assert_eq!(blue.requests() + green.requests(), 2000);
    // 200 are expected, with a standard deviation of the square root of 2000 * 0.1 * 0.9; 99.9 % are within 3.29.
    assert!((156..=244).contains(&green.requests()), "{}", green.requests());
}

#[tokio::test]
async fn no_weight_is_no_request() {
    let (demo, blue, green, caller) = shop(&[("blue", 1), ("green", 0)]).await;
    for _ in 0..100 {
        assert_eq!(caller.get("shop.demo", "/").await.body, "blue");
    }
    assert_eq!((blue.requests(), green.requests()), (100, 0));

    let nobody = http(json!({"prefix": "/"}), &[("blue", 0), ("green", 0)]);
    demo.describe(&[("virtualRouter/shop/route/all", nobody)]);
    let answer = eventually("the weights arrive", async || {
        let answer = caller.get("shop.demo", "/").await;
        if answer.status == 200 {
            Err(answer.body)
        } else {
            Ok(answer)
        }
    })
    .await;
    assert_eq!(marked(&answer), (503, Some("no-healthy-endpoint")));
    assert!(
        answer
            .body
            .contains("every target of route all of virtual router shop has weight 0"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn changing_weights_loses_no_request() {
    let (demo, blue, green, caller) = shop(&[("blue", 1), ("green", 0)]).await;
    let load = caller.load("shop.demo").await;
    for (weights, asked) in [
        ([("blue", 0), ("green", 1)], &green),
        ([("blue", 1), ("green", 0)], &blue),
    ] {
        let before = asked.requests();
        demo.describe(&[("virtualRouter/shop/route/all", http(json!({"prefix": "/"}), &weights))]);
        asked.has_been_asked(before + 50).await;
    }
    // A target that goes altogether.
    demo.describe(&[(
        "virtualRouter/shop/route/all",
        http(json!({"prefix": "/"}), &[("green", 1)]),
    )]);
    green.has_been_asked(green.requests() + 50).await;
    load.stop_without_failures().await;
}
