//! A worker process: makes calls with one variant on request, and measures them.

use std::error::Error;
use std::io::{BufRead as _, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use rustix::time::{ClockId, clock_gettime};

use crate::ALLOCATOR;
use crate::caller::Caller;
use crate::protocol::{Request, Sample, Usage, WORKER, WorkerConfig};

/// Concurrent calls in the second half of a turn.
const CONCURRENCY: usize = 8;

/// Unmeasured calls at the beginning of a turn: other processes have used the CPU caches since the last one.
const WARM_UP: usize = 5;

/// Runs a worker if this process was started as one.
pub(crate) fn run_child() -> Option<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next()? != WORKER {
        return None;
    }
    let config = arguments.next()?;
    Some(match serve(&config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    })
}

fn serve(config: &str) -> Result<(), Box<dyn Error>> {
    let config: WorkerConfig = serde_json::from_str(config)?;
    // A single thread, so that a client's background work delays the calls of its own process and cannot hide on another
    // core.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let caller = {
        let _entered = runtime.enter();
        Caller::new(config.variant, &config.addresses)?
    };
    let mut before = usage(0);
    for line in std::io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let sample = runtime.block_on(measure(&caller, request, &mut before))?;
        let mut response = serde_json::to_string(&sample)?;
        response.push('\n');
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(response.as_bytes())?;
        stdout.flush()?;
    }
    Ok(())
}

async fn measure(caller: &Caller, request: Request, before: &mut Usage) -> Result<Sample, Box<dyn Error>> {
    for _ in 0..WARM_UP {
        caller.call().await?;
    }
    let mut latencies = Vec::with_capacity(1024);
    let start = Instant::now();
    while start.elapsed() < request.sequential {
        let called = Instant::now();
        caller.call().await?;
        latencies.push(u64::try_from(called.elapsed().as_nanos())?);
    }
    // Opens as many connections as there are concurrent calls.
    try_join_all((0..CONCURRENCY).map(|_| caller.call())).await?;
    let start = Instant::now();
    let end = start + request.concurrent;
    let calls = try_join_all((0..CONCURRENCY).map(|_| call_until(caller, end))).await?;
    let elapsed = start.elapsed();
    let concurrent_calls: usize = calls.iter().sum();
    let now = usage(before.calls + WARM_UP + latencies.len() + CONCURRENCY + concurrent_calls);
    let usage = now.since(*before);
    *before = now;
    Ok(Sample {
        latencies,
        concurrent_calls,
        elapsed,
        usage,
    })
}

async fn call_until(caller: &Caller, end: Instant) -> Result<usize, Box<dyn Error>> {
    let mut calls = 0;
    while Instant::now() < end {
        caller.call().await?;
        calls += 1;
    }
    Ok(calls)
}

/// Usage since the process started.
fn usage(calls: usize) -> Usage {
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let allocated = ALLOCATOR.stats();
    Usage {
        calls,
        cpu: Duration::try_from(cpu).unwrap_or_default(),
        allocations: allocated.allocations + allocated.reallocations,
        bytes: allocated.bytes_allocated,
    }
}
