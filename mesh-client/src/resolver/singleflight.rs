//! One lookup per name at a time, shared by all calls that wait for it.
//!
//! A lookup is a task of its own: the call that started it may be cancelled while others wait for the same name. It ends within
//! seconds, and with the client at the latest.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::addresses::Addresses;
use super::cache::{Cache, CacheEntry};
use super::dns_answer::DnsAnswer;
use super::dns_client::DnsClient;
use super::host_name::HostName;
use super::resolve_error::ResolveError;

/// How long a call waits for a lookup if it has other addresses to use. A DNS server in the same VPC takes a few milliseconds;
/// one that takes longer will probably not answer.
const MAX_WAIT: Duration = Duration::from_millis(200);

/// The most names that are looked up at the same time. A service calls tens of names; thousands at once come from its input,
/// and would exceed the 1024 packets per second that the VPC's DNS server accepts.
const MAX_LOOKUPS: usize = 64;

pub(crate) type ResolveResult = Result<Arc<Addresses>, Arc<ResolveError>>;

/// A source of DNS answers.
pub(crate) trait Query: Send + Sync + 'static {
    /// Queries `name`. Completes within seconds.
    fn query(&self, name: &HostName) -> impl Future<Output = Result<DnsAnswer, ResolveError>> + Send;
}

impl Query for DnsClient {
    async fn query(&self, name: &HostName) -> Result<DnsAnswer, ResolveError> {
        self.query(name).await
    }
}

/// The cache of a client, and its running lookups.
#[derive(Debug)]
pub(crate) struct Singleflight<Q> {
    shared: Arc<Shared<Q>>,
    tasks: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
struct Shared<Q> {
    source: Q,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    cache: Cache,
    running: HashMap<HostName, Lookup>,
}

/// A running lookup.
#[derive(Debug, Clone)]
struct Lookup {
    result: watch::Receiver<Option<ResolveResult>>,
    started: Instant,
}

impl<Q: Query> Singleflight<Q> {
    pub(crate) fn new(source: Q) -> Self {
        let state = Mutex::default();
        Self {
            shared: Arc::new(Shared { source, state }),
            tasks: Mutex::default(),
        }
    }

    /// The addresses of `name`, from the cache or from a lookup. Cancelling it leaves the lookup running.
    ///
    /// If the lookup takes longer than [`MAX_WAIT`], the result is stale addresses, or `fallback` for a name that is not in the
    /// cache.
    pub(crate) async fn find(&self, name: &HostName, fallback: Option<&Arc<Addresses>>) -> ResolveResult {
        let (lookup, fallback) = {
            let mut state = self.shared.lock();
            let fallback = match state.cache.get(name, Instant::now()) {
                CacheEntry::Fresh(addresses) => return Ok(addresses),
                CacheEntry::Negative(error) => return Err(error),
                CacheEntry::Stale(addresses) => Some(addresses),
                CacheEntry::Miss => fallback.cloned(),
            };
            let running = state.running.get(name).cloned();
            let lookup = running.map_or_else(|| self.start(name, &mut state), Ok);
            (lookup, fallback)
        };
        match (lookup, fallback) {
            (Ok(lookup), None) => self.result_of(lookup).await,
            (Ok(lookup), Some(fallback)) => {
                let until = lookup.started + MAX_WAIT;
                let in_time = tokio::time::timeout_at(until, self.result_of(lookup)).await;
                in_time.unwrap_or(Ok(fallback))
            }
            (Err(_), Some(fallback)) => Ok(fallback),
            (Err(error), None) => Err(error),
        }
    }

    fn start(&self, name: &HostName, state: &mut State) -> Result<Lookup, Arc<ResolveError>> {
        if state.running.len() >= MAX_LOOKUPS {
            return Err(no_answer(format!("{MAX_LOOKUPS} other names are being looked up")));
        }
        let (sender, result) = watch::channel(None);
        let lookup = Lookup {
            result,
            started: Instant::now(),
        };
        state.running.insert(name.clone(), lookup.clone());
        let (shared, name) = (self.shared.clone(), name.clone());
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let answer = shared.source.query(&name).await;
            let mut state = shared.lock();
            state.running.remove(&name);
            sender.send_replace(Some(state.cache.store(&name, answer, Instant::now())));
        });
        Ok(lookup)
    }

    async fn result_of(&self, mut lookup: Lookup) -> ResolveResult {
        if let Ok(result) = lookup.result.wait_for(Option::is_some).await
            && let Some(result) = result.clone()
        {
            return result;
        }
        // The task was aborted, with its runtime or by a panic. The next call starts another.
        let mut state = self.shared.lock();
        state.running.retain(|_, lookup| lookup.result.has_changed().is_ok());
        Err(no_answer("the lookup was aborted".to_owned()))
    }
}

impl<Q> Shared<Q> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_answer(attempt: String) -> Arc<ResolveError> {
    Arc::new(ResolveError::no_answer(vec![attempt]))
}

#[cfg(test)]
mod tests;
