//! Rounds: in each, every worker takes one turn, in random order.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::fixture::Addresses;
use crate::protocol::{Request, Sample, WORKER, WorkerConfig};
use crate::variant::{VARIANTS, Variant};

/// Exports spans soon after a turn. The default of five seconds would put the export into another worker's turn.
const SPAN_DELAY: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "50");

/// The samples of each variant, in the order of [`VARIANTS`], round by round.
pub(crate) type Samples = [Vec<Sample>; VARIANTS.len()];

/// Starts the workers, runs the rounds, and stops the workers. A first, unrecorded round opens connections and fills
/// caches.
pub(crate) fn run_rounds(
    addresses: &Addresses,
    rounds: usize,
    request: Request,
    samples: &mut Samples,
) -> Result<(), Box<dyn Error>> {
    let mut workers = Vec::new();
    for variant in VARIANTS {
        workers.push(Worker::start(variant, addresses)?);
    }
    for round in 0..=rounds {
        let mut order: Vec<usize> = (0..workers.len()).collect();
        fastrand::shuffle(&mut order);
        for index in order {
            let sample = workers[index].take_turn(request)?;
            if round > 0 {
                samples[index].push(sample);
            }
        }
    }
    Ok(())
}

/// A worker process, killed on drop.
struct Worker {
    variant: Variant,
    child: Child,
    requests: ChildStdin,
    responses: BufReader<ChildStdout>,
    log: File,
}

impl Worker {
    fn start(variant: Variant, addresses: &Addresses) -> Result<Self, Box<dyn Error>> {
        let config = WorkerConfig {
            variant,
            addresses: addresses.clone(),
        };
        let log = tempfile::tempfile()?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args([WORKER, &serde_json::to_string(&config)?])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.try_clone()?);
        // Variables of the environment of this benchmark would distort some of the results.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("OTEL_") || name == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        if variant.tracing {
            command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", addresses.collector));
            command.env(SPAN_DELAY.0, SPAN_DELAY.1);
        }
        let mut child = command.spawn()?;
        let (Some(requests), Some(responses)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("a worker has no pipes".into());
        };
        Ok(Self {
            variant,
            child,
            requests,
            responses: BufReader::new(responses),
            log,
        })
    }

    fn take_turn(&mut self, request: Request) -> Result<Sample, Box<dyn Error>> {
        let response = self.send(request)?;
        if response.is_empty() {
            let mut log = String::new();
            self.log.rewind()?;
            self.log.read_to_string(&mut log)?;
            return Err(format!("worker `{}` exited: {log}", self.variant.label()).into());
        }
        Ok(serde_json::from_str(&response)?)
    }

    /// Sends a request and returns the response, which is empty if the worker has exited.
    fn send(&mut self, request: Request) -> Result<String, Box<dyn Error>> {
        let mut request = serde_json::to_string(&request)?;
        request.push('\n');
        let mut response = String::new();
        // A failed write leaves the response empty.
        if self.requests.write_all(request.as_bytes()).is_ok() {
            self.responses.read_line(&mut response)?;
        }
        Ok(response)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Both fail only if the process has already been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
