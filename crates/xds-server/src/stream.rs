//! One open stream: reads requests, follows the source, and gives out responses.
//!
//! A stream is a [`futures_util::Stream`] of HTTP frames that does its work when polled. It spawns no task, and what it
//! keeps for an Envoy that does not read is one response for each type, as bytes that it shares with other streams.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http::HeaderMap;
use http_body::Frame;
use tokio::sync::watch;
use tonic::{Status, Streaming};

use crate::encode::{Blocks, Segments};
use crate::limits::{Counted, Limits, OpenStreams};
use crate::metrics::Metrics;
use crate::node::Node;
use crate::proto::Request;
use crate::rejections::Rejections;
use crate::session::Session;
use crate::snapshot::ResourceType;
use crate::source::{Configured, Source, SourceError, View};
use crate::status::{Progress, StatusBoard, StatusEntry, StreamStatus};

/// What all streams of a service share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) source: Arc<dyn Source>,
    pub(crate) board: StatusBoard,
    pub(crate) rejections: Arc<Mutex<Rejections>>,
    pub(crate) blocks: Arc<Blocks>,
    pub(crate) limits: Limits,
    pub(crate) open: OpenStreams,
    pub(crate) metrics: Metrics,
}

/// The body of the response to `requests`: responses, and the status as trailers. Ends when `closing` closes, and with an
/// error if the source cannot configure the client or a limit is exceeded.
pub(crate) fn frames<R: Request>(
    requests: Streaming<R>,
    address: Option<IpAddr>,
    shared: Shared,
    closing: watch::Receiver<()>,
) -> impl Stream<Item = Result<Frame<Bytes>, Status>> + Send + 'static {
    let revisions = shared.source.revisions();
    let stream = OpenStream {
        changes: revisions.clone(),
        revisions,
        closing,
        requests,
        address,
        entry: shared.board.entry(),
        shared,
        open: None,
        unsent: Segments::new(),
    };
    stream::unfold(Some(stream), |stream| async move {
        let mut stream = stream?;
        match stream.next_segment().await {
            Ok(Some(segment)) => Some((Ok(Frame::data(segment)), Some(stream))),
            Ok(None) => Some((trailers(&Status::ok("")), None)),
            Err(status) => Some((trailers(&status), None)),
        }
    })
}

/// The end of a stream.
fn trailers(status: &Status) -> Result<Frame<Bytes>, Status> {
    let mut trailers = HeaderMap::new();
    status.add_header(&mut trailers)?;
    Ok(Frame::trailers(trailers))
}

struct OpenStream<R> {
    requests: Streaming<R>,
    address: Option<IpAddr>,
    shared: Shared,
    /// The source's revisions.
    revisions: watch::Receiver<u64>,
    /// Those that concern the client.
    changes: watch::Receiver<u64>,
    closing: watch::Receiver<()>,
    entry: StatusEntry,
    open: Option<Open>,
    /// The rest of the responses so far.
    unsent: Segments,
}

/// A stream whose client has sent its node.
struct Open {
    node: Node,
    task: Option<String>,
    zone: Option<String>,
    notes: Vec<String>,
    /// Whether the board has task, zone and notes as they are.
    is_described: bool,
    view: Option<Box<dyn View>>,
    /// The latest change that the session knows.
    followed: u64,
    session: Session,
    /// The first change that the client has not ACKed or NACKed as a whole.
    changed: Option<Instant>,
    _counted: (Counted<Arc<str>>, Option<Counted<IpAddr>>),
}

impl Open {
    fn configure(&self, source: &dyn Source) -> Result<Configured, SourceError> {
        match &self.view {
            Some(view) => view.configure(),
            None => source.configure(&self.node),
        }
    }

    fn report(&mut self, status: &mut StreamStatus) {
        status.progress.followed = self.followed;
        if !std::mem::replace(&mut self.is_described, true) {
            status.task = self.task.as_deref().map(Arc::from);
            status.zone = self.zone.as_deref().map(Arc::from);
            status.notes = self.notes.as_slice().into();
        }
        status.settled = self.session.is_settled();
        for (report, kind) in status.types.iter_mut().zip(ResourceType::IN_ORDER.iter().copied()) {
            *report = self.session.report(kind);
        }
    }
}

impl<R: Request> OpenStream<R> {
    /// The next part of a response; `None` once the client has closed the stream.
    async fn next_segment(&mut self) -> Result<Option<Bytes>, Status> {
        let deadline = tokio::time::Instant::now() + self.shared.limits.first_request;
        loop {
            if let Some(segment) = self.unsent.pop_front() {
                return Ok(Some(segment));
            }
            tokio::select! {
                request = self.requests.message() => match request {
                    Ok(Some(request)) => {
                        let outcome = self.on_request(request);
                        outcome.inspect_err(|_| self.shared.metrics.count_rejected_stream())?;
                    }
                    Ok(None) => return Ok(None),
                    // A request that is too large, for one.
                    Err(status) => {
                        tracing::debug!(status = status.to_string(), "stream failed");
                        return Err(status);
                    }
                },
                changed = self.changes.changed() => match changed {
                    Ok(()) => self.on_change(),
                    // The source has ended.
                    Err(_) => return Ok(None),
                },
                _closed = self.closing.changed() => return Ok(None),
                () = tokio::time::sleep_until(deadline), if self.open.is_none() => {
                    self.shared.metrics.count_rejected_stream();
                    let limit = self.shared.limits.first_request;
                    return Err(Status::deadline_exceeded(format!("no request came within {limit:?}")));
                }
            }
            self.push();
        }
    }

    /// Encodes all responses that may be sent now.
    fn push(&mut self) {
        let Some(open) = &mut self.open else { return };
        while let Some(push) = open.session.next_push() {
            tracing::debug!(
                node = open.node.id,
                task = open.task,
                kind = %push.kind,
                nonce = push.nonce,
                set = push.set.len(),
                removed = push.removed.len(),
                "push"
            );
            let response = R::response(&push, &self.shared.blocks);
            let (resources, bytes) = (
                push.set.len() + push.removed.len(),
                response.iter().map(Bytes::len).sum(),
            );
            self.shared.metrics.count_push(push.kind, resources, bytes);
            self.unsent.extend(response);
        }
        if open.session.is_settled()
            && let Some(changed) = open.changed.take()
        {
            self.shared.metrics.record_settled(changed.elapsed());
        }
        self.entry.update(|status| open.report(status));
    }

    fn on_request(&mut self, mut request: R) -> Result<(), Status> {
        if self.open.is_none() {
            let node = request
                .take_node()
                .ok_or_else(|| Status::invalid_argument("the first request on a stream must carry the node"))?;
            self.open = Some(self.open_for(Node::from_proto(&node))?);
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        let Some(kind) = ResourceType::from_type_url(request.type_url()) else {
            let type_url = request.type_url();
            if let Some(suppressed) = may_log(&self.shared.rejections, &open.node, type_url) {
                tracing::warn!(
                    node = open.node.id,
                    type_url,
                    suppressed,
                    "request for a resource type that is not served"
                );
            }
            return Ok(());
        };
        if let Some(is_nack) = request.is_nack() {
            self.shared.metrics.count_answer(kind, is_nack);
        }
        let added = request.names();
        let names = added + open.session.names(kind);
        let maximum = 2 * open.session.target_len(kind) + self.shared.limits.unknown_names;
        if added > 0 && names > maximum {
            let error = format!("subscribes to {names} {kind} names; at most {maximum} are allowed");
            log_rejection(&self.shared.rejections, &open.node, &error);
            return Err(Status::resource_exhausted(error));
        }
        if let Some(nack) = request.apply(kind, &mut open.session)
            && let Some(suppressed) = may_log(&self.shared.rejections, &open.node, &format!("{kind} {nack:?}"))
        {
            tracing::warn!(
                node = open.node.id,
                task = open.task,
                kind = %kind,
                resources = nack.resources.join(","),
                suppressed,
                // Quoted: what an Envoy says must not look like a line of this log.
                "NACK: {:?}",
                nack.message
            );
        }
        Ok(())
    }

    fn open_for(&mut self, node: Node) -> Result<Open, Status> {
        if node.id.is_empty() {
            return Err(Status::invalid_argument("the node id is empty"));
        }
        let Shared {
            source,
            rejections,
            limits,
            open,
            ..
        } = &self.shared;
        let id = Arc::from(node.id.as_str());
        let counted = open
            .of_node(&id, limits)
            .and_then(|counted| Ok((counted, open.of_address(self.address, limits)?)))
            .inspect_err(|status| log_rejection(rejections, &node, status.message()))?;
        let rejected = |error: SourceError| {
            log_rejection(rejections, &node, &error.to_string());
            match error {
                // The status codes are those of App Mesh's management server: 3 for a resource it does not know.
                SourceError::UnknownNode(_) => Status::invalid_argument(error.to_string()),
                SourceError::Inconsistent { .. } => Status::internal(error.to_string()),
            }
        };
        let view = source.view(&node);
        if let Some(view) = &view {
            self.changes = view.changes();
        }
        let followed = *self.changes.borrow_and_update();
        let configured = match &view {
            Some(view) => view.configure(),
            None => source.configure(&node),
        };
        let Configured {
            snapshot,
            notes,
            task,
            zone,
        } = configured.map_err(rejected)?;
        tracing::info!(node = node.id, task, zone, protocol = ?R::PROTOCOL, "Envoy connected");
        let session = Session::new(R::PROTOCOL, snapshot);
        self.entry.open(StreamStatus {
            id,
            task: task.as_deref().map(Arc::from),
            zone: zone.as_deref().map(Arc::from),
            protocol: session.protocol(),
            progress: Progress {
                revisions: self.revisions.clone(),
                changes: self.changes.clone(),
                followed,
            },
            settled: session.is_settled(),
            notes: notes.as_slice().into(),
            types: Default::default(),
        });
        Ok(Open {
            node,
            task,
            zone,
            notes,
            is_described: true,
            view,
            followed,
            session,
            changed: None,
            _counted: counted,
        })
    }

    fn on_change(&mut self) {
        let followed = *self.changes.borrow_and_update();
        let Some(open) = &mut self.open else { return };
        open.changed.get_or_insert_with(Instant::now);
        open.followed = followed;
        let notes = match open.configure(&*self.shared.source) {
            Ok(Configured {
                snapshot,
                notes,
                task,
                zone,
            }) => {
                open.session.set_target(snapshot);
                open.is_described &= open.task == task && open.zone == zone;
                (open.task, open.zone) = (task, zone);
                notes
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
                notes
            }
        };
        open.is_described &= open.notes == notes;
        open.notes = notes;
    }
}

/// The number of rejections that were not logged, if this one is to be.
fn may_log(rejections: &Mutex<Rejections>, node: &Node, reason: &str) -> Option<u64> {
    let mut rejections = rejections.lock().unwrap_or_else(PoisonError::into_inner);
    rejections.record(&node.id, reason, Instant::now())
}

fn log_rejection(rejections: &Mutex<Rejections>, node: &Node, error: &str) {
    if let Some(suppressed) = may_log(rejections, node, error) {
        tracing::warn!(node = node.id, error, suppressed, "stream rejected");
    }
}
