//! Peers that cost what they can, while a well-behaved Envoy is served in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use xds_server::{Limits, ResourceType, XdsProtocol};

use crate::server::{Server, snapshot};

/// Time in which the well-behaved Envoy must have a change. It takes milliseconds; the machine may be busy.
const IN_TIME: Duration = Duration::from_secs(5);

/// Connects and gets a configuration in time, by a new connection.
async fn assert_served(server: &Server) {
    let served = async {
        let mut client = server.client(XdsProtocol::Delta, "well-behaved").await;
        client.subscribe(ResourceType::Cluster, &["a"]).await;
        assert!(client.response().await.resources.contains_key("a"));
        client.ack(ResourceType::Cluster).await;
    };
    let beginning = Instant::now();
    let served = tokio::time::timeout(IN_TIME, served).await;
    assert!(served.is_ok(), "not served after {:?}", beginning.elapsed());
}

#[cfg(target_os = "linux")]
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")).expect("a line");
    kilobytes.parse::<usize>().expect("a number") * 1024
}

#[cfg(target_os = "linux")]
fn assert_grown_at_most(before: usize, bytes: usize, what: &str) {
    let grown = resident_bytes().saturating_sub(before);
    println!("{what}: {} MiB more are resident", grown >> 20);
    assert!(grown < bytes, "{what}: {grown} bytes more are resident");
}

/// Connections for which this process may have both ends, at most `wanted`.
#[cfg(unix)]
fn within_open_files(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let maximum = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, raised).expect("the hard limit is allowed");
    let files = maximum.map_or(usize::MAX, |files| usize::try_from(files).expect("it fits"));
    wanted.min(files.saturating_sub(500) / 2)
}

/// Ten thousand connections that send nothing: they keep no client out, and end by themselves.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_without_a_request_keep_no_client_out() {
    let count = within_open_files(10_000);
    let mut limits = Limits::default();
    limits.connections = 2 * count / 5;
    limits.idle_connection = Duration::from_secs(10);
    let server = Server::start(limits, None).await;
    server.source.set(snapshot(ResourceType::Cluster, &[("a", 1)]));
    // An Envoy that was there before keeps its stream.
    let mut envoy = server.client(XdsProtocol::Delta, "well-behaved").await;
    envoy.subscribe(ResourceType::Cluster, &["a"]).await;
    envoy.response().await;
    envoy.ack(ResourceType::Cluster).await;
    let before = resident_bytes();
    let mut silent = Vec::with_capacity(count);
    for number in 0..count {
        silent.push(TcpStream::connect(server.address).await.expect("a listener"));
        if number % 2000 == 1999 {
            assert_served(&server).await;
            assert!(
                server.connections.len() <= limits.connections + 100,
                "{}",
                server.connections.len()
            );
        }
    }
    assert_grown_at_most(before, 400 << 20, "silent connections");
    server.source.set(snapshot(ResourceType::Cluster, &[("a", 2)]));
    let changed = tokio::time::timeout(IN_TIME, envoy.response()).await.expect("in time");
    assert_eq!(changed.resources["a"], 2);
    // Each is closed by the server, the last ones for being idle.
    let closed = async {
        for connection in &silent {
            connection.readable().await.expect("the end");
        }
    };
    tokio::time::timeout(Duration::from_secs(60), closed)
        .await
        .expect("all are closed");
    drop(silent);
    assert_eq!(server.board.nodes().len(), 1);
}

/// Envoys that never answer, that reject everything, and that reconnect every 100 ms.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn misbehaving_envoys_cost_bounded_memory_and_delay_no_other() {
    const EACH: usize = 50;
    const CHANGES: u32 = 40;

    let server = Arc::new(Server::start(Limits::default(), None).await);
    let state = |content| {
        let names: Vec<String> = (0..200).map(|number| format!("cluster-{number}")).collect();
        let mut resources: Vec<(&str, u32)> = names.iter().map(|name| (name.as_str(), content)).collect();
        resources.push(("a", content));
        snapshot(ResourceType::Cluster, &resources)
    };
    server.source.set(state(1));
    let stop = Arc::new(AtomicBool::new(false));
    let reconnects = Arc::new(AtomicU64::new(0));
    let mut peers = JoinSet::new();
    for number in 0..EACH {
        for protocol in [XdsProtocol::Sotw, XdsProtocol::Delta] {
            let (silent, stopped) = (Arc::clone(&server), Arc::clone(&stop));
            peers.spawn(async move {
                let mut client = silent.client(protocol, &format!("silent-{number}")).await;
                client.subscribe(ResourceType::Cluster, &[]).await;
                while !stopped.load(Ordering::Relaxed) {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            });
            let (rejecting, stopped) = (Arc::clone(&server), Arc::clone(&stop));
            peers.spawn(async move {
                let mut client = rejecting.client(protocol, &format!("rejecting-{number}")).await;
                client.subscribe(ResourceType::Cluster, &[]).await;
                let mut count = 0_u64;
                while !stopped.load(Ordering::Relaxed) {
                    let response = tokio::time::timeout(Duration::from_millis(200), client.response()).await;
                    if response.is_ok() {
                        count += 1;
                        let message = format!("{count} {}", "no ".repeat(3000));
                        client.nack(ResourceType::Cluster, &message).await;
                    }
                }
            });
            let (fickle, stopped) = (Arc::clone(&server), Arc::clone(&stop));
            let reconnects = Arc::clone(&reconnects);
            peers.spawn(async move {
                while !stopped.load(Ordering::Relaxed) {
                    let mut client = fickle.client(protocol, &format!("fickle-{number}")).await;
                    client.subscribe(ResourceType::Cluster, &[]).await;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    reconnects.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    }
    let mut envoy = server.client(XdsProtocol::Delta, "well-behaved").await;
    envoy.subscribe(ResourceType::Cluster, &["a"]).await;
    let mut before = 0;
    for change in 2..CHANGES {
        let response = tokio::time::timeout(IN_TIME, envoy.response()).await.expect("in time");
        assert_eq!(response.resources["a"], change - 1);
        envoy.ack(ResourceType::Cluster).await;
        if change == CHANGES / 4 {
            assert_served(&server).await;
            before = resident_bytes();
        }
        server.source.set(state(change));
    }
    assert_served(&server).await;
    assert_grown_at_most(before, 300 << 20, "misbehaving Envoys");
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = peers.join_next().await {
        ended.expect("no peer panics");
    }
    let reconnects = reconnects.load(Ordering::Relaxed);
    assert!(reconnects >= 2 * EACH as u64, "{reconnects}");
    drop(envoy);
    server.board.wait_until(<[_]>::is_empty).await;
}
