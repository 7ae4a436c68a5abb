//! Where names lead, with a real DNS server and a hosts file that change while the client runs.

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
    call.await.expect_err("the name leads nowhere")
}

#[tokio::test]
async fn the_hosts_file_comes_before_dns_and_is_read_again_when_it_changes() {
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
async fn names_are_asked_for_as_they_are_without_a_search_list() {
    let dns = DnsServer::start().await;
    let mesh = builder(&[&dns]).ipv6(true).no_proxy().build().unwrap();
    error_of(&mesh, "blue").await;
    error_of(&mesh, "a_b.example.com.").await;
    let mut asked: Vec<(String, RecordType)> = dns
        .queries()
        .into_iter()
        .map(|query| (query.name, query.kind))
        .collect();
    asked.sort();
    let expected = ["a_b.example.com.", "blue."]
        .into_iter()
        .flat_map(|name| [RecordType::A, RecordType::AAAA].map(|kind| (name.to_owned(), kind)));
    assert_eq!(asked, expected.collect::<Vec<_>>());
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
async fn a_mesh_name_that_leads_nowhere_meets_the_sidecar_at_a_placeholder() {
    let dns = DnsServer::start().await;
    let mut sidecar = Tasks::at([loopback(9)]);
    let intercepted = || builder(&[&dns]).transparent_proxy().synthetic_vip(loopback(9).into());
    let mesh = intercepted().build().unwrap();
    assert_eq!(sidecar.call(&mesh, BLUE).await.unwrap(), "127.0.0.9");
    let recorded = sidecar.servers[0].next_request().await;
    assert_eq!(recorded.header("host"), format!("{BLUE}:{}", sidecar.port));

    // DNS that does not answer is no reason to wait for it.
    dns.behave(Behaviour::Silent);
    let began = Instant::now();
    assert_eq!(sidecar.call(&mesh, "green.appmesh").await.unwrap(), "127.0.0.9");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());

    dns.behave(Behaviour::Normal);
    assert!(error_of(&mesh, "blue.example.com").await.is_name_not_found());
    let suffixes = sidecar_contract::MeshSuffixes::from_list("example.com");
    let mesh = intercepted().suffixes(suffixes).build().unwrap();
    assert_eq!(sidecar.call(&mesh, "blue.example.com").await.unwrap(), "127.0.0.9");
    assert!(error_of(&mesh, BLUE).await.is_name_not_found());
}

#[tokio::test]
async fn a_sidecar_that_is_gone_is_named_as_a_reason_where_calls_are_intercepted() {
    let dns = DnsServer::start().await;
    let nobody = sockets(&[loopback(9)]);
    let port = port_of(&nobody[0]);
    let mesh = builder(&[&dns])
        .transparent_proxy()
        .synthetic_vip(loopback(9).into())
        .build()
        .unwrap();
    let error = mesh.get(format!("http://{BLUE}:{port}/")).send().await.unwrap_err();
    assert!(error.is_connect(), "{error}");
    let sentence = error.to_string();
    assert!(
        sentence.contains("as happens when the sidecar is not running"),
        "{sentence}"
    );
    assert!(
        sentence.contains("the name leads nowhere, so 127.0.0.9 stands for it"),
        "{sentence}"
    );
}

#[tokio::test]
async fn without_a_sidecar_a_mesh_name_that_leads_nowhere_is_an_error_with_its_remedies() {
    let dns = DnsServer::start().await;
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    let error = error_of(&mesh, BLUE).await;
    assert!(error.is_name_not_found());
    assert_eq!(error.label(), "name_not_found");
    let expected = format!(
        "`blue.appmesh` leads nowhere: DNS has no such name; without a sidecar it needs a record in a private DNS zone \
         or an entry in the hosts file; with one, set MESHWRIGHT_EGRESS (tried: /nonexistent/hosts: no entry; DNS \
         server {}, A: no such name (NXDOMAIN))",
        dns.address
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.attempts().len(), 2);
    let elsewhere = error_of(&mesh, "blue.example.com").await.to_string();
    assert!(!elsewhere.contains("private DNS zone"), "{elsewhere}");
}

#[tokio::test]
async fn service_connect_s_names_lead_to_their_virtual_addresses_and_not_to_ipv6_without_ipv6() {
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
        error.attempts()[0].ends_with("only 2600:f0f0::2, and this task has no IPv6"),
        "{error}"
    );
}

#[tokio::test]
async fn an_alias_leads_where_the_other_name_does() {
    let dns = DnsServer::start().await;
    let mut tasks = Tasks::at([loopback(2)]);
    dns.alias(BLUE, "tasks.example.com");
    dns.set("tasks.example.com", [loopback(2)]);
    dns.alias("red.appmesh", "nobody.example.com");
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
    assert!(
        error.to_string().contains("DNS has the name without an address"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_swallows_one_family_does_not_hold_up_the_other() {
    let dns = DnsServer::with_behaviour(Behaviour::SilentForAaaa).await;
    let tasks = Tasks::at([loopback(2)]);
    dns.set(BLUE, [loopback(2)]);
    let mesh = builder(&[&dns]).ipv6(true).no_proxy().build().unwrap();
    let began = Instant::now();
    assert_eq!(tasks.call(&mesh, BLUE).await.unwrap(), "127.0.0.2");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    let kinds: BTreeSet<RecordType> = dns.queries().iter().map(|query| query.kind).collect();
    assert_eq!(
        kinds,
        BTreeSet::from([RecordType::A, RecordType::AAAA]),
        "both are asked for"
    );
}

#[tokio::test]
async fn a_name_that_appears_is_called_long_before_the_zone_s_900_seconds() {
    let dns = DnsServer::start().await;
    let tasks = Tasks::at([loopback(2)]);
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    assert!(tasks.call(&mesh, BLUE).await.unwrap_err().is_name_not_found());
    dns.set(BLUE, [loopback(2)]);
    assert!(tasks.call(&mesh, BLUE).await.unwrap_err().is_name_not_found());
    assert_eq!(dns.queries().len(), 1, "for a few seconds it is remembered");
    wait_until("the name to resolve", async || tasks.call(&mesh, BLUE).await.is_ok()).await;
    assert_eq!(dns.queries().len(), 2);
}
