//! `ps`: the services and tasks of a running mesh.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mesh_local::description::{MeshDescription, TaskDescription};
use serde::Serialize;

use super::columns::{aligned, plain};
use super::{Output, RunningCommandError};
use crate::cli::error::CliError;
use crate::running::client::RunningClient;
use crate::running::registry::RunningMesh;

/// The document of `ps --json`.
#[derive(Debug, Serialize)]
struct Document<'d> {
    mesh: &'d RunningMesh,
    #[serde(flatten)]
    description: &'d MeshDescription,
}

pub(super) async fn run(client: &RunningClient, output: &Output) -> Result<(), CliError> {
    let description = client.describe().await.map_err(RunningCommandError::from)?;
    let document = Document {
        mesh: client.mesh(),
        description: &description,
    };
    output.print(&document, &text(client.mesh(), &description, SystemTime::now()))
}

/// The mesh as a table.
pub(super) fn text(mesh: &RunningMesh, description: &MeshDescription, now: SystemTime) -> String {
    let up = age(mesh.started, now);
    let mut text = format!("mesh {} (pid {}, up {up})\n", mesh.name, mesh.pid);
    for listener in &description.load_balancers {
        let what = match &listener.publishes {
            Some(service) => format!("service {service}"),
            None => format!("load balancer {}", listener.load_balancer),
        };
        let url = url(&listener.protocol, &listener.address.to_string());
        text.push_str(&format!("{what}, port {}: {url}\n", listener.port));
    }
    text.push('\n');
    let heading = ["TASK", "STATUS", "HEALTH", "RESTARTS", "FOR", "ADDRESS"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    let mut failures = String::new();
    for task in &description.tasks {
        let mut addresses = addresses(task).into_iter();
        rows.push(vec![
            task.task.clone(),
            task.status.name().to_owned(),
            task.health.name().to_owned(),
            task.restarts.to_string(),
            age(task.since, now),
            addresses.next().unwrap_or_default(),
        ]);
        rows.extend(addresses.map(|address| {
            let mut row = vec![String::new(); 5];
            row.push(address);
            row
        }));
        if let Some(failure) = &task.last_failure {
            failures.push_str(&format!("{}: last failure: {}\n", task.task, plain(failure)));
        }
    }
    text.push_str(&aligned(&rows));
    for service in &description.services {
        if service.running_count < service.desired_count || service.desired_count == 0 {
            text.push_str(&format!(
                "service {}: {} of {} tasks running\n",
                service.service, service.running_count, service.desired_count
            ));
        }
    }
    if !failures.is_empty() {
        text.push('\n');
        text.push_str(&failures);
    }
    text
}

fn addresses(task: &TaskDescription) -> Vec<String> {
    let ingress = task.ingress.iter();
    let mut all: Vec<String> = ingress
        .map(|port| url(&port.protocol, &port.address.to_string()))
        .collect();
    if all.is_empty() {
        let applications = task.applications.iter();
        all.extend(applications.map(|address| url("http", &address.to_string())));
    }
    all
}

fn url(protocol: &str, address: &str) -> String {
    match protocol {
        "http" | "https" => format!("{protocol}://{address}"),
        protocol => format!("{address} ({protocol})"),
    }
}

/// Time since a moment in milliseconds after the Unix epoch, in whole seconds and at most two units.
fn age(since: u64, now: SystemTime) -> String {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let age = now.saturating_sub(Duration::from_millis(since));
    let text = humantime::format_duration(Duration::from_secs(age.as_secs())).to_string();
    let units: Vec<&str> = text.split(' ').take(2).collect();
    units.join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mesh_is_a_table_of_80_columns() {
        let mesh: RunningMesh = serde_json::from_value(json!({
            "version": 1, "name": "shop", "directory": "/work", "pid": 7, "started": 1_000
        }))
        .expect("a mesh");
        let description: MeshDescription = serde_json::from_value(json!({
            "version": 1,
            "services": [
                {"service": "api", "desiredCount": 2, "runningCount": 1, "pendingCount": 1},
                {"service": "idle", "desiredCount": 0, "runningCount": 0, "pendingCount": 0}
            ],
            "tasks": [
                {"task": "api/1", "service": "api", "status": "RUNNING", "health": "HEALTHY", "since": 61_000,
                 "restarts": 0, "processes": [], "applications": [],
                 "ingress": [{"name": "http", "protocol": "http", "address": "127.0.0.1:8080"},
                             {"name": "db", "protocol": "tcp", "address": "127.0.0.1:5432"}]},
                {"task": "api/2", "service": "api", "status": "PENDING", "health": "UNKNOWN", "since": 100_000,
                 "restarts": 3, "lastFailure": "container app ended\u{1b}[2J", "processes": [],
                 "applications": ["127.0.0.1:9000"], "ingress": []}
            ],
            "loadBalancers": [{"loadBalancer": "shop", "port": 80, "protocol": "http", "address": "127.0.0.1:4000"}],
            "xds": "127.0.0.1:1", "statusUrl": "http://127.0.0.1:2/status", "logs": "/tmp/meshwright-x"
        }))
        .expect("a description");
        let now = UNIX_EPOCH + Duration::from_secs(121);
        let expected = "\
mesh shop (pid 7, up 2m)
load balancer shop, port 80: http://127.0.0.1:4000

TASK   STATUS   HEALTH   RESTARTS  FOR  ADDRESS
api/1  RUNNING  HEALTHY  0         1m   http://127.0.0.1:8080
                                        127.0.0.1:5432 (tcp)
api/2  PENDING  UNKNOWN  3         21s  http://127.0.0.1:9000
service api: 1 of 2 tasks running
service idle: 0 of 0 tasks running

api/2: last failure: container app ended
";
        assert_eq!(text(&mesh, &description, now), expected);
    }
}
