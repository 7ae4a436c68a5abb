//! Runs all scenarios of one size: against the control plane, then against the reference.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use crate::AnyError;
use crate::fleet::{Fleet, Received};
use crate::process::{Server, ServerCommand, ServerConfig};
use crate::recording::{Recording, Sent};
use crate::scenario::Scenario;
use crate::shape::Size;

/// All results of one size.
pub(crate) struct Measured {
    pub(crate) size: Size,
    pub(crate) control_plane: Vec<Figures>,
    /// Empty without a reference.
    pub(crate) reference: Vec<Figures>,
}

/// The figures of one scenario.
pub(crate) struct Figures {
    pub(crate) scenario: Scenario,
    pub(crate) received: Received,
    /// From the change until the server knew that all have ACKed.
    pub(crate) settled: Duration,
    /// The server's CPU time.
    pub(crate) cpu: Duration,
    /// The server's resident memory after the scenario and at its peak so far, in bytes.
    pub(crate) memory: (u64, u64),
}

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

pub(crate) async fn measure(size: Size, with_reference: bool) -> Result<Measured, AnyError> {
    let start = |address, after| ServerConfig::ControlPlane { size, address, after };
    let (control_plane, recording) = run(size, start, &BTreeMap::new()).await?;
    let mut reference = Vec::new();
    if with_reference {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(&file, prost::Message::encode_to_vec(&recording))?;
        let recording = file.path().to_string_lossy().into_owned();
        let sends = control_plane
            .iter()
            .map(|figures| (figures.scenario, figures.received.nodes.clone()))
            .collect();
        let start = |address, _| ServerConfig::Reference {
            address,
            recording: recording.clone(),
        };
        (reference, _) = run(size, start, &sends).await?;
    }
    Ok(Measured {
        size,
        control_plane,
        reference,
    })
}

async fn run(
    size: Size,
    config: impl Fn(SocketAddr, Vec<Scenario>) -> ServerConfig,
    sends: &BTreeMap<Scenario, Vec<(usize, usize)>>,
) -> Result<(Vec<Figures>, Recording), AnyError> {
    let nodes = size.nodes;
    let mut server = Server::start(&config(ANY_PORT, Vec::new()))?;
    let fleet = Fleet::start(size);
    let mut recording = Recording::default();
    let mut all = Vec::new();
    for scenario in Scenario::of(size.kind).iter().copied() {
        fleet.reset();
        let command = match scenario {
            Scenario::FirstConfiguration => ServerCommand::Settle { nodes },
            Scenario::Reconnect => {
                let done = Scenario::of(size.kind).iter().copied();
                let config = config(ANY_PORT, done.collect());
                // The old one first: two in memory at a time would be no restart.
                drop(server);
                server = Server::start(&config)?;
                ServerCommand::Settle { nodes }
            }
            scenario => ServerCommand::Run {
                scenario,
                nodes,
                sends: sends.get(&scenario).cloned().unwrap_or_default(),
            },
        };
        let start = Instant::now();
        server.send(&command)?;
        if matches!(scenario, Scenario::FirstConfiguration | Scenario::Reconnect) {
            fleet.connect(server.address);
        }
        let (cpu, settled, memory);
        (server, cpu, settled, memory) = tokio::task::spawn_blocking(move || {
            let cpu = server.wait()?;
            let settled = start.elapsed();
            let memory = server.memory()?;
            Ok::<_, AnyError>((server, cpu, settled, memory))
        })
        .await??;
        let received = fleet.received(start);
        eprintln!("  {}: {settled:.1?}, {cpu:.1?} of CPU", scenario.label());
        if received.messages == 0 && scenario != Scenario::Reconnect {
            return Err(format!("{}: no node has received anything", scenario.label()).into());
        }
        recording
            .sent
            .extend(received.recorded.iter().map(|(kind, frame)| Sent {
                scenario: scenario.label().to_owned(),
                type_url: kind.url().to_owned(),
                frame: frame.clone(),
            }));
        all.push(Figures {
            scenario,
            received,
            settled,
            cpu,
            memory,
        });
    }
    Ok((all, recording))
}
