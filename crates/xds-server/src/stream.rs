//! One open stream: reads requests, follows the source, and gives out responses.
//!
//! A stream is a [`futures_util::Stream`] of responses that does its work when polled. It spawns no task
//! and has no queue: nothing is written to an Envoy that does not read, and dropping the stream ends its work.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures_util::stream::{self, Stream};
use tokio::sync::watch;
use tonic::{Status, Streaming};

use crate::node::Node;
use crate::proto::Request;
use crate::rejections::Rejections;
use crate::session::Session;
use crate::snapshot::ResourceType;
use crate::source::{Configured, Source, SourceError};
use crate::status::{NodeStatus, StatusBoard, StatusEntry};

/// The responses to `requests`. Ends when `closing` closes, and with an error if the source cannot configure the client.
pub(crate) fn responses<R: Request>(
    requests: Streaming<R>,
    source: Arc<dyn Source>,
    board: &StatusBoard,
    rejections: Arc<Mutex<Rejections>>,
    closing: watch::Receiver<()>,
) -> impl Stream<Item = Result<R::Response, Status>> + Send + 'static {
    let stream = OpenStream {
        revisions: source.revisions(),
        closing,
        requests,
        source,
        rejections,
        entry: board.entry(),
        open: None,
    };
    stream::unfold(Some(stream), |stream| async move {
        let mut stream = stream?;
        match stream.next_response().await {
            Ok(Some(response)) => Some((Ok(response), Some(stream))),
            Ok(None) => None,
            Err(status) => Some((Err(status), None)),
        }
    })
}

struct OpenStream<R> {
    requests: Streaming<R>,
    source: Arc<dyn Source>,
    rejections: Arc<Mutex<Rejections>>,
    revisions: watch::Receiver<u64>,
    closing: watch::Receiver<()>,
    entry: StatusEntry,
    open: Option<Open>,
}

/// A stream whose client has sent its node.
struct Open {
    node: Node,
    task: Option<String>,
    zone: Option<String>,
    notes: Vec<String>,
    /// The source's revision of the session's target.
    revision: u64,
    session: Session,
}

impl Open {
    fn report(&self) -> NodeStatus {
        let session = &self.session;
        NodeStatus {
            id: self.node.id.clone(),
            task: self.task.clone(),
            zone: self.zone.clone(),
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
    /// The next response; `None` once the client has closed the stream.
    async fn next_response(&mut self) -> Result<Option<R::Response>, Status> {
        loop {
            if let Some(open) = &mut self.open {
                let push = open.session.next_push();
                self.entry.write(open.report());
                if let Some(push) = push {
                    tracing::debug!(
                        node = open.node.id,
                        task = open.task,
                        kind = %push.kind,
                        nonce = push.nonce,
                        set = push.set.len(),
                        removed = push.removed.len(),
                        "push"
                    );
                    return Ok(Some(R::response(push)));
                }
            }
            tokio::select! {
                request = self.requests.message() => match request {
                    Ok(Some(request)) => self.on_request(request)?,
                    Ok(None) => return Ok(None),
                    Err(status) => {
                        tracing::debug!(status = status.to_string(), "stream failed");
                        return Ok(None);
                    }
                },
                changed = self.revisions.changed() => match changed {
                    Ok(()) => self.on_change(),
                    // The source has ended.
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
                "request for a resource type that is not served"
            );
            return Ok(());
        };
        if let Some(nack) = request.apply(kind, &mut open.session) {
            tracing::warn!(
                node = open.node.id,
                task = open.task,
                kind = %kind,
                resources = nack.resources.join(","),
                // Quoted: what an Envoy says must not look like a line of this log.
                "NACK: {:?}",
                nack.message
            );
        }
        Ok(())
    }

    fn open_for(&mut self, node: &envoy_types::pb::envoy::config::core::v3::Node) -> Result<Open, Status> {
        let node = Node::from_proto(node);
        if node.id.is_empty() {
            return Err(Status::invalid_argument("the node id is empty"));
        }
        let revision = *self.revisions.borrow_and_update();
        let configured = self.source.configure(&node).map_err(|error| {
            self.log_rejection(&node, &error);
            match error {
                // The status codes are those of App Mesh's management server: 3 for a resource it does not know.
                SourceError::UnknownNode(_) => Status::invalid_argument(error.to_string()),
                SourceError::Inconsistent { .. } => Status::internal(error.to_string()),
            }
        })?;
        let Configured {
            snapshot,
            notes,
            task,
            zone,
        } = configured;
        tracing::info!(node = node.id, task, zone, protocol = ?R::PROTOCOL, "Envoy connected");
        Ok(Open {
            node,
            task,
            zone,
            notes,
            revision,
            session: Session::new(R::PROTOCOL, snapshot),
        })
    }

    fn log_rejection(&self, node: &Node, error: &SourceError) {
        let error = error.to_string();
        let mut rejections = self.rejections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(suppressed) = rejections.record(&node.id, &error, Instant::now()) {
            tracing::warn!(node = node.id, error, suppressed, "stream rejected");
        }
    }

    fn on_change(&mut self) {
        let revision = *self.revisions.borrow_and_update();
        let Some(open) = &mut self.open else { return };
        open.revision = revision;
        match self.source.configure(&open.node) {
            Ok(Configured {
                snapshot,
                notes,
                task,
                zone,
            }) => {
                open.task = task;
                open.zone = zone;
                open.session.set_target(snapshot);
                open.notes = notes;
            }
            // The Envoy keeps its last configuration: removing it would turn an error into an outage.
            Err(error) => {
                let notes = vec![format!("keeping the last configuration: {error}")];
                // Once, not at each further change of the source.
                if open.notes != notes {
                    tracing::warn!(
                        node = open.node.id,
                        error = error.to_string(),
                        "keeping the last configuration"
                    );
                }
                open.notes = notes;
            }
        }
    }
}
