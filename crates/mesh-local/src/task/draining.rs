//! Deregistration from load balancers: a target completes its requests before its containers stop.
//!
//! ECS waits for the deregistration delay of the target groups before it stops the containers, and Elastic Load Balancing
//! ends the wait once the target has no requests (Elastic Load Balancing user guide, "Deregistration delay", read
//! 2026-12-01).

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::context::TaskContext;
use crate::cloud_map::Registration;
use crate::envoy::admin::AdminClient;
use crate::event::Event;

/// Timeout for the deregistration to reach all Envoys. They take milliseconds; one that hangs is not waited for.
const DEREGISTER_TIMEOUT: Duration = Duration::from_secs(1);
/// Interval between polls of requests in progress.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// A wait that takes longer is reported.
const UNUSUAL: Duration = Duration::from_secs(2);

/// The sockets of the admin interfaces of load balancers.
#[derive(Debug, Default)]
pub(crate) struct LoadBalancerSockets(Mutex<BTreeSet<PathBuf>>);

impl LoadBalancerSockets {
    pub(crate) fn add(&self, socket: PathBuf) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(socket);
    }

    /// Clients for the admin interfaces of all load balancers.
    pub(super) fn clients(&self) -> Vec<AdminClient> {
        let sockets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let clients = sockets.iter();
        // A load balancer without a client is not asked.
        let clients = clients.filter_map(|socket| AdminClient::new(socket, &BTreeSet::new()).ok());
        clients.collect()
    }
}

/// Takes a task out of its target groups, and waits until its requests are complete, at most for their deregistration
/// delay. Returns at once for a task that is no target.
pub(super) async fn drain(context: &TaskContext, task: &str, registrations: &[Registration]) {
    let addresses: BTreeSet<SocketAddr> = registrations
        .iter()
        .filter_map(|registration| match registration {
            Registration::Target { target, .. } => Some(target.address),
            _ => None,
        })
        .collect();
    if addresses.is_empty() {
        return;
    }
    let delay = context.cloud_map.drain_targets(task);
    let _timed_out = tokio::time::timeout(DEREGISTER_TIMEOUT, context.control.settled(0)).await;
    let clients = context.load_balancer_sockets.clients();
    let start = Instant::now();
    let mut is_reported = false;
    while start.elapsed() < delay {
        let mut active = 0;
        for client in &clients {
            active += client.requests_to(&addresses).await;
        }
        if active == 0 {
            return;
        }
        if !is_reported && start.elapsed() > UNUSUAL {
            is_reported = true;
            (context.on_event)(Event::Waiting {
                task: task.to_owned(),
                what: format!(
                    "{active} requests through a load balancer, at most for the deregistration delay of {} s",
                    delay.as_secs()
                ),
            });
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
