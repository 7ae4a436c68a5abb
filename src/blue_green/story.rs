//! The whole story, unattended and under load: three deployments, the last of which is taken back by itself.

use std::cell::RefCell;
use std::num::{NonZeroU16, NonZeroU32};
use std::time::{Duration, Instant};

use bluegreen_state::{Ended, Event, Outcome, Strategy};
use demo_service::traffic::{self, Interval, Tally, Target};
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
    let told = told?;
    if !summary.all_went_well() {
        return Err("some calls failed".to_owned());
    }
    judge(&told, &seen.into_inner())
}

/// A deployment, and when it was.
struct Chapter {
    version: Version,
    /// Whether it was not taken back.
    stays: bool,
    began: Instant,
    ended: Instant,
}

async fn chapters(app: &BlueGreen, place: &Place, console: &Console) -> Result<Vec<Chapter>, String> {
    let mut told = Vec::new();
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

fn ended_as_it_should(outcome: Option<&Outcome<Version>>, version: Version, stays: bool) -> Result<(), String> {
    match outcome.map(|outcome| &outcome.ended) {
        Some(Ended::Successful {}) if stays => Ok(()),
        Some(Ended::RolledBack { .. }) if !stays => Ok(()),
        other => Err(format!(
            "version {version} should have {}, and ended with {}",
            if stays { "stayed" } else { "been taken back" },
            other.map_or("nothing", Ended::as_str)
        )),
    }
}

/// Whether every version was served when it should be: never before its deployment, at all during it, and after one that
/// stayed no other version until the next. `seen` are intervals of calls and when they ended; calls that were under way when
/// something changed are told in the interval after.
fn judge(told: &[Chapter], seen: &[(Instant, Tally)]) -> Result<(), String> {
    for (index, chapter) in told.iter().enumerate() {
        let version = chapter.version;
        let next = told.get(index + 1).map(|next| next.began);
        let mut times = 0;
        for (at, tally) in seen {
            let own = served(tally, |other| other == version);
            times += own;
            if own > 0 && *at < chapter.began {
                return Err(format!(
                    "version {version} was served {own} times before it was deployed"
                ));
            }
            // The interval in which it ended has calls of before in it, and the next one those that were under way.
            let is_settled = *at > chapter.ended + 2 * INTERVAL && next.is_none_or(|next| *at < next);
            let wrong = if chapter.stays {
                served(tally, |other| other != version)
            } else {
                own
            };
            if is_settled && wrong > 0 {
                let what = if chapter.stays {
                    "another version"
                } else {
                    "the version that was taken back"
                };
                return Err(format!(
                    "{what} was served {wrong} times after the deployment of version {version}"
                ));
            }
        }
        if times == 0 {
            return Err(format!("version {version} was never served"));
        }
    }
    Ok(())
}

/// How many answers came from such versions.
fn served(tally: &Tally, is_meant: impl Fn(Version) -> bool) -> u64 {
    let answers = tally.answers().filter(|(_, key, _)| {
        let version = key.rsplit(':').next().and_then(|version| version.parse().ok());
        version.is_some_and(&is_meant)
    });
    answers.map(|(.., count)| count).sum()
}
