//! One way of calling, as a process: it calls on request and reports the results. One line of JSON each.

use std::error::Error;
use std::io::{BufRead as _, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::ALLOCATOR;
use crate::caller::Caller;
use crate::stage::Places;
use crate::turns::Order;
use crate::variant::Variant;

/// As `main`'s first argument; the second is a [`Task`].
pub(crate) const WORKER: &str = "__worker";

/// Calls under way at the same time in the second half of a turn.
const AT_ONCE: usize = 8;

/// Calls at the beginning of a turn that are not measured: another process has had the caches.
const WARM: usize = 5;

/// What a worker is started for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) variant: Variant,
    pub(crate) places: Places,
}

/// How a turn went.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Turn {
    /// How long each call took that was made alone, in nanoseconds.
    pub(crate) alone: Vec<u64>,
    /// How many calls were answered in how much time while several were under way.
    pub(crate) together: usize,
    pub(crate) took: Duration,
    pub(crate) spent: Spent,
}

/// Since the end of the turn before: the process's calls, the CPU time of all its threads, and what it allocated. What
/// happens between turns is in it, which is exporting spans.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Spent {
    pub(crate) calls: usize,
    pub(crate) cpu: Duration,
    pub(crate) allocations: usize,
    pub(crate) bytes: usize,
}

/// Does a worker's work, if this process was started as one.
pub(crate) fn be_child() -> Option<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next()? != WORKER {
        return None;
    }
    let task = arguments.next()?;
    Some(match work(&task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    })
}

fn work(task: &str) -> Result<(), Box<dyn Error>> {
    let task: Task = serde_json::from_str(task)?;
    // One thread: what a client does is then between the calls of its own process, and not hidden on another core.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let caller = {
        let _entered = runtime.enter();
        Caller::new(task.variant, &task.places)?
    };
    let mut before = so_far(0);
    for line in std::io::stdin().lock().lines() {
        let order: Order = serde_json::from_str(&line?)?;
        let turn = runtime.block_on(turn(&caller, order, &mut before))?;
        let mut answer = serde_json::to_string(&turn)?;
        answer.push('\n');
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(answer.as_bytes())?;
        stdout.flush()?;
    }
    Ok(())
}

async fn turn(caller: &Caller, order: Order, before: &mut Spent) -> Result<Turn, Box<dyn Error>> {
    for _ in 0..WARM {
        caller.call().await?;
    }
    let mut alone = Vec::with_capacity(1024);
    let begun = Instant::now();
    while begun.elapsed() < order.alone {
        let called = Instant::now();
        caller.call().await?;
        alone.push(u64::try_from(called.elapsed().as_nanos())?);
    }
    // So that there are as many connections as calls.
    try_join_all((0..AT_ONCE).map(|_| caller.call())).await?;
    let begun = Instant::now();
    let until = begun + order.together;
    let together = try_join_all((0..AT_ONCE).map(|_| calls_until(caller, until))).await?;
    let took = begun.elapsed();
    let together: usize = together.iter().sum();
    let now = so_far(before.calls + WARM + alone.len() + AT_ONCE + together);
    let spent = now.since(*before);
    *before = now;
    Ok(Turn {
        alone,
        together,
        took,
        spent,
    })
}

async fn calls_until(caller: &Caller, until: Instant) -> Result<usize, Box<dyn Error>> {
    let mut calls = 0;
    while Instant::now() < until {
        caller.call().await?;
        calls += 1;
    }
    Ok(calls)
}

/// Since the process began.
fn so_far(calls: usize) -> Spent {
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let allocated = ALLOCATOR.stats();
    Spent {
        calls,
        cpu: Duration::try_from(cpu).unwrap_or_default(),
        allocations: allocated.allocations + allocated.reallocations,
        bytes: allocated.bytes_allocated,
    }
}

impl Spent {
    fn since(self, before: Self) -> Self {
        Self {
            calls: self.calls - before.calls,
            cpu: self.cpu - before.cpu,
            allocations: self.allocations - before.allocations,
            bytes: self.bytes - before.bytes,
        }
    }
}
