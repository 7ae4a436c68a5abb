//! Calls from node to node, and to nobody.

use serde_json::json;

use super::demo::{Demo, PORT, by_node, caller, http, marked, node};
use crate::harness::{Manner, Member, Upstream};

#[tokio::test]
async fn a_call_passes_the_envoys_of_both_nodes() {
    let demo = Demo::start(&[
        ("virtualNode/caller", caller(&["shop.demo"])),
        ("virtualNode/blue", node("blue", "http")),
        ("virtualService/shop.demo", by_node("blue")),
    ])
    .await;
    let application = Upstream::start("blue", Manner::Name).await;
    let blue = Member::serving(&demo.mesh, "blue", &[(PORT, application.address)]).await;
    demo.serve("blue", &[blue.ingress(PORT)]);
    let caller = Member::calling(&demo.mesh, "caller").await;
    for host in ["shop.demo", "shop.demo:8080"] {
        let answer = caller.get(host, "/").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "blue"), "{host}");
    }
    assert_eq!(
        blue.envoy
            .stat("cluster.cds_ingress_demo_blue_http_8080.upstream_rq_200")
            .await,
        2
    );
}

#[tokio::test]
async fn a_call_to_nobody_is_told_so() {
    let demo = Demo::with_routes(&[("cart", http(json!({"prefix": "/cart"}), &[("blue", 1)]))]).await;
    demo.describe(&[
        ("virtualNode/caller", caller(&["shop.demo", "empty.demo"])),
        ("virtualService/empty.demo", json!({})),
    ]);
    let caller = Member::calling(&demo.mesh, "caller").await;

    let unknown = caller.get("elsewhere.demo", "/").await;
    assert_eq!(marked(&unknown), (404, Some("unknown-service")));
    let explanation = "virtual node caller has the backends shop.demo, empty.demo, and the mesh drops all other calls";
    assert!(unknown.body.contains(explanation), "{}", unknown.body);

    assert_eq!(
        marked(&caller.get("shop.demo", "/other").await),
        (404, Some("no-route"))
    );

    let empty = caller.get("empty.demo", "/").await;
    assert_eq!(marked(&empty), (503, Some("no-healthy-endpoint")));
    assert!(
        empty.body.contains("virtual service empty.demo has no provider"),
        "{}",
        empty.body
    );
}

#[tokio::test]
async fn the_mark_of_an_application_does_not_pass_for_its_sidecars() {
    let demo = Demo::start(&[("virtualNode/blue", node("blue", "http"))]).await;
    let application = Upstream::start("blue", Manner::Forgery).await;
    let blue = Member::serving(&demo.mesh, "blue", &[(PORT, application.address)]).await;
    let answer = blue.get_at(PORT, "blue.demo", "/").await;
    assert_eq!((marked(&answer), answer.body.as_str()), ((404, None), "blue"));
}

#[tokio::test]
async fn an_open_mesh_lets_other_calls_through() {
    let demo = Demo::with_routes(&[("all", http(json!({"prefix": "/"}), &[("blue", 1)]))]).await;
    demo.describe(&[("mesh", json!({"egressFilter": {"type": "ALLOW_ALL"}}))]);
    let (blue, outside) = tokio::join!(
        Upstream::start("blue", Manner::Name),
        Upstream::start("outside", Manner::Name)
    );
    demo.serve("blue", &[blue.address]);
    let caller = Member::calling(&demo.mesh, "caller").await;
    assert_eq!(caller.get("shop.demo", "/").await.body, "blue");
    let answer = caller.get(&outside.address.to_string(), "/").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "outside"));
}
