//! A virtual router to two nodes, and a caller.

use serde_json::Value;

use super::demo_mesh::Demo;
use crate::harness::{Answer, Http2Caller, Http2Upstream, Manner, MeshNode, Upstream};

/// A router to two nodes, and a caller.
pub(super) struct Shop {
    pub(super) caller: MeshNode,
    _nodes: [Upstream; 2],
    pub(super) demo: Demo,
}

impl Shop {
    pub(super) async fn with(routes: &[(&str, Value)]) -> Self {
        let demo = Demo::with_routes(routes).await;
        let nodes = [
            Upstream::start("blue", Manner::Name).await,
            Upstream::start("green", Manner::Name).await,
        ];
        demo.serve("blue", &[nodes[0].address]);
        demo.serve("green", &[nodes[1].address]);
        Self {
            caller: MeshNode::calling(&demo.mesh, "caller").await,
            _nodes: nodes,
            demo,
        }
    }

    pub(super) async fn get(&self, path: &str) -> String {
        self.caller.get("shop.demo", path).await.body
    }

    pub(super) async fn with_headers(&self, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.caller.request(self.caller.egress(), "shop.demo", "/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.caller.answer(request).await
    }
}

/// The same, with HTTP/2 or gRPC.
pub(super) struct Http2Shop {
    pub(super) demo: Demo,
    pub(super) caller: Http2Caller,
    pub(super) blue: Http2Upstream,
    _green: Http2Upstream,
    /// The virtual node of the caller.
    pub(super) member: MeshNode,
}

impl Http2Shop {
    pub(super) async fn speaking(protocol: &str, routes: &[(&str, Value)]) -> Self {
        let demo = Demo::speaking(protocol, routes).await;
        let blue = Http2Upstream::start("blue").await;
        let green = Http2Upstream::start("green").await;
        demo.serve("blue", &[blue.address]);
        demo.serve("green", &[green.address]);
        let member = MeshNode::calling(&demo.mesh, "caller").await;
        Self {
            caller: Http2Caller::of("shop.demo", member.egress()).await,
            demo,
            blue,
            _green: green,
            member,
        }
    }
}
