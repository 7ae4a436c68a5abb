//! Addresses of TCP services in each traffic mode.

use std::net::SocketAddr;
use std::time::Duration;

use mesh_client::Client;
use sidecar_contract::MeshSuffixes;
use testkit::{DnsServer, closed_port, with_timeout};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::task_servers::{builder, hosts, listeners, loopback};

const DB: &str = "db.appmesh";

/// A server that sends its name on each connection.
fn database(listener: TcpListener, name: &'static str) -> JoinSet<()> {
    let mut server = JoinSet::new();
    server.spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.expect("a connection arrives");
            connection.write_all(name.as_bytes()).await.expect("the name is sent");
        }
    });
    server
}

async fn name_at(address: SocketAddr) -> String {
    let mut name = String::new();
    let mut connection = with_timeout(TcpStream::connect(address)).await.expect("a connection");
    with_timeout(connection.read_to_string(&mut name))
        .await
        .expect("the name arrives");
    name
}

#[tokio::test]
async fn explicit_proxy_has_a_listener_for_each_service() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let _database = database(listener, "db");
    let closed = closed_port();
    let builder = Client::builder()
        .egress(closed)
        .suffixes(MeshSuffixes::from_list("appmesh"));
    let mesh = builder.clone().tcp_egress(DB, 5432, address).build().unwrap();
    let found = mesh.tcp_address("DB.appmesh.", 5432).await.unwrap();
    assert_eq!(name_at(found).await, "db");

    let error = mesh.tcp_address(DB, 5433).await.unwrap_err();
    assert!(error.is_builder(), "{error:?}");
    let message = error.to_string();
    assert!(message.contains("db.appmesh:5433"), "{message}");
    assert!(message.contains("it has listeners for db.appmesh:5432"), "{message}");
    let without = builder.clone().build().unwrap();
    let message = without.tcp_address(DB, 5432).await.unwrap_err().to_string();
    assert!(message.contains("set MESHWRIGHT_TCP_EGRESS"), "{message}");

    let invalid = builder.tcp_egress("d b", 5432, "127.0.0.1:0".parse().unwrap());
    let error = invalid.build().unwrap_err().to_string();
    assert!(error.contains("allowed is a port from 1 to 65535"), "{error}");
    assert!(error.contains("tcp_egress: the name `d b` contains ` `"), "{error}");
}

#[tokio::test]
async fn without_a_listener_the_addresses_of_the_name_are_used_round_robin() {
    let dns = DnsServer::start().await;
    let listeners = listeners(&[loopback(2), loopback(3)]);
    let port = listeners[0].local_addr().unwrap().port();
    let _databases: Vec<_> = listeners
        .into_iter()
        .zip(["first", "second"])
        .map(|(listener, name)| database(listener, name))
        .collect();
    dns.set(DB, [loopback(2), loopback(3)]);
    let mesh = builder(&[&dns]).no_proxy().build().unwrap();
    let mut names = Vec::new();
    for _ in 0..2 {
        names.push(name_at(mesh.tcp_address(DB, port).await.unwrap()).await);
    }
    names.sort();
    assert_eq!(names, ["first", "second"]);
}

#[tokio::test]
async fn tcp_services_have_no_synthetic_vip() {
    let dns = DnsServer::start().await;
    let (_folder, path) = hosts("127.255.0.1 db.appmesh\n");
    let transparent = builder(&[&dns]).hosts_file(&path).transparent_proxy().build().unwrap();
    let found = transparent.tcp_address(DB, 5432).await.unwrap();
    assert_eq!(found, "127.255.0.1:5432".parse().unwrap());
    let error = transparent.tcp_address("other.appmesh", 5432).await.unwrap_err();
    assert!(
        error.to_string().contains("the synthetic VIP is for HTTP only"),
        "{error}"
    );

    let direct = builder(&[&dns])
        .no_proxy()
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap();
    let error = direct.tcp_address("other.appmesh", 5432).await.unwrap_err();
    assert!(error.to_string().contains("other.appmesh:5432"), "{error}");
    let error = direct.tcp_address("d b", 5432).await.unwrap_err();
    assert!(error.is_builder(), "{error:?}");
}
