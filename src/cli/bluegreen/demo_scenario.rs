//! Demo scenario: three deployments under load, unattended. The third one is rolled back by its canary analysis.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bluegreen_deploy::{LocalStateDir, LocalTarget, RolloutController, Version};
use bluegreen_state::{Event, Strategy};
use demo_service::traffic::{self, Interval, Target};
use mesh_local::{DirAccess, RunDir};
use tokio::sync::oneshot;

use super::BlueGreen;
use super::assertions::{Deployment, ServedVersions, assert_deployment_outcome, assert_served_versions};
use crate::console::Console;
use crate::up::Scene;

/// Requests per second.
const RATE: NonZeroU32 = NonZeroU32::new(200).unwrap();
/// Maximum number of concurrent requests: enough for a second without a response.
const CONCURRENCY: NonZeroU16 = NonZeroU16::new(64).unwrap();

/// The interval of traffic reports.
const INTERVAL: Duration = Duration::from_secs(1);
/// The pause after a deployment, in which its result is observed.
const PAUSE: Duration = Duration::from_secs(4);

/// Version, strategy, and whether the deployment is expected to succeed.
const DEPLOYMENTS: [(Version, &str, bool); 3] = [
    (2, "canary:20%,4s", true),
    (3, "linear:25%,1s", true),
    (4, "canary:20%,30s", false),
];

/// Runs the scenario in a temporary directory. If the process is killed, the next mesh removes the directory.
pub(super) fn run(app: &BlueGreen, network: mesh_local::Network, start: Instant) -> super::VerbResult<()> {
    let directory = RunDir::create(&std::env::temp_dir(), DirAccess::Owner).map_err(|error| {
        format!("cannot create a temporary state directory: {error}; set TMPDIR to an existing directory")
    })?;
    let state_dir = LocalStateDir::open(Some(directory.path()), app.application.name())?;
    let scenario =
        Box::new(|context| -> futures_util::future::LocalBoxFuture<'_, _> { Box::pin(play(app, &state_dir, context)) });
    app.up(&state_dir, None, network, start, Some(scenario))
}

async fn play(app: &BlueGreen, state_dir: &LocalStateDir, context: Scene) -> Result<(), String> {
    let Scene {
        console,
        beside: call_scope,
        doors: gateways,
    } = context;
    let gateway = gateways.get(&app.traffic.service);
    let gateway = gateway.ok_or_else(|| format!("service {} has no Envoy", app.traffic.service))?;
    let url = format!("http://{gateway}{}", app.traffic.path);
    let target: Target = url.parse().map_err(|error| format!("{error}"))?;
    let plan = traffic::Plan::new(target)
        .with_interval(INTERVAL)
        .with_rate(RATE)
        .with_concurrency(CONCURRENCY);
    console.show(&format!("\n{RATE} requests per second to {url}"));
    let (stop, stopped) = oneshot::channel::<()>();
    // Dropping the sender also stops the traffic.
    let stopped = async {
        let _ = stopped.await;
    };
    let served: Arc<Mutex<Vec<ServedVersions>>> = Arc::default();
    let report = {
        let (served, console) = (Arc::clone(&served), console.clone());
        move |interval: &Interval| {
            let mut served = served.lock().unwrap_or_else(PoisonError::into_inner);
            served.push(ServedVersions::new(Instant::now(), interval.tally()));
            console.show(&format!("   {interval}"));
            Ok(())
        }
    };
    let requests = call_scope.run(async move { traffic::run(&plan, stopped, std::future::pending(), report).await });
    let deployments = async {
        let deployments = deploy_all(app, state_dir, &console).await;
        let _ = stop.send(());
        deployments
    };
    let (summary, deployments) = tokio::join!(requests, deployments);
    let summary = summary.map_err(|error| error.to_string())?;
    let summary = summary.map_err(|error| error.to_string())?;
    console.show(&format!("\n{summary}"));
    let deployments = deployments?;
    if !summary.all_went_well() {
        return Err("some requests failed".to_owned());
    }
    let served = served.lock().unwrap_or_else(PoisonError::into_inner);
    assert_served_versions(&deployments, &served, INTERVAL)
}

async fn deploy_all(app: &BlueGreen, state_dir: &LocalStateDir, console: &Console) -> Result<Vec<Deployment>, String> {
    let mut deployments = Vec::new();
    for (version, strategy, succeeds) in DEPLOYMENTS {
        console.show(&format!("\ndeploy --version {version} --strategy {strategy}"));
        let strategy: Strategy = strategy.parse().map_err(|error| format!("{error}"))?;
        let target = LocalTarget::new(state_dir).map_err(|error| error.to_string())?;
        let controller = RolloutController::new(&app.application, target, |line| console.show(line));
        let start = Instant::now();
        let event = |controller| Event::Deploy {
            version,
            strategy,
            controller,
        };
        let outcome = controller.run(event).await.map_err(|error| error.to_string())?;
        assert_deployment_outcome(outcome.as_ref(), version, succeeds)?;
        deployments.push(Deployment {
            version,
            succeeds,
            start,
            end: Instant::now(),
        });
        tokio::time::sleep(PAUSE).await;
    }
    Ok(deployments)
}
