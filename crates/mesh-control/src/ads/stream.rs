//! One open stream: takes in what Envoy says, notices what has become true, and gives out what is to be said.
//!
//! A stream is a [`futures_util::Stream`] of answers that does its work when polled. It spawns nothing and
//! queues nothing: an Envoy that does not read is not written to, and a dropped stream leaves nothing behind.

use std::sync::Arc;

use futures_util::stream::{self, Stream};
use tokio::sync::watch;
use tonic::{Status, Streaming};

use super::session::Session;
use super::status::{NodeStatus, StatusBoard, StatusEntry};
use super::wire::Request;
use crate::source::{Configured, Source, SourceError};
use crate::{node::Node, snapshot::ResourceType};

/// The answers to the requests on `requests`. Ends when `closing` closes, and with an error if the client cannot
/// be served at all.
pub(super) fn answers<R: Request>(
    requests: Streaming<R>,
    source: Arc<dyn Source>,
    board: &StatusBoard,
    closing: watch::Receiver<()>,
) -> impl Stream<Item = Result<R::Response, Status>> + Send + 'static {
    let stream = OpenStream {
        revisions: source.revisions(),
        closing,
        requests,
        source,
        entry: board.entry(),
        open: None,
    };
    stream::unfold(Some(stream), |stream| async move {
        let mut stream = stream?;
        match stream.next_answer().await {
            Ok(Some(response)) => Some((Ok(response), Some(stream))),
            Ok(None) => None,
            Err(status) => Some((Err(status), None)),
        }
    })
}

struct OpenStream<R> {
    requests: Streaming<R>,
    source: Arc<dyn Source>,
    revisions: watch::Receiver<u64>,
    closing: watch::Receiver<()>,
    entry: StatusEntry,
    open: Option<Open>,
}

/// A stream whose client has said who it is.
struct Open {
    node: Node,
    notes: Vec<String>,
    /// The source's revision that the session is to tell.
    revision: u64,
    session: Session,
}

impl Open {
    fn report(&self) -> NodeStatus {
        let session = &self.session;
        NodeStatus {
            id: self.node.id.clone(),
            task: self.node.task.clone(),
            protocol: session.protocol(),
            revision: self.revision,
            settled: session.is_settled(),
            notes: self.notes.clone(),
            clusters: session.report(ResourceType::Cluster),
            endpoints: session.report(ResourceType::Endpoint),
            listeners: session.report(ResourceType::Listener),
            routes: session.report(ResourceType::Route),
        }
    }
}

impl<R: Request> OpenStream<R> {
    /// The next answer; `None` once the client has closed the stream.
    async fn next_answer(&mut self) -> Result<Option<R::Response>, Status> {
        loop {
            if let Some(open) = &mut self.open {
                let push = open.session.next_push();
                self.entry.write(open.report());
                if let Some(push) = push {
                    tracing::debug!(
                        node = open.node.id,
                        task = open.node.task,
                        kind = %push.kind,
                        nonce = push.nonce,
                        set = push.set.len(),
                        removed = push.removed.len(),
                        "telling"
                    );
                    return Ok(Some(R::response(push)));
                }
            }
            tokio::select! {
                request = self.requests.message() => match request {
                    Ok(Some(request)) => self.on_request(request)?,
                    Ok(None) => return Ok(None),
                    Err(status) => {
                        tracing::debug!(%status, "a stream broke off");
                        return Ok(None);
                    }
                },
                changed = self.revisions.changed() => match changed {
                    Ok(()) => self.on_change(),
                    // The source is gone, and the control plane with it.
                    Err(_) => return Ok(None),
                },
                _closed = self.closing.changed() => return Ok(None),
            }
        }
    }

    fn on_request(&mut self, mut request: R) -> Result<(), Status> {
        if self.open.is_none() {
            let node = request
                .take_node()
                .ok_or_else(|| Status::invalid_argument("the first request on a stream must carry the node"))?;
            self.open = Some(self.open_for(&node)?);
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        let Some(kind) = ResourceType::from_type_url(request.type_url()) else {
            tracing::warn!(
                node = open.node.id,
                type_url = request.type_url(),
                "asked for a type that is not served"
            );
            return Ok(());
        };
        if let Some(refusal) = request.apply(kind, &mut open.session) {
            tracing::warn!(
                node = open.node.id,
                task = open.node.task,
                kind = %kind,
                resources = refusal.resources.join(","),
                "Envoy refused: {}",
                refusal.message
            );
        }
        Ok(())
    }

    fn open_for(&mut self, node: &envoy_types::pb::envoy::config::core::v3::Node) -> Result<Open, Status> {
        let node = crate::node::from_envoy(node).map_err(|error| Status::invalid_argument(error.to_string()))?;
        let revision = *self.revisions.borrow_and_update();
        let Configured { snapshot, notes } = self.source.configure(&node).map_err(|error| {
            tracing::warn!(node = node.id, %error, "refusing a stream");
            match error {
                // The status codes are those of App Mesh's management server: 3 for a resource it does not know.
                SourceError::UnknownNode(_) => Status::invalid_argument(error.to_string()),
                SourceError::Inconsistent { .. } => Status::internal(error.to_string()),
            }
        })?;
        tracing::info!(node = node.id, task = node.task, protocol = ?R::VARIANT, "an Envoy connected");
        Ok(Open {
            node,
            notes,
            revision,
            session: Session::new(R::VARIANT, snapshot),
        })
    }

    fn on_change(&mut self) {
        let revision = *self.revisions.borrow_and_update();
        let Some(open) = &mut self.open else { return };
        open.revision = revision;
        match self.source.configure(&open.node) {
            Ok(Configured { snapshot, notes }) => {
                open.session.set_target(snapshot);
                open.notes = notes;
            }
            // What the Envoy has keeps working; taking it away would turn a mistake into an outage.
            Err(error) => {
                tracing::warn!(node = open.node.id, %error, "keeping the last configuration");
                open.notes = vec![format!("keeping the last configuration: {error}")];
            }
        }
    }
}
