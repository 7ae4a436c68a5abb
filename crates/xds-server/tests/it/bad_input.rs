//! Node ids, metadata and names that are invalid: one gRPC status each.

use envoy_types::pb::envoy::config::core::v3::Node as NodeMessage;
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, Value};
use tonic::Code;
use xds_server::{Limits, ResourceType, XdsProtocol};

use crate::server::{Client, Server, UNKNOWN, node_message, snapshot};

const BOTH: [XdsProtocol; 2] = [XdsProtocol::Sotw, XdsProtocol::Delta];

fn with_metadata(id: &str, bytes: usize) -> NodeMessage {
    let text = Value {
        kind: Some(Kind::StringValue("x".repeat(bytes))),
    };
    NodeMessage {
        metadata: Some(Struct {
            fields: [("key".to_owned(), text)].into(),
        }),
        ..node_message(id)
    }
}

#[tokio::test]
async fn each_invalid_request_has_one_status() {
    let server = Server::start(Limits::default(), None).await;
    server.source.set(snapshot(ResourceType::Cluster, &[("a", 1)]));
    let (long_id, long_name) = ("i".repeat(1025), "n".repeat(2049));
    let node = |id: &str| node_message(id);
    let (invalid, exhausted) = (Code::InvalidArgument, Code::ResourceExhausted);
    let cases: Vec<(NodeMessage, &str, Code, String)> = vec![
        (node(""), "a", invalid, "the node id is empty".to_owned()),
        (
            node("a\nb\u{1b}[31m"),
            "a",
            invalid,
            r#"the node id "a\nb\u{1b}[31m" has a control character"#.to_owned(),
        ),
        (
            node(&long_id),
            "a",
            invalid,
            format!(
                "the node id \"{}\"… (1025 bytes) is too long; at most 1024 bytes are allowed",
                &long_id[..200]
            ),
        ),
        (node(UNKNOWN), "a", invalid, "there is no node `unknown`".to_owned()),
        (
            with_metadata("envoy", 70_000),
            "a",
            exhausted,
            r#"node "envoy" has 70017 bytes of metadata; at most 65536 are allowed"#.to_owned(),
        ),
        (node("envoy"), "", invalid, "a name of cluster is empty".to_owned()),
        (
            node("envoy"),
            "a\tb",
            invalid,
            r#"the name "a\tb" of cluster has a control character"#.to_owned(),
        ),
        (
            node("envoy"),
            &long_name,
            invalid,
            format!(
                "the name \"{}\"… (2049 bytes) of cluster is too long; at most 2048 bytes are allowed",
                &long_name[..200]
            ),
        ),
    ];
    for protocol in BOTH {
        for (node, name, code, message) in &cases {
            let mut client = Client::open(server.channel().await, protocol, node.clone(), None).await;
            client.subscribe(ResourceType::Cluster, &[name]).await;
            let status = client.end().await;
            assert_eq!(
                (status.code(), status.message()),
                (*code, message.as_str()),
                "{protocol:?}"
            );
        }
        // Names that do not exist are no error.
        let mut client = server.client(protocol, "envoy").await;
        client.subscribe(ResourceType::Cluster, &["unknown", "a"]).await;
        assert!(client.response().await.resources.contains_key("a"));
    }
    server.board.wait_until(<[_]>::is_empty).await;
}

#[tokio::test]
async fn several_envoys_may_have_one_id() {
    let server = Server::start(Limits::default(), None).await;
    server.source.set(snapshot(ResourceType::Cluster, &[("a", 1)]));
    let mut clients = Vec::new();
    for protocol in BOTH {
        let mut client = server.client(protocol, "envoy").await;
        client.subscribe(ResourceType::Cluster, &[]).await;
        assert!(client.response().await.resources.contains_key("a"));
        client.ack(ResourceType::Cluster).await;
        clients.push(client);
    }
    server
        .board
        .wait_until(|nodes| nodes.len() == 2 && nodes.iter().all(|node| node.settled))
        .await;
    assert!(server.board.nodes().iter().all(|node| node.id == "envoy"));
}

#[tokio::test]
async fn text_that_is_not_utf_8_has_a_status() {
    let server = Server::start(Limits::default(), None).await;
    // Field 1, the node: field 1, the id: two bytes that are not UTF-8.
    let node = [0x0a, 0x02, 0xff, 0xfe];
    let message = [&[0x0a, u8::try_from(node.len()).expect("small")], node.as_slice()].concat();
    let status = crate::raw::delta_stream(server.channel().await, message).await;
    assert_eq!(status.code(), Code::Internal, "{status}");
    assert!(status.message().contains("not UTF-8"), "{status}");
}
