//! IP preference: addresses of Cloud Map endpoints and of applications.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use mesh_control::NodeEndpoint;
use serde_json::{Value, json};

use super::demo_mesh::{Demo, PORT, by_node, caller, marked};
use crate::harness::{Behaviour, MeshNode, Upstream, on_one_port};

const FOUR: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const SIX: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

#[tokio::test]
async fn cloud_map_addresses_follow_the_ip_preference() {
    let [four, six] = on_one_port([FOUR, SIX]).await;
    let port = four.local_addr().expect("bound").port();
    let _tasks = [
        Upstream::on(four, "IPv4", Behaviour::Name),
        Upstream::on(six, "IPv6", Behaviour::Name),
    ];
    let names = ["both", "four", "six"];
    let expectations = [
        (Value::Null, ["IPv4", "IPv4", "IPv6"]),
        (json!("IPv4_PREFERRED"), ["IPv4", "IPv4", "IPv6"]),
        (json!("IPv6_PREFERRED"), ["IPv6", "IPv4", "IPv6"]),
        (json!("IPv4_ONLY"), ["IPv4", "IPv4", "none"]),
        (json!("IPv6_ONLY"), ["IPv6", "none", "IPv6"]),
    ];
    let node = |name: &str, preference: &Value| {
        let mut found = json!({"namespaceName": "shop", "serviceName": name});
        if !preference.is_null() {
            found["ipPreference"] = preference.clone();
        }
        json!({
            "listeners": [{"portMapping": {"port": port, "protocol": "http"}}],
            "serviceDiscovery": {"awsCloudMap": found},
        })
    };
    let demo = Demo::start(&[]).await;
    let describe = |preference: &Value, of_mesh: &Value| {
        let mut mesh = json!({});
        if !of_mesh.is_null() {
            mesh = json!({"serviceDiscovery": {"ipPreference": of_mesh}});
        }
        demo.put(&[
            ("mesh", mesh),
            ("virtualNode/caller", caller(&["both.demo", "four.demo", "six.demo"])),
            ("virtualNode/both", node("both", preference)),
            ("virtualNode/four", node("four", preference)),
            ("virtualNode/six", node("six", preference)),
            ("virtualService/both.demo", by_node("both")),
            ("virtualService/four.demo", by_node("four")),
            ("virtualService/six.demo", by_node("six")),
        ]);
    };
    describe(&Value::Null, &Value::Null);
    for (name, addresses) in [("both", vec![SIX, FOUR]), ("four", vec![FOUR]), ("six", vec![SIX])] {
        let task = NodeEndpoint {
            id: name.to_owned(),
            addresses,
            attributes: [].into(),
            ingress: [].into(),
        };
        let key = ("shop".to_owned(), name.to_owned());
        demo.mesh
            .control
            .update(|state| drop(state.node_endpoints.insert(key, vec![task])));
    }
    let client = MeshNode::calling(&demo.mesh, "caller").await;
    for (preference, expected) in expectations {
        let other = json!("IPv6_ONLY");
        let settings = match &preference {
            Value::Null => vec![(&Value::Null, &Value::Null)],
            // A preference of the node, which overrides that of the mesh; and one of the mesh.
            some => vec![(some, &other), (&Value::Null, some)],
        };
        for (of_node, of_mesh) in settings {
            describe(of_node, of_mesh);
            demo.settled(1).await;
            for (name, expected) in names.into_iter().zip(expected) {
                let response = client.get(&format!("{name}.demo"), "/").await;
                let responding = match marked(&response) {
                    (503, Some("no-healthy-endpoint")) => "none",
                    _ => response.body.as_str(),
                };
                assert_eq!(responding, expected, "{name}, node {of_node}, mesh {of_mesh}");
            }
        }
    }
}

#[tokio::test]
async fn an_application_is_called_on_loopback_by_ip_preference() {
    let [four, six] = on_one_port([IpAddr::V4(Ipv4Addr::LOCALHOST), SIX]).await;
    let application = four.local_addr().expect("bound");
    let _applications = [
        Upstream::on(four, "IPv4", Behaviour::Name),
        Upstream::on(six, "IPv6", Behaviour::Name),
    ];
    let node = |preference: &str| {
        json!({
            "listeners": [{"portMapping": {"port": PORT, "protocol": "http"}}],
            "serviceDiscovery": {"dns": {"hostname": "blue.demo", "ipPreference": preference}},
        })
    };
    let demo = Demo::start(&[("virtualNode/blue", node("IPv4_ONLY"))]).await;
    let blue = MeshNode::serving(&demo.mesh, "blue", &[(PORT, application)]).await;
    for (preference, expected) in [
        ("IPv4_ONLY", "IPv4"),
        ("IPv6_ONLY", "IPv6"),
        ("IPv4_PREFERRED", "IPv4"),
        ("IPv6_PREFERRED", "IPv6"),
    ] {
        demo.put(&[("virtualNode/blue", node(preference))]);
        demo.settled(1).await;
        let response = blue.get_at(PORT, "blue.demo", "/").await;
        assert_eq!(response.body, expected, "{preference}");
    }
}
