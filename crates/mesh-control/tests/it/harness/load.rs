//! Load: continuous requests during a test.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::task::Caller;
use super::{Task, eventually};

/// The number of workers, each with one request at a time. Two find failures between two requests, and leave the
/// machine's second core to others.
const WORKERS: usize = 2;
/// The time limit, for tests that do not stop the load.
const MAX_DURATION: Duration = Duration::from_secs(40);
/// The request limit per worker, for the same reason.
const MAX_REQUESTS: usize = 100_000;

/// A load on one Host of an egress listener. Dropping it stops it.
pub(crate) struct Load {
    counters: Arc<Mutex<Counters>>,
    stop: Arc<AtomicBool>,
    workers: Vec<JoinHandle<()>>,
}

/// The results.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counters {
    /// The number of responses with status 200.
    pub(crate) succeeded: usize,
    /// All other results.
    pub(crate) failures: Vec<String>,
}

impl Load {
    /// Starts the load on a task's egress listener, and waits for the first responses.
    pub(crate) async fn start(task: &Task, host: &'static str) -> Self {
        Self::on(task.egress(), host).await
    }

    /// Starts the load, and waits for the first responses.
    pub(crate) async fn on(egress: SocketAddr, host: &'static str) -> Self {
        let (counters, stop) = (Arc::<Mutex<Counters>>::default(), Arc::<AtomicBool>::default());
        let workers = (0..WORKERS).map(|_| {
            let work = call_on(Caller::new(egress), host, Arc::clone(&counters), Arc::clone(&stop));
            tokio::spawn(work)
        });
        let workers = workers.collect();
        let load = Self {
            counters,
            stop,
            workers,
        };
        load.wait_for_responses(20).await;
        load
    }

    /// Waits for this number of further responses.
    pub(crate) async fn wait_for_responses(&self, count: usize) {
        let enough = self.counters().succeeded + count;
        eventually("further responses", async || {
            let counters = self.counters();
            if counters.succeeded >= enough {
                Ok(())
            } else {
                Err(format!("{counters:?}"))
            }
        })
        .await;
    }

    /// Stops, waits for the last responses, and checks that nothing failed. Returns the number of responses.
    pub(crate) async fn stop_without_failures(mut self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        for worker in self.workers.drain(..) {
            worker.await.expect("workers do not panic");
        }
        let counters = self.counters();
        assert!(
            counters.failures.is_empty(),
            "{} of {} requests failed, the first with {}",
            counters.failures.len(),
            counters.failures.len() + counters.succeeded,
            counters.failures[0]
        );
        counters.succeeded
    }

    fn counters(&self) -> Counters {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn call_on(caller: Caller, host: &str, counters: Arc<Mutex<Counters>>, stop: Arc<AtomicBool>) {
    let deadline = Instant::now() + MAX_DURATION;
    for _ in 0..MAX_REQUESTS {
        if stop.load(Ordering::Relaxed) || Instant::now() > deadline {
            break;
        }
        let outcome = caller.try_get(host).await;
        let mut counters = counters.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(response) if response.status == 200 => counters.succeeded += 1,
            other => counters.failures.push(format!("{other:?}")),
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for worker in &self.workers {
            worker.abort();
        }
    }
}
