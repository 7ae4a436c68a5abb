//! HTTP/2, gRPC and TCP through both sidecars.

use mesh_control::XdsProtocol;
use mesh_control::node::tcp_egress_listener;
use mesh_model::service_connect::AppProtocol;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;

use crate::harness::{
    Http2Caller, Http2Upstream, Mesh, ReservedPort, Task, TcpUpstream, endpoint, in_both_protocols, marked, rejection,
};

in_both_protocols!(
    http2_applications_are_called,
    grpc_passes_with_its_errors,
    grpc_callers_get_local_replies,
    tcp_passes,
    tcp_endpoints_without_a_port_are_noted,
);

async fn http2_applications_are_called(protocol: XdsProtocol) {
    let blue_endpoint = endpoint("blue", AppProtocol::Http2);
    let mesh = Mesh::start(protocol, std::slice::from_ref(&blue_endpoint)).await;
    let application = Http2Upstream::start("blue").await;
    let blue = Task::with_application(&mesh, &blue_endpoint, application.address).await;
    mesh.set_endpoints("blue", &[blue.ingress(&blue_endpoint)]);
    let green = Task::start(&mesh, "green").await;
    // The caller speaks HTTP/1.1; the application would not understand that.
    let response = green.get("blue.serviceconnect").await;
    let expected = "blue HTTP/2.0 http://blue.serviceconnect/";
    assert_eq!(
        (response.status, response.body.as_str()),
        (200, expected),
        "{response:?}"
    );
}

async fn grpc_passes_with_its_errors(protocol: XdsProtocol) {
    let mut blue_endpoint = endpoint("blue", AppProtocol::Grpc);
    blue_endpoint.port = 50051;
    let mesh = Mesh::start(protocol, std::slice::from_ref(&blue_endpoint)).await;
    let application = Http2Upstream::start("blue").await;
    let blue = Task::with_application(&mesh, &blue_endpoint, application.address).await;
    mesh.set_endpoints("blue", &[blue.ingress(&blue_endpoint)]);
    let green = Task::start(&mesh, "green").await;

    let client = Http2Caller::of("blue.serviceconnect:50051", green.egress()).await;
    let response = client.call("/shop.Cart/Add", "", &[]).await;
    assert_eq!(response.expect("a response"), "blue");
    let rejected = rejection(Code::ResourceExhausted);
    let error = client
        .call("/shop.Cart/Add", &rejected, &[])
        .await
        .expect_err("an error");
    assert_eq!(error.message(), "refused by blue");
    assert_eq!(
        marked(&error),
        (Code::ResourceExhausted, None),
        "the error is the application's"
    );
}

async fn grpc_callers_get_local_replies(protocol: XdsProtocol) {
    let blue_endpoint = endpoint("blue", AppProtocol::Grpc);
    let mesh = Mesh::start(protocol, std::slice::from_ref(&blue_endpoint)).await;
    let closed_port = ReservedPort::pick();
    mesh.set_endpoints("blue", &[closed_port.address()]);
    let green = Task::start(&mesh, "green").await;
    for (host, code, fault) in [
        ("red.serviceconnect", Code::Unimplemented, "unknown-service"),
        ("blue.serviceconnect", Code::Unavailable, "unreachable"),
    ] {
        let client = Http2Caller::of(host, green.egress()).await;
        let error = client.call("/shop.Cart/Add", "", &[]).await.expect_err("an error");
        assert_eq!(marked(&error), (code, Some(fault)), "{error}");
    }
}

async fn tcp_passes(protocol: XdsProtocol) {
    let db = endpoint("db", AppProtocol::Tcp);
    let mesh = Mesh::start(protocol, std::slice::from_ref(&db)).await;
    let application = TcpUpstream::start("database").await;
    let server = Task::with_application(&mesh, &db, application.address).await;
    mesh.set_endpoints("db", &[server.ingress(&db)]);
    let green = Task::with_listeners(&mesh, "green", &[], &[&db]).await;

    let listener = green.listener(&tcp_egress_listener("db.serviceconnect", 9000));
    let mut connection = TcpStream::connect(listener).await.expect("the egress listener");
    // The server speaks first, as databases do.
    let mut greeting = [0; 8];
    connection.read_exact(&mut greeting).await.expect("a greeting");
    assert_eq!(&greeting, b"database");
    let mut echo = [0; 5];
    connection.write_all(b"\0\xff\r\n.").await.expect("sent");
    connection.read_exact(&mut echo).await.expect("an echo");
    assert_eq!(&echo, b"\0\xff\r\n.");
}

async fn tcp_endpoints_without_a_port_are_noted(protocol: XdsProtocol) {
    let mesh = Mesh::start(protocol, &[endpoint("db", AppProtocol::Tcp)]).await;
    let _green = Task::start(&mesh, "green").await;
    let node = mesh.node("green", |node| node.settled).await;
    assert_eq!(
        node.notes,
        [
            "TCP endpoint db.serviceconnect:9000 cannot be called: the node metadata have no port for \
          `egress-db.serviceconnect-9000`"
        ]
    );
}
