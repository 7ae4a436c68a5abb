//! What the Envoys of a mesh have counted of calls to the tasks of one virtual node.
//!
//! <https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/upstream/cluster_manager/cluster_stats> (2026-11-23).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// How long an Envoy may take to say what it has counted.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// What Envoys have counted of calls to the tasks of a virtual node, each since it was started, by the name of its task.
/// Times are counted with a delay of up to a second.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeStatistics(BTreeMap<String, Counts>);

/// Calls that were counted. One that was tried again counts each time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// The calls that are over.
    pub ended: u64,
    /// Those among them that failed: they were answered with a status of 500 or more, or not at all, or not in time.
    pub failed: u64,
    /// How many answers came within how many milliseconds, in the order of the latter.
    pub within: Vec<(f64, u64)>,
}

impl NodeStatistics {
    /// What was counted since `earlier`, altogether. What an Envoy counts that was started since then is new as a whole.
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
    /// The share of calls that failed, from 0 to 1; `None` if there were none.
    #[must_use]
    pub fn failure_rate(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "nobody counts that many calls")]
        (self.ended > 0).then(|| self.failed as f64 / self.ended as f64)
    }

    /// The time within which this share of the answers came, from 0 to 1: the limit of the bucket it falls into, which is
    /// at most five times too long. `None` if there were no answers.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let all = self.within.last().map(|(_, count)| *count).filter(|count| *count > 0)?;
        #[expect(clippy::cast_precision_loss, reason = "nobody counts that many calls")]
        let reaches = |count: u64| count as f64 >= share * all as f64;
        let (limit, _) = self.within.iter().find(|(_, count)| reaches(*count))?;
        Some(Duration::from_secs_f64(limit / 1000.0))
    }

    fn without(&self, earlier: &Self) -> Self {
        // An Envoy's buckets stay the same, but before the first call it tells of none.
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

/// Asks Envoys, by the names of their tasks and their admin sockets, for what they counted in these clusters.
///
/// # Errors
///
/// If one of them does not answer, as when it is being started or stopped: what it has counted would be missing now and
/// seem new later.
pub(crate) async fn gather(envoys: &[(String, PathBuf)], clusters: &[String]) -> Result<NodeStatistics, String> {
    let mut all = BTreeMap::new();
    // One that has not made its socket yet has counted nothing.
    for (task, socket) in envoys.iter().filter(|(_, socket)| socket.exists()) {
        let answer = ask(socket).await;
        let answer =
            answer.map_err(|error| format!("the Envoy of {task} does not say what it has counted: {error}"))?;
        all.insert(task.clone(), read(&answer, clusters));
    }
    Ok(NodeStatistics(all))
}

async fn ask(socket: &Path) -> Result<Json, Box<dyn std::error::Error + Send + Sync>> {
    const COUNTED: &str = "upstream_rq_(completed|5xx|time)$";
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
fn read(answer: &Json, clusters: &[String]) -> Counts {
    let mut read = Counts::default();
    let of_cluster = |name: &str| {
        let name = name.strip_prefix("cluster.")?;
        let of = |cluster: &String| {
            name.strip_prefix(cluster.as_str())?
                .strip_prefix('.')
                .map(str::to_owned)
        };
        clusters.iter().find_map(of)
    };
    for statistic in answer["stats"].as_array().into_iter().flatten() {
        for histogram in statistic["histograms"].as_array().into_iter().flatten() {
            let name = histogram["name"].as_str().and_then(of_cluster);
            if name.as_deref() == Some("upstream_rq_time") {
                let buckets = histogram["buckets"].as_array().into_iter().flatten();
                let within = buckets
                    .filter_map(|bucket| Some((bucket["upper_bound"].as_f64()?, bucket["cumulative"].as_u64()?)));
                read.add(&Counts {
                    within: within.collect(),
                    ..Counts::default()
                });
            }
        }
        let count = statistic["value"].as_u64().unwrap_or_default();
        // What was tried again is counted apart, and in the former only how it ended.
        match statistic["name"].as_str().and_then(of_cluster).as_deref() {
            Some("upstream_rq_completed" | "retry.upstream_rq_completed") => read.ended += count,
            Some("upstream_rq_5xx" | "retry.upstream_rq_5xx") => read.failed += count,
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
            {"name": format!("{cluster}.retry.upstream_rq_completed"), "value": 1},
            {"name": format!("{cluster}.retry.upstream_rq_5xx"), "value": 1},
            {"histograms": [{"name": format!("{cluster}.upstream_rq_time"),
                "buckets": [bucket(5.0, fast), bucket(25.0, completed), bucket(500.0, completed)]}]},
        ]})
    }

    fn counts(completed: u64, errors: u64, fast: u64) -> Counts {
        let clusters = ["cds_egress_demo_blue_http_80".to_owned()];
        read(&answer(completed, errors, fast), &clusters)
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
    fn only_the_nodes_own_clusters_count() {
        let read = counts(10, 2, 8);
        assert_eq!((read.ended, read.failed), (11, 3));
        assert_eq!(read.failure_rate(), Some(3.0 / 11.0));
        assert_eq!(read.quantile(0.5), Some(Duration::from_millis(5)));
        assert_eq!(read.quantile(0.9), Some(Duration::from_millis(25)));
    }

    #[test]
    fn what_was_before_does_not_count() {
        let before = statistics(&[("gateway/1", counts(10, 2, 8))]);
        let now = statistics(&[("gateway/1", counts(30, 2, 8))]);
        let since = now.since(&before);
        assert_eq!((since.ended, since.failed), (20, 0));
        assert_eq!(since.quantile(0.1), Some(Duration::from_millis(25)));
        let nothing = now.since(&now);
        assert_eq!((nothing.failure_rate(), nothing.quantile(0.5)), (None, None));
    }

    #[test]
    fn the_first_calls_of_all_count() {
        let before = statistics(&[("gateway/1", Counts::default())]);
        let since = statistics(&[("gateway/1", counts(10, 0, 8))]).since(&before);
        assert_eq!(since.quantile(0.5), Some(Duration::from_millis(5)));
    }

    #[test]
    fn an_envoy_that_was_started_meanwhile_has_counted_nothing_but_new_calls() {
        let before = statistics(&[("gateway/1", counts(1000, 500, 8)), ("blue/1", counts(10, 0, 8))]);
        let now = statistics(&[("gateway/1", counts(3, 0, 3)), ("blue/2", counts(4, 1, 4))]);
        let since = now.since(&before);
        // One more each that was tried again.
        assert_eq!((since.ended, since.failed), (3 + 1 + 4 + 1, 1 + 1 + 1));
    }
}
