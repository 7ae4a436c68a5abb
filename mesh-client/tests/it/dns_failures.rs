//! DNS failures: truncated answers, lame and silent servers, rejected addresses.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use mesh_client::Client;
use testkit::dns::Behaviour;
use testkit::{DnsServer, wait_until};

use crate::resolution::{BLUE, error_of};
use crate::task_servers::{Tasks, builder, hosts, loopback};

#[tokio::test]
async fn a_truncated_answer_is_repeated_over_tcp() {
    let dns = DnsServer::start().await;
    let tasks = Tasks::at([loopback(2)]);
    dns.set_ttl(60);
    // More than the client keeps. No server listens at the others.
    let others = (0..1000u16).map(|n| {
        let [high, low] = n.to_be_bytes();
        Ipv4Addr::new(127, 83, high, low)
    });
    dns.set(BLUE, std::iter::once(loopback(2)).chain(others));
    let mesh = builder(&[&dns]).no_proxy().retries(0).build().unwrap();
    wait_until("a successful call", async || tasks.call(&mesh, BLUE).await.is_ok()).await;
    let protocols: Vec<bool> = dns.queries().iter().map(|query| query.over_tcp).collect();
    assert_eq!(protocols, [false, true], "over UDP, then over TCP, then from the cache");
}

#[tokio::test]
async fn a_lame_server_is_skipped() {
    let good = DnsServer::start().await;
    let tasks = Tasks::at([loopback(2)]);
    good.set(BLUE, [loopback(2)]);
    for (behaviour, reason) in [
        (Behaviour::Refuses, "response code Query Refused"),
        (Behaviour::Fails, "response code Server Failure"),
        (Behaviour::Refers, "referral to other servers"),
        (Behaviour::Silent, "timed out"),
    ] {
        let lame = DnsServer::with_behaviour(behaviour).await;
        let mesh = builder(&[&lame, &good]).no_proxy().build().unwrap();
        assert_eq!(tasks.call(&mesh, BLUE).await.unwrap(), "127.0.0.2", "{behaviour:?}");
        let error = error_of(&mesh, "red.appmesh").await;
        assert!(error.is_name_not_found(), "{behaviour:?}: {error}");
        let expected = [
            format!("DNS server {}, A: {reason}", lame.address),
            format!("DNS server {}, A: no such name (NXDOMAIN)", good.address),
        ];
        assert_eq!(error.attempts()[1..], expected, "{behaviour:?}");
    }
}

#[tokio::test]
async fn a_failed_lookup_is_distinguished_from_no_such_name() {
    let lame = DnsServer::with_behaviour(Behaviour::Refuses).await;
    let mesh = builder(&[&lame]).no_proxy().build().unwrap();
    let error = error_of(&mesh, BLUE).await;
    assert!(error.is_name_lookup_failed() && !error.is_name_not_found(), "{error}");
    assert_eq!(lame.queries().len(), 2, "two rounds");

    let (_folder, path) = hosts("search example.com\n");
    let mesh = Client::builder()
        .hosts_file(&path)
        .resolv_conf(&path)
        .no_proxy()
        .build()
        .unwrap();
    let error = error_of(&mesh, BLUE).await;
    assert!(error.is_name_lookup_failed(), "{error}");
    assert!(error.attempts()[1].ends_with("contains no DNS server"), "{error}");
}

#[tokio::test]
async fn the_deadline_covers_the_lookup() {
    let silent = DnsServer::with_behaviour(Behaviour::Silent).await;
    let mesh = builder(&[&silent]).no_proxy().build().unwrap();
    let call = mesh.get("http://blue.appmesh/").timeout(Duration::from_millis(300));
    let error = call.send().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(error.to_string(), "`blue.appmesh` did not respond within 300ms");
}

#[tokio::test]
async fn stale_addresses_are_used_while_dns_is_down() {
    let dns = DnsServer::start().await;
    let tasks = Tasks::at([loopback(2)]);
    dns.set(BLUE, [loopback(2)]);
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    tasks.call(&mesh, BLUE).await.unwrap();
    for behaviour in [Behaviour::Refuses, Behaviour::Silent] {
        dns.behave(behaviour);
        let queries = dns.queries().len();
        wait_until("the expected queries", async || {
            assert_eq!(tasks.call(&mesh, BLUE).await.unwrap(), "127.0.0.2", "{behaviour:?}");
            dns.queries().len() > queries
        })
        .await;
    }
    dns.behave(Behaviour::Normal);
    dns.remove(BLUE);
    // A removed name is not found once its TTL has expired.
    wait_until("the expected queries", async || {
        tasks
            .call(&mesh, BLUE)
            .await
            .is_err_and(|error| error.is_name_not_found())
    })
    .await;
}

#[tokio::test]
async fn more_addresses_than_route_53_s_eight_are_all_called() {
    let dns = DnsServer::start().await;
    let addresses: Vec<Ipv4Addr> = (11..=22).map(loopback).collect();
    let tasks = Tasks::at(addresses.clone());
    dns.set_multivalue();
    dns.set(BLUE, addresses.clone());
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    let mut called = BTreeSet::new();
    wait_until("the expected queries", async || {
        called.insert(tasks.call(&mesh, BLUE).await.unwrap());
        called.len() == addresses.len()
    })
    .await;
    assert!(dns.queries().len() >= 2);
    // All of them are kept at the same time, not only the last eight.
    let queries = dns.queries().len();
    dns.set_ttl(60);
    wait_until("the expected queries", async || {
        tasks.call(&mesh, BLUE).await.unwrap();
        dns.queries().len() > queries
    })
    .await;
    let mut at_once = BTreeSet::new();
    for _ in 0..addresses.len() {
        at_once.insert(tasks.call(&mesh, BLUE).await.unwrap());
    }
    assert_eq!(at_once.len(), addresses.len());
}

#[tokio::test]
async fn addresses_of_the_host_in_dns_are_rejected() {
    let dns = DnsServer::start().await;
    for (name, address) in [
        ("metadata.appmesh", IpAddr::from([169, 254, 169, 254])),
        ("nothing.appmesh", IpAddr::from([0, 0, 0, 0])),
        ("own.appmesh", IpAddr::from([127, 0, 0, 1])),
        ("six.appmesh", "fe80::1".parse().unwrap()),
        ("mapped.appmesh", "::ffff:169.254.170.2".parse().unwrap()),
    ] {
        dns.set(name, [address]);
        let builder = builder(&[&dns]).ipv6(true).loopback_answers(false);
        for mesh in [builder.clone().no_proxy(), builder.transparent_proxy()] {
            let error = error_of(&mesh.build().unwrap(), name).await;
            assert!(error.is_address_refused(), "{error}");
            let start = format!("`{name}` resolves to {address}, which is not allowed: it is ");
            assert!(error.to_string().starts_with(&start), "{error}");
        }
    }
}

#[tokio::test]
async fn concurrent_calls_share_a_query() {
    let dns = DnsServer::start().await;
    let tasks = Tasks::at([loopback(2)]);
    dns.set_ttl(60);
    dns.set(BLUE, [loopback(2)]);
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    let calls = (0..50).map(|_| tasks.call(&mesh, BLUE));
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer.unwrap(), "127.0.0.2");
    }
    assert_eq!(dns.queries().len(), 1);
}
