//! What DNS servers do to those who ask, and what becomes of it: a real one that misbehaves while the client runs.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use mesh_client::Client;

use crate::dns_server::{Behaviour, Dns, loopback};
use crate::resolution::{BLUE, error_of, until};
use crate::task_servers::{Tasks, builder, hosts};

#[tokio::test]
async fn an_answer_that_does_not_fit_into_a_packet_comes_over_tcp() {
    let dns = Dns::start().await;
    let tasks = Tasks::at([loopback(2)]);
    dns.ttl(60);
    // More than are kept, and but for one of them no one's.
    let others = (0..1000u16).map(|n| {
        let [high, low] = n.to_be_bytes();
        Ipv4Addr::new(127, 83, high, low)
    });
    dns.set(BLUE, std::iter::once(loopback(2)).chain(others));
    let mesh = builder(&[&dns]).no_proxy().retries(0).build().unwrap();
    until(async || tasks.call(&mesh, BLUE).await.is_ok()).await;
    let protocols: Vec<bool> = dns.questions().iter().map(|question| question.over_tcp).collect();
    assert_eq!(
        protocols,
        [false, true],
        "first in a packet, then over TCP, and then from memory"
    );
}

#[tokio::test]
async fn a_lame_server_is_passed_over() {
    let good = Dns::start().await;
    let tasks = Tasks::at([loopback(2)]);
    good.set(BLUE, [loopback(2)]);
    for (behaviour, word) in [
        (Behaviour::Refuses, "it answered Query Refused"),
        (Behaviour::Fails, "it answered Server Failure"),
        (Behaviour::Refers, "it referred to other servers"),
        (Behaviour::Silent, "timed out"),
    ] {
        let lame = Dns::with_behaviour(behaviour).await;
        let mesh = builder(&[&lame, &good]).no_proxy().build().unwrap();
        assert_eq!(tasks.call(&mesh, BLUE).await.unwrap(), "127.0.0.2", "{behaviour:?}");
        let error = error_of(&mesh, "red.appmesh").await;
        assert!(error.is_name_not_found(), "{behaviour:?}: {error}");
        let expected = [
            format!("DNS server {}, A: {word}", lame.address),
            format!("DNS server {}, A: no such name (NXDOMAIN)", good.address),
        ];
        assert_eq!(error.attempts()[1..], expected, "{behaviour:?}");
    }
}

#[tokio::test]
async fn no_dns_is_told_from_no_such_name() {
    let lame = Dns::with_behaviour(Behaviour::Refuses).await;
    let mesh = builder(&[&lame]).no_proxy().build().unwrap();
    let error = error_of(&mesh, BLUE).await;
    assert!(error.is_name_lookup_failed() && !error.is_name_not_found(), "{error}");
    assert_eq!(lame.questions().len(), 2, "it is asked twice");

    let (_folder, path) = hosts("search example.com\n");
    let mesh = Client::builder()
        .hosts_file(&path)
        .resolv_conf(&path)
        .no_proxy()
        .build()
        .unwrap();
    let error = error_of(&mesh, BLUE).await;
    assert!(error.is_name_lookup_failed(), "{error}");
    assert!(error.attempts()[1].ends_with("names no DNS server"), "{error}");
}

#[tokio::test]
async fn looking_a_name_up_is_part_of_the_deadline() {
    let silent = Dns::with_behaviour(Behaviour::Silent).await;
    let mesh = builder(&[&silent]).no_proxy().build().unwrap();
    let call = mesh.get("http://blue.appmesh/").timeout(Duration::from_millis(300));
    let error = call.send().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(error.to_string(), "`blue.appmesh` did not answer within 300ms");
}

#[tokio::test]
async fn a_stale_answer_is_served_while_dns_is_down() {
    let dns = Dns::start().await;
    let tasks = Tasks::at([loopback(2)]);
    dns.set(BLUE, [loopback(2)]);
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    tasks.call(&mesh, BLUE).await.unwrap();
    for behaviour in [Behaviour::Refuses, Behaviour::Silent] {
        dns.set_behaviour(behaviour);
        let asked = dns.questions().len();
        until(async || {
            assert_eq!(tasks.call(&mesh, BLUE).await.unwrap(), "127.0.0.2", "{behaviour:?}");
            dns.questions().len() > asked
        })
        .await;
    }
    dns.set_behaviour(Behaviour::Answers);
    dns.remove(BLUE);
    // What DNS takes back is gone, however fresh.
    until(async || {
        tasks
            .call(&mesh, BLUE)
            .await
            .is_err_and(|error| error.is_name_not_found())
    })
    .await;
}

#[tokio::test]
async fn more_than_route_53_s_eight_addresses_are_all_called_in_the_end() {
    let dns = Dns::start().await;
    let addresses: Vec<Ipv4Addr> = (11..=22).map(loopback).collect();
    let tasks = Tasks::at(addresses.clone());
    dns.multivalue();
    dns.set(BLUE, addresses.clone());
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    let mut called = BTreeSet::new();
    until(async || {
        called.insert(tasks.call(&mesh, BLUE).await.unwrap());
        called.len() == addresses.len()
    })
    .await;
    assert!(dns.questions().len() >= 2);
    // All of them are kept at the same time, and not only the last eight.
    let asked = dns.questions().len();
    dns.ttl(60);
    until(async || {
        tasks.call(&mesh, BLUE).await.unwrap();
        dns.questions().len() > asked
    })
    .await;
    let mut at_once = BTreeSet::new();
    for _ in 0..addresses.len() {
        at_once.insert(tasks.call(&mesh, BLUE).await.unwrap());
    }
    assert_eq!(at_once.len(), addresses.len());
}

#[tokio::test]
async fn an_answer_of_dns_that_points_at_link_local_is_refused() {
    let dns = Dns::start().await;
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
            let begin = format!("`{name}` leads to {address}, which is never connected to: it is ");
            assert!(error.to_string().starts_with(&begin), "{error}");
        }
    }
}

#[tokio::test]
async fn many_calls_at_once_ask_once() {
    let dns = Dns::start().await;
    let tasks = Tasks::at([loopback(2)]);
    dns.ttl(60);
    dns.set(BLUE, [loopback(2)]);
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    let calls = (0..50).map(|_| tasks.call(&mesh, BLUE));
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer.unwrap(), "127.0.0.2");
    }
    assert_eq!(dns.questions().len(), 1);
}
