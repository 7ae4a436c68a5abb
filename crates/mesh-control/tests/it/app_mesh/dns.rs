//! DNS service discovery by Envoy.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use mesh_control::node::tcp_egress_listener;
use serde_json::{Value, json};
use testkit::DnsServer;

use super::demo_mesh::{Demo, by_node, caller, marked};
use super::tcp::responding_application;
use crate::harness::{Behaviour, MeshNode, Servers, TcpUpstream, Upstream, eventually, on_one_port};

const ONE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const TWO: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
const SIX: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// A virtual node with DNS discovery and further properties.
fn found_by(host: &str, protocol: &str, port: u16, more: &Value) -> Value {
    let mut dns = json!({"hostname": host});
    for (key, value) in more.as_object().expect("an object") {
        dns[key] = value.clone();
    }
    json!({
        "listeners": [{"portMapping": {"port": port, "protocol": protocol}}],
        "serviceDiscovery": {"dns": dns},
    })
}

/// The virtual node `caller` with this DNS server, and with these listeners besides `egress`.
async fn calling(demo: &Demo, dns: &DnsServer, listeners: &[String]) -> MeshNode {
    let servers = Servers {
        dns: Some(dns.address),
        ..Servers::default()
    };
    MeshNode::start_with(servers, &demo.mesh, "virtualNode/caller", listeners, &[]).await
}

#[tokio::test]
async fn logical_dns_connects_to_one_address_and_follows_it() {
    let [one, two] = on_one_port([ONE, TWO]).await;
    let port = one.local_addr().expect("bound").port();
    let _tasks = [TcpUpstream::on(one, "one"), TcpUpstream::on(two, "two")];
    let dns = DnsServer::start().await;
    dns.set("ledger.test", [ONE, TWO]);
    let more = json!({"responseType": "LOADBALANCER"});
    let demo = Demo::start(&[
        ("virtualNode/caller", caller(&["ledger.demo"])),
        ("virtualNode/ledger", found_by("ledger.test", "tcp", port, &more)),
        ("virtualService/ledger.demo", by_node("ledger")),
    ])
    .await;
    let ledger = tcp_egress_listener("ledger.demo", port);
    let caller = calling(&demo, &dns, std::slice::from_ref(&ledger)).await;
    let ledger = caller.listener(&ledger);
    for _ in 0..20 {
        assert_eq!(responding_application(ledger).await, "one");
    }
    dns.set("ledger.test", [TWO, ONE]);
    eventually("Envoy follows", async || {
        match responding_application(ledger).await.as_str() {
            "two" => Ok(()),
            other => Err(other.to_owned()),
        }
    })
    .await;
    for _ in 0..20 {
        assert_eq!(responding_application(ledger).await, "two");
    }
}

#[tokio::test]
async fn strict_dns_follows_added_and_removed_addresses_without_failures() {
    let [one, two] = on_one_port([ONE, TWO]).await;
    let port = one.local_addr().expect("bound").port();
    let (one, two) = (
        Upstream::on(one, "one", Behaviour::Name),
        Upstream::on(two, "two", Behaviour::Name),
    );
    let dns = DnsServer::start().await;
    dns.set("shop.test", [ONE]);
    let more = json!({"responseType": "ENDPOINTS"});
    let demo = Demo::start(&[
        ("virtualNode/caller", caller(&["shop.demo"])),
        ("virtualNode/shop", found_by("shop.test", "http", port, &more)),
        ("virtualService/shop.demo", by_node("shop")),
    ])
    .await;
    let caller = calling(&demo, &dns, &[]).await;
    let cluster = format!("cds_egress_demo_shop_http_{port}");
    let load = caller.load("shop.demo").await;
    assert_eq!(two.requests(), 0);

    dns.set("shop.test", [ONE, TWO]);
    two.wait_for_requests(1).await;
    let before = (one.requests(), two.requests());
    load.wait_for_responses(50).await;
    assert!(one.requests() - before.0 >= 20 && two.requests() - before.1 >= 20);

    dns.set("shop.test", [TWO]);
    caller.wait_for_tasks(&cluster, &[two.address]).await;
    load.wait_for_responses(20).await;
    let last = one.requests();
    load.wait_for_responses(50).await;
    assert_eq!(one.requests(), last, "a removed task is still called");
    load.stop_without_failures().await;
}

#[tokio::test]
async fn a_name_without_addresses_has_no_endpoints() {
    let [one] = on_one_port([ONE]).await;
    let port = one.local_addr().expect("bound").port();
    let _task = Upstream::on(one, "one", Behaviour::Name);
    let dns = DnsServer::start().await;
    let of = |kind: &str| found_by("late.test", "http", port, &json!({"responseType": kind}));
    let demo = Demo::start(&[
        ("virtualNode/caller", caller(&["door.demo", "tasks.demo"])),
        ("virtualNode/door", of("LOADBALANCER")),
        ("virtualNode/tasks", of("ENDPOINTS")),
        ("virtualService/door.demo", by_node("door")),
        ("virtualService/tasks.demo", by_node("tasks")),
    ])
    .await;
    let caller = calling(&demo, &dns, &[]).await;
    let hosts = ["door.demo", "tasks.demo"];
    for host in hosts {
        let response = caller.get(host, "/").await;
        assert_eq!(marked(&response), (503, Some("no-healthy-endpoint")), "{host}");
    }
    dns.set("late.test", [ONE]);
    for host in hosts {
        eventually("the name has an address", async || {
            let response = caller.get(host, "/").await;
            match response.body.as_str() {
                "one" => Ok(()),
                other => Err(format!("{host}: {other}")),
            }
        })
        .await;
    }
}

#[tokio::test]
async fn dns_addresses_follow_the_ip_preference() {
    let [four, six] = on_one_port([ONE, SIX]).await;
    let port = four.local_addr().expect("bound").port();
    let _tasks = [
        Upstream::on(four, "IPv4", Behaviour::Name),
        Upstream::on(six, "IPv6", Behaviour::Name),
    ];
    let dns = DnsServer::start().await;
    let names = ["both", "four", "six"];
    dns.set("both.test", [ONE, SIX]);
    dns.set("four.test", [ONE]);
    dns.set("six.test", [SIX]);
    let expectations = [
        ("IPv4_PREFERRED", ["IPv4", "IPv4", "IPv6"]),
        ("IPv6_PREFERRED", ["IPv6", "IPv4", "IPv6"]),
        ("IPv4_ONLY", ["IPv4", "IPv4", "none"]),
        ("IPv6_ONLY", ["IPv6", "none", "IPv6"]),
    ];
    // Virtual nodes with a preference of their own, and with that of the mesh.
    let mut documents = Vec::new();
    let mut services = Vec::new();
    for name in names {
        for (preference, _) in expectations {
            services.push((name, preference.to_owned(), json!({"ipPreference": preference})));
        }
        services.push((name, "mesh".to_owned(), json!({})));
    }
    for (name, preference, more) in &services {
        let node = format!("{name}-{preference}");
        let host = format!("{name}.test");
        documents.push((format!("virtualNode/{node}"), found_by(&host, "http", port, more)));
        documents.push((format!("virtualService/{node}.demo"), by_node(&node)));
    }
    let backends: Vec<String> = services
        .iter()
        .map(|(name, preference, _)| format!("{name}-{preference}.demo"))
        .collect();
    let backends: Vec<&str> = backends.iter().map(String::as_str).collect();
    documents.push(("virtualNode/caller".to_owned(), super::demo_mesh::caller(&backends)));
    let documents: Vec<(&str, Value)> = documents
        .iter()
        .map(|(path, document)| (path.as_str(), document.clone()))
        .collect();
    let demo = Demo::start(&documents).await;
    let caller = calling(&demo, &dns, &[]).await;
    let who = async |name: &str, preference: &str| {
        let response = caller.get(&format!("{name}-{preference}.demo"), "/").await;
        match marked(&response) {
            (200, None) => response.body,
            (503, Some("no-healthy-endpoint")) => "none".to_owned(),
            _ => format!("{response:?}"),
        }
    };
    for (preference, expected) in expectations {
        for (name, expected) in names.into_iter().zip(expected) {
            assert_eq!(who(name, preference).await, expected, "{name}, {preference}");
        }
    }
    assert_eq!(who("both", "mesh").await, "IPv6");

    for (preference, expected) in expectations {
        demo.put(&[("mesh", json!({"serviceDiscovery": {"ipPreference": preference}}))]);
        for (name, expected) in names.into_iter().zip(expected) {
            eventually("the preference arrives", async || {
                let responses = who(name, "mesh").await;
                if responses == expected {
                    Ok(())
                } else {
                    Err(format!("{name}, {preference}: {responses}"))
                }
            })
            .await;
        }
    }
}
