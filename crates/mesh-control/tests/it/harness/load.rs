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
/// The time limit: a test that forgets the load must end.
const LONGEST: Duration = Duration::from_secs(40);
/// The request limit per worker, for the same reason.
const MOST: usize = 100_000;

/// A load on one Host of an egress listener. Dropping it stops it.
pub(crate) struct Load {
    tally: Arc<Mutex<Tally>>,
    stop: Arc<AtomicBool>,
    workers: Vec<JoinHandle<()>>,
}

/// The results.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// The number of responses with status 200.
    pub(crate) answered: usize,
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
        let (tally, stop) = (Arc::<Mutex<Tally>>::default(), Arc::<AtomicBool>::default());
        let workers = (0..WORKERS).map(|_| {
            let work = call_on(Caller::new(egress), host, Arc::clone(&tally), Arc::clone(&stop));
            tokio::spawn(work)
        });
        let workers = workers.collect();
        let load = Self { tally, stop, workers };
        load.another(20).await;
        load
    }

    /// Waits for this number of further responses.
    pub(crate) async fn another(&self, count: usize) {
        let enough = self.tally().answered + count;
        eventually("the load goes on", async || {
            let tally = self.tally();
            if tally.answered >= enough {
                Ok(())
            } else {
                Err(format!("{tally:?}"))
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
        let tally = self.tally();
        assert!(
            tally.failures.is_empty(),
            "{} of {} requests failed, the first with {}",
            tally.failures.len(),
            tally.failures.len() + tally.answered,
            tally.failures[0]
        );
        tally.answered
    }

    fn tally(&self) -> Tally {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn call_on(caller: Caller, host: &str, tally: Arc<Mutex<Tally>>, stop: Arc<AtomicBool>) {
    let deadline = Instant::now() + LONGEST;
    for _ in 0..MOST {
        if stop.load(Ordering::Relaxed) || Instant::now() > deadline {
            break;
        }
        let outcome = caller.try_get(host).await;
        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(answer) if answer.status == 200 => tally.answered += 1,
            other => tally.failures.push(format!("{other:?}")),
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
