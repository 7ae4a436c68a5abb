//! One open stream: reads requests, follows the source, and gives out responses.
//!
//! A stream is a [`futures_util::Stream`] of HTTP frames that does its work when polled. It spawns no task, and what it
//! keeps for an Envoy that does not read is one response for each type, as bytes that it shares with other streams.

mod open;

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use envoy_types::pb::envoy::config::core::v3::Node as NodeMessage;
use futures_util::stream::{self, Stream, StreamExt as _};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use tokio::sync::watch;
use tonic::codec::Codec as _;
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;

use self::open::Open;
use crate::accepted::AcceptedObserver;
use crate::access::{self, Access, Credentials, Principal};
use crate::connections::ConnectionUse;
use crate::encode::{Blocks, Segments};
use crate::first_request;
use crate::limits::{Limits, OpenStreams};
use crate::log_limit::{LogLimit, may_log};
use crate::metrics::Metrics;
use crate::node::Node;
use crate::proto::Request;
use crate::session::Session;
use crate::snapshot::ResourceType;
use crate::source::{Configured, Source, SourceError};
use crate::status::{Progress, StatusBoard, StatusEntry, StreamStatus};

/// Length of the type URL of a log line, in bytes.
const MAX_TYPE_URL: usize = 200;

/// What all streams of a service share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) source: Arc<dyn Source>,
    pub(crate) board: StatusBoard,
    pub(crate) access: Access,
    pub(crate) observer: Option<Arc<dyn AcceptedObserver>>,
    /// Of rejections.
    pub(crate) log: Arc<Mutex<LogLimit>>,
    /// Of connects, by node and task.
    pub(crate) connects: Arc<Mutex<LogLimit>>,
    pub(crate) blocks: Arc<Blocks>,
    pub(crate) limits: Limits,
    pub(crate) open: OpenStreams,
    pub(crate) metrics: Metrics,
}

/// The body of the response to `requests`: responses, and the status as trailers. Ends when `closing` closes, and with an
/// error if the client may not have a stream, the source cannot configure it, or a limit is exceeded.
pub(crate) fn frames<R, B>(
    requests: B,
    credentials: Credentials,
    connection: Option<ConnectionUse>,
    shared: Shared,
    closing: watch::Receiver<()>,
) -> impl Stream<Item = Result<Frame<Bytes>, Status>> + Send + 'static
where
    R: Request,
    B: HttpBody + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let opening = OpenStream::<R>::open(requests, credentials, connection, shared, closing);
    stream::once(opening).flat_map(|opened| {
        stream::unfold(Some(opened), |stream| async move {
            let mut stream = match stream? {
                Ok(stream) => stream,
                Err(status) => return Some((trailers(&status), None)),
            };
            match stream.next_segment().await {
                Ok(Some(segment)) => Some((Ok(Frame::data(segment)), Some(Ok(stream)))),
                Ok(None) => Some((trailers(&Status::ok("")), None)),
                Err(status) => Some((trailers(&status), None)),
            }
        })
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
    credentials: Credentials,
    /// `None` if everybody may have a stream.
    principal: Option<Arc<dyn Principal>>,
    /// When its credentials end.
    expires: Option<tokio::time::Instant>,
    shared: Shared,
    _connection: Option<ConnectionUse>,
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

impl<R: Request> OpenStream<R> {
    async fn open<B>(
        body: B,
        credentials: Credentials,
        connection: Option<ConnectionUse>,
        shared: Shared,
        closing: watch::Receiver<()>,
    ) -> Result<Self, Status>
    where
        B: HttpBody + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let authenticated = shared.access.authenticate(&credentials).await;
        let maximum = match &authenticated {
            Ok(_) => shared.limits.request_bytes,
            Err(_) => first_request::UNAUTHENTICATED_BYTES,
        };
        let decoder = ProstCodec::<R, R>::default().decoder();
        let mut requests = Streaming::new_request(decoder, body, None, Some(maximum));
        let principal = match authenticated {
            Ok(principal) => principal,
            Err(error) => {
                let node = first_request::claimed_node(&mut requests, &shared.limits).await;
                let status = access::rejection(&error, node.as_deref());
                shared.metrics.count_rejected_stream();
                let node = node.unwrap_or_default();
                shared.access.log_rejection(&credentials, &node, &status);
                return Err(status);
            }
        };
        let revisions = shared.source.revisions();
        Ok(Self {
            changes: revisions.clone(),
            revisions,
            closing,
            requests,
            credentials,
            expires: principal.as_deref().and_then(Principal::expires).and_then(instant),
            principal,
            entry: shared.board.entry(),
            shared,
            open: None,
            unsent: Segments::new(),
            _connection: connection,
        })
    }

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
                () = until(self.expires) => {
                    self.shared.metrics.count_rejected_stream();
                    return Err(self.principal.as_deref().map_or_else(|| Status::unauthenticated(""), access::expired));
                }
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
        if let Some(observer) = &self.shared.observer
            && let Some(snapshot) = open.session.accepted()
            && open
                .accepted
                .as_ref()
                .is_none_or(|before| !Arc::ptr_eq(before, snapshot))
        {
            let snapshot = open.accepted.insert(Arc::clone(snapshot));
            observer.accepted(&open.node, snapshot);
        }
        self.entry.update(|status| open.report(status));
    }

    fn on_request(&mut self, mut request: R) -> Result<(), Status> {
        if self.open.is_none() {
            let node = request
                .take_node()
                .ok_or_else(|| Status::invalid_argument("the first request on a stream must carry the node"))?;
            self.admit(&node)?;
            self.open = Some(self.open_for(Node::from_proto(&node))?);
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        let Some(kind) = ResourceType::from_type_url(request.type_url()) else {
            let type_url = request.type_url();
            let type_url = &type_url[..type_url.floor_char_boundary(MAX_TYPE_URL)];
            if let Some(suppressed) = may_log(&self.shared.log, &open.node.id, self.credentials.address, type_url) {
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
        let limits = &self.shared.limits;
        let checked =
            first_request::check_names(&request, kind, limits).and_then(|()| open.check_count(&request, kind, limits));
        checked
            .inspect_err(|status| log_rejection(&self.shared.log, &open.node, &self.credentials, status.message()))?;
        let nack = request.apply(kind, &mut open.session);
        open.count_unknown_names(kind);
        if let Some(nack) = nack
            && let Some(suppressed) = may_log(
                &self.shared.log,
                &open.node.id,
                self.credentials.address,
                &format!("{kind} {nack:?}"),
            )
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

    /// Checks the node, and that the client may act as it.
    fn admit(&self, node: &NodeMessage) -> Result<(), Status> {
        let Shared {
            access, limits, log, ..
        } = &self.shared;
        first_request::check_node(node, limits).inspect_err(|status| {
            // The id may be a long one.
            if let Some(suppressed) = may_log(log, "", self.credentials.address, status.message()) {
                tracing::warn!(error = status.message(), suppressed, "stream rejected");
            }
        })?;
        match &self.principal {
            Some(principal) => access::authorize(&**principal, &node.id)
                .inspect_err(|status| access.log_rejection(&self.credentials, &node.id, status)),
            None => Ok(()),
        }
    }

    fn open_for(&mut self, node: Node) -> Result<Open, Status> {
        let Shared {
            source,
            log,
            limits,
            open,
            ..
        } = &self.shared;
        let id = Arc::from(node.id.as_str());
        let counted = open
            .of_node(&id, limits)
            .and_then(|counted| Ok((counted, open.of_address(self.credentials.address, limits)?)))
            .inspect_err(|status| log_rejection(log, &node, &self.credentials, status.message()))?;
        let rejected = |error: SourceError| {
            log_rejection(log, &node, &self.credentials, &error.to_string());
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
        let name = format!("{} {}", node.id, task.as_deref().unwrap_or_default());
        if let Some(suppressed) = may_log(&self.shared.connects, &name, self.credentials.address, "") {
            let principal = self.principal.as_deref().map(Principal::name);
            tracing::info!(node = node.id, task, zone, principal, protocol = ?R::PROTOCOL, suppressed, "Envoy connected");
        }
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
            accepted: None,
            unknown: [0; 4],
            unknown_names: open.unknown_names(),
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

fn log_rejection(log: &Mutex<LogLimit>, node: &Node, credentials: &Credentials, error: &str) {
    if let Some(suppressed) = may_log(log, &node.id, credentials.address, error) {
        let address = credentials.address.map(|address| address.to_string());
        tracing::warn!(node = node.id, address, error, suppressed, "stream rejected");
    }
}

/// This moment on the monotonic clock; `None` if that cannot express it.
fn instant(time: SystemTime) -> Option<tokio::time::Instant> {
    let left = time.duration_since(SystemTime::now()).unwrap_or_default();
    tokio::time::Instant::now().checked_add(left)
}

async fn until(moment: Option<tokio::time::Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => pending().await,
    }
}
