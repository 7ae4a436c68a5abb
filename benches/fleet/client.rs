//! One simulated Envoy: a connection with a delta ADS stream.
//!
//! It subscribes as Envoy does: clusters first, then their endpoints, listeners once the first clusters are ready, routes of
//! listeners. Then it calls its backends, so clusters that are discovered on demand follow. It ACKs clusters only once all of them have their endpoints. A reconnect sends the versions that it has.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::DeltaDiscoveryRequest;
use h2::SendStream;
use prost::Message;
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::AnyError;
use crate::message::{Response, Type, frame, has_eds, route_names};

const PATH: &str = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
/// Envoy's own windows are of this size or larger.
const WINDOW: u32 = 16 << 20;

/// The server to connect to, and the number of servers so far: a client connects once to each.
pub(crate) type Target = (u64, SocketAddr);

/// Counters of one client, since they were last reset.
#[derive(Debug)]
pub(crate) struct Counters {
    base: Instant,
    /// Nanoseconds from `base` to the last ACK.
    last_ack: AtomicU64,
    pub(crate) messages: AtomicU64,
    pub(crate) bytes: AtomicU64,
    /// The messages themselves, where they are recorded.
    recorded: Option<Mutex<Vec<(Type, Bytes)>>>,
}

impl Counters {
    pub(crate) fn new(base: Instant, is_recorded: bool) -> Self {
        Self {
            base,
            last_ack: AtomicU64::new(0),
            messages: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            recorded: is_recorded.then(Mutex::default),
        }
    }

    pub(crate) fn reset(&self) {
        for counter in [&self.last_ack, &self.messages, &self.bytes] {
            counter.store(0, Ordering::Relaxed);
        }
        drop(self.take_recorded());
    }

    /// Time of the last ACK; `None` if there was none.
    pub(crate) fn last_ack(&self) -> Option<Instant> {
        let nanoseconds = self.last_ack.load(Ordering::Relaxed);
        (nanoseconds > 0).then(|| self.base + Duration::from_nanos(nanoseconds))
    }

    pub(crate) fn take_recorded(&self) -> Vec<(Type, Bytes)> {
        let recorded = self.recorded.as_ref();
        recorded
            .map(|recorded| std::mem::take(&mut *recorded.lock().unwrap_or_else(PoisonError::into_inner)))
            .unwrap_or_default()
    }

    fn count(&self, kind: Type, message: &Bytes) {
        self.messages.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(message.len() as u64, Ordering::Relaxed);
        if let Some(recorded) = &self.recorded {
            let mut recorded = recorded.lock().unwrap_or_else(PoisonError::into_inner);
            recorded.push((kind, message.clone()));
        }
    }

    fn count_ack(&self) {
        let nanoseconds = u64::try_from(self.base.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.last_ack.store(nanoseconds, Ordering::Relaxed);
    }
}

/// Time until a client connects again that could not, as when the queue of new connections is full.
const RETRY: Duration = Duration::from_millis(20);

/// Connects to each server in turn, with the state of the last connection.
pub(crate) async fn run(
    node: Node,
    calls: Vec<String>,
    counters: Arc<Counters>,
    mut target: watch::Receiver<Option<Target>>,
) {
    let mut client = Client::new(node, calls, counters);
    loop {
        let current = *target.borrow_and_update();
        let serve = async {
            match current {
                Some((_, address)) => {
                    // A connection ends when its server is replaced; other errors show as a scenario that does not end.
                    while client.connect(address).await.is_err() {
                        tokio::time::sleep(RETRY).await;
                    }
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = serve => {}
            changed = target.changed() => if changed.is_err() { return },
        }
    }
}

struct Client {
    node: Node,
    /// The clusters of the services that it calls, once it has their routes.
    calls: Vec<String>,
    counters: Arc<Counters>,
    types: [TypeState; 4],
    /// Clusters without their endpoints.
    warming: HashSet<String>,
    /// The nonce of clusters, until none is warming.
    delayed_ack: Option<String>,
    /// The routes of each listener.
    routes: BTreeMap<String, Vec<String>>,
}

#[derive(Default)]
struct TypeState {
    versions: HashMap<String, String>,
    /// Subscribed names: of endpoints and routes, and of clusters that are discovered on demand.
    names: BTreeSet<String>,
    has_subscribed: bool,
}

impl TypeState {
    /// The name of a wildcard subscription beside others, as Envoy sends it.
    fn wildcard(&self, kind: Type) -> Option<String> {
        (kind == Type::Cluster && !self.names.is_empty()).then(|| "*".to_owned())
    }
}

impl Client {
    fn new(node: Node, calls: Vec<String>, counters: Arc<Counters>) -> Self {
        Self {
            node,
            calls,
            counters,
            types: Default::default(),
            warming: HashSet::new(),
            delayed_ack: None,
            routes: BTreeMap::new(),
        }
    }

    async fn connect(&mut self, address: SocketAddr) -> Result<(), AnyError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (mut requests, connection) = h2::client::Builder::new()
            .initial_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .handshake::<_, Bytes>(stream)
            .await?;
        let connection = tokio::spawn(connection);
        let _guard = AbortOnDrop(connection.abort_handle());
        let request = http::Request::post(format!("http://{address}{PATH}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())?;
        let (response, mut out) = requests.send_request(request, false)?;
        self.warming.clear();
        self.delayed_ack = None;
        let mut node = Some(self.node.clone());
        for kind in Type::ALL {
            let state = &self.types[kind as usize];
            if kind == Type::Cluster || state.has_subscribed {
                let request = DeltaDiscoveryRequest {
                    node: node.take(),
                    type_url: kind.url().to_owned(),
                    resource_names_subscribe: state.names.iter().cloned().chain(state.wildcard(kind)).collect(),
                    initial_resource_versions: state.versions.clone(),
                    ..Default::default()
                };
                self.types[kind as usize].has_subscribed = true;
                send(&mut out, &request)?;
            }
        }
        let mut body = response.await?.into_body();
        let mut buffer = BytesMut::new();
        while let Some(chunk) = body.data().await {
            let chunk = chunk?;
            body.flow_control().release_capacity(chunk.len())?;
            buffer.extend_from_slice(&chunk);
            while let Some(message) = next_message(&mut buffer) {
                self.on_message(message, &mut out)?;
            }
        }
        Ok(())
    }

    fn on_message(&mut self, message: Bytes, out: &mut SendStream<Bytes>) -> Result<(), AnyError> {
        let response = Response::decode(message.slice(5..))?;
        let kind = Type::from_url(&response.type_url).ok_or("a response of an unknown type")?;
        self.counters.count(kind, &message);
        let mut endpoints = self.types[Type::Endpoint as usize].names.clone();
        for resource in &response.resources {
            let body = &resource.body.as_ref().ok_or("a resource without a body")?.value;
            match kind {
                Type::Cluster if has_eds(body)? => {
                    self.warming.insert(resource.name.clone());
                    endpoints.insert(resource.name.clone());
                }
                Type::Endpoint => drop(self.warming.remove(&resource.name)),
                Type::Listener => drop(self.routes.insert(resource.name.clone(), route_names(body)?)),
                Type::Cluster | Type::Route => {}
            }
            let versions = &mut self.types[kind as usize].versions;
            versions.insert(resource.name.clone(), resource.version.clone());
        }
        for name in &response.removed {
            self.types[kind as usize].versions.remove(name);
            if kind == Type::Cluster {
                endpoints.remove(name);
                self.warming.remove(name);
            }
            if kind == Type::Listener {
                self.routes.remove(name);
            }
        }
        match kind {
            Type::Cluster => {
                self.subscribe(Type::Endpoint, endpoints, out)?;
                self.delayed_ack = Some(response.nonce);
            }
            Type::Listener => {
                let routes = self.routes.values().flatten().cloned().collect();
                self.subscribe(Type::Route, routes, out)?;
                self.ack(kind, response.nonce, out)?;
            }
            Type::Endpoint => self.ack(kind, response.nonce, out)?,
            Type::Route => {
                self.ack(kind, response.nonce, out)?;
                self.call(out)?;
            }
        }
        if self.warming.is_empty()
            && let Some(nonce) = self.delayed_ack.take()
        {
            self.ack(Type::Cluster, nonce, out)?;
            if !std::mem::replace(&mut self.types[Type::Listener as usize].has_subscribed, true) {
                let request = DeltaDiscoveryRequest {
                    type_url: Type::Listener.url().to_owned(),
                    ..Default::default()
                };
                send(out, &request)?;
            }
        }
        Ok(())
    }

    /// Calls each service for the first time: subscribes to the clusters that were not sent with all others.
    fn call(&mut self, out: &mut SendStream<Bytes>) -> Result<(), AnyError> {
        let state = &self.types[Type::Cluster as usize];
        let calls = std::mem::take(&mut self.calls).into_iter();
        let names: BTreeSet<String> = calls.filter(|name| !state.versions.contains_key(name)).collect();
        if names.is_empty() {
            return Ok(());
        }
        self.subscribe(Type::Cluster, names, out)
    }

    /// Changes the subscription to exactly these names.
    fn subscribe(&mut self, kind: Type, names: BTreeSet<String>, out: &mut SendStream<Bytes>) -> Result<(), AnyError> {
        let state = &mut self.types[kind as usize];
        if names == state.names {
            return Ok(());
        }
        let request = DeltaDiscoveryRequest {
            type_url: kind.url().to_owned(),
            resource_names_subscribe: names.difference(&state.names).cloned().collect(),
            resource_names_unsubscribe: state.names.difference(&names).cloned().collect(),
            ..Default::default()
        };
        for name in &request.resource_names_unsubscribe {
            state.versions.remove(name);
        }
        state.names = names;
        state.has_subscribed = true;
        send(out, &request)
    }

    fn ack(&self, kind: Type, nonce: String, out: &mut SendStream<Bytes>) -> Result<(), AnyError> {
        let request = DeltaDiscoveryRequest {
            type_url: kind.url().to_owned(),
            response_nonce: nonce,
            ..Default::default()
        };
        send(out, &request)?;
        self.counters.count_ack();
        Ok(())
    }
}

fn send(out: &mut SendStream<Bytes>, request: &DeltaDiscoveryRequest) -> Result<(), AnyError> {
    Ok(out.send_data(frame(request), false)?)
}

/// Takes the next whole gRPC frame.
pub(crate) fn next_message(buffer: &mut BytesMut) -> Option<Bytes> {
    let mut length = buffer.get(1..5)?;
    let end = 5 + usize::try_from(length.get_u32()).ok()?;
    (buffer.len() >= end).then(|| buffer.split_to(end).freeze())
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
