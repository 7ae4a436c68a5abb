//! What a call costs a service: by bare `reqwest`, by `mesh-client`, and by a client put together by hand; directly,
//! and through one Envoy and two.
//!
//! Each way of calling has a process of its own, so that neither its allocations, nor its CPU, nor what it set up for
//! tracing is another's. They take turns in random order, some milliseconds each, so that a machine whose speed changes
//! changes it for all of them.
//!
//! `cargo bench --bench calls` takes half a minute. With `--test`, or without `--bench` as `cargo test` does it, each way
//! of calling is only tried.

mod caller;
mod plot;
mod results;
mod stage;
mod table;
mod turns;
mod variant;
mod worker;

use std::alloc::System;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use meshwright::self_exec;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use crate::results::Results;
use crate::stage::Stage;
use crate::turns::{Order, Turns, take_turns};

/// Counts what each process allocates.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Below the target folder of the build.
const FOLDER: &str = "calls";

/// So many times processes and connections are made anew: which thread of an Envoy has a connection, and where things
/// are in memory, stays as it is for as long as they live.
const SITTINGS: usize = 10;
/// In each. With nine turns a round all of it takes half a minute. The shorter a round, the less a machine changes within
/// it; the longer a turn, the less its first calls, which are not measured, take of it.
const ROUNDS: usize = 10;
const FULL: Order = Order {
    alone: Duration::from_millis(16),
    together: Duration::from_millis(6),
};
const BRIEF: Order = Order {
    alone: Duration::from_millis(1),
    together: Duration::from_millis(1),
};

fn main() -> ExitCode {
    if let Some(code) = stage::be_child().or_else(worker::be_child).or_else(self_exec::run) {
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

fn measure(in_full: bool) -> Result<(), Box<dyn Error>> {
    let stage = Stage::set()?;
    let (sittings, rounds, order) = if in_full {
        (SITTINGS, ROUNDS, FULL)
    } else {
        (1, 1, BRIEF)
    };
    let mut turns = Turns::default();
    for _ in 0..sittings {
        take_turns(stage.places(), rounds, order, &mut turns)?;
    }
    stage.clear();
    if !in_full {
        println!("calls: every way of calling was answered");
        return Ok(());
    }
    let results = Results::of(&turns, ROUNDS);
    let table = table::of(&results);
    println!("{table}");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name(FOLDER);
    std::fs::create_dir_all(&folder)?;
    for (name, text) in [("calls.md", table), ("calls.svg", plot::of(&results))] {
        let path = folder.join(name);
        std::fs::write(&path, text)?;
        println!("written: {}", path.display());
    }
    Ok(())
}
