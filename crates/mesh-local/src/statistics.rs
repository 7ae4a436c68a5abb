//! Envoy statistics of the calls to one virtual node, from the admin pages of its callers. Histograms lag by up to a
//! second.
//!
//! <https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/upstream/cluster_manager/cluster_stats> (2026-11-23).

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value as Json;

pub use mesh_control::{Counts, NodeStatistics};

/// Timeout of a statistics request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(1);

/// Why statistics could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read statistics of the Envoy of {task}")]
pub struct StatisticsError {
    task: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// Collects statistics of these clusters from Envoys, given as task names and admin sockets.
///
/// # Errors
///
/// If an Envoy does not respond, for example while it starts or stops: its calls would be missing now and seem new
/// later.
pub(crate) async fn collect(
    envoys: &[(String, PathBuf)],
    clusters: &[String],
) -> Result<NodeStatistics, StatisticsError> {
    let mut all = Vec::new();
    // An Envoy without an admin socket has not counted anything yet.
    for (task, socket) in envoys.iter().filter(|(_, socket)| socket.exists()) {
        let response = request(socket).await;
        let response = response.map_err(|source| StatisticsError {
            task: task.clone(),
            source,
        })?;
        all.push((task.clone(), parse(&response, clusters)));
    }
    Ok(all.into_iter().collect())
}

async fn request(socket: &Path) -> Result<Json, Box<dyn std::error::Error + Send + Sync>> {
    const STATISTICS: &str = "upstream_rq_(completed|5xx|time)$";
    let client = reqwest::Client::builder()
        .unix_socket(socket.to_owned())
        .no_proxy()
        .timeout(REQUEST_TIMEOUT)
        .build()?;
    let url = format!(
        "http://envoy/stats?format=json&histogram_buckets=cumulative&filter=^cluster\\.cds_egress_.*{STATISTICS}"
    );
    let response = client.get(url).send().await?.error_for_status()?;
    Ok(serde_json::from_str(&response.text().await?)?)
}

/// The counters of these clusters in a statistics response.
fn parse(response: &Json, clusters: &[String]) -> Counts {
    let mut counts = Counts::default();
    let of_cluster = |name: &str| {
        let name = name.strip_prefix("cluster.")?;
        let of = |cluster: &String| {
            name.strip_prefix(cluster.as_str())?
                .strip_prefix('.')
                .map(str::to_owned)
        };
        clusters.iter().find_map(of)
    };
    for statistic in response["stats"].as_array().into_iter().flatten() {
        for histogram in statistic["histograms"].as_array().into_iter().flatten() {
            let name = histogram["name"].as_str().and_then(of_cluster);
            if name.as_deref() == Some("upstream_rq_time") {
                let buckets = histogram["buckets"].as_array().into_iter().flatten();
                let within = buckets
                    .filter_map(|bucket| Some((bucket["upper_bound"].as_f64()?, bucket["cumulative"].as_u64()?)));
                counts.add(&Counts {
                    within: within.collect(),
                    ..Counts::default()
                });
            }
        }
        let count = statistic["value"].as_u64().unwrap_or_default();
        // `upstream_rq_*` has the final result of a call; retries are counted separately.
        match statistic["name"].as_str().and_then(of_cluster).as_deref() {
            Some("upstream_rq_completed" | "retry.upstream_rq_completed") => counts.ended += count,
            Some("upstream_rq_5xx" | "retry.upstream_rq_5xx") => counts.failed += count,
            _ => {}
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn response(completed: u64, errors: u64, fast: u64) -> Json {
        let cluster = "cluster.cds_egress_demo_blue_http_80";
        let bucket = |limit: f64, count: u64| json!({"upper_bound": limit, "interval": 0, "cumulative": count});
        json!({"stats": [
            {"name": format!("{cluster}.upstream_rq_completed"), "value": completed},
            {"name": format!("{cluster}.external.upstream_rq_completed"), "value": 99},
            {"name": "cluster.cds_egress_demo_blue_http_8080.upstream_rq_completed", "value": 99},
            {"name": format!("{cluster}.upstream_rq_5xx"), "value": errors},
            {"name": format!("{cluster}.retry.upstream_rq_completed"), "value": 1},
            {"name": format!("{cluster}.retry.upstream_rq_5xx"), "value": 1},
            {"histograms": [{"name": format!("{cluster}.upstream_rq_time"),
                "buckets": [bucket(5.0, fast), bucket(25.0, completed), bucket(500.0, completed)]}]},
        ]})
    }

    fn counts(completed: u64, errors: u64, fast: u64) -> Counts {
        let clusters = ["cds_egress_demo_blue_http_80".to_owned()];
        parse(&response(completed, errors, fast), &clusters)
    }

    #[test]
    fn only_clusters_of_the_node_are_counted() {
        let counts = counts(10, 2, 8);
        assert_eq!((counts.ended, counts.failed), (11, 3));
        assert_eq!(counts.failure_rate(), Some(3.0 / 11.0));
        assert_eq!(counts.quantile(0.5), Some(Duration::from_millis(5)));
        assert_eq!(counts.quantile(0.9), Some(Duration::from_millis(25)));
    }
}
