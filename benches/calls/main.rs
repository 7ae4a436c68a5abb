//! Cost of a call: bare `reqwest`, `mesh-client`, and a client assembled from middleware; directly, through one Envoy and
//! through two.
//!
//! Each variant has a process of its own, so that allocations, CPU time and tracing setup are separate. The processes take
//! turns of some milliseconds in random order, so that a change of the machine's speed affects all of them.
//!
//! `cargo bench --bench calls` takes half a minute. With `--test`, or without `--bench` as in `cargo test`, each variant
//! makes only a few calls.

mod caller;
mod fixture;
mod plot;
mod protocol;
mod results;
mod rounds;
mod table;
mod variant;
mod worker;

use std::alloc::System;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use meshwright::self_exec;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use crate::fixture::Fixture;
use crate::protocol::Request;
use crate::results::Results;
use crate::rounds::{Samples, run_rounds};

/// Counts the allocations of each process.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Directory of the results, in the target directory.
const FOLDER: &str = "calls";

/// Runs, each with new processes and connections: memory layout and the assignment of connections to Envoy's threads stay
/// constant within a run.
const RUNS: usize = 10;
/// Rounds per run. Short rounds keep the machine's speed constant within a round; long turns reduce the share of the
/// unmeasured first calls.
const ROUNDS: usize = 10;
const FULL: Request = Request {
    sequential: Duration::from_millis(16),
    concurrent: Duration::from_millis(6),
};
const BRIEF: Request = Request {
    sequential: Duration::from_millis(1),
    concurrent: Duration::from_millis(1),
};

fn main() -> ExitCode {
    if let Some(code) = fixture::run_child().or_else(worker::run_child).or_else(self_exec::run) {
        return code;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut filters = arguments
        .iter()
        .filter(|argument| !argument.starts_with('-'))
        .peekable();
    if filters.peek().is_some() && !filters.any(|filter| "calls".contains(filter.as_str())) {
        return ExitCode::SUCCESS;
    }
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    if has("--list") {
        println!("calls: benchmark");
        return ExitCode::SUCCESS;
    }
    match measure(has("--bench") && !has("--test")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn measure(full: bool) -> Result<(), Box<dyn Error>> {
    let fixture = Fixture::start()?;
    let (runs, rounds, request) = if full { (RUNS, ROUNDS, FULL) } else { (1, 1, BRIEF) };
    let mut samples = Samples::default();
    for _ in 0..runs {
        run_rounds(fixture.addresses(), rounds, request, &mut samples)?;
    }
    fixture.shutdown();
    if !full {
        println!("calls: every variant succeeded");
        return Ok(());
    }
    let results = Results::new(&samples, ROUNDS);
    let table = table::render(&results);
    println!("{table}");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name(FOLDER);
    std::fs::create_dir_all(&folder)?;
    for (name, text) in [("calls.md", table), ("calls.svg", plot::draw(&results))] {
        let path = folder.join(name);
        std::fs::write(&path, text)?;
        println!("written: {}", path.display());
    }
    Ok(())
}
