//! Carries out commands from the API of the running mesh.

use mesh_local::{Applied, LocalMesh, OperationError};
use serde::Serialize;

use crate::console::{Console, chain};
use crate::running::command::{Changed, Command, CommandError, Killed, Request, Weights};
use crate::running::registry::RunningMesh;
use crate::running::server::RunningServer;

/// The next command; pending forever without a server.
pub(super) async fn next(server: Option<&mut RunningServer>) -> Request {
    match server {
        Some(server) => server.next().await,
        None => std::future::pending().await,
    }
}

/// Opens the API of this process's mesh. Without it the mesh runs on, which is reported.
pub(super) fn open(name: &str, mesh: &LocalMesh, console: &Console) -> Option<RunningServer> {
    match RunningServer::open(&RunningMesh::of_this_process(name, mesh.logs())) {
        Ok(server) => Some(server),
        Err(error) => {
            console.progress(&format!(
                "commands from other terminals, such as `meshwright ps`, are not possible: {error}"
            ));
            None
        }
    }
}

/// Carries out a command, and returns its document. Changes are reported on the console as well.
pub(super) async fn handle(command: Command, mesh: &mut LocalMesh, console: &Console) -> Result<String, CommandError> {
    match command {
        Command::Describe => document(&mesh.description()),
        Command::Edges => document(&mesh.edges().await),
        Command::Proxies => document(&serde_json::json!({ "proxies": mesh.status().nodes })),
        Command::Settle => {
            let unsettled = mesh.wait_until_settled().await;
            document(&Changed {
                unsettled,
                ..Changed::default()
            })
        }
        Command::Trace(request) => document(&super::trace::trace(request, mesh).await?),
        Command::Environment { task, container } => {
            let environment = mesh.environment(&task, container.as_deref()).map_err(failed)?;
            let texts = environment.into_iter();
            let texts = texts.map(|(name, value)| (name, value.to_string_lossy().into_owned().into()));
            document(&serde_json::Map::from_iter(texts))
        }
        Command::Restart { name } => {
            let applied = mesh.restart(&name).await.map_err(failed)?;
            console.progress(&format!("{name}: restarted: {}", applied.started.join(", ")));
            document(&changed(applied))
        }
        Command::Kill { task, container } => {
            let pids = mesh.kill(&task, container.as_deref()).map_err(failed)?;
            console.progress(&format!("{task}: killed from another terminal"));
            document(&Killed { pids })
        }
        Command::Scale { service, count } => {
            let applied = mesh.scale(&service, count).await.map_err(failed)?;
            console.progress(&format!("{service}: scaled to {count}"));
            document(&changed(applied))
        }
        Command::SetWeights { route, weights } => {
            let (path, before) = mesh.set_weights(&route, &weights).await.map_err(failed)?;
            let mut after = before.clone();
            after.extend(weights);
            let changes: Vec<String> = after
                .iter()
                .filter(|(node, weight)| before.get(*node) != Some(*weight))
                .map(|(node, weight)| format!("{node} {} → {weight}", before.get(node).copied().unwrap_or_default()))
                .collect();
            if !changes.is_empty() {
                console.progress(&format!("route {}: {}", path.name, changes.join(", ")));
            }
            document(&Weights {
                route: path.to_string(),
                before,
                after,
            })
        }
    }
}

fn changed(applied: Applied) -> Changed {
    Changed {
        started: applied.started,
        stopped: applied.stopped,
        unsettled: applied.unsettled,
    }
}

fn failed(error: OperationError) -> CommandError {
    CommandError {
        is_unknown: matches!(error, OperationError::Unknown { .. }),
        message: chain(&error),
    }
}

pub(super) fn document(value: &impl Serialize) -> Result<String, CommandError> {
    serde_json::to_string(value).map_err(|error| CommandError {
        message: format!("cannot write the response: {error}"),
        is_unknown: false,
    })
}
