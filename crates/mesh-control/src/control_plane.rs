//! The control plane: binds its two addresses, serves Envoys and the status page.
//!
//! [`ControlPlane::builder`] is the way in. The ADS service alone, for your own server, is `xds_server::AdsService`.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::RawQuery;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use server_tls::ServerTls;
use tokio::net::TcpListener;
use tokio::sync::watch;
use xds_server::{AcceptedObserver, AdsService, Authenticator, Limits, Metrics, NodeStatus, Source, StatusBoard};

use crate::call_statistics::CallStatistics;
use crate::mesh_state::MeshState;
use crate::mesh_state_source::MeshStateSource;
use crate::metrics;
use crate::open_files::connections_within;
use crate::status::{PageQuery, SourceStatus, Status, StatusSummary};
use crate::xds_port::{Keepalive, Ready, UntilReady, XdsPort};

/// The addresses of a control plane.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// ADS over gRPC; without TLS unless [`ControlPlaneBuilder::xds_tls`] is set.
    pub xds: SocketAddr,
    /// `GET /status`, a JSON document ([`StatusPage`](crate::status::StatusPage)), `GET /metrics` for Prometheus, and `GET /healthz`. Without TLS.
    pub status: SocketAddr,
}

impl Default for Addresses {
    /// Loopback, on ports that the operating system picks.
    fn default() -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            xds: any_port,
            status: any_port,
        }
    }
}

/// Where the mesh state comes from, and whether it is complete enough to serve Envoys.
pub trait ReadinessSource: fmt::Debug + Send + Sync + 'static {
    /// The status of each polled source now.
    fn sources(&self) -> Vec<SourceStatus>;

    /// Whether the mesh state is complete enough to serve Envoys. Once it is, it stays so.
    ///
    /// # Errors
    ///
    /// What is missing, in one sentence.
    fn is_ready(&self) -> Result<(), String>;
}

/// A mesh state that is set in process: always ready.
#[derive(Debug)]
struct StaticSource;

impl ReadinessSource for StaticSource {
    fn sources(&self) -> Vec<SourceStatus> {
        Vec::new()
    }

    fn is_ready(&self) -> Result<(), String> {
        Ok(())
    }
}

/// An address that cannot be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
#[non_exhaustive]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// The cause.
    pub source: io::Error,
}

impl BindError {
    pub(crate) fn new(address: SocketAddr, source: io::Error) -> Self {
        Self { address, source }
    }
}

/// An error that ended a running control plane.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The reserved xDS address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The xDS server failed.
    #[error("the xDS server failed: {0}")]
    Xds(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The status server failed.
    #[error("the status server failed: {0}")]
    Status(#[source] io::Error),
}

/// Settings of a control plane. Default: loopback addresses on ports that the operating system picks, an empty mesh
/// state, ready at once.
#[must_use]
pub struct ControlPlaneBuilder<S = MeshStateSource> {
    addresses: Addresses,
    listener: Option<std::net::TcpListener>,
    tls: Option<ServerTls>,
    authenticator: Option<Arc<dyn Authenticator>>,
    keepalive: Keepalive,
    limits: Limits,
    observer: Option<Arc<dyn AcceptedObserver>>,
    until_ready: Option<UntilReady>,
    calls: Option<CallStatistics>,
    readiness: Arc<dyn ReadinessSource>,
    ready: Option<Ready>,
    source: Arc<S>,
}

impl<S> fmt::Debug for ControlPlaneBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlPlaneBuilder")
            .field("addresses", &self.addresses)
            .field("listener", &self.listener)
            .field("tls", &self.tls)
            .field("authenticator", &self.authenticator)
            .field("keepalive", &self.keepalive)
            .field("limits", &self.limits)
            .field("calls", &self.calls)
            .field("readiness", &self.readiness)
            .finish_non_exhaustive()
    }
}

impl ControlPlaneBuilder {
    /// The initial mesh state. Default: empty.
    pub fn mesh_state(mut self, state: MeshState) -> Self {
        self.source = Arc::new(MeshStateSource::new(state));
        self
    }
}

impl<S: Source> ControlPlaneBuilder<S> {
    /// Both addresses.
    pub fn addresses(mut self, addresses: Addresses) -> Self {
        self.addresses = addresses;
        self
    }

    /// The address of ADS.
    pub fn xds_address(mut self, address: SocketAddr) -> Self {
        self.addresses.xds = address;
        self
    }

    /// An existing listener for ADS instead of an address, such as one in another network namespace. It must be
    /// non-blocking.
    pub fn xds_listener(mut self, listener: std::net::TcpListener) -> Self {
        self.listener = Some(listener);
        self
    }

    /// Serves ADS with TLS (ALPN `h2`). AWS's Envoy image connects with TLS only. Default: without.
    pub fn xds_tls(mut self, tls: ServerTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Requires that Envoys authenticate themselves, as [`XdsAuthenticator`](crate::access::XdsAuthenticator) does, for ADS
    /// and for call statistics. Default: each client of the port may read all configuration.
    pub fn xds_authenticator(mut self, authenticator: Arc<dyn Authenticator>) -> Self {
        self.authenticator = Some(authenticator);
        self
    }

    /// Sends an HTTP/2 PING over each xDS connection in this interval, and closes the streams of an Envoy that does not
    /// answer one within `timeout`. Such an Envoy is neither waited for nor reported as connected; whether its task is
    /// replaced is decided by the health check of the task. Default: 10 s each, so a stopped Envoy counts for at most
    /// 20 s.
    pub fn xds_keepalive(mut self, interval: Duration, timeout: Duration) -> Self {
        self.keepalive = Keepalive { interval, timeout };
        self
    }

    /// Other limits of xDS connections and ADS streams. Default: [`Limits::default`]; connections at most as the limit of
    /// open files allows ([`raise_open_file_limit`](crate::raise_open_file_limit)).
    pub fn xds_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Tells this observer which configurations Envoys have accepted. Default: none.
    pub fn accepted_observer(mut self, observer: Arc<dyn AcceptedObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Serves Envoys from this source if [`Self::readiness`] takes longer than `after`. Once ready, the streams of this source
    /// end, and their Envoys connect again. Default: none, and connections are refused until then.
    pub fn serve_until_ready(mut self, source: Arc<dyn Source>, after: Duration) -> Self {
        self.until_ready = Some(UntilReady { source, after });
        self
    }

    /// Receives call statistics of Envoys on the xDS address, from bootstraps with
    /// [`reports_calls`](envoy_bootstrap::Bootstrap::reports_calls). Default: they are rejected, as unimplemented.
    pub fn call_statistics(mut self, calls: CallStatistics) -> Self {
        self.calls = Some(calls);
        self
    }

    /// The address of the status page.
    pub fn status_address(mut self, address: SocketAddr) -> Self {
        self.addresses.status = address;
        self
    }

    /// Serves Envoys only once `ready` ends. Until then the xDS address is bound but not listened on: connections are
    /// refused, so Envoys look for another replica instead of getting an empty configuration. The status pages are
    /// served at once, and show `source`. A listener given by [`Self::xds_listener`] is not affected by the former: its
    /// connections wait.
    pub fn readiness(
        mut self,
        source: Arc<dyn ReadinessSource>,
        ready: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        self.readiness = source;
        self.ready = Some(Box::pin(ready));
        self
    }

    /// The caller's own source of snapshots instead of a mesh state.
    pub fn source<T: Source>(self, source: Arc<T>) -> ControlPlaneBuilder<T> {
        ControlPlaneBuilder {
            addresses: self.addresses,
            listener: self.listener,
            tls: self.tls,
            authenticator: self.authenticator,
            keepalive: self.keepalive,
            limits: self.limits,
            observer: self.observer,
            until_ready: self.until_ready,
            calls: self.calls,
            readiness: self.readiness,
            ready: self.ready,
            source,
        }
    }

    /// Binds the addresses. Returns the handle, and the server as a future to be spawned or awaited: it ends only with an
    /// error; dropping it closes every stream.
    ///
    /// # Errors
    ///
    /// If an address cannot be bound.
    pub async fn bind(
        self,
    ) -> Result<
        (
            ControlPlane<S>,
            impl Future<Output = Result<(), ServeError>> + Send + 'static,
        ),
        BindError,
    > {
        let Addresses { xds, status } = self.addresses;
        let mut port = match (self.listener, &self.ready) {
            (Some(listener), _) => XdsPort::of_listener(listener, xds)?,
            (None, None) => XdsPort::listen(xds).await?,
            (None, Some(_)) => XdsPort::reserve(xds)?,
        };
        let xds = port.address();
        let listener = listen(status).await?;
        let status = local_addr(listener.local_addr(), status)?;
        let mut limits = self.limits;
        limits.connections = connections_within(limits.connections);
        let mut ads = AdsService::new(Arc::clone(&self.source) as Arc<dyn Source>).with_limits(limits);
        if let Some(authenticator) = self.authenticator {
            ads = ads.with_authenticator(authenticator);
        }
        if let Some(observer) = self.observer {
            ads = ads.with_accepted_observer(observer);
        }
        let control = ControlPlane {
            source: self.source,
            addresses: Addresses { xds, status },
            pages: Pages {
                board: ads.status_board(),
                metrics: ads.metrics(),
                readiness: self.readiness,
                serves_stored: Arc::clone(&port.serves_until_ready),
            },
        };
        let pages = status_pages(control.pages.clone());
        let ready = self.ready.unwrap_or_else(|| Box::pin(std::future::ready(())));
        (port.tls, port.keepalive, port.limits) = (self.tls, self.keepalive, limits);
        let access = ads.access();
        let calls = self.calls.map(|calls| calls.into_server(access));
        let until_ready = self.until_ready;
        let serving = async move {
            tokio::try_join!(port.serve(ads, calls, ready, until_ready), async {
                axum::serve(listener, pages).await.map_err(ServeError::Status)
            })?;
            Ok(())
        };
        Ok((control, serving))
    }
}

/// A handle to a running control plane. Clones share it.
pub struct ControlPlane<S = MeshStateSource> {
    source: Arc<S>,
    addresses: Addresses,
    pages: Pages,
}

impl<S> Clone for ControlPlane<S> {
    fn clone(&self) -> Self {
        Self {
            source: Arc::clone(&self.source),
            addresses: self.addresses,
            pages: self.pages.clone(),
        }
    }
}

impl<S> fmt::Debug for ControlPlane<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlPlane")
            .field("addresses", &self.addresses)
            .field("pages", &self.pages)
            .finish_non_exhaustive()
    }
}

impl ControlPlane {
    /// Starts to configure a control plane.
    pub fn builder() -> ControlPlaneBuilder {
        ControlPlaneBuilder {
            addresses: Addresses::default(),
            listener: None,
            tls: None,
            authenticator: None,
            keepalive: Keepalive::default(),
            limits: Limits::default(),
            observer: None,
            until_ready: None,
            calls: None,
            readiness: Arc::new(StaticSource),
            ready: None,
            source: Arc::new(MeshStateSource::new(MeshState::default())),
        }
    }

    /// Changes the mesh state. The change is pushed to every Envoy that it concerns, make before break.
    pub fn update(&self, change: impl FnOnce(&mut MeshState)) {
        self.source.update(change);
    }
}

impl<S: Source> ControlPlane<S> {
    /// The current revision of the source: for a mesh state, the number of changes so far.
    #[must_use]
    pub fn revision(&self) -> u64 {
        *self.source.revisions().borrow()
    }

    pub(crate) fn revisions(&self) -> watch::Receiver<u64> {
        self.source.revisions()
    }

    /// Waits until at least `nodes` Envoys are connected, and each has ACKed or NACKed everything of the current
    /// revision. There is no timeout, but an Envoy that answers no HTTP/2 PING for 20 s counts as disconnected. Cancel
    /// safe.
    pub async fn settled(&self, nodes: usize) {
        self.pages.board.settled(nodes, self.revision()).await;
    }

    /// The connected Envoys that have not ACKed or NACKed everything of the current revision, by node id and task.
    #[must_use]
    pub fn unsettled(&self) -> Vec<String> {
        let revision = self.revision();
        let nodes = self.pages.board.nodes();
        let unsettled = nodes.iter().filter(|node| !node.is_settled_at(revision));
        unsettled.map(NodeStatus::display_name).collect()
    }

    /// The addresses it listens on, with the ports that the operating system picked.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// The status of the connected Envoys, and of the sources.
    #[must_use]
    pub fn status(&self) -> Status {
        self.pages.status()
    }

    /// The status of the connected Envoys, to wait for changes.
    #[must_use]
    pub fn status_board(&self) -> &StatusBoard {
        &self.pages.board
    }
}

/// The data of the status pages.
#[derive(Debug, Clone)]
struct Pages {
    board: StatusBoard,
    metrics: Metrics,
    readiness: Arc<dyn ReadinessSource>,
    /// Whether the source of [`ControlPlaneBuilder::serve_until_ready`] is served.
    serves_stored: Arc<AtomicBool>,
}

impl Pages {
    fn metrics(&self) -> String {
        let Status { sources, nodes } = self.status();
        metrics::render(&self.metrics, &StatusSummary::of(&nodes), &sources)
    }

    fn status(&self) -> Status {
        Status {
            sources: self.readiness.sources(),
            nodes: self.board.nodes(),
        }
    }

    fn health(&self) -> (StatusCode, String) {
        match self.readiness.is_ready() {
            Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
            // It is of use to its Envoys, and a new replica would know as little.
            Err(missing) if self.serves_stored.load(Ordering::Relaxed) => {
                (StatusCode::OK, format!("serving stored configurations: {missing}\n"))
            }
            Err(missing) => (StatusCode::SERVICE_UNAVAILABLE, format!("{missing}\n")),
        }
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, BindError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| BindError::new(address, error))
}

fn local_addr(local: io::Result<SocketAddr>, requested: SocketAddr) -> Result<SocketAddr, BindError> {
    local.map_err(|error| BindError::new(requested, error))
}

const INDEX: &str = "GET /status: a summary, what each Envoy has accepted and rejected, and the status of each source\n\
                     GET /status?state=settled|unsettled|rejecting&node=TEXT&offset=N&limit=N: some of the Envoys\n\
                     GET /metrics: the same in numbers, for Prometheus\n\
                     GET /healthz: ok, or why Envoys are not served yet\n";

fn status_pages(pages: Pages) -> Router {
    let (health, metrics) = (pages.clone(), pages.clone());
    Router::new()
        .route("/healthz", get(async move || health.health()))
        .route("/", get(async || INDEX))
        .route(
            "/metrics",
            get(async move || ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], metrics.metrics())),
        )
        .route(
            "/status",
            get(async move |RawQuery(query): RawQuery| status_page(&pages, query.as_deref())),
        )
}

/// The document, indented for `curl`.
fn status_page(pages: &Pages, query: Option<&str>) -> Response {
    let page = match PageQuery::parse(query.unwrap_or_default()) {
        Ok(query) => query.page(pages.status()),
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    match serde_json::to_string_pretty(&page) {
        Ok(document) => {
            let headers = [(header::CONTENT_TYPE, "application/json")];
            (StatusCode::OK, headers, format!("{document}\n")).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
