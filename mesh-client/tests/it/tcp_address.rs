//! TCP services: where they are connected to, in each wiring, by connecting there.

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

/// A database that says its name to whoever connects.
fn database(listener: TcpListener, name: &'static str) -> JoinSet<()> {
    let mut server = JoinSet::new();
    server.spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.expect("somebody connects");
            connection.write_all(name.as_bytes()).await.expect("it is read");
        }
    });
    server
}

async fn name_at(address: SocketAddr) -> String {
    let mut name = String::new();
    let mut connection = with_timeout(TcpStream::connect(address))
        .await
        .expect("somebody listens");
    with_timeout(connection.read_to_string(&mut name))
        .await
        .expect("it says its name");
    name
}

#[tokio::test]
async fn each_service_has_a_listener_of_the_sidecar_in_explicit_wiring() {
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
    let sentence = error.to_string();
    assert!(sentence.contains("db.appmesh:5433"), "{sentence}");
    assert!(sentence.contains("there are those for db.appmesh:5432"), "{sentence}");
    let without = builder.clone().build().unwrap();
    let sentence = without.tcp_address(DB, 5432).await.unwrap_err().to_string();
    assert!(sentence.contains("MESHWRIGHT_TCP_EGRESS would name one"), "{sentence}");

    let mistakes = builder.tcp_egress("d b", 5432, "127.0.0.1:0".parse().unwrap());
    let error = mistakes.build().unwrap_err().to_string();
    assert!(error.contains("allowed is a port from 1 to 65535"), "{error}");
    assert!(error.contains("tcp_egress: the name `d b` holds ` `"), "{error}");
}

#[tokio::test]
async fn elsewhere_it_is_one_address_of_the_name_after_the_other() {
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
async fn no_placeholder_stands_for_a_tcp_service() {
    let dns = DnsServer::start().await;
    let (_folder, path) = hosts("127.255.0.1 db.appmesh\n");
    let intercepted = builder(&[&dns]).hosts_file(&path).transparent_proxy().build().unwrap();
    let found = intercepted.tcp_address(DB, 5432).await.unwrap();
    assert_eq!(found, "127.255.0.1:5432".parse().unwrap());
    let error = intercepted.tcp_address("other.appmesh", 5432).await.unwrap_err();
    assert!(
        error.to_string().contains("placeholder, which is for HTTP alone"),
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
