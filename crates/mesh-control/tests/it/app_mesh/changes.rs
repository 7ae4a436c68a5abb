//! Changes under load lose no request, with both protocols.

use mesh_control::XdsProtocol;
use serde_json::{Value, json};

use super::demo_mesh::{Demo, PORT, by_node, by_router, caller, grpc, http, marked, node, node_with, router};
use super::tls_fixture::{Authority, caller_with};
use crate::harness::{
    Behaviour, Http2Caller, Http2Upstream, Load, MeshNode, ReservedPort, Upstream, in_both_protocols,
};

in_both_protocols!(
    requests_pass_virtual_nodes_and_gateways,
    a_virtual_service_is_removed_and_added,
    a_target_virtual_node_is_removed_and_added,
    tasks_are_added_and_removed,
    listeners_change,
    a_gateway_route_changes_its_target,
    tls_becomes_permissive_and_then_strict,
    a_nacked_listener_affects_no_other,
    a_nacked_cluster_affects_no_other,
);

/// The number of repetitions.
const ROUNDS: usize = 10;

/// A mesh where `caller` has the backends `blue.demo` and `shop.demo`, the latter with routes to `green`.
async fn mesh(protocol: XdsProtocol) -> (Demo, [Upstream; 2], MeshNode) {
    let demo = Demo::start_in(
        protocol,
        &[
            ("virtualNode/caller", caller(&["blue.demo", "shop.demo"])),
            ("virtualNode/blue", node("blue", "http")),
            ("virtualNode/green", node("green", "http")),
            ("virtualService/blue.demo", by_node("blue")),
            ("virtualService/shop.demo", by_router("shop")),
            ("virtualRouter/shop", router("http")),
            (
                "virtualRouter/shop/route/all",
                http(json!({"prefix": "/"}), &[("green", 1)]),
            ),
        ],
    )
    .await;
    let tasks = [
        Upstream::start("blue", Behaviour::Name).await,
        Upstream::start("green", Behaviour::Name).await,
    ];
    demo.set_endpoints("blue", &[tasks[0].address]);
    demo.set_endpoints("green", &[tasks[1].address]);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    (demo, tasks, caller)
}

async fn requests_pass_virtual_nodes_and_gateways(protocol: XdsProtocol) {
    let (demo, tasks, caller) = mesh(protocol).await;
    let target = json!({"virtualService": {"virtualServiceName": "shop.demo"}});
    demo.put(&[
        ("virtualNode/cart", node("cart", "grpc")),
        ("virtualService/cart.demo", by_router("cart")),
        ("virtualRouter/cart", router("grpc")),
        (
            "virtualRouter/cart/route/add",
            grpc(json!({"serviceName": "shop.Cart", "methodName": "Add"}), &[("cart", 1)]),
        ),
        (
            "virtualNode/caller",
            super::demo_mesh::caller(&["blue.demo", "shop.demo", "cart.demo"]),
        ),
        (
            "virtualGateway/door",
            json!({"listeners": [{"portMapping": {"port": 8088, "protocol": "http"}}]}),
        ),
        (
            "virtualGateway/door/gatewayRoute/shop",
            json!({"httpRoute": {"match": {"prefix": "/shop"}, "action": {"target": target}}}),
        ),
    ]);
    let cart = Http2Upstream::start("cart").await;
    demo.set_endpoints("cart", &[cart.address]);
    let green = MeshNode::serving(&demo.mesh, "green", &[(PORT, tasks[1].address)]).await;
    demo.set_endpoints("green", &[green.ingress(PORT)]);
    let gateway = MeshNode::gateway(&demo.mesh, "door", &[8088]).await;
    demo.settled(3).await;
    caller
        .wait_for_tasks("cds_egress_demo_green_http_8080", &[green.ingress(PORT)])
        .await;

    assert_eq!(caller.get("blue.demo", "/").await.body, "blue");
    assert_eq!(caller.get("shop.demo", "/").await.body, "green");
    let http2 = Http2Caller::of("cart.demo", caller.egress()).await;
    assert_eq!(http2.call("/shop.Cart/Add", "", &[]).await.expect("a response"), "cart");
    assert!(http2.call("/shop.Cart/Remove", "", &[]).await.is_err());
    assert_eq!(gateway.get_at(8088, "example.com", "/shop/1").await.body, "green");
    assert_eq!(gateway.get_at(8088, "example.com", "/other").await.status, 404);
    let at_ingress = "cluster.cds_ingress_demo_green_http_8080.upstream_rq_200";
    assert_eq!(green.envoy.stat(at_ingress).await, 2);
}

async fn a_virtual_service_is_removed_and_added(protocol: XdsProtocol) {
    let (demo, _tasks, client) = mesh(protocol).await;
    let load = client.load("blue.demo").await;
    for _ in 0..ROUNDS {
        demo.put(&[("virtualNode/caller", caller(&["blue.demo"]))]);
        demo.delete(&["virtualRouter/shop/route/all", "virtualService/shop.demo"]);
        demo.settled(1).await;
        let response = client.get("shop.demo", "/").await;
        assert_eq!(marked(&response), (404, Some("unknown-service")));
        client.wait_for_tasks("cds_egress_demo_green_http_8080", &[]).await;
        load.wait_for_responses(20).await;

        let route = http(json!({"prefix": "/"}), &[("green", 1)]);
        demo.put(&[
            ("virtualNode/caller", caller(&["blue.demo", "shop.demo"])),
            ("virtualService/shop.demo", by_router("shop")),
            ("virtualRouter/shop/route/all", route),
        ]);
        demo.settled(1).await;
        assert_eq!(client.get("shop.demo", "/").await.body, "green");
        load.wait_for_responses(20).await;
    }
    load.stop_without_failures().await;
}

async fn a_target_virtual_node_is_removed_and_added(protocol: XdsProtocol) {
    let (demo, [blue, green], client) = mesh(protocol).await;
    demo.put(&[("virtualNode/caller", caller(&["shop.demo"]))]);
    demo.settled(1).await;
    let load = client.load("shop.demo").await;
    for round in 0..ROUNDS {
        let (to, target, removed) = match round % 2 {
            0 => ("blue", &blue, "green"),
            _ => ("green", &green, "blue"),
        };
        let route = http(json!({"prefix": "/"}), &[(to, 1)]);
        demo.put(&[("virtualRouter/shop/route/all", route)]);
        let before = target.requests();
        target.wait_for_requests(before + 20).await;
        client
            .wait_for_tasks(&format!("cds_egress_demo_{removed}_http_8080"), &[])
            .await;
        load.wait_for_responses(20).await;
    }
    load.stop_without_failures().await;
}

async fn tasks_are_added_and_removed(protocol: XdsProtocol) {
    let (demo, [_, mut old], client) = mesh(protocol).await;
    let load = client.load("shop.demo").await;
    for _ in 0..ROUNDS {
        let new = Upstream::start("new", Behaviour::Name).await;
        demo.set_endpoints("green", &[old.address, new.address]);
        new.wait_for_requests(1).await;
        demo.set_endpoints("green", &[new.address]);
        client
            .wait_for_tasks("cds_egress_demo_green_http_8080", &[new.address])
            .await;
        load.wait_for_responses(20).await;
        let last = old.requests();
        load.wait_for_responses(20).await;
        assert_eq!(old.requests(), last, "a removed task is still called");
        old = new;
    }
    load.stop_without_failures().await;
}

async fn listeners_change(protocol: XdsProtocol) {
    let (demo, [application, _], client) = mesh(protocol).await;
    let blue = MeshNode::serving(&demo.mesh, "blue", &[(PORT, application.address)]).await;
    demo.set_endpoints("blue", &[blue.ingress(PORT)]);
    client
        .wait_for_tasks("cds_egress_demo_blue_http_8080", &[blue.ingress(PORT)])
        .await;
    let load = client.load("blue.demo").await;
    for round in 0..ROUNDS {
        // Access logs are part of listeners, on either side.
        let path = demo_log(&blue, round);
        let logging = json!({"accessLog": {"file": {"path": path}}});
        let mut serving = node("blue", "http");
        serving["logging"] = logging.clone();
        let mut calling = caller(&["blue.demo", "shop.demo"]);
        calling["logging"] = logging;
        demo.put(&[("virtualNode/blue", serving), ("virtualNode/caller", calling)]);
        assert!(demo.settled(2).await.is_empty());
        load.wait_for_responses(30).await;
    }
    load.stop_without_failures().await;
}

async fn a_gateway_route_changes_its_target(protocol: XdsProtocol) {
    let (demo, _tasks, _caller) = mesh(protocol).await;
    // The router's port is part of the target header between a gateway's ingress and egress, so it changes as well.
    let to = |service: &str, port: u16| {
        let target = json!({"virtualService": {"virtualServiceName": service}});
        demo.put(&[
            (
                "virtualGateway/door/gatewayRoute/all",
                json!({"httpRoute": {"match": {"prefix": "/"}, "action": {"target": target}}}),
            ),
            (
                "virtualRouter/shop",
                json!({"listeners": [{"portMapping": {"port": port, "protocol": "http"}}]}),
            ),
        ]);
    };
    let spec = json!({"listeners": [{"portMapping": {"port": 8088, "protocol": "http"}}]});
    demo.put(&[("virtualGateway/door", spec)]);
    to("shop.demo", 80);
    let gateway = MeshNode::gateway(&demo.mesh, "door", &[8088]).await;
    let load = Load::on(gateway.ingress(8088), "example.com").await;
    for round in 0..5 * u16::try_from(ROUNDS).expect("a small number") {
        match round % 3 {
            0 => to("blue.demo", 80),
            1 => to("shop.demo", 81),
            _ => to("shop.demo", 80),
        }
        assert!(demo.settled(2).await.is_empty());
        load.wait_for_responses(10).await;
    }
    load.stop_without_failures().await;
}

/// A new file in the directory of an Envoy.
fn demo_log(client: &MeshNode, round: usize) -> String {
    let path = client.envoy.directory().join(format!("access-{round}.log"));
    path.display().to_string()
}

async fn tls_becomes_permissive_and_then_strict(protocol: XdsProtocol) {
    let ours = Authority::new();
    let offering = |mode: &str| {
        let tls = json!({"mode": mode, "certificate": ours.issue("blue.demo")});
        node_with("blue", &json!({"tls": tls}))
    };
    let checked = caller_with(&json!({"validation": {"trust": ours.trust()}}));
    let plain = caller_with(&Value::Null);
    let demo = Demo::start_in(
        protocol,
        &[
            ("virtualNode/caller", plain.clone()),
            ("virtualNode/blue", node("blue", "http")),
            ("virtualService/shop.demo", by_node("blue")),
        ],
    )
    .await;
    let application = Upstream::start("blue", Behaviour::Name).await;
    let blue = MeshNode::serving(&demo.mesh, "blue", &[(PORT, application.address)]).await;
    demo.set_endpoints("blue", &[blue.ingress(PORT)]);
    let client = MeshNode::calling(&demo.mesh, "caller").await;
    let load = client.load("shop.demo").await;
    for (node, caller) in [
        (offering("PERMISSIVE"), &plain),
        (offering("PERMISSIVE"), &checked),
        (offering("STRICT"), &checked),
        (offering("PERMISSIVE"), &checked),
        (offering("PERMISSIVE"), &plain),
    ] {
        demo.put(&[("virtualNode/blue", node), ("virtualNode/caller", caller.clone())]);
        assert!(demo.settled(2).await.is_empty());
        load.wait_for_responses(50).await;
    }
    load.stop_without_failures().await;
    let handshakes = "cluster.cds_egress_demo_blue_http_8080.ssl.handshake";
    assert!(client.envoy.stat(handshakes).await > 0);
}

async fn a_nacked_listener_affects_no_other(protocol: XdsProtocol) {
    const SECURED: u16 = 8443;
    let demo = Demo::start_in(
        protocol,
        &[
            ("virtualNode/blue", node("blue", "http")),
            ("virtualService/blue.demo", by_node("blue")),
        ],
    )
    .await;
    let application = Upstream::start("blue", Behaviour::Name).await;
    let ports = [PORT, SECURED].map(|port| (port, application.address));
    let blue = MeshNode::serving(&demo.mesh, "blue", &ports).await;
    let load = crate::harness::Load::on(blue.ingress(PORT), "blue.demo").await;
    let files = json!({"certificateChain": "/missing/chain.pem", "privateKey": "/missing/key.pem"});
    let mut both = node("blue", "http");
    let listeners = both["listeners"].as_array_mut().expect("listeners");
    listeners.push(json!({
        "portMapping": {"port": SECURED, "protocol": "http"},
        "tls": {"mode": "STRICT", "certificate": {"file": files}},
    }));
    demo.put(&[("virtualNode/blue", both)]);
    assert_eq!(demo.settled(1).await, ["lds_ingress_0.0.0.0_8443"]);
    load.wait_for_responses(20).await;
    demo.put(&[("virtualNode/blue", node("blue", "http"))]);
    assert!(demo.settled(1).await.is_empty());
    load.wait_for_responses(20).await;
    load.stop_without_failures().await;
}

async fn a_nacked_cluster_affects_no_other(protocol: XdsProtocol) {
    let (demo, _tasks, client) = mesh(protocol).await;
    let closed = ReservedPort::pick();
    demo.put(&[
        ("virtualNode/red", node("red", "http")),
        ("virtualService/red.demo", by_node("red")),
    ]);
    demo.set_endpoints("red", &[closed.address()]);
    let load = client.load("shop.demo").await;
    let policy = json!({"tls": {"validation": {"trust": {"file": {"certificateChain": "/missing/ca.pem"}}}}});
    let mut backends = caller(&["blue.demo", "shop.demo"]);
    let list = backends["backends"].as_array_mut().expect("backends");
    list.push(json!({"virtualService": {"virtualServiceName": "red.demo", "clientPolicy": policy}}));
    for _ in 0..ROUNDS {
        demo.put(&[("virtualNode/caller", backends.clone())]);
        assert_eq!(demo.settled(1).await, ["cds_egress_demo_red_http_8080"]);
        assert_eq!(client.get("blue.demo", "/").await.body, "blue");
        assert_eq!(client.get("red.demo", "/").await.status, 503);
        load.wait_for_responses(20).await;
        demo.put(&[("virtualNode/caller", caller(&["blue.demo", "shop.demo"]))]);
        assert!(demo.settled(1).await.is_empty());
        load.wait_for_responses(20).await;
    }
    load.stop_without_failures().await;
}
