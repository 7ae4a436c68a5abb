//! Edges: the calls between services, as the Envoys of the callers and the load balancers count them.
//!
//! Envoy's `/clusters` maps a cluster to a service by its hosts, and `/stats` has its counters. TCP connections are not counted.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::statistics::{Counts, NodeStatistics};

/// Timeout of one request to an Envoy.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(1);

/// The calls of one service, or load balancer, to another one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Edge {
    /// The caller: a service, or `load balancer NAME`.
    pub from: String,
    /// The service that is called, or the cluster, for tasks that the mesh does not run.
    pub to: String,
    /// The counters of each calling task.
    pub statistics: NodeStatistics,
}

/// An Envoy to read.
#[derive(Debug)]
pub(crate) struct Caller {
    /// The service.
    pub(crate) from: String,
    pub(crate) task: String,
    pub(crate) admin: PathBuf,
}

/// Reads the counters of these Envoys. `services` has the service at each address that a task is called at. An Envoy that
/// does not respond, because it starts or stops, is left out.
pub(crate) async fn collect(callers: &[Caller], services: &BTreeMap<SocketAddr, String>) -> Vec<Edge> {
    let mut edges: BTreeMap<(String, String), Vec<(String, Counts)>> = BTreeMap::new();
    let reads = callers.iter().map(|caller| read(&caller.admin));
    let pages = futures_util::future::join_all(reads).await;
    for (caller, pages) in callers.iter().zip(pages) {
        let Some((clusters, statistics)) = pages else { continue };
        for (to, counts) in counts_of(&clusters, &statistics, services) {
            let counters = edges.entry((caller.from.clone(), to)).or_default();
            counters.push((caller.task.clone(), counts));
        }
    }
    let edges = edges.into_iter();
    edges
        .map(|((from, to), counters)| Edge {
            from,
            to,
            statistics: NodeStatistics::from_iter(counters),
        })
        .collect()
}

/// The pages of an Envoy: its clusters, and their counters.
async fn read(admin: &Path) -> Option<(String, Json)> {
    const STATISTICS: &str = "upstream_rq_(completed|5xx|time)$";
    let client = reqwest::Client::builder()
        .unix_socket(admin.to_owned())
        .no_proxy()
        .timeout(REQUEST_TIMEOUT)
        .build()
        .ok()?;
    let page = async |page: String| client.get(format!("http://envoy/{page}")).send().await?.text().await;
    let clusters = page("clusters".to_owned()).await.ok()?;
    let filter = format!("stats?format=json&histogram_buckets=cumulative&filter=^cluster\\..*{STATISTICS}");
    let statistics = page(filter).await.ok()?;
    Some((clusters, serde_json::from_str(&statistics).ok()?))
}

/// The counters of calls to each service. Clusters of the Envoy's own applications are not calls to others.
fn counts_of(clusters: &str, statistics: &Json, services: &BTreeMap<SocketAddr, String>) -> BTreeMap<String, Counts> {
    let mut targets: BTreeMap<&str, String> = BTreeMap::new();
    for line in clusters.lines() {
        let Some((cluster, rest)) = line.split_once("::") else {
            continue;
        };
        let is_call = cluster.starts_with("cds_egress_") || cluster.starts_with("targetGroup/");
        let host = rest.split_once("::").and_then(|(host, _)| host.parse().ok());
        let service = host.and_then(|host: SocketAddr| services.get(&host));
        match service {
            Some(service) if is_call => drop(targets.insert(cluster, service.clone())),
            None if is_call => drop(targets.entry(cluster).or_insert_with(|| cluster.to_owned())),
            _ => {}
        }
    }
    let mut counts: BTreeMap<String, Counts> = BTreeMap::new();
    let find = |name: &str, suffix: &str| {
        let cluster = name.strip_prefix("cluster.")?.strip_suffix(suffix)?;
        targets.get(cluster).cloned()
    };
    for statistic in statistics["stats"].as_array().into_iter().flatten() {
        for histogram in statistic["histograms"].as_array().into_iter().flatten() {
            let name = histogram["name"].as_str().unwrap_or_default();
            if let Some(service) = find(name, ".upstream_rq_time") {
                let buckets = histogram["buckets"].as_array().into_iter().flatten();
                let within = buckets
                    .filter_map(|bucket| Some((bucket["upper_bound"].as_f64()?, bucket["cumulative"].as_u64()?)));
                counts.entry(service).or_default().add(&Counts {
                    within: within.collect(),
                    ..Counts::default()
                });
            }
        }
        let name = statistic["name"].as_str().unwrap_or_default();
        let count = statistic["value"].as_u64().unwrap_or_default();
        for (suffix, of_failures) in [(".upstream_rq_completed", false), (".upstream_rq_5xx", true)] {
            if let Some(service) = find(name, suffix) {
                let counts = counts.entry(service).or_default();
                *(if of_failures {
                    &mut counts.failed
                } else {
                    &mut counts.ended
                }) += count;
            }
        }
    }
    counts.retain(|_, counts| counts.ended > 0);
    counts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counters_belong_to_the_service_of_the_hosts() {
        let clusters = "\
cds_egress_demo_blue_http_80::observability_name::cds_egress_demo_blue_http_80
cds_egress_demo_blue_http_80::127.0.0.1:8080::rq_active::0
cds_egress_demo_green_http_80::observability_name::x
cds_ingress_app::127.0.0.1:8080::rq_active::0
";
        let statistics = json!({"stats": [
            {"name": "cluster.cds_egress_demo_blue_http_80.upstream_rq_completed", "value": 10},
            {"name": "cluster.cds_egress_demo_blue_http_80.retry.upstream_rq_completed", "value": 3},
            {"name": "cluster.cds_egress_demo_blue_http_80.upstream_rq_5xx", "value": 2},
            {"name": "cluster.cds_ingress_app.upstream_rq_completed", "value": 99},
            {"name": "cluster.cds_egress_demo_green_http_80.upstream_rq_completed", "value": 1},
            {"name": "cluster.unused.upstream_rq_completed", "value": 0},
            {"histograms": [{"name": "cluster.cds_egress_demo_blue_http_80.upstream_rq_time",
                "buckets": [{"upper_bound": 5.0, "cumulative": 8}, {"upper_bound": 25.0, "cumulative": 10}]}]},
        ]});
        let services = BTreeMap::from([("127.0.0.1:8080".parse().expect("an address"), "blue".to_owned())]);
        let counts = counts_of(clusters, &statistics, &services);
        let blue = &counts["blue"];
        assert_eq!((blue.ended, blue.failed), (10, 2));
        assert_eq!(blue.quantile(0.5), Some(Duration::from_millis(5)));
        // Without a host of the mesh, the cluster stands for the service.
        assert_eq!(
            counts.keys().collect::<Vec<_>>(),
            ["blue", "cds_egress_demo_green_http_80"]
        );
    }
}
