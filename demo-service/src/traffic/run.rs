//! Runs a plan: callers, clock, stop.

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
    counters: Counters,
    under_way: u64,
}

impl Interval {
    /// The counters of the calls.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counters.fmt(f)
    }
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut interval = serializer.serialize_struct("Interval", 4)?;
        let ended = humantime::format_rfc3339_millis(self.ended).to_string();
        interval.serialize_field("ended", &ended)?;
        interval.serialize_field("seconds", &seconds(self.length))?;
        interval.serialize_field("tally", &self.counters)?;
        interval.serialize_field("under_way", &self.under_way)?;
        interval.end()
    }
}

/// Why a run failed.
#[derive(Debug, Error)]
pub enum RunError {
    /// The HTTP client could not be created.
    #[error("cannot create an HTTP client")]
    Client(#[from] reqwest::Error),
    /// The histogram of latencies could not be created.
    #[error("cannot create a histogram")]
    Latencies(#[from] hdrhistogram::CreationError),
    /// A report could not be written.
    #[error("cannot write the report")]
    Report(#[source] io::Error),
}

/// Runs `plan` until its end or until `stop` completes. Then calls that are due are finished, until `give_up` completes, which is
/// polled only after `stop`.
///
/// Calls `report` for each interval, and for the last part of one if a call ended in it. An error of `report` ends the run. It may
/// block if the runtime has several threads.
///
/// Cancelling it abandons the calls in flight.
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
        callers.spawn(Arc::clone(&traffic).run_caller());
    }
    let mut ticks = interval_at(traffic.clock.started + plan.interval, plan.interval);
    // After a delay, one report covers all the time since the last.
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
    if rest.counters.calls() > 0 {
        report(&rest).map_err(RunError::Report)?;
    }
    Ok(traffic.summary())
}

/// Times relative to the start.
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

/// The state shared by the callers.
struct Traffic<C> {
    call: C,
    clock: Clock,
    /// The longest wait of a due call for a caller.
    max_wait: Duration,
    callers: u16,
    state: Mutex<State>,
    stopped: watch::Sender<bool>,
}

struct State {
    schedule: Schedule,
    interval: Counters,
    interval_start: Duration,
    summary: Summary,
    under_way: u64,
}

impl State {
    fn record(&mut self, from: Duration, duration: Duration, outcome: &Outcome) {
        self.interval.record(outcome);
        self.summary.record(from, duration, outcome);
    }
}

impl<C> Traffic<C> {
    fn new(plan: &Plan, call: C) -> Result<Self, hdrhistogram::CreationError> {
        let clock = Clock {
            started: Instant::now(),
            started_at: SystemTime::now(),
        };
        let state = State {
            schedule: Schedule::new(plan.rate, plan.count, plan.duration),
            interval: Counters::default(),
            interval_start: Duration::ZERO,
            summary: Summary::new(clock.started_at)?,
            under_way: 0,
        };
        Ok(Self {
            call,
            clock,
            max_wait: plan.timeout,
            callers: plan.callers().get(),
            state: Mutex::new(state),
            stopped: watch::Sender::new(false),
        })
    }

    /// Never locked across an await. A panic elsewhere ends the run, so that a poisoned state is not reported.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Duration> {
        self.state().schedule.next(self.clock.now())
    }

    fn stop(&self) {
        self.state().schedule.stop(self.clock.now());
        self.stopped.send_replace(true);
    }

    /// Waits until a call is due; false if the run is stopped before.
    async fn wait_until_due(&self, due: Duration) -> bool {
        let mut stopped = self.stopped.subscribe();
        tokio::select! {
            biased;
            () = sleep_until(self.clock.started + due) => true,
            _ = stopped.wait_for(|stopped| *stopped) => false,
        }
    }

    fn record_start(&self) {
        self.state().under_way += 1;
    }

    fn record_end(&self, from: Duration, outcome: &Outcome) {
        let duration = self.clock.now().saturating_sub(from);
        let mut state = self.state();
        state.under_way -= 1;
        state.record(from, duration, outcome);
    }

    /// Records that the call `due` was not made.
    fn record_not_sent(&self, due: Duration) {
        let duration = self.clock.now().saturating_sub(due);
        let (max_wait, callers) = (humantime::format_duration(self.max_wait), self.callers);
        let detail =
            format!("due for more than {max_wait} while {callers} others were under way; --concurrency allows more");
        self.state()
            .record(due, duration, &Outcome::failed(Cause::NotSent, detail));
    }

    /// The counters since the last call of this function.
    fn interval(&self) -> Interval {
        let now = self.clock.now();
        let mut state = self.state();
        Interval {
            ended: self.clock.started_at + now,
            length: now.saturating_sub(std::mem::replace(&mut state.interval_start, now)),
            counters: std::mem::take(&mut state.interval),
            under_way: state.under_way,
        }
    }

    fn summary(&self) -> Summary {
        let mut state = self.state();
        let under_way = state.under_way;
        state.summary.end(self.clock.now(), under_way);
        state.summary.clone()
    }
}

impl<C, F> Traffic<C>
where
    C: Fn() -> F,
    F: Future<Output = Outcome>,
{
    /// One caller: makes one call after the other until the schedule ends.
    async fn run_caller(self: Arc<Self>) {
        while let Some(due) = self.next() {
            if due > self.clock.now() && !self.wait_until_due(due).await {
                return;
            }
            let now = self.clock.now();
            if now.saturating_sub(due) > self.max_wait {
                self.record_not_sent(due);
                // There may be many of these in a row, without another await.
                tokio::task::yield_now().await;
                continue;
            }
            let from = measured_from(due, now);
            self.record_start();
            let outcome = (self.call)().await;
            self.record_end(from, &outcome);
        }
    }
}

#[cfg(test)]
mod tests;
