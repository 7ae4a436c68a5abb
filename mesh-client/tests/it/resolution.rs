//! Name resolution with a DNS server and a hosts file that change while the client runs.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use mesh_client::{Client, Error};
use testkit::dns::{Behaviour, RecordType};
use testkit::{DnsServer, wait_until};

use crate::task_servers::{Tasks, builder, hosts, loopback, port_of, sockets};

pub(crate) const BLUE: &str = "blue.appmesh";

pub(crate) async fn error_of(mesh: &Client, name: &str) -> Error {
    let call = mesh.get(format!("http://{name}/")).send();
    call.await.expect_err("the name does not resolve")
}

#[tokio::test]
async fn the_hosts_file_has_precedence_over_dns_and_is_read_again_when_it_changes() {
    let dns = DnsServer::start().await;
    let tasks = Tasks::at([2, 3, 4].map(loopback));
    dns.set(BLUE, [loopback(4)]);
    let (_folder, path) = hosts("127.0.0.2 blue.appmesh\n");
    let mesh = builder(&[&dns]).hosts_file(&path).no_proxy().build().unwrap();
    assert_eq!(tasks.call(&mesh, BLUE).await.unwrap(), "127.0.0.2");
    std::fs::write(&path, "127.0.0.3 blue.appmesh\n").unwrap();
    assert_eq!(tasks.call(&mesh, BLUE).await.unwrap(), "127.0.0.3");
    assert!(dns.queries().is_empty());
    std::fs::write(&path, "127.0.0.3 green.appmesh\n").unwrap();
    assert_eq!(tasks.call(&mesh, BLUE).await.unwrap(), "127.0.0.4");
}

#[tokio::test]
async fn names_are_queried_as_absolute_names_without_a_search_list() {
    let dns = DnsServer::start().await;
    let mesh = builder(&[&dns]).ipv6(true).no_proxy().build().unwrap();
    error_of(&mesh, "blue").await;
    error_of(&mesh, "a_b.example.com.").await;
    let mut queries: Vec<(String, RecordType)> = dns
        .queries()
        .into_iter()
        .map(|query| (query.name, query.kind))
        .collect();
    queries.sort();
    let expected = ["a_b.example.com.", "blue."]
        .into_iter()
        .flat_map(|name| [RecordType::A, RecordType::AAAA].map(|kind| (name.to_owned(), kind)));
    assert_eq!(queries, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn the_host_header_has_no_trailing_dot() {
    let dns = DnsServer::start().await;
    let mut tasks = Tasks::at([loopback(2)]);
    dns.set(BLUE, [loopback(2)]);
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    tasks.call(&mesh, "Blue.AppMesh.").await.unwrap();
    let recorded = tasks.servers[0].next_request().await;
    assert_eq!(recorded.header("host"), format!("{BLUE}:{}", tasks.port));
}

#[tokio::test]
async fn a_mesh_name_that_does_not_resolve_gets_the_synthetic_vip() {
    let dns = DnsServer::start().await;
    let mut sidecar = Tasks::at([loopback(9)]);
    let transparent = || builder(&[&dns]).transparent_proxy().synthetic_vip(loopback(9).into());
    let mesh = transparent().build().unwrap();
    assert_eq!(sidecar.call(&mesh, BLUE).await.unwrap(), "127.0.0.9");
    let recorded = sidecar.servers[0].next_request().await;
    assert_eq!(recorded.header("host"), format!("{BLUE}:{}", sidecar.port));

    // Silent DNS does not delay the call.
    dns.behave(Behaviour::Silent);
    let started = Instant::now();
    assert_eq!(sidecar.call(&mesh, "green.appmesh").await.unwrap(), "127.0.0.9");
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());

    dns.behave(Behaviour::Normal);
    assert!(error_of(&mesh, "blue.example.com").await.is_name_not_found());
    let suffixes = sidecar_contract::MeshSuffixes::from_list("example.com");
    let mesh = transparent().suffixes(suffixes).build().unwrap();
    assert_eq!(sidecar.call(&mesh, "blue.example.com").await.unwrap(), "127.0.0.9");
    assert!(error_of(&mesh, BLUE).await.is_name_not_found());
}

#[tokio::test]
async fn a_failed_connection_to_the_synthetic_vip_hints_at_the_sidecar() {
    let dns = DnsServer::start().await;
    let closed = sockets(&[loopback(9)]);
    let port = port_of(&closed[0]);
    let mesh = builder(&[&dns])
        .transparent_proxy()
        .synthetic_vip(loopback(9).into())
        .build()
        .unwrap();
    let error = mesh.get(format!("http://{BLUE}:{port}/")).send().await.unwrap_err();
    assert!(error.is_connect(), "{error}");
    let message = error.to_string();
    assert!(message.contains("the sidecar may not be running"), "{message}");
    assert!(
        message.contains("the name does not resolve; synthetic VIP: 127.0.0.9"),
        "{message}"
    );
}

#[tokio::test]
async fn without_a_sidecar_a_mesh_name_that_does_not_resolve_is_an_error_with_a_hint() {
    let dns = DnsServer::start().await;
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    let error = error_of(&mesh, BLUE).await;
    assert!(error.is_name_not_found());
    assert_eq!(error.label(), "name_not_found");
    let expected = format!(
        "`blue.appmesh` does not resolve: no such name in DNS; without a sidecar, add a record to a private DNS zone or \
         an entry to the hosts file; with a sidecar, set MESHWRIGHT_EGRESS (tried: /nonexistent/hosts: no entry; DNS \
         server {}, A: no such name (NXDOMAIN))",
        dns.address
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.attempts().len(), 2);
    let elsewhere = error_of(&mesh, "blue.example.com").await.to_string();
    assert!(!elsewhere.contains("private DNS zone"), "{elsewhere}");
}

#[tokio::test]
async fn service_connect_s_names_resolve_to_ipv4_addresses_without_an_ipv6_route() {
    let dns = DnsServer::start().await;
    let vip = Ipv4Addr::new(127, 255, 0, 1);
    let tasks = Tasks::at([vip]);
    let (_folder, path) = hosts("2600:f0f0:0:0:0:0:0:1 assets\n127.255.0.1 assets\n2600:f0f0::2 catalog\n");
    let builder = builder(&[&dns]).loopback_answers(false);
    let mesh = builder.hosts_file(&path).transparent_proxy().build().unwrap();
    for _ in 0..4 {
        assert_eq!(tasks.call(&mesh, "assets").await.unwrap(), vip.to_string());
    }
    let error = error_of(&mesh, "catalog").await;
    assert!(
        error.attempts()[0].ends_with("only 2600:f0f0::2, and this task has no IPv6 route"),
        "{error}"
    );
}

#[tokio::test]
async fn cname_records_are_followed() {
    let dns = DnsServer::start().await;
    let mut tasks = Tasks::at([loopback(2)]);
    dns.alias(BLUE, "tasks.example.com");
    dns.set("tasks.example.com", [loopback(2)]);
    dns.alias("red.appmesh", "missing.example.com");
    let mesh = builder(&[&dns]).ipv6(true).no_proxy().build().unwrap();
    assert_eq!(tasks.call(&mesh, BLUE).await.unwrap(), "127.0.0.2");
    let recorded = tasks.servers[0].next_request().await;
    assert_eq!(
        recorded.header("host"),
        format!("{BLUE}:{}", tasks.port),
        "it is called by its own name"
    );
    assert!(error_of(&mesh, "red.appmesh").await.is_name_not_found());
}

#[tokio::test]
async fn nodata_is_not_nxdomain_even_where_a_server_says_so() {
    let dns = DnsServer::start().await;
    let tasks = Tasks::at([loopback(2)]);
    dns.set(BLUE, [loopback(2)]);
    dns.set("empty.appmesh", <[IpAddr; 0]>::default());
    for behaviour in [Behaviour::Normal, Behaviour::NxDomainForAaaa] {
        dns.behave(behaviour);
        let mesh = builder(&[&dns]).ipv6(true).no_proxy().build().unwrap();
        assert_eq!(tasks.call(&mesh, BLUE).await.unwrap(), "127.0.0.2", "{behaviour:?}");
    }
    dns.behave(Behaviour::Normal);
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    let error = error_of(&mesh, "empty.appmesh").await;
    assert!(error.is_name_not_found());
    assert!(error.to_string().contains("the name has no address in DNS"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_silent_for_aaaa_does_not_delay_the_call() {
    let dns = DnsServer::with_behaviour(Behaviour::SilentForAaaa).await;
    let tasks = Tasks::at([loopback(2)]);
    dns.set(BLUE, [loopback(2)]);
    let mesh = builder(&[&dns]).ipv6(true).no_proxy().build().unwrap();
    let started = Instant::now();
    assert_eq!(tasks.call(&mesh, BLUE).await.unwrap(), "127.0.0.2");
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    let kinds: BTreeSet<RecordType> = dns.queries().iter().map(|query| query.kind).collect();
    assert_eq!(
        kinds,
        BTreeSet::from([RecordType::A, RecordType::AAAA]),
        "both are queried"
    );
}

#[tokio::test]
async fn negative_answers_are_cached_for_seconds_only() {
    let dns = DnsServer::start().await;
    let tasks = Tasks::at([loopback(2)]);
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    assert!(tasks.call(&mesh, BLUE).await.unwrap_err().is_name_not_found());
    dns.set(BLUE, [loopback(2)]);
    assert!(tasks.call(&mesh, BLUE).await.unwrap_err().is_name_not_found());
    assert_eq!(dns.queries().len(), 1, "cached for a few seconds");
    wait_until("the name to resolve", async || tasks.call(&mesh, BLUE).await.is_ok()).await;
    assert_eq!(dns.queries().len(), 2);
}
