//! HTTP servers on ports that the operating system chooses, and clients of them.

use std::net::SocketAddr;

use axum::Router;
use http::StatusCode;
use mesh_client::Client;
use sidecar_contract::MeshSuffixes;
use testkit::with_timeout;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Serves `app`, and returns its address. The server stops with the set.
pub(crate) async fn serve(app: Router) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("the listener has an address");
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, app).await.expect("the server runs") });
    (address, server)
}

/// Status and body of the response to a `GET`.
pub(crate) async fn fetch(address: SocketAddr, path: &str) -> (StatusCode, String) {
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
    let call = client.build().expect("a client").get(format!("http://{address}{path}"));
    let response = with_timeout(call.send()).await.expect("a response");
    (
        response.status(),
        with_timeout(response.text()).await.expect("the body arrives"),
    )
}

/// A client in explicit-proxy mode with the egress listener `egress`.
pub(crate) fn client(egress: SocketAddr) -> Client {
    Client::builder()
        .egress(egress)
        .suffixes(MeshSuffixes::from_list("appmesh,serviceconnect"))
        .build()
        .expect("the configuration is complete")
}
