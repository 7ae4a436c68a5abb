//! Reads what the page shows, through the commands of the running mesh.

use std::collections::VecDeque;
use std::time::Duration;

use mesh_local::description::MeshDescription;
use mesh_local::edges::Edge;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use tokio::time::Instant;

use crate::running::command::Command;
use crate::running::rates::{Rate, rates};
use crate::running::server::CommandSender;

/// The time that rates and latencies are about. Envoys renew their histograms every five seconds.
const WINDOW: Duration = Duration::from_secs(10);

/// What the page shows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct View {
    pub(super) description: MeshDescription,
    /// Status of each Envoy, as `proxies --json` has it.
    pub(super) proxies: Vec<Json>,
    pub(super) edges: Vec<Rate>,
}

/// The reads of one viewer.
#[derive(Debug)]
pub(super) struct Feed {
    commands: CommandSender,
    /// Calls since the start of the Envoys, oldest first, within the window.
    reads: VecDeque<(Instant, Vec<Edge>)>,
}

impl Feed {
    pub(super) fn new(commands: CommandSender) -> Self {
        Self {
            commands,
            reads: VecDeque::new(),
        }
    }

    /// The current view, with the rates since an earlier one within the window. `None` while the mesh stops.
    pub(super) async fn view(&mut self) -> Option<View> {
        let description = self.read(Command::Describe).await?;
        let proxies: Json = self.read(Command::Proxies).await?;
        let edges: Vec<Edge> = self.read(Command::Edges).await?;
        let now = Instant::now();
        while self.reads.len() > 1 && self.reads.front().is_some_and(|(at, _)| now - *at > WINDOW) {
            self.reads.pop_front();
        }
        let (since, before) = self.reads.front().map_or((now, &edges), |(at, edges)| (*at, edges));
        let edges_view = rates(before, &edges, now - since);
        self.reads.push_back((now, edges));
        Some(View {
            description,
            proxies: proxies["proxies"].as_array().cloned().unwrap_or_default(),
            edges: edges_view,
        })
    }

    async fn read<T: DeserializeOwned>(&self, command: Command) -> Option<T> {
        let document = self.commands.request(command).await?.ok()?;
        serde_json::from_str(&document).ok()
    }
}
