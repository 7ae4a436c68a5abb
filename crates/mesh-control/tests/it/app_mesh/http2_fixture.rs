//! A virtual router to two nodes, and a caller.

use serde_json::Value;

use super::demo_mesh::Demo;
use crate::harness::{Behaviour, CallResponse, Http2Caller, Http2Upstream, MeshNode, Upstream};

/// A router to two nodes, and a caller.
pub(super) struct HttpFixture {
    pub(super) caller: MeshNode,
    _nodes: [Upstream; 2],
    pub(super) demo: Demo,
}

impl HttpFixture {
    pub(super) async fn with(routes: &[(&str, Value)]) -> Self {
        let demo = Demo::with_routes(routes).await;
        let nodes = [
            Upstream::start("blue", Behaviour::Name).await,
            Upstream::start("green", Behaviour::Name).await,
        ];
        demo.set_endpoints("blue", &[nodes[0].address]);
        demo.set_endpoints("green", &[nodes[1].address]);
        Self {
            caller: MeshNode::calling(&demo.mesh, "caller").await,
            _nodes: nodes,
            demo,
        }
    }

    pub(super) async fn get(&self, path: &str) -> String {
        self.caller.get("shop.demo", path).await.body
    }

    pub(super) async fn with_headers(&self, headers: &[(&str, &str)]) -> CallResponse {
        let mut request = self.caller.request(self.caller.egress(), "shop.demo", "/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.caller.response(request).await
    }
}

/// The same, with HTTP/2 or gRPC.
pub(super) struct Http2Fixture {
    pub(super) demo: Demo,
    pub(super) caller: Http2Caller,
    pub(super) blue: Http2Upstream,
    _green: Http2Upstream,
    /// The virtual node of the caller.
    pub(super) client: MeshNode,
}

impl Http2Fixture {
    pub(super) async fn with_protocol(protocol: &str, routes: &[(&str, Value)]) -> Self {
        let demo = Demo::with_protocol(protocol, routes).await;
        let blue = Http2Upstream::start("blue").await;
        let green = Http2Upstream::start("green").await;
        demo.set_endpoints("blue", &[blue.address]);
        demo.set_endpoints("green", &[green.address]);
        let client = MeshNode::calling(&demo.mesh, "caller").await;
        Self {
            caller: Http2Caller::of("shop.demo", client.egress()).await,
            demo,
            blue,
            _green: green,
            client,
        }
    }
}
