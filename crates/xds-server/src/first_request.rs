//! Checks of what a client sends before it costs anything: its node, and the names of each request.

use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::Node as NodeMessage;
use tonic::{Status, Streaming};

use crate::limits::Limits;
use crate::proto::Request;
use crate::quote::quoted;
use crate::snapshot::ResourceType;

/// Size of the first request of a client that is not authenticated, in bytes. It is read for its node id only. Envoy's has
/// the names of its extensions: 44 kB with version 1.40.
pub(crate) const UNAUTHENTICATED_BYTES: usize = 256 << 10;

/// Time in which that request must come.
const UNAUTHENTICATED_TIMEOUT: Duration = Duration::from_secs(1);

/// The node id that a client without authentication claims, for messages.
pub(crate) async fn claimed_node<R: Request>(requests: &mut Streaming<R>, limits: &Limits) -> Option<String> {
    let first = tokio::time::timeout(UNAUTHENTICATED_TIMEOUT, requests.message()).await;
    let mut first = first.ok()?.ok()??;
    let node = first.take_node().filter(|node| check_node(node, limits).is_ok())?;
    Some(node.id)
}

/// Checks the node of a first request. Its id has no control characters, so that it can be part of any message.
pub(crate) fn check_node(node: &NodeMessage, limits: &Limits) -> Result<(), Status> {
    let id = node.id.as_str();
    if id.is_empty() {
        return Err(Status::invalid_argument("the node id is empty"));
    }
    let problem = problem_of(id, limits.node_id_bytes);
    if let Some(problem) = problem {
        return Err(Status::invalid_argument(format!(
            "the node id {} {problem}",
            quoted(id)
        )));
    }
    let zone = node.locality.as_ref().map_or(0, |locality| locality.zone.len());
    let size = node.metadata.as_ref().map_or(0, prost::Message::encoded_len) + zone;
    let maximum = limits.metadata_bytes;
    if size > maximum {
        return Err(Status::resource_exhausted(format!(
            "node {} has {size} bytes of metadata; at most {maximum} are allowed",
            quoted(id)
        )));
    }
    Ok(())
}

/// Checks the names of a request. Those of resources are neither empty nor longer than the limit, and have no control
/// characters.
pub(crate) fn check_names<R: Request>(request: &R, kind: ResourceType, limits: &Limits) -> Result<(), Status> {
    for name in request.each_name() {
        if name.is_empty() {
            return Err(Status::invalid_argument(format!("a name of {kind} is empty")));
        }
        if let Some(problem) = problem_of(name, limits.name_bytes) {
            return Err(Status::invalid_argument(format!(
                "the name {} of {kind} {problem}",
                quoted(name)
            )));
        }
    }
    Ok(())
}

fn problem_of(text: &str, maximum: usize) -> Option<String> {
    if text.len() > maximum {
        return Some(format!("is too long; at most {maximum} bytes are allowed"));
    }
    text.contains(char::is_control)
        .then(|| "has a control character".to_owned())
}
