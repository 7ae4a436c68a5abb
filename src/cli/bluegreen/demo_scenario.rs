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
use crate::cli::error::CliError;
use crate::console::Console;
use crate::exit_code::Exit;
use crate::up::{BoxError, ScenarioContext};

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
pub(super) fn run(app: &BlueGreen, network: mesh_local::Network, start: Instant) -> Result<Exit, CliError> {
    let directory = RunDir::create(&std::env::temp_dir(), DirAccess::Owner);
    let directory = directory.map_err(CliError::TemporaryDirectory)?;
    let state_dir = LocalStateDir::open(Some(directory.path()), app.application.name())?;
    let scenario =
        Box::new(|context| -> futures_util::future::LocalBoxFuture<'_, _> { Box::pin(play(app, &state_dir, context)) });
    app.up(&state_dir, None, network, start, Some(scenario))
}

async fn play(app: &BlueGreen, state_dir: &LocalStateDir, context: ScenarioContext) -> Result<(), BoxError> {
    let ScenarioContext {
        console,
        call_scope,
        gateways,
    } = context;
    let gateway = gateways.get(&app.traffic.service);
    let gateway = gateway.ok_or_else(|| format!("service {} has no Envoy", app.traffic.service))?;
    let url = format!("http://{gateway}{}", app.traffic.path);
    let target: Target = url.parse()?;
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
            served.push(ServedVersions::new(Instant::now(), interval.counters()));
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
    let summary = summary??;
    console.show(&format!("\n{summary}"));
    let deployments = deployments?;
    if !summary.is_success() {
        return Err("some requests failed".into());
    }
    let served = served.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(assert_served_versions(&deployments, &served, INTERVAL)?)
}

async fn deploy_all(
    app: &BlueGreen,
    state_dir: &LocalStateDir,
    console: &Console,
) -> Result<Vec<Deployment>, BoxError> {
    let mut deployments = Vec::new();
    for (version, strategy, succeeds) in DEPLOYMENTS {
        console.show(&format!("\ndeploy --version {version} --strategy {strategy}"));
        let strategy: Strategy = strategy.parse()?;
        let target = LocalTarget::new(state_dir)?;
        let controller = RolloutController::new(&app.application, target, |line| console.show(line));
        let start = Instant::now();
        let event = |controller| Event::Deploy {
            version,
            strategy,
            controller,
        };
        let outcome = controller.run(event).await?;
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
