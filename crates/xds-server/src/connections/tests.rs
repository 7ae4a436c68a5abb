use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::*;

fn connections(change: impl FnOnce(&mut Limits)) -> Connections {
    let mut limits = Limits::default();
    change(&mut limits);
    Connections::new(limits)
}

fn address(last: u8) -> Option<IpAddr> {
    Some(Ipv4Addr::new(192, 0, 2, last).into())
}

fn accept(connections: &Connections, last: u8) -> Option<(Connection<DuplexStream>, DuplexStream)> {
    let (server, client) = duplex(64);
    Some((connections.accept(server, address(last), Arc::default())?, client))
}

/// Whether the connection has ended, without waiting.
async fn has_ended(connection: &mut Connection<DuplexStream>) -> bool {
    let mut byte = [0];
    match tokio::time::timeout(Duration::ZERO, connection.read(&mut byte)).await {
        Ok(read) => read.expect("no error") == 0,
        Err(_) => false,
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_stream_ends() {
    let connections = connections(|limits| limits.idle_connection = Duration::from_secs(20));
    let (mut connection, mut client) = accept(&connections, 1).expect("accepted");
    tokio::time::advance(Duration::from_secs(15)).await;
    let stream = connection.connect_info().open_stream();
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(!has_ended(&mut connection).await, "it has a stream");
    drop(stream);
    tokio::time::advance(Duration::from_secs(19)).await;
    assert!(!has_ended(&mut connection).await, "not yet");
    // Bytes alone keep it no longer.
    client.write_all(b"x").await.expect("there is room");
    assert_eq!(connection.read_u8().await.expect("the byte"), b'x');
    let before = Instant::now();
    assert_eq!(connection.read(&mut [0]).await.expect("the end"), 0);
    assert!(before.elapsed() <= Duration::from_secs(2), "{:?}", before.elapsed());
    drop((connection, client));
    assert!(connections.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_longest_idle_connection_makes_room() {
    let connections = connections(|limits| limits.connections = 2);
    let (mut first, _first) = accept(&connections, 1).expect("accepted");
    let (mut second, _second) = accept(&connections, 2).expect("accepted");
    let _stream = first.connect_info().open_stream();
    let (mut third, _third) = accept(&connections, 3).expect("accepted");
    assert!(has_ended(&mut second).await, "it had no stream");
    assert!(!has_ended(&mut first).await && !has_ended(&mut third).await);
    drop(second);
    let _another = third.connect_info().open_stream();
    assert!(accept(&connections, 4).is_none(), "both have streams");
    drop(third);
    assert_eq!(connections.len(), 2, "the stream still uses the connection");
    drop(_another);
    assert_eq!(connections.len(), 1);
    accept(&connections, 4).expect("accepted");
}

#[tokio::test(start_paused = true)]
async fn connections_of_an_address_are_limited() {
    let connections = connections(|limits| limits.connections_per_address = 1);
    let first = accept(&connections, 1).expect("accepted");
    assert!(accept(&connections, 1).is_none());
    accept(&connections, 2).expect("another address");
    drop(first);
    accept(&connections, 1).expect("there is room again");
    for _ in 0..3 {
        let (server, client) = duplex(64);
        let loopback = Some(Ipv4Addr::LOCALHOST.into());
        let accepted = connections.accept(server, loopback, Arc::default());
        accepted.expect("loopback is exempt");
        drop(client);
    }
}
