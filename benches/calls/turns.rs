//! The workers' turns: rounds in which each has one, in random order.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::stage::Places;
use crate::variant::{VARIANTS, Variant};
use crate::worker::{Task, Turn, WORKER};

/// A request to a worker: how long to call.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Order {
    /// One call at a time.
    pub(crate) alone: Duration,
    /// And then several.
    pub(crate) together: Duration,
}

/// Spans are handed over soon after a turn, and not five seconds later in the next worker's turn.
const SPAN_DELAY: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "50");

/// The turns of each variant, in the order of [`VARIANTS`], round by round.
pub(crate) type Turns = [Vec<Turn>; VARIANTS.len()];

/// Starts the workers, lets them take turns, and ends them. A round before the others is not among the turns: connections
/// are made and caches filled in it.
pub(crate) fn take_turns(
    places: &Places,
    rounds: usize,
    order: Order,
    turns: &mut Turns,
) -> Result<(), Box<dyn Error>> {
    let mut workers = Vec::new();
    for variant in VARIANTS {
        workers.push(Worker::start(variant, places)?);
    }
    for round in 0..=rounds {
        let mut in_turn: Vec<usize> = (0..workers.len()).collect();
        fastrand::shuffle(&mut in_turn);
        for index in in_turn {
            let turn = workers[index].turn(order)?;
            if round > 0 {
                turns[index].push(turn);
            }
        }
    }
    Ok(())
}

/// A worker's process. It ends with this.
struct Worker {
    variant: Variant,
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    log: File,
}

impl Worker {
    fn start(variant: Variant, places: &Places) -> Result<Self, Box<dyn Error>> {
        let task = Task {
            variant,
            places: places.clone(),
        };
        let log = tempfile::tempfile()?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args([WORKER, &serde_json::to_string(&task)?])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.try_clone()?);
        // What the caller of this benchmark has set would be in some of the results.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("OTEL_") || name == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        if variant.traces {
            command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", places.collector));
            command.env(SPAN_DELAY.0, SPAN_DELAY.1);
        }
        let mut child = command.spawn()?;
        let (Some(orders), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("a worker has no pipes".into());
        };
        Ok(Self {
            variant,
            child,
            orders,
            answers: BufReader::new(answers),
            log,
        })
    }

    fn turn(&mut self, order: Order) -> Result<Turn, Box<dyn Error>> {
        let answer = self.ask(order)?;
        if answer.is_empty() {
            let mut log = String::new();
            self.log.rewind()?;
            self.log.read_to_string(&mut log)?;
            let Variant { way, .. } = self.variant;
            return Err(format!("{} {} ended: {log}", self.variant.name(), way.name()).into());
        }
        Ok(serde_json::from_str(&answer)?)
    }

    /// Empty if the worker has ended.
    fn ask(&mut self, order: Order) -> Result<String, Box<dyn Error>> {
        let mut order = serde_json::to_string(&order)?;
        order.push('\n');
        let mut answer = String::new();
        // That it took no order shows in its answer.
        if self.orders.write_all(order.as_bytes()).is_ok() {
            self.answers.read_line(&mut answer)?;
        }
        Ok(answer)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It has been waited for already, or is by now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
