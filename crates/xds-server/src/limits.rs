//! Limits of what one peer may cost.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tonic::Status;

use crate::quote::quoted;

/// Limits of streams and requests. Each that is exceeded ends the stream with a gRPC status that names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Open streams of the same node id. Default: 5,000, the quota of tasks of an ECS service.
    pub streams_per_node: usize,
    /// Open streams from the same IP address; addresses of loopback are exempt. Default: 1,000, for Envoys behind a load
    /// balancer that does not preserve addresses.
    pub streams_per_address: usize,
    /// Names of one type to which a stream may subscribe beyond those that its snapshot has. An Envoy that reconnects still
    /// has what was removed meanwhile. Default: 10,000, which take about 2 MB.
    pub unknown_names: usize,
    /// Names of all streams and types together, as far as a stream has more names of a type than its snapshot: counting only
    /// those that do not exist would cost each subscription the comparison of all names. Default: 250,000, which take about 50 MB, and with names of
    /// `name_bytes` about 600 MB.
    pub total_unknown_names: usize,
    /// Length of a name in bytes. Default: 2,048.
    pub name_bytes: usize,
    /// Length of a node id in bytes. Default: 1,024.
    pub node_id_bytes: usize,
    /// Size of the node metadata in bytes, as Protobuf. Default: 64 KiB; those of an Envoy have less than 10.
    pub metadata_bytes: usize,
    /// Size of a request in bytes. Default: 4 MiB, which is tonic's.
    pub request_bytes: usize,
    /// Time in which a stream must send its first request. Default: 10 s.
    pub first_request: Duration,
    /// Open connections, of servers that count them ([`Connections`](crate::Connections)). At the limit, the one without a
    /// stream for longest makes room. Default: 10,000.
    pub connections: usize,
    /// Open connections from the same IP address; addresses of loopback are exempt. Default: 1,000, as for streams.
    pub connections_per_address: usize,
    /// Time after which a connection without a stream is closed. Default: 20 s.
    pub idle_connection: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            streams_per_node: 5000,
            streams_per_address: 1000,
            unknown_names: 10_000,
            total_unknown_names: 250_000,
            name_bytes: 2048,
            node_id_bytes: 1024,
            metadata_bytes: 64 << 10,
            request_bytes: 4 << 20,
            first_request: Duration::from_secs(10),
            connections: 10_000,
            connections_per_address: 1000,
            idle_connection: Duration::from_secs(20),
        }
    }
}

/// The open streams, by address and by node id, and what they have together.
#[derive(Debug, Clone, Default)]
pub(crate) struct OpenStreams {
    addresses: Counts<IpAddr>,
    nodes: Counts<Arc<str>>,
    unknown_names: Arc<AtomicUsize>,
}

impl OpenStreams {
    /// Counts a stream from this address.
    pub(crate) fn of_address(
        &self,
        address: Option<IpAddr>,
        limits: &Limits,
    ) -> Result<Option<Counted<IpAddr>>, Status> {
        let Some(address) = address.filter(|address| !address.is_loopback()) else {
            return Ok(None);
        };
        let maximum = limits.streams_per_address;
        self.addresses.add(address, maximum).map(Some).ok_or_else(|| {
            Status::resource_exhausted(format!(
                "{address} has {maximum} open streams; at most so many are allowed"
            ))
        })
    }

    /// The unknown names of one more stream.
    pub(crate) fn unknown_names(&self) -> UnknownNames {
        UnknownNames {
            total: Arc::clone(&self.unknown_names),
            own: 0,
        }
    }

    /// Counts a stream of this node.
    pub(crate) fn of_node(&self, id: &Arc<str>, limits: &Limits) -> Result<Counted<Arc<str>>, Status> {
        let maximum = limits.streams_per_node;
        self.nodes.add(Arc::clone(id), maximum).ok_or_else(|| {
            Status::resource_exhausted(format!(
                "node {} has {maximum} open streams; at most so many are allowed",
                quoted(id)
            ))
        })
    }
}

/// The names of a stream that its snapshot does not have, as part of those of all streams.
#[derive(Debug)]
pub(crate) struct UnknownNames {
    total: Arc<AtomicUsize>,
    own: usize,
}

impl UnknownNames {
    /// The names of all streams if this one had so many.
    pub(crate) fn total_with(&self, own: usize) -> usize {
        let total = self.total.load(Ordering::Relaxed);
        (total + own).saturating_sub(self.own)
    }

    /// Counts so many of this stream.
    pub(crate) fn set(&mut self, own: usize) {
        self.total.fetch_add(own, Ordering::Relaxed);
        self.total.fetch_sub(self.own, Ordering::Relaxed);
        self.own = own;
    }
}

impl Drop for UnknownNames {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[derive(Debug)]
struct Counts<K>(Arc<Mutex<HashMap<K, usize>>>);

impl<K> Clone for Counts<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Clone + Eq + Hash> Counts<K> {
    fn add(&self, key: K, maximum: usize) -> Option<Counted<K>> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.get(&key).copied().unwrap_or_default();
        if count >= maximum {
            return None;
        }
        counts.insert(key.clone(), count + 1);
        Some(Counted {
            counts: self.clone(),
            key,
        })
    }
}

/// One of the open streams, until it is dropped.
#[derive(Debug)]
pub(crate) struct Counted<K: Eq + Hash> {
    counts: Counts<K>,
    key: K,
}

impl<K: Eq + Hash> Drop for Counted<K> {
    fn drop(&mut self) {
        let mut counts = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_counted_while_they_are_open() {
        let open = OpenStreams::default();
        let limits = Limits {
            streams_per_node: 2,
            streams_per_address: 1,
            ..Limits::default()
        };
        let node = Arc::from("blue");
        let first = open.of_node(&node, &limits).expect("the first one");
        let second = open.of_node(&node, &limits).expect("the second one");
        let third = open.of_node(&node, &limits).expect_err("one too many");
        assert_eq!(third.code(), tonic::Code::ResourceExhausted);
        assert_eq!(
            third.message(),
            r#"node "blue" has 2 open streams; at most so many are allowed"#
        );
        drop(first);
        drop(open.of_node(&node, &limits).expect("there is room again"));
        drop(second);
        assert!(open.nodes.0.lock().expect("not poisoned").is_empty());

        let address = Some(IpAddr::from([192, 0, 2, 1]));
        let stream = open.of_address(address, &limits).expect("the first one");
        assert!(stream.is_some());
        open.of_address(address, &limits).expect_err("one too many");
        let loopback = Some(IpAddr::from([127, 0, 0, 1]));
        assert!(open.of_address(loopback, &limits).expect("exempt").is_none());
    }
}
