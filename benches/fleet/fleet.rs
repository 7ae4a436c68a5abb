//! The fleet: all simulated Envoys, and what they received since the last reset.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use envoy_types::pb::envoy::config::core::v3::Node;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::client::{self, Counters, Target};
use crate::message::{Type, to_struct};
use crate::shape::Size;

pub(crate) struct Fleet {
    counters: Vec<Arc<Counters>>,
    target: watch::Sender<Option<Target>>,
    /// Ends the clients when it is dropped.
    _clients: JoinSet<()>,
}

/// What all nodes together received in a scenario.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
    /// From the change to the last ACK of each node that received anything; sorted.
    pub(crate) until_ack: Vec<Duration>,
    /// The nodes that received anything, with the number of messages.
    pub(crate) nodes: Vec<(usize, usize)>,
    /// The messages of the recorded node with the most of them.
    pub(crate) recorded: Vec<(Type, Bytes)>,
}

impl Fleet {
    /// Starts the nodes, which wait for a server.
    pub(crate) fn start(size: Size) -> Self {
        let (target, _) = watch::channel(None);
        let base = Instant::now();
        let recorded = size.recorded_nodes();
        let mut clients = JoinSet::new();
        let mut counters = Vec::with_capacity(size.nodes);
        for number in 0..size.nodes {
            let (id, metadata) = size.node(number);
            let node = Node {
                id,
                cluster: number.to_string(),
                metadata: Some(to_struct(&metadata)),
                ..Default::default()
            };
            let own = Arc::new(Counters::new(base, recorded.contains(&number)));
            counters.push(Arc::clone(&own));
            clients.spawn(client::run(node, size.calls(number), own, target.subscribe()));
        }
        Self {
            counters,
            target,
            _clients: clients,
        }
    }

    pub(crate) fn reset(&self) {
        for counters in &self.counters {
            counters.reset();
        }
    }

    /// Connects all nodes to this server.
    pub(crate) fn connect(&self, address: SocketAddr) {
        self.target.send_modify(|target| {
            let number = target.map_or(0, |(number, _)| number + 1);
            *target = Some((number, address));
        });
    }

    pub(crate) fn received(&self, since: Instant) -> Received {
        let mut received = Received {
            messages: 0,
            bytes: 0,
            until_ack: Vec::new(),
            nodes: Vec::new(),
            recorded: Vec::new(),
        };
        for (number, counters) in self.counters.iter().enumerate() {
            let messages = counters.messages.load(Ordering::Relaxed);
            received.messages += messages;
            received.bytes += counters.bytes.load(Ordering::Relaxed);
            if messages > 0 {
                received
                    .nodes
                    .push((number, usize::try_from(messages).unwrap_or(usize::MAX)));
            }
            let until_ack = counters.last_ack().map(|at| at.saturating_duration_since(since));
            received.until_ack.extend(until_ack);
            let recorded = counters.take_recorded();
            if recorded.len() > received.recorded.len() {
                received.recorded = recorded;
            }
        }
        received.until_ack.sort_unstable();
        received
    }
}

impl Received {
    /// The distinct nodes.
    pub(crate) fn distinct_nodes(&self) -> BTreeSet<usize> {
        self.nodes.iter().map(|(node, _)| *node).collect()
    }
}
