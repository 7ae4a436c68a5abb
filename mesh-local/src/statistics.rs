//! What the Envoys of a mesh have counted of calls to the tasks of one virtual node.
//!
//! <https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/upstream/cluster_manager/cluster_stats> (2026-11-23).

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// How long an Envoy may take to say what it has counted.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// What Envoys have counted of calls to the tasks of a virtual node, each since it was started. Times are counted with a
/// delay of up to a second.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatistics {
    /// The requests that were answered. One that was tried again counts each time.
    pub answered: u64,
    /// Those among them that were answered with a status of 500 or more.
    pub errors: u64,
    /// Connections that did not come about, and requests that were not answered in time.
    pub unanswered: u64,
    /// How many answers came within how many milliseconds, in the order of the latter.
    pub within: Vec<(f64, u64)>,
}

impl NodeStatistics {
    /// What was counted since `earlier`. An Envoy that was started again in between has forgotten what was before, which
    /// makes it less.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let before = |limit: f64| {
            let found = earlier
                .within
                .iter()
                .find(|(other, _)| (other - limit).abs() < f64::EPSILON);
            found.map_or(0, |(_, count)| *count)
        };
        Self {
            answered: self.answered.saturating_sub(earlier.answered),
            errors: self.errors.saturating_sub(earlier.errors),
            unanswered: self.unanswered.saturating_sub(earlier.unanswered),
            within: self
                .within
                .iter()
                .map(|(limit, count)| (*limit, count.saturating_sub(before(*limit))))
                .collect(),
        }
    }

    /// The share of requests that failed, from 0 to 1; `None` if there were none.
    #[must_use]
    pub fn failure_rate(&self) -> Option<f64> {
        let all = self.answered + self.unanswered;
        let failed = self.errors + self.unanswered;
        #[expect(clippy::cast_precision_loss, reason = "nobody counts that many requests")]
        (all > 0).then(|| failed as f64 / all as f64)
    }

    /// The time within which this share of the answers came, from 0 to 1: the limit of the bucket it falls into, which is
    /// at most five times too long. `None` if there were no answers.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let all = self.within.last().map(|(_, count)| *count).filter(|count| *count > 0)?;
        #[expect(clippy::cast_precision_loss, reason = "nobody counts that many requests")]
        let reaches = |count: u64| count as f64 >= share * all as f64;
        let (limit, _) = self.within.iter().find(|(_, count)| reaches(*count))?;
        Some(Duration::from_secs_f64(limit / 1000.0))
    }

    fn add(&mut self, other: &Self) {
        self.answered += other.answered;
        self.errors += other.errors;
        self.unanswered += other.unanswered;
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

/// Asks the Envoys with these admin sockets for what they counted in these clusters. One that gives no answer is being
/// started or stopped, and has counted nothing worth knowing.
pub(crate) async fn gather(sockets: &[PathBuf], clusters: &[String]) -> NodeStatistics {
    let mut sum = NodeStatistics::default();
    for socket in sockets {
        match ask(socket).await {
            Ok(answer) => sum.add(&read(&answer, clusters)),
            Err(error) => tracing::debug!(%error, socket = %socket.display(), "an Envoy did not say what it counted"),
        }
    }
    sum
}

async fn ask(socket: &Path) -> Result<Json, Box<dyn std::error::Error + Send + Sync>> {
    const COUNTED: &str = "upstream_(rq_completed|rq_5xx|rq_timeout|rq_time|cx_connect_fail)$";
    let client = reqwest::Client::builder()
        .unix_socket(socket.to_owned())
        .no_proxy()
        .timeout(ANSWER_WITHIN)
        .build()?;
    let url =
        format!("http://envoy/stats?format=json&histogram_buckets=cumulative&filter=^cluster\\.cds_egress_.*{COUNTED}");
    let answer = client.get(url).send().await?.error_for_status()?;
    Ok(serde_json::from_str(&answer.text().await?)?)
}

/// What an Envoy's statistics say of these clusters.
fn read(answer: &Json, clusters: &[String]) -> NodeStatistics {
    let mut read = NodeStatistics::default();
    let of_cluster = |name: &str| {
        let name = name.strip_prefix("cluster.")?;
        let of = |cluster: &&String| {
            name.strip_prefix(cluster.as_str())?
                .strip_prefix('.')
                .map(str::to_owned)
        };
        clusters.iter().find_map(|cluster| of(&cluster))
    };
    let statistics = answer["stats"].as_array().into_iter().flatten();
    for statistic in statistics {
        for histogram in statistic["histograms"].as_array().into_iter().flatten() {
            let name = histogram["name"].as_str().and_then(of_cluster);
            if name.as_deref() == Some("upstream_rq_time") {
                let buckets = histogram["buckets"].as_array().into_iter().flatten();
                let within = buckets
                    .filter_map(|bucket| Some((bucket["upper_bound"].as_f64()?, bucket["cumulative"].as_u64()?)));
                read.add(&NodeStatistics {
                    within: within.collect(),
                    ..NodeStatistics::default()
                });
            }
        }
        let count = statistic["value"].as_u64().unwrap_or_default();
        match statistic["name"].as_str().and_then(of_cluster).as_deref() {
            Some("upstream_rq_completed") => read.answered += count,
            Some("upstream_rq_5xx") => read.errors += count,
            Some("upstream_rq_timeout" | "upstream_cx_connect_fail") => read.unanswered += count,
            _ => {}
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(completed: u64, errors: u64, fast: u64) -> Json {
        let cluster = "cluster.cds_egress_demo_blue_http_80";
        let bucket = |limit: f64, count: u64| json!({"upper_bound": limit, "interval": 0, "cumulative": count});
        json!({"stats": [
            {"name": format!("{cluster}.upstream_rq_completed"), "value": completed},
            {"name": format!("{cluster}.external.upstream_rq_completed"), "value": 99},
            {"name": "cluster.cds_egress_demo_blue_http_8080.upstream_rq_completed", "value": 99},
            {"name": format!("{cluster}.upstream_rq_5xx"), "value": errors},
            {"name": format!("{cluster}.upstream_cx_connect_fail"), "value": 1},
            {"histograms": [{"name": format!("{cluster}.upstream_rq_time"),
                "buckets": [bucket(5.0, fast), bucket(25.0, completed), bucket(500.0, completed)]}]},
        ]})
    }

    fn statistics(completed: u64, errors: u64, fast: u64) -> NodeStatistics {
        let clusters = ["cds_egress_demo_blue_http_80".to_owned()];
        read(&answer(completed, errors, fast), &clusters)
    }

    #[test]
    fn only_the_nodes_own_clusters_count() {
        let read = statistics(10, 2, 8);
        assert_eq!((read.answered, read.errors, read.unanswered), (10, 2, 1));
        assert_eq!(read.failure_rate(), Some(3.0 / 11.0));
        assert_eq!(read.quantile(0.5), Some(Duration::from_millis(5)));
        assert_eq!(read.quantile(0.9), Some(Duration::from_millis(25)));
    }

    #[test]
    fn what_was_before_does_not_count() {
        let now = statistics(30, 2, 8).since(&statistics(10, 2, 8));
        assert_eq!((now.answered, now.errors, now.unanswered), (20, 0, 0));
        assert_eq!(now.quantile(0.1), Some(Duration::from_millis(25)));
        let nothing = now.since(&now);
        assert_eq!((nothing.failure_rate(), nothing.quantile(0.5)), (None, None));
    }
}
