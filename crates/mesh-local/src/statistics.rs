//! Envoy statistics of the calls to one virtual node.
//!
//! <https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/upstream/cluster_manager/cluster_stats> (2026-11-23).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Timeout of a statistics request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(1);

/// The calls to the tasks of a virtual node, as counted by each Envoy since its start, by the name of the Envoy's task.
/// Histograms lag by up to a second.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeStatistics(BTreeMap<String, Counts>);

/// Counters of calls. Each retry counts as a call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Completed calls.
    pub ended: u64,
    /// Failed calls: status 500 or higher, no response, or a timeout.
    pub failed: u64,
    /// Cumulative latency histogram: (upper bound in milliseconds, responses), sorted.
    pub within: Vec<(f64, u64)>,
}

/// Why statistics could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read statistics of the Envoy of {task}")]
pub struct StatisticsError {
    task: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl NodeStatistics {
    /// The calls since `earlier`. Counters of an Envoy that was restarted since then count from zero.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Counts {
        let mut sum = Counts::default();
        for (task, now) in &self.0 {
            match earlier.0.get(task).filter(|before| before.ended <= now.ended) {
                Some(before) => sum.add(&now.without(before)),
                None => sum.add(now),
            }
        }
        sum
    }
}

impl Counts {
    /// The share of failed calls, from 0 to 1; `None` without calls.
    #[must_use]
    pub fn failure_rate(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "call counts stay below 2^52")]
        (self.ended > 0).then(|| self.failed as f64 / self.ended as f64)
    }

    /// The latency quantile for `share`, from 0 to 1: the upper bound of its histogram bucket, which is at most five
    /// times too high. `None` without responses.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let all = self.within.last().map(|(_, count)| *count).filter(|count| *count > 0)?;
        #[expect(clippy::cast_precision_loss, reason = "call counts stay below 2^52")]
        let reaches = |count: u64| count as f64 >= share * all as f64;
        let (limit, _) = self.within.iter().find(|(_, count)| reaches(*count))?;
        Some(Duration::from_secs_f64(limit / 1000.0))
    }

    fn without(&self, earlier: &Self) -> Self {
        // An Envoy's buckets are constant, except that there are none before the first call.
        let before = earlier
            .within
            .iter()
            .map(|(_, count)| *count)
            .chain(std::iter::repeat(0));
        let counts = self.within.iter().zip(before);
        Self {
            ended: self.ended - earlier.ended,
            failed: self.failed.saturating_sub(earlier.failed),
            within: counts
                .map(|((limit, now), before)| (*limit, now.saturating_sub(before)))
                .collect(),
        }
    }

    fn add(&mut self, other: &Self) {
        self.ended += other.ended;
        self.failed += other.failed;
        if self.within.is_empty() {
            self.within.clone_from(&other.within);
        } else {
            // All Envoys have the same buckets.
            for ((_, count), (_, more)) in self.within.iter_mut().zip(&other.within) {
                *count += more;
            }
        }
    }
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
    let mut all = BTreeMap::new();
    // An Envoy without an admin socket has not counted anything yet.
    for (task, socket) in envoys.iter().filter(|(_, socket)| socket.exists()) {
        let response = request(socket).await;
        let response = response.map_err(|source| StatisticsError {
            task: task.clone(),
            source,
        })?;
        all.insert(task.clone(), parse(&response, clusters));
    }
    Ok(NodeStatistics(all))
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

    fn statistics(envoys: &[(&str, Counts)]) -> NodeStatistics {
        let envoys = envoys.iter();
        NodeStatistics(
            envoys
                .map(|(task, counts)| ((*task).to_owned(), counts.clone()))
                .collect(),
        )
    }

    #[test]
    fn only_clusters_of_the_node_are_counted() {
        let counts = counts(10, 2, 8);
        assert_eq!((counts.ended, counts.failed), (11, 3));
        assert_eq!(counts.failure_rate(), Some(3.0 / 11.0));
        assert_eq!(counts.quantile(0.5), Some(Duration::from_millis(5)));
        assert_eq!(counts.quantile(0.9), Some(Duration::from_millis(25)));
    }

    #[test]
    fn earlier_calls_are_subtracted() {
        let before = statistics(&[("gateway/1", counts(10, 2, 8))]);
        let now = statistics(&[("gateway/1", counts(30, 2, 8))]);
        let since = now.since(&before);
        assert_eq!((since.ended, since.failed), (20, 0));
        assert_eq!(since.quantile(0.1), Some(Duration::from_millis(25)));
        let nothing = now.since(&now);
        assert_eq!((nothing.failure_rate(), nothing.quantile(0.5)), (None, None));
    }

    #[test]
    fn the_first_calls_are_counted() {
        let before = statistics(&[("gateway/1", Counts::default())]);
        let since = statistics(&[("gateway/1", counts(10, 0, 8))]).since(&before);
        assert_eq!(since.quantile(0.5), Some(Duration::from_millis(5)));
    }

    #[test]
    fn a_restarted_envoy_counts_from_zero() {
        let before = statistics(&[("gateway/1", counts(1000, 500, 8)), ("blue/1", counts(10, 0, 8))]);
        let now = statistics(&[("gateway/1", counts(3, 0, 3)), ("blue/2", counts(4, 1, 4))]);
        let since = now.since(&before);
        // Each has one more retry.
        assert_eq!((since.ended, since.failed), (3 + 1 + 4 + 1, 1 + 1 + 1));
    }
}
