//! Traffic from its start to its end: callers, the clock, and who wants it to stop.

use std::fmt;
use std::io;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use super::caller::Caller;
use super::counters::Counters;
use super::outcome::{Cause, Outcome};
use super::plan::Plan;
use super::schedule::{Schedule, measured_from};
use super::summary::{Summary, seconds};

/// The calls that ended in an interval.
///
/// Its [`Display`](fmt::Display) is the lines of [`traffic`](super).
#[derive(Debug, Clone)]
pub struct Interval {
    ended: SystemTime,
    length: Duration,
    tally: Counters,
    under_way: u64,
}

impl Interval {
    /// What became of the calls.
    #[must_use]
    pub fn tally(&self) -> &Counters {
        &self.tally
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tally.fmt(f)
    }
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut interval = serializer.serialize_struct("Interval", 4)?;
        let ended = humantime::format_rfc3339_millis(self.ended).to_string();
        interval.serialize_field("ended", &ended)?;
        interval.serialize_field("seconds", &seconds(self.length))?;
        interval.serialize_field("tally", &self.tally)?;
        interval.serialize_field("under_way", &self.under_way)?;
        interval.end()
    }
}

/// Why traffic could not be made, or be told about.
#[derive(Debug, Error)]
pub enum RunError {
    /// There is no HTTP client.
    #[error("cannot make an HTTP client")]
    Client(#[from] reqwest::Error),
    /// There is nothing to keep latencies in.
    #[error("cannot keep latencies")]
    Latencies(#[from] hdrhistogram::CreationError),
    /// Whoever was told about an interval does not want to know.
    #[error("cannot tell about the traffic")]
    Report(#[source] io::Error),
}

/// Makes traffic until it is over: by the plan, or by `stop`. Then what was due is finished, unless `give_up` does not
/// want to wait, which is asked once `stop` came.
///
/// `report` is told of each interval, and of the rest of one at the end if a call ended in it. An error of it ends the
/// traffic. It may block where the runtime has several threads.
///
/// Cancelling it gives up the calls that are under way.
pub async fn run(
    plan: &Plan,
    stop: impl Future<Output = ()>,
    give_up: impl Future<Output = ()>,
    report: impl FnMut(&Interval) -> io::Result<()>,
) -> Result<Summary, RunError> {
    let caller = Caller::new(plan)?;
    let call = move || {
        let caller = caller.clone();
        async move { caller.call().await }
    };
    drive(plan, call, stop, give_up, report).await
}

async fn drive<C, F>(
    plan: &Plan,
    call: C,
    stop: impl Future<Output = ()>,
    give_up: impl Future<Output = ()>,
    mut report: impl FnMut(&Interval) -> io::Result<()>,
) -> Result<Summary, RunError>
where
    C: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    let traffic = Arc::new(Traffic::new(plan, call)?);
    let mut callers = JoinSet::new();
    for _ in 0..plan.callers().get() {
        callers.spawn(Arc::clone(&traffic).calls());
    }
    let mut ticks = interval_at(traffic.clock.started + plan.interval, plan.interval);
    // Whatever held this up, one line tells about all the time since the last.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut stop, mut give_up) = (pin!(stop), pin!(give_up));
    let mut stopped = false;
    loop {
        tokio::select! {
            caller = callers.join_next() => match caller {
                None => break,
                Some(Err(error)) if error.is_panic() => resume_unwind(error.into_panic()),
                Some(_) => {}
            },
            _ = ticks.tick() => report(&traffic.interval()).map_err(RunError::Report)?,
            () = &mut stop, if !stopped => {
                traffic.stop();
                stopped = true;
            }
            () = &mut give_up, if stopped => break,
        }
    }
    callers.shutdown().await;
    let rest = traffic.interval();
    if rest.tally.calls() > 0 {
        report(&rest).map_err(RunError::Report)?;
    }
    Ok(traffic.summary())
}

/// Times are counted from the start.
#[derive(Debug, Clone, Copy)]
struct Clock {
    started: Instant,
    started_at: SystemTime,
}

impl Clock {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

/// What the callers share.
struct Traffic<C> {
    call: C,
    clock: Clock,
    /// How long a call may wait for a caller.
    patience: Duration,
    callers: u16,
    books: Mutex<Books>,
    stopped: watch::Sender<bool>,
}

struct Books {
    schedule: Schedule,
    interval: Counters,
    interval_began: Duration,
    summary: Summary,
    under_way: u64,
}

impl Books {
    fn record(&mut self, from: Duration, took: Duration, outcome: &Outcome) {
        self.interval.record(outcome);
        self.summary.record(from, took, outcome);
    }
}

impl<C> Traffic<C> {
    fn new(plan: &Plan, call: C) -> Result<Self, hdrhistogram::CreationError> {
        let clock = Clock {
            started: Instant::now(),
            started_at: SystemTime::now(),
        };
        let books = Books {
            schedule: Schedule::new(plan.rate, plan.count, plan.duration),
            interval: Counters::default(),
            interval_began: Duration::ZERO,
            summary: Summary::new(clock.started_at)?,
            under_way: 0,
        };
        Ok(Self {
            call,
            clock,
            patience: plan.timeout,
            callers: plan.callers().get(),
            books: Mutex::new(books),
            stopped: watch::Sender::new(false),
        })
    }

    /// Nobody waits while holding them. A panic elsewhere ends the traffic, so that what it left behind is not told.
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Duration> {
        self.books().schedule.next(self.clock.now())
    }

    fn stop(&self) {
        self.books().schedule.stop(self.clock.now());
        self.stopped.send_replace(true);
    }

    /// Waits until a call is due; false if the traffic is stopped before.
    async fn is_due(&self, due: Duration) -> bool {
        let mut stopped = self.stopped.subscribe();
        tokio::select! {
            biased;
            () = sleep_until(self.clock.started + due) => true,
            _ = stopped.wait_for(|stopped| *stopped) => false,
        }
    }

    fn began(&self) {
        self.books().under_way += 1;
    }

    fn ended(&self, from: Duration, outcome: &Outcome) {
        let took = self.clock.now().saturating_sub(from);
        let mut books = self.books();
        books.under_way -= 1;
        books.record(from, took, outcome);
    }

    /// The call that was `due` is not made.
    fn missed(&self, due: Duration) {
        let took = self.clock.now().saturating_sub(due);
        let (patience, callers) = (humantime::format_duration(self.patience), self.callers);
        let detail =
            format!("due for more than {patience} while {callers} others were under way; --concurrency allows more");
        self.books().record(due, took, &Outcome::failed(Cause::NotSent, detail));
    }

    /// What was counted since this was asked last.
    fn interval(&self) -> Interval {
        let now = self.clock.now();
        let mut books = self.books();
        Interval {
            ended: self.clock.started_at + now,
            length: now.saturating_sub(std::mem::replace(&mut books.interval_began, now)),
            tally: std::mem::take(&mut books.interval),
            under_way: books.under_way,
        }
    }

    fn summary(&self) -> Summary {
        let mut books = self.books();
        let under_way = books.under_way;
        books.summary.end(self.clock.now(), under_way);
        books.summary.clone()
    }
}

impl<C, F> Traffic<C>
where
    C: Fn() -> F,
    F: Future<Output = Outcome>,
{
    /// One caller: makes one call after the other, while there are any.
    async fn calls(self: Arc<Self>) {
        while let Some(due) = self.next() {
            if due > self.clock.now() && !self.is_due(due).await {
                return;
            }
            let now = self.clock.now();
            if now.saturating_sub(due) > self.patience {
                self.missed(due);
                // There may be many of these in a row, with nothing else to wait for.
                tokio::task::yield_now().await;
                continue;
            }
            let from = measured_from(due, now);
            self.began();
            let outcome = (self.call)().await;
            self.ended(from, &outcome);
        }
    }
}

#[cfg(test)]
mod tests;
