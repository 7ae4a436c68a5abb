//! Asking AWS again and again, and telling the control plane what follows.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::{join, join_all};
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Notify, Semaphore, watch};

use super::clients::Clients;
use super::cloud_map::{Answer, Question};
use super::digest::Digest;
use super::failure::Failure;
use super::publish::Publisher;
use super::registered::Service;
use super::schedule::{
    PARAMETER_CALLS_PER_SECOND, PollIntervals, REVISION_CALLS_PER_SECOND, backed_off, jittered, stretched,
};
use super::state::{News, State};
use super::{cloud_map, parameters};
use crate::ads::SourceStatus;
use crate::control_plane::{Addresses, ControlPlane, Feed};

/// How many questions to Cloud Map are under way at a time.
const AT_A_TIME: usize = 16;

/// What to follow, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The names of the meshes, one at least.
    pub meshes: BTreeSet<String>,
    /// The ids or ARNs of namespaces of Cloud Map, by name. Needed for one whose name another one had before: Cloud Map
    /// is asked about it by a name with a hash, which it says if it has the id. Default: none, every namespace is asked
    /// about by its name.
    pub namespaces: BTreeMap<String, String>,
    /// How often AWS is asked.
    pub intervals: PollIntervals,
    /// Under which name this copy publishes what its Envoys have accepted, for [`SyncReader`]: one that no other
    /// copy has, as [`replica_id`] gives. Default: it does not.
    ///
    /// [`SyncReader`]: super::SyncReader
    /// [`replica_id`]: super::replica_id
    pub publish_as: Option<String>,
}

impl Options {
    /// Follows these meshes with the default intervals, and publishes nothing.
    pub fn new(meshes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            meshes: meshes.into_iter().map(Into::into).collect(),
            namespaces: BTreeMap::new(),
            intervals: PollIntervals::default(),
            publish_as: None,
        }
    }
}

/// Serves what AWS says of meshes. Gives the control plane, and the work: a future to be spawned or awaited.
///
/// Envoys' connections are refused until every mesh is known. The work ends with an error of a listener; or, once `stop`
/// has ended, after what was published has been taken back. Dropping it ends it at once, and leaves what was published.
///
/// # Errors
///
/// If there is no mesh to follow, a name cannot be one, or an address cannot be bound. The error names it.
pub async fn serve(
    clients: Clients,
    options: Options,
    addresses: Addresses,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<(ControlPlane, impl Future<Output = io::Result<()>> + Send + 'static)> {
    check_names(&options.meshes)?;
    let learned = Arc::new(Learned {
        state: Mutex::new(State::of(options.meshes.iter(), options.intervals).with_namespaces(&options.namespaces)),
        is_known: watch::Sender::new(false),
        served: watch::Sender::default(),
    });
    let mut is_known = learned.is_known.subscribe();
    let known = async move {
        // The sender is part of what serves, so it cannot go before.
        let _known = is_known.wait_for(|is_known| *is_known).await.map(drop);
    };
    let feed: Arc<dyn Feed> = Arc::clone(&learned) as Arc<dyn Feed>;
    let (control, serving) = ControlPlane::learning(addresses, feed, known).await?;
    let follower = Follower {
        clients,
        intervals: options.intervals,
        control: control.clone(),
        learned,
        wake: Notify::new(),
    };
    let work = async move {
        let publisher = options.publish_as.map(|copy| Publisher::new(&follower, copy));
        let publishing = async {
            match &publisher {
                Some(publisher) => publisher.publish(&options.meshes, stop).await,
                None => stop.await,
            }
        };
        let following = join_all(options.meshes.iter().map(|mesh| follower.follow_parameters(mesh)));
        let naming = join_all(options.namespaces.iter().map(|(name, id)| follower.name(name, id)));
        tokio::select! {
            served = serving => served,
            _ = join(following, naming) => Ok(()),
            () = follower.follow_endpoints() => Ok(()),
            () = publishing => Ok(()),
        }
    };
    Ok((control, work))
}

fn check_names(meshes: &BTreeSet<String>) -> io::Result<()> {
    let wrong = |text: String| Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    if meshes.is_empty() {
        return wrong("there is no mesh to follow; name one at least".to_owned());
    }
    // What the name of a parameter may have (Systems Manager API reference, `PutParameter`, read 2026-11-23).
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
    for mesh in meshes {
        if mesh.is_empty() || !mesh.chars().all(is_allowed) {
            return wrong(format!(
                "`{mesh}` is no name of a mesh; allowed are letters, digits, and any of _.-"
            ));
        }
    }
    Ok(())
}

/// What was learned, for all who want to know.
#[derive(Debug)]
pub(super) struct Learned {
    state: Mutex<State>,
    is_known: watch::Sender<bool>,
    served: watch::Sender<BTreeMap<String, Served>>,
}

/// The configuration of a mesh that is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Served {
    pub(super) digest: Digest,
    pub(super) damaged: Vec<String>,
    /// How many healthy instances its virtual nodes have.
    pub(super) healthy: BTreeMap<String, usize>,
    /// The control plane's revision that has it.
    pub(super) revision: u64,
}

impl Learned {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn served(&self) -> watch::Receiver<BTreeMap<String, Served>> {
        self.served.subscribe()
    }
}

impl Feed for Learned {
    fn sources(&self) -> Vec<SourceStatus> {
        self.state().sources(Instant::now())
    }

    fn is_ready(&self) -> Result<(), String> {
        self.state().is_ready()
    }
}

/// Whoever asks.
pub(super) struct Follower {
    pub(super) clients: Clients,
    pub(super) intervals: PollIntervals,
    pub(super) control: ControlPlane,
    pub(super) learned: Arc<Learned>,
    /// Wakes who asks Cloud Map.
    wake: Notify,
}

impl Follower {
    /// Reads a mesh's parameters for ever.
    async fn follow_parameters(&self, mesh: &str) {
        loop {
            let reading = parameters::of_mesh(&self.clients.parameters, mesh).await;
            let (failures, calls) = {
                let mut state = self.learned.state();
                log(state.take_parameters(mesh, reading, Instant::now()));
                state.parameters_pace(mesh)
            };
            self.apply();
            let interval = stretched(self.intervals.parameters, calls, PARAMETER_CALLS_PER_SECOND);
            pause(backed_off(interval, failures, self.intervals.longest)).await;
        }
    }

    /// Asks what Cloud Map calls a namespace, until it says so.
    async fn name(&self, name: &str, id: &str) {
        loop {
            let answer = cloud_map::http_name(&self.clients.discovery, name, id).await;
            let is_known = answer.is_ok();
            let failures = {
                let mut state = self.learned.state();
                log(state.take_namespace(name, answer, Instant::now()));
                state.namespace_pace(name)
            };
            if is_known {
                return self.wake.notify_one();
            }
            pause(backed_off(self.intervals.endpoints, failures, self.intervals.longest)).await;
        }
    }

    /// Asks Cloud Map for ever. What has not been answered yet keeps nobody else waiting.
    async fn follow_endpoints(&self) {
        let places = Semaphore::new(AT_A_TIME);
        let mut under_way = FuturesUnordered::new();
        let mut asked = BTreeSet::new();
        loop {
            let services = self.learned.state().services();
            for question in self.learned.state().questions(Instant::now()) {
                if asked.insert(question.service.clone()) {
                    under_way.push(self.ask(question, &places));
                }
            }
            let interval = stretched(self.intervals.endpoints, services, REVISION_CALLS_PER_SECOND);
            let mut next_round = pin!(pause(interval));
            loop {
                tokio::select! {
                    Some((service, answer)) = under_way.next() => {
                        asked.remove(&service);
                        let taken = self.learned.state().take_answer(&service, answer, Instant::now());
                        let (has_changed, news) = taken;
                        log(news);
                        if has_changed {
                            self.apply();
                        }
                    }
                    () = &mut next_round => break,
                    () = self.wake.notified() => break,
                }
            }
        }
    }

    async fn ask(&self, question: Question, places: &Semaphore) -> (Service, Result<Answer, Failure>) {
        // Nobody closes it.
        let _place = places.acquire().await;
        let answer = cloud_map::ask(&self.clients.discovery, &question).await;
        (question.service, answer)
    }

    /// Tells the control plane what can be served now.
    fn apply(&self) {
        let mut state = self.learned.state();
        log(state.advance());
        self.control.update(|world| state.write(world));
        let revision = self.control.revision();
        self.learned.served.send_if_modified(|served| {
            let mut has_changed = false;
            for mesh in state.meshes() {
                let Some((digest, damaged)) = state.served(mesh) else {
                    continue;
                };
                let before = served.get(mesh);
                let is_same = |before: &&Served| before.digest == *digest && before.damaged == damaged;
                let now = Served {
                    digest: digest.clone(),
                    damaged: damaged.to_vec(),
                    healthy: state.healthy(mesh),
                    // Instances come and go without any other configuration.
                    revision: before.filter(is_same).map_or(revision, |before| before.revision),
                };
                if before != Some(&now) {
                    served.insert(mesh.clone(), now);
                    has_changed = true;
                }
            }
            has_changed
        });
        if state.is_waiting() {
            self.wake.notify_one();
        }
        if state.is_ready().is_ok() && !self.learned.is_known.send_replace(true) {
            tracing::info!(xds = %self.control.addresses().xds, "every mesh is known: serving Envoys");
        }
    }
}

async fn pause(interval: Duration) {
    tokio::time::sleep(jittered(interval, fastrand::f64())).await;
}

pub(super) fn log(news: Vec<News>) {
    for news in news {
        match news {
            News::Good(text) => tracing::info!("{text}"),
            News::Bad(text) => tracing::warn!("{text}"),
        }
    }
}
