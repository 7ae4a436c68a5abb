//! Node ids and node metadata of App Mesh's agent, and what is read from them.
//!
//! The documents follow `envoy_bootstrap.go` of the agent (aws/amazon-ecs-service-connect-agent, read 2026-11-30): on
//! Fargate, on EC2, in Kubernetes, and with `APPNET_LISTENER_PORT_MAPPING`.

use envoy_bootstrap::{Identity, NodeMetadata, availability_zone, task_name};
use serde_json::{Value, json};

#[test]
fn nodes_of_the_agent_are_read() {
    for (name, document) in [
        ("ecs-fargate", include_str!("agent/ecs-fargate.json")),
        ("ecs-ec2-gateway", include_str!("agent/ecs-ec2-gateway.json")),
        ("kubernetes", include_str!("agent/kubernetes.json")),
        ("listener-ports", include_str!("agent/listener-ports.json")),
    ] {
        let document: Value = serde_json::from_str(document).expect("JSON");
        let id = document["id"].as_str().expect("a node id");
        let metadata = document["metadata"].as_object().expect("node metadata");
        let Ok(Identity::MeshNode(path)) = Identity::parse(id) else {
            panic!("{name}: {id} names a node of a mesh");
        };
        let read = NodeMetadata::parse_mesh_node(id, metadata).expect("valid metadata");
        let found = json!({
            "identity": path.to_string(),
            "listenerPorts": read.listener_ports,
            "isTransparentProxy": read.extension.is_transparent_proxy,
            "task": task_name(metadata),
            "zone": availability_zone(metadata),
        });
        assert_eq!(found, document["expected"], "{name}");
    }
}
