//! Cost of a change in a fleet: simulated Envoys over delta ADS against the control plane's release build.
//!
//! The control plane is a process of its own; the Envoys are tasks of this one, each with its own connection, and decode
//! what an ACK needs. For each scenario: bytes, messages, the server's CPU time and memory, and the time from the change
//! to the last ACK of each Envoy. A reference server takes part in the same run: it sends prepared bytes and knows nothing
//! about meshes, so a ratio stands beside each figure.
//!
//! ```text
//! cargo bench --bench fleet                                        a few minutes
//! cargo bench --bench fleet -- --full                              every size
//! cargo bench --bench fleet -- --shape app-mesh --nodes 5000 --services 1000
//! ```

mod client;
mod control_plane;
mod fleet;
mod message;
mod plot;
mod process;
mod recording;
mod reference;
mod run;
mod scenario;
mod shape;
mod table;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use crate::run::Measured;
use crate::shape::{Kind, Size};

type AnyError = Box<dyn Error + Send + Sync>;

/// Directory of the results, in the target directory.
const FOLDER: &str = "fleet";

#[derive(Debug, Parser)]
#[command(about = "Simulated Envoys against the control plane")]
struct Arguments {
    /// Every size, up to 5,000 nodes and 1,000 services.
    #[arg(long)]
    full: bool,
    /// Only meshes of this shape.
    #[arg(long)]
    shape: Option<Kind>,
    /// Exactly these numbers of nodes.
    #[arg(long, value_delimiter = ',')]
    nodes: Vec<usize>,
    /// Exactly these numbers of services.
    #[arg(long, value_delimiter = ',')]
    services: Vec<usize>,
    /// Without the reference server.
    #[arg(long)]
    no_reference: bool,
    /// Ten nodes and services: checks that every scenario ends.
    #[arg(long)]
    test: bool,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    fn sizes(&self) -> Vec<Size> {
        let default: &[(Kind, usize, usize)] = match (self.test, self.full) {
            (true, _) => &[(Kind::AppMesh, 10, 10), (Kind::Namespace, 10, 10)],
            (false, false) => &[
                (Kind::AppMesh, 100, 100),
                (Kind::AppMesh, 1000, 1000),
                (Kind::AppMesh, 5000, 1000),
                (Kind::Namespace, 100, 1000),
                (Kind::Namespace, 1000, 1000),
            ],
            (false, true) => &[
                (Kind::AppMesh, 100, 100),
                (Kind::AppMesh, 100, 1000),
                (Kind::AppMesh, 1000, 100),
                (Kind::AppMesh, 1000, 1000),
                (Kind::AppMesh, 5000, 100),
                (Kind::AppMesh, 5000, 1000),
                (Kind::Namespace, 100, 100),
                (Kind::Namespace, 100, 1000),
                (Kind::Namespace, 1000, 100),
                (Kind::Namespace, 1000, 1000),
                (Kind::Namespace, 5000, 100),
                (Kind::Namespace, 5000, 1000),
            ],
        };
        let mut sizes: Vec<Size> = default
            .iter()
            .map(|&(kind, nodes, services)| Size { kind, nodes, services })
            .collect();
        if !self.nodes.is_empty() || !self.services.is_empty() {
            let or_all = |given: &[usize], of: fn(&Size) -> usize| match given {
                [] => sizes.iter().map(of).collect::<std::collections::BTreeSet<_>>(),
                given => given.iter().copied().collect(),
            };
            let (nodes, services) = (
                or_all(&self.nodes, |size| size.nodes),
                or_all(&self.services, |size| size.services),
            );
            sizes = [Kind::AppMesh, Kind::Namespace]
                .into_iter()
                .flat_map(|kind| nodes.iter().map(move |nodes| (kind, *nodes)))
                .flat_map(|(kind, nodes)| services.iter().map(move |services| (kind, nodes, *services)))
                .map(|(kind, nodes, services)| Size { kind, nodes, services })
                .collect();
        }
        sizes.retain(|size| self.shape.is_none_or(|kind| kind == size.kind));
        sizes
    }
}

fn main() -> ExitCode {
    if let Some(code) = process::run_child() {
        return code;
    }
    match measure(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<(), AnyError> {
    process::raise_file_limit()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let mut results: Vec<Measured> = Vec::new();
    for size in arguments.sizes() {
        eprintln!("{size}");
        results.push(runtime.block_on(run::measure(size, !arguments.no_reference))?);
        eprintln!("{}", table::render(&results[results.len() - 1..]));
    }
    let table = table::render(&results);
    println!("{table}");
    if arguments.test {
        return Ok(());
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name(FOLDER);
    std::fs::create_dir_all(&folder)?;
    for (name, text) in [("fleet.md", table), ("fleet.svg", plot::draw(&results))] {
        let path = folder.join(name);
        std::fs::write(&path, text)?;
        println!("written: {}", path.display());
    }
    Ok(())
}
