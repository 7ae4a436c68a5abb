//! `proxies`: the Envoys of a running mesh, with their acknowledged and rejected configuration.

use serde_json::Value as Json;

use super::columns::{aligned, plain};
use super::{Output, RunningCommandError};
use crate::cli::error::CliError;
use crate::running::client::RunningClient;

/// The resource types of a proxy's status.
const TYPES: [&str; 4] = ["listeners", "routes", "clusters", "endpoints"];

pub(super) async fn run(client: &RunningClient, output: &Output) -> Result<(), CliError> {
    let document = client.proxies().await.map_err(RunningCommandError::from)?;
    let text = text(document["proxies"].as_array().map_or(&[], Vec::as_slice));
    output.print(&document, &text)
}

fn text(proxies: &[Json]) -> String {
    let heading = ["TASK", "STATE", "LISTENERS", "ROUTES", "CLUSTERS", "ENDPOINTS", "NODE"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    let mut rejections = String::new();
    for proxy in proxies {
        let name = |field: &str| plain(proxy[field].as_str().unwrap_or("-"));
        let rejected: Vec<&Json> = TYPES
            .iter()
            .filter_map(|kind| proxy[*kind]["rejected"].as_array())
            .flatten()
            .collect();
        let state = match (rejected.is_empty(), proxy["settled"].as_bool()) {
            (false, _) => "NACK",
            (true, Some(true)) => "ACK",
            _ => "PENDING",
        };
        let mut row = vec![name("task"), state.to_owned()];
        row.extend(TYPES.map(|kind| proxy[kind]["accepted"].to_string()));
        row.push(name("id"));
        rows.push(row);
        for resource in rejected {
            let text = |field: &str| plain(resource[field].as_str().unwrap_or_default());
            rejections.push_str(&format!(
                "{}: rejected {}: {}\n",
                name("task"),
                text("name"),
                text("message")
            ));
        }
    }
    let table = aligned(&rows);
    match rejections.is_empty() {
        true => table,
        false => format!("{table}\n{rejections}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_envoy_is_a_row_and_each_rejection_a_line() {
        let types = |rejected: Json| {
            let none = json!({"accepted": 2, "pending": 0, "rejected": []});
            json!({"listeners": none, "routes": {"accepted": 1, "pending": 0, "rejected": rejected},
                   "clusters": none, "endpoints": none})
        };
        let proxy = |task: &str, settled: bool, rejected: Json| {
            let mut proxy = types(rejected);
            proxy["id"] = json!(format!("mesh/m/virtualNode/{task}"));
            proxy["task"] = json!(task);
            proxy["settled"] = json!(settled);
            proxy
        };
        let proxies = [
            proxy("a/1", true, json!([])),
            proxy(
                "b/1",
                true,
                json!([{"name": "r", "version": "1", "message": "no such cluster"}]),
            ),
            proxy("c/1", false, json!([])),
        ];
        let expected = "\
TASK  STATE    LISTENERS  ROUTES  CLUSTERS  ENDPOINTS  NODE
a/1   ACK      2          1       2         2          mesh/m/virtualNode/a/1
b/1   NACK     2          1       2         2          mesh/m/virtualNode/b/1
c/1   PENDING  2          1       2         2          mesh/m/virtualNode/c/1

b/1: rejected r: no such cluster
";
        assert_eq!(text(&proxies), expected);
    }
}
