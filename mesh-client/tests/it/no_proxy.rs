//! Direct wiring: calls go to the tasks that DNS names.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use crate::dns_server::{Dns, loopback};
use crate::task_servers::{Event, Tasks, Watch, builder, listeners, port_of, sockets};

const BLUE: &str = "blue.appmesh";

#[tokio::test]
async fn calls_go_to_all_addresses_in_turn() {
    let dns = Dns::start().await;
    dns.ttl(60);
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
async fn an_address_that_takes_no_connection_is_passed_over() {
    let dns = Dns::start().await;
    let mut sockets = sockets(&[2, 3].map(loopback));
    let tasks = Tasks::behind(vec![sockets.remove(1).listen(64).unwrap()]);
    dns.set(BLUE, [2, 3].map(loopback));
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    for _ in 0..4 {
        assert_eq!(tasks.call(&mesh, BLUE).await.unwrap(), "127.0.0.3");
    }
}

#[tokio::test]
async fn nobody_there_is_an_error_that_names_every_address() {
    let dns = Dns::start().await;
    let sockets = sockets(&[2, 3].map(loopback));
    let port = port_of(&sockets[0]);
    dns.set(BLUE, [2, 3].map(loopback));
    let mesh = builder(&[&dns]).no_proxy().retries(0).build().unwrap();
    let error = mesh.get(format!("http://{BLUE}:{port}/")).send().await.unwrap_err();
    assert!(
        error.is_connect() && !error.is_sidecar_unreachable() && !error.is_timeout(),
        "{error:?}"
    );
    let [found, attempts @ ..] = error.attempts() else {
        panic!("{error}");
    };
    assert!(found.starts_with("DNS: 127.0.0."), "{found}");
    assert_eq!(attempts.len(), 2);
    for ip in [2, 3].map(loopback) {
        let begin = format!("{ip}:{port}: Connection refused");
        assert!(attempts.iter().any(|attempt| attempt.starts_with(&begin)), "{error}");
    }
}

#[tokio::test]
async fn the_port_is_80_unless_the_url_says_another() {
    let dns = Dns::start().await;
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
async fn an_address_gone_from_dns_is_drained() {
    let dns = Dns::start().await;
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
        assert!(Instant::now() < deadline, "blue is kept, or never left");
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
