//! The whole configuration of a virtual node and of a virtual gateway. See the crate's `golden`.

use serde_json::{Value, json};

use super::demo_mesh::{Demo, PORT, by_node, caller, http, node};
use crate::golden::{check_rejected, dump};
use crate::harness::MeshNode;

/// Compares the Envoy's configuration, with the ports of an example.
async fn check(name: &str, client: &MeshNode, listeners: &[(&str, u16, u16)]) {
    let mut configuration = dump::read(&client.envoy).await;
    for (resource, actual, example) in listeners {
        let port = &mut configuration["listeners"][resource]["address"]["socket_address"]["port_value"];
        assert_eq!(*port, json!(actual), "{resource}");
        dump::replace(&mut configuration, &json!(actual), &json!(example));
    }
    let hops = json!(client.envoy.directory().join("hops.log"));
    dump::replace(&mut configuration, &hops, &json!("hops.log"));
    check_rejected(name, &configuration);
}

async fn demo(more: &[(&str, Value)]) -> Demo {
    let route = http(json!({"prefix": "/"}), &[("blue", 90), ("green", 10)]);
    let demo = Demo::with_routes(&[("all", route)]).await;
    demo.put(more);
    // The addresses are reserved for documentation (RFC 5737).
    demo.set_endpoints("blue", &[([192, 0, 2, 11], PORT).into()]);
    demo.set_endpoints("green", &[([192, 0, 2, 12], PORT).into()]);
    demo
}

#[tokio::test]
async fn a_virtual_node() {
    let mut document = node("frontend", "http");
    document["backends"] = caller(&["shop.demo", "green.demo"])["backends"].clone();
    let demo = demo(&[
        ("virtualNode/frontend", document),
        ("virtualService/green.demo", by_node("green")),
    ])
    .await;
    let node = MeshNode::serving(&demo.mesh, "frontend", &[(PORT, ([127, 0, 0, 1], 3000).into())]).await;
    let listeners = [
        ("lds_egress_0.0.0.0_15001", node.egress().port(), 40001),
        ("lds_ingress_0.0.0.0_8080", node.ingress(PORT).port(), 40002),
    ];
    check("virtual-node", &node, &listeners).await;
}

#[tokio::test]
async fn a_virtual_gateway() {
    let target = json!({"virtualService": {"virtualServiceName": "shop.demo"}});
    let demo = demo(&[
        (
            "virtualGateway/door",
            json!({"listeners": [{"portMapping": {"port": 8088, "protocol": "http"}}]}),
        ),
        (
            "virtualGateway/door/gatewayRoute/shop",
            json!({"httpRoute": {"match": {"prefix": "/shop"}, "action": {"target": target}}}),
        ),
    ])
    .await;
    let gateway = MeshNode::gateway(&demo.mesh, "door", &[8088]).await;
    let listeners = [
        ("lds_egress_0.0.0.0_15001", gateway.egress().port(), 40001),
        ("lds_ingress_0.0.0.0_8088", gateway.ingress(8088).port(), 40002),
    ];
    check("virtual-gateway", &gateway, &listeners).await;
}
