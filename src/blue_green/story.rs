//! The whole story, unattended and under load: three deployments, the last of which is taken back by itself.

mod judgement;

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bluegreen_state::{Event, Strategy};
use demo_service::traffic::{self, Interval, Target};
use mesh_local::{DirAccess, RunDir};
use tokio::sync::oneshot;

use self::judgement::{Chapter, Seen, ended_as_it_should, judge};
use super::driver::Driver;
use super::ground::Here;
use super::place::Place;
use super::{BlueGreen, Version};
use crate::console::Console;
use crate::up::Scene;

/// Calls a second.
const RATE: NonZeroU32 = NonZeroU32::new(200).unwrap();
/// Calls that may be under way at a time: enough for a second of silence.
const CALLERS: NonZeroU16 = NonZeroU16::new(64).unwrap();

/// As often calls are told.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long it stays as it is after a deployment, so that this can be seen.
const PAUSE: Duration = Duration::from_secs(4);

/// What is deployed, how, and whether it stays.
const CHAPTERS: [(Version, &str, bool); 3] = [
    (2, "canary:20%,4s", true),
    (3, "linear:25%,1s", true),
    (4, "canary:20%,30s", false),
];

/// Plays the story in a folder of its own, which the next mesh to be started removes if this is killed.
pub(super) fn run(app: &BlueGreen, network: mesh_local::Network, beginning: Instant) -> Result<(), String> {
    let folder = RunDir::create(&std::env::temp_dir(), DirAccess::Owner);
    let folder = folder.map_err(|error| format!("no folder for the state: {error}; set TMPDIR to one that exists"))?;
    let place = Place::of(Some(folder.path()), &app.name)?;
    let story = Box::new(|scene| -> futures_util::future::LocalBoxFuture<'_, _> { Box::pin(play(app, &place, scene)) });
    app.up(&place, network, beginning, Some(story))
}

async fn play(app: &BlueGreen, place: &Place, scene: Scene) -> Result<(), String> {
    let Scene { console, beside, doors } = scene;
    let door = doors.get(&app.traffic.service);
    let door = door.ok_or_else(|| format!("service {} has no Envoy to call", app.traffic.service))?;
    let url = format!("http://{door}{}", app.traffic.path);
    let target: Target = url.parse().map_err(|error| format!("{error}"))?;
    let plan = traffic::Plan::new(target)
        .with_interval(INTERVAL)
        .with_rate(RATE)
        .with_concurrency(CALLERS);
    console.show(&format!("\n{RATE} calls a second to {url}"));
    let (stop, stopped) = oneshot::channel::<()>();
    // Dropped as well as told, it ends the traffic.
    let stopped = async {
        let _told = stopped.await;
    };
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let report = {
        let (seen, console) = (Arc::clone(&seen), console.clone());
        move |interval: &Interval| {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push(Seen::new(Instant::now(), interval.tally()));
            console.show(&format!("   {interval}"));
            Ok(())
        }
    };
    let calls = beside.run(async move { traffic::run(&plan, stopped, std::future::pending(), report).await });
    let chapters = async {
        let told = chapters(app, place, &console).await;
        let _ended = stop.send(());
        told
    };
    let (summary, told) = tokio::join!(calls, chapters);
    let summary = summary.map_err(|error| error.to_string())?;
    let summary = summary.map_err(|error| error.to_string())?;
    console.show(&format!("\n{summary}"));
    let told = told?;
    if !summary.all_went_well() {
        return Err("some calls failed".to_owned());
    }
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    judge(&told, &seen, INTERVAL)
}

async fn chapters(app: &BlueGreen, place: &Place, console: &Console) -> Result<Vec<Chapter>, String> {
    let mut told = Vec::new();
    for (version, strategy, stays) in CHAPTERS {
        console.show(&format!("\ndeploy --version {version} --strategy {strategy}"));
        let strategy: Strategy = strategy.parse().map_err(|error| format!("{error}"))?;
        let driver = Driver::new(app, Here::new(place)?);
        let event = Event::Deploy {
            version,
            strategy,
            controller: driver.name().to_owned(),
        };
        let began = Instant::now();
        let outcome = driver.drive(event, |line| console.show(line)).await?;
        ended_as_it_should(outcome.as_ref(), version, stays)?;
        told.push(Chapter {
            version,
            stays,
            began,
            ended: Instant::now(),
        });
        tokio::time::sleep(PAUSE).await;
    }
    Ok(told)
}
