//! One lookup at a time per name, and everyone who waits for it.
//!
//! A lookup is a task of its own: the call that began it may be cancelled while others still wait for the same name.
//! It ends within seconds, and with the client at the latest.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::addresses::Addresses;
use super::answer::Answer;
use super::dns::Dns;
use super::failure::{Failure, Why};
use super::host_name::HostName;
use super::memory::{Memory, Recalled};

/// How long a call waits for a lookup while it has other addresses to go on with. A resolver in the same VPC takes a
/// few milliseconds; whatever takes longer is about to be DNS that does not answer.
const PATIENCE: Duration = Duration::from_millis(200);

/// Names that are looked up at the same time. A service calls tens of names; thousands at once come from somewhere
/// else, and would be as many packets to a resolver that takes 1024 per second.
const MAX_LOOKUPS: usize = 64;

pub(crate) type Outcome = Result<Arc<Addresses>, Arc<Failure>>;

/// Who can be asked.
pub(crate) trait Ask: Send + Sync + 'static {
    /// What is said about `name`. It ends by itself within seconds.
    fn ask(&self, name: &HostName) -> impl Future<Output = Result<Answer, Failure>> + Send;
}

impl Ask for Dns {
    async fn ask(&self, name: &HostName) -> Result<Answer, Failure> {
        self.ask(name).await
    }
}

/// The lookups of a client, and what they came to.
#[derive(Debug)]
pub(crate) struct Lookups<A> {
    shared: Arc<Shared<A>>,
    tasks: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
struct Shared<A> {
    ask: A,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    memory: Memory,
    running: HashMap<HostName, Lookup>,
}

/// A lookup that runs.
#[derive(Debug, Clone)]
struct Lookup {
    outcome: watch::Receiver<Option<Outcome>>,
    began: Instant,
}

impl<A: Ask> Lookups<A> {
    pub(crate) fn new(ask: A) -> Self {
        let state = Mutex::default();
        Self {
            shared: Arc::new(Shared { ask, state }),
            tasks: Mutex::default(),
        }
    }

    /// The addresses of `name`, from memory or from a lookup. Cancelling it leaves the lookup running.
    ///
    /// While the lookup takes long, stale addresses will do; or, where nothing is remembered, `instead`.
    pub(crate) async fn find(&self, name: &HostName, instead: Option<&Arc<Addresses>>) -> Outcome {
        let (lookup, meanwhile) = {
            let mut state = self.shared.lock();
            let meanwhile = match state.memory.recall(name, Instant::now()) {
                Recalled::Fresh(addresses) => return Ok(addresses),
                Recalled::Absent(failure) => return Err(failure),
                Recalled::Stale(addresses) => Some(addresses),
                Recalled::Unknown => instead.cloned(),
            };
            let running = state.running.get(name).cloned();
            let lookup = running.map_or_else(|| self.begin(name, &mut state), Ok);
            (lookup, meanwhile)
        };
        match (lookup, meanwhile) {
            (Ok(lookup), None) => self.outcome_of(lookup).await,
            (Ok(lookup), Some(meanwhile)) => {
                let until = lookup.began + PATIENCE;
                let in_time = tokio::time::timeout_at(until, self.outcome_of(lookup)).await;
                in_time.unwrap_or(Ok(meanwhile))
            }
            (Err(_), Some(meanwhile)) => Ok(meanwhile),
            (Err(failure), None) => Err(failure),
        }
    }

    fn begin(&self, name: &HostName, state: &mut State) -> Result<Lookup, Arc<Failure>> {
        if state.running.len() >= MAX_LOOKUPS {
            return Err(silence(format!("{MAX_LOOKUPS} other names are being looked up")));
        }
        let (tell, outcome) = watch::channel(None);
        let lookup = Lookup {
            outcome,
            began: Instant::now(),
        };
        state.running.insert(name.clone(), lookup.clone());
        let (shared, name) = (self.shared.clone(), name.clone());
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let answer = shared.ask.ask(&name).await;
            let mut state = shared.lock();
            state.running.remove(&name);
            tell.send_replace(Some(state.memory.learn(&name, answer, Instant::now())));
        });
        Ok(lookup)
    }

    async fn outcome_of(&self, mut lookup: Lookup) -> Outcome {
        if let Ok(outcome) = lookup.outcome.wait_for(Option::is_some).await
            && let Some(outcome) = outcome.clone()
        {
            return outcome;
        }
        // Its task is gone before its time: with its runtime, or because it panicked. The next call begins another.
        let mut state = self.shared.lock();
        state.running.retain(|_, lookup| lookup.outcome.has_changed().is_ok());
        Err(silence("the lookup was broken off".to_owned()))
    }
}

impl<A> Shared<A> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn silence(tried: String) -> Arc<Failure> {
    Arc::new(Failure {
        why: Why::NoAnswer,
        tried: vec![tried],
    })
}

#[cfg(test)]
mod tests;
