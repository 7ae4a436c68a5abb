//! A minute without control planes, under load, while tasks start.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mesh_control::{MeshState, XdsProtocol};
use mesh_model::service_connect::AppProtocol;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::fixture::Site;
use crate::harness::{Behaviour, Envoy, Upstream, endpoint};

/// The length of the outage.
const OUTAGE: Duration = Duration::from_secs(60);
/// The tasks that start meanwhile, one after the other: they have the addresses of one task.
const TASKS: usize = 20;
/// Requests per second, of all workers together.
const RATE: u32 = 1000;
const WORKERS: u32 = 10;
/// How much later than normally the first response of a task may arrive.
const DELAY: Duration = Duration::from_secs(2);
/// The longest time until all Envoys are back at the control plane.
const RETURN: Duration = Duration::from_secs(5);

const HOST: &str = "blue.serviceconnect";

/// Requests at a steady rate.
struct PacedLoad {
    stop: Arc<AtomicBool>,
    succeeded: Arc<AtomicUsize>,
    workers: JoinSet<Result<(), String>>,
}

impl PacedLoad {
    fn start(egress: SocketAddr) -> Self {
        let (stop, succeeded) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let mut workers = JoinSet::new();
        for _ in 0..WORKERS {
            let (stop, succeeded) = (Arc::clone(&stop), Arc::clone(&succeeded));
            workers.spawn(async move {
                let client = reqwest::Client::builder().no_proxy().build().expect("a client");
                let mut ticks = interval(Duration::from_secs(1) * WORKERS / RATE);
                // On a busy machine, late requests are sent as soon as possible.
                ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
                let end = Instant::now() + 2 * OUTAGE;
                while !stop.load(Ordering::Relaxed) && Instant::now() < end {
                    ticks.tick().await;
                    get(&client, egress).await?;
                    succeeded.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            });
        }
        Self {
            stop,
            succeeded,
            workers,
        }
    }

    /// Stops it, and returns the number of requests, none of which has failed.
    async fn stop_without_failures(mut self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.workers.join_next().await {
            assert_eq!(ended.expect("workers do not panic"), Ok(()));
        }
        self.succeeded.load(Ordering::Relaxed)
    }
}

async fn get(client: &reqwest::Client, egress: SocketAddr) -> Result<(), String> {
    let response = client
        .get(format!("http://{egress}/"))
        .header("host", HOST)
        .send()
        .await;
    match response {
        Ok(response) if response.status() == 200 => response.bytes().await.map(drop).map_err(|error| error.to_string()),
        Ok(response) => Err(format!("status {}", response.status())),
        Err(error) => Err(error.to_string()),
    }
}

/// A task, and the time from its start until its first response.
async fn start_task(site: &Site) -> (Envoy, Duration) {
    let started = Instant::now();
    let envoy = site.start_envoy().await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    assert_eq!(get(&client, site.egress()).await, Ok(()));
    (envoy, started.elapsed())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minute_without_control_planes() {
    let green = Site::new(XdsProtocol::Delta);
    let yellow = green.beside("yellow");
    let blue = Upstream::start("blue", Behaviour::Name).await;
    let control = green.control_plane(MeshState::default()).await;
    control.mesh.create_namespace(&[endpoint("blue", AppProtocol::Http)]);
    control.mesh.add_ecs_service("green");
    control.mesh.add_ecs_service("yellow");
    control.mesh.set_endpoints("blue", &[blue.address]);
    let running = green.start_envoy().await;
    let (first, normal) = start_task(&yellow).await;
    green.wait_for_manifests(2).await;
    drop(first);

    let load = PacedLoad::start(green.egress());
    let state = control.mesh.mesh_state();
    drop(control);
    let outage = Instant::now();
    let _agent = yellow.start_agent().await;
    let mut slowest = Duration::ZERO;
    for task in 1..=u32::try_from(TASKS).expect("few") {
        let (_envoy, took) = start_task(&yellow).await;
        slowest = slowest.max(took);
        // Spread over the outage.
        tokio::time::sleep_until((outage + OUTAGE * task / 20).into()).await;
    }
    println!("{TASKS} tasks started: first response after {slowest:?} at most, {normal:?} normally");
    assert!(slowest <= normal + DELAY, "{slowest:?}, normally {normal:?}");
    assert!(outage.elapsed() >= OUTAGE);

    let _last = yellow.start_envoy().await;
    let returned = Instant::now();
    let control = green.control_plane(state).await;
    control.mesh.wait_for_nodes(2).await;
    let until_return = returned.elapsed();
    println!("all back at the control plane after {until_return:?}");
    assert!(until_return < RETURN, "{until_return:?}");
    let requests = load.stop_without_failures().await;
    println!("{requests} requests, none failed");
    let expected = usize::try_from(RATE).expect("small") * usize::try_from(OUTAGE.as_secs()).expect("small");
    assert!(requests >= expected * 9 / 10, "{requests} of {expected}");
    // Nothing was taken away from the Envoy that ran through it.
    for name in ["cluster_manager.cluster_removed", "listener_manager.listener_removed"] {
        assert_eq!(running.stat(name).await, 0, "{name}");
    }
}
