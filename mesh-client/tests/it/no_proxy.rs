//! Calls without a sidecar, to the addresses in DNS.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use testkit::DnsServer;
use tokio::net::TcpStream;

use crate::task_servers::{Event, Tasks, Watch, builder, listeners, loopback, port_of, sockets};

const BLUE: &str = "blue.appmesh";

#[tokio::test]
async fn addresses_are_called_round_robin() {
    let dns = DnsServer::start().await;
    dns.set_ttl(60);
    let tasks = Tasks::at([2, 3, 4].map(loopback));
    dns.set(BLUE, [2, 3, 4].map(loopback));
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    let mut called = Vec::new();
    for _ in 0..6 {
        called.push(tasks.call(&mesh, BLUE).await.unwrap());
    }
    assert_eq!(called[..3], called[3..]);
    assert_eq!(called.into_iter().collect::<BTreeSet<_>>().len(), 3);
}

#[tokio::test]
async fn an_address_that_accepts_no_connection_is_skipped() {
    let dns = DnsServer::start().await;
    let mut sockets = sockets(&[2, 3].map(loopback));
    let tasks = Tasks::behind(vec![sockets.remove(1).listen(64).unwrap()]);
    dns.set(BLUE, [2, 3].map(loopback));
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    for _ in 0..4 {
        assert_eq!(tasks.call(&mesh, BLUE).await.unwrap(), "127.0.0.3");
    }
}

#[tokio::test]
async fn the_error_lists_all_addresses_that_accept_no_connection() {
    let dns = DnsServer::start().await;
    let sockets = sockets(&[2, 3].map(loopback));
    let port = port_of(&sockets[0]);
    dns.set(BLUE, [2, 3].map(loopback));
    let mesh = builder(&[&dns]).no_proxy().retries(0).build().unwrap();
    let error = mesh.get(format!("http://{BLUE}:{port}/")).send().await.unwrap_err();
    assert!(
        error.is_connect() && !error.is_sidecar_unreachable() && !error.is_timeout(),
        "{error:?}"
    );
    let [resolved, attempts @ ..] = error.attempts() else {
        panic!("{error}");
    };
    assert!(resolved.starts_with("DNS: 127.0.0."), "{resolved}");
    assert_eq!(attempts.len(), 2);
    for ip in [2, 3].map(loopback) {
        let start = format!("{ip}:{port}: Connection refused");
        assert!(attempts.iter().any(|attempt| attempt.starts_with(&start)), "{error}");
    }
}

#[tokio::test]
async fn the_default_port_is_80() {
    let dns = DnsServer::start().await;
    let address = Ipv4Addr::new(127, 83, 71, 59);
    dns.set(BLUE, [address]);
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    match mesh.get(format!("http://{BLUE}/")).send().await {
        Err(error) if error.is_connect() => {
            assert!(error.attempts()[1].starts_with("127.83.71.59:80: "), "{error}");
        }
        // A server of this machine listens on port 80 of all addresses, and got the call.
        other => assert!(TcpStream::connect((address, 80)).await.is_ok(), "{other:?}"),
    }
}

#[tokio::test]
async fn connections_to_an_address_removed_from_dns_are_closed() {
    let dns = DnsServer::start().await;
    let [blue, green] = [2, 3].map(loopback);
    let listeners = listeners(&[blue, green]);
    let port = listeners[0].local_addr().unwrap().port();
    let mut watch = Watch::over(listeners);
    let mesh = builder(&[&dns])
        .no_proxy()
        .idle_timeout(Duration::from_millis(200))
        .build()
        .unwrap();
    let call = async || {
        let answer = mesh.get(format!("http://{BLUE}:{port}/")).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "ok");
    };
    dns.set(BLUE, [blue]);
    call().await;
    call().await;
    assert_eq!(watch.next().await, Event::Called(blue.into()));
    assert_eq!(watch.next().await, Event::Called(blue.into()));

    dns.set(BLUE, [green]);
    let mut last = IpAddr::from(blue);
    let mut blue_is_closed = false;
    let deadline = Instant::now() + Duration::from_secs(20);
    while last == blue || !blue_is_closed {
        assert!(
            Instant::now() < deadline,
            "blue is still called, or its connection is not closed"
        );
        call().await;
        match watch.next().await {
            Event::Called(address) => {
                assert!(last == blue || address == green, "blue is called after green");
                last = address;
            }
            Event::Closed(address) => blue_is_closed |= address == blue && last == green,
        }
    }
}
