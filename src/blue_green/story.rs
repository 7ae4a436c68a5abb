//! The whole story, unattended and under load: three deployments, the last of which is taken back by itself.

use std::cell::RefCell;
use std::num::{NonZeroU16, NonZeroU32};
use std::time::Instant;

use bluegreen_state::{Ended, Event, State, Strategy};
use demo_service::traffic::{self, Interval, Summary, Tally, Target};
use tokio::sync::oneshot;

use super::driver::Driver;
use super::place::Place;
use super::{BlueGreen, Version};
use crate::console::Console;
use crate::up::Scene;

/// Calls a second.
const RATE: NonZeroU32 = NonZeroU32::new(200).unwrap();
/// Calls that may be under way at a time: enough for a second of silence.
const CALLERS: NonZeroU16 = NonZeroU16::new(64).unwrap();

/// What is deployed, how, and whether it stays.
const CHAPTERS: [(Version, &str, bool); 3] = [
    (2, "canary:20%,4s", true),
    (3, "linear:25%,1s", true),
    (4, "canary:20%,30s", false),
];

/// Plays the story in a folder of its own.
pub(super) fn run(app: &BlueGreen, network: mesh_local::Network, beginning: Instant) -> Result<(), String> {
    let folder = tempfile::Builder::new().prefix("meshwright-story-").tempdir();
    let folder = folder.map_err(|error| format!("no folder for the state: {error}"))?;
    let place = Place::of(Some(folder.path()), &app.name)?;
    let story = Box::new(|scene| -> futures_util::future::LocalBoxFuture<'_, _> { Box::pin(play(app, &place, scene)) });
    app.up(&place, network, beginning, Some(story))
}

async fn play(app: &BlueGreen, place: &Place, scene: Scene) -> Result<(), String> {
    let Scene { console, doors } = scene;
    let door = doors.get(&app.traffic.service);
    let door = door.ok_or_else(|| format!("service {} has no Envoy to call", app.traffic.service))?;
    let url = format!("http://{door}{}", app.traffic.path);
    let target: Target = url.parse().map_err(|error| format!("{error}"))?;
    let plan = traffic::Plan::new(target).with_rate(RATE).with_concurrency(CALLERS);
    console.show(&format!("\n{RATE} calls a second to {url}"));
    let (stop, stopped) = oneshot::channel::<()>();
    // Dropped as well as told, it ends the traffic.
    let stopped = async {
        let _told = stopped.await;
    };
    let seen = RefCell::new(Vec::new());
    let report = |interval: &Interval| {
        seen.borrow_mut().push((Instant::now(), interval.tally().clone()));
        console.show(&format!("   {interval}"));
        Ok(())
    };
    let calls = traffic::run(&plan, stopped, std::future::pending(), report);
    let chapters = async {
        let told = chapters(app, place, &console).await;
        let _ended = stop.send(());
        told
    };
    let (summary, told) = tokio::join!(calls, chapters);
    let summary = summary.map_err(|error| error.to_string())?;
    console.show(&format!("\n{summary}"));
    judge(&told?, &summary, &seen.into_inner())
}

/// When each deployment began and ended.
type Told = Vec<(Version, Instant, Instant)>;

async fn chapters(app: &BlueGreen, place: &Place, console: &Console) -> Result<Told, String> {
    let mut told = Told::new();
    for (version, strategy, stays) in CHAPTERS {
        console.show(&format!("\ndeploy --version {version} --strategy {strategy}"));
        let strategy: Strategy = strategy.parse().map_err(|error| format!("{error}"))?;
        let driver = Driver::new(app, place)?;
        let event = Event::Deploy {
            version,
            strategy,
            driver: driver.name().to_owned(),
        };
        let began = Instant::now();
        let state = driver.drive(event, |line| console.show(line)).await?;
        told.push((version, began, Instant::now()));
        ended_as_it_should(&state, version, stays)?;
    }
    Ok(told)
}

fn ended_as_it_should(state: &State<Version>, version: Version, stays: bool) -> Result<(), String> {
    match state.last().map(|last| (last.version, &last.ended)) {
        Some((ended, Ended::Successful {})) if stays && ended == version => Ok(()),
        Some((ended, Ended::RolledBack { .. })) if !stays && ended == version => Ok(()),
        _ => Err(format!(
            "version {version} should have {}: {state}",
            if stays { "stayed" } else { "been taken back" }
        )),
    }
}

/// Whether no call failed, and every version was served when it should be: seen at all during its deployment, the only
/// one after it if it stayed, and never seen again otherwise.
fn judge(told: &Told, summary: &Summary, seen: &[(Instant, Tally)]) -> Result<(), String> {
    if !summary.all_went_well() {
        return Err("some calls failed".to_owned());
    }
    let served = |version: Version, tally: &Tally| -> u64 {
        let ending = format!(":{version}");
        let answers = tally.answers();
        answers
            .filter(|(_, key, _)| key.ends_with(&ending))
            .map(|(.., count)| count)
            .sum()
    };
    for (version, began, _) in told {
        if served(*version, summary.tally()) == 0 {
            return Err(format!("version {version} was never served"));
        }
        // The interval in which the deployment began may have calls of both times in it.
        let early: u64 = seen
            .iter()
            .filter(|(at, _)| at < began)
            .map(|(_, tally)| served(*version, tally))
            .sum();
        if early > 0 {
            return Err(format!(
                "version {version} was served {early} times before it was deployed"
            ));
        }
    }
    Ok(())
}
