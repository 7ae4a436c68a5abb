//! Call statistics that Envoys send: OTLP metrics, as the stats sink of `envoy-bootstrap` selects them.
//!
//! An Envoy sends what it has counted since its last message, to any replica of the control plane, so the sum over all
//! replicas is complete. Only clusters that are [watched](CallStatistics::watch) are counted: other names in messages take
//! no memory. Where the xDS port requires authentication, a client reports as a node that it may act as, and only calls
//! within that node's mesh.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use envoy_bootstrap::{Identity, NODE_HEADER};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, HistogramDataPoint, Metric, NumberDataPoint, metric::Data,
};
use tonic::{Request, Response, Status};
use xds_server::{Access, Credentials, Peer};

use crate::statistics::Counts;
use crate::translate::egress_cluster_prefix;

/// Maximum number of calls that one metric of a message adds. Envoys send every few seconds, so more are not real, and
/// sums must not reach their maximum.
const MAX_DELTA: u64 = 10_000_000;

/// Maximum number of bounds of a latency histogram. Envoy has 19 by default (Envoy's source,
/// `HistogramSettingsImpl::defaultBuckets`, 2026-11-30).
const MAX_BOUNDS: usize = 32;

/// Maximum upper bound of a latency bucket, in milliseconds: a day. Envoy's highest one is an hour.
const MAX_BOUND: f64 = 86_400_000.0;

const DELTA: i32 = AggregationTemporality::Delta as i32;

/// The calls to watched clusters since each was first watched. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct CallStatistics(Arc<Mutex<BTreeMap<String, Counts>>>);

impl CallStatistics {
    /// Counts the calls to these clusters from now on, as
    /// [`egress_clusters`](crate::egress_clusters) names them. Clusters that are watched already keep their counts.
    pub fn watch<'a>(&self, clusters: impl IntoIterator<Item = &'a String>) {
        let mut counts = self.counts();
        for cluster in clusters {
            if !counts.contains_key(cluster) {
                counts.insert(cluster.clone(), Counts::default());
            }
        }
    }

    /// The calls to these clusters together.
    #[must_use]
    pub fn of(&self, clusters: &[String]) -> Counts {
        let counts = self.counts();
        let mut sum = Counts::default();
        for counted in clusters.iter().filter_map(|cluster| counts.get(cluster)) {
            sum.add(counted);
        }
        sum
    }

    /// Adds the calls in a message of an Envoy, of one mesh or of all.
    fn add(&self, message: &ExportMetricsServiceRequest, mesh: Option<&str>) {
        let prefix = mesh.map(egress_cluster_prefix);
        let mut counts = self.counts();
        let resources = message.resource_metrics.iter();
        let scopes = resources.flat_map(|resource| &resource.scope_metrics);
        for metric in scopes.flat_map(|scope| &scope.metrics) {
            let Some((cluster, statistic)) = parse_name(&metric.name) else {
                continue;
            };
            if prefix.as_ref().is_some_and(|prefix| !cluster.starts_with(prefix)) {
                continue;
            }
            if let (Some(counts), Some(calls)) = (counts.get_mut(cluster), calls_in(metric, statistic)) {
                // Buckets of another Envoy configuration cannot be added.
                if has_same_buckets(counts, &calls) {
                    counts.add(&calls);
                }
            }
        }
    }

    /// The tonic service.
    pub(crate) fn into_server(self, access: Access) -> CallStatisticsServer {
        MetricsServiceServer::new(Receiver { calls: self, access })
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<String, Counts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tonic service.
pub(crate) type CallStatisticsServer = MetricsServiceServer<Receiver>;

/// The OTLP service. A type of its own, so that OTLP is no part of the public API.
pub(crate) struct Receiver {
    calls: CallStatistics,
    access: Access,
}

impl Receiver {
    /// Checks that the client may report as the node that it names. The mesh of that node, whose clusters alone it may
    /// report; `None` without authentication, for all.
    async fn reporter<T>(&self, request: &Request<T>) -> Result<Option<String>, Status> {
        if !self.access.is_required() {
            return Ok(None);
        }
        let node = request.metadata().get(NODE_HEADER).and_then(|node| node.to_str().ok());
        let credentials = Credentials::of_request(request.metadata().as_ref(), request.extensions());
        self.access.check(&credentials, node.unwrap_or_default()).await?;
        match node.map(Identity::parse) {
            Some(Ok(Identity::MeshNode(path))) => Ok(Some(path.mesh)),
            _ => Err(Status::permission_denied(
                "call statistics are those of virtual nodes and gateways",
            )),
        }
    }
}

#[tonic::async_trait]
impl MetricsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let _connection = request.extensions().get::<Peer>().map(Peer::open_stream);
        let mesh = self.reporter(&request).await?;
        self.calls.add(request.get_ref(), mesh.as_deref());
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Statistic {
    Completed,
    Failed,
    Latency,
}

/// Cluster and statistic in a name such as `cluster.NAME.upstream_rq_5xx`. Retries are counted separately, as
/// `cluster.NAME.retry.upstream_rq_5xx`.
fn parse_name(name: &str) -> Option<(&str, Statistic)> {
    let (cluster, statistic) = name.strip_prefix("cluster.")?.rsplit_once('.')?;
    let statistic = match statistic {
        "upstream_rq_completed" => Statistic::Completed,
        "upstream_rq_5xx" => Statistic::Failed,
        "upstream_rq_time" => Statistic::Latency,
        _ => return None,
    };
    Some((cluster.strip_suffix(".retry").unwrap_or(cluster), statistic))
}

/// The calls in a metric with deltas.
fn calls_in(metric: &Metric, statistic: Statistic) -> Option<Counts> {
    let mut calls = Counts::default();
    match (statistic, metric.data.as_ref()?) {
        (Statistic::Latency, Data::Histogram(histogram)) if histogram.aggregation_temporality == DELTA => {
            let [point] = histogram.data_points.as_slice() else {
                return None;
            };
            calls.within = cumulative(point)?;
        }
        (Statistic::Completed, Data::Sum(sum)) if sum.aggregation_temporality == DELTA => {
            calls.ended = total(&sum.data_points)?;
        }
        (Statistic::Failed, Data::Sum(sum)) if sum.aggregation_temporality == DELTA => {
            calls.failed = total(&sum.data_points)?;
        }
        _ => return None,
    }
    Some(calls)
}

/// The sum of the points. `None` if it is over [`MAX_DELTA`].
fn total(points: &[NumberDataPoint]) -> Option<u64> {
    let values = points.iter().filter_map(|point| match point.value? {
        Value::AsInt(value) => u64::try_from(value).ok(),
        Value::AsDouble(_) => None,
    });
    let total = values.fold(0, u64::saturating_add);
    (total <= MAX_DELTA).then_some(total)
}

/// The cumulative buckets of a data point, without the last one, which has no upper bound. `None` if it is invalid: they are
/// part of the status that a replica publishes.
fn cumulative(point: &HistogramDataPoint) -> Option<Vec<(f64, u64)>> {
    let bounds = &point.explicit_bounds;
    // A comparison with NaN is false.
    let is_valid = bounds.iter().all(|bound| *bound > 0.0 && *bound <= MAX_BOUND);
    let is_rising = bounds.is_sorted_by(|lower, upper| lower < upper);
    if point.bucket_counts.len() != bounds.len() + 1 || bounds.len() > MAX_BOUNDS || !is_valid || !is_rising {
        return None;
    }
    let mut sum = 0_u64;
    let buckets = point.explicit_bounds.iter().zip(&point.bucket_counts);
    let cumulative = buckets.map(|(bound, count)| {
        sum = sum.saturating_add(*count);
        (*bound, sum)
    });
    let cumulative = cumulative.collect();
    (sum <= MAX_DELTA).then_some(cumulative)
}

fn has_same_buckets(counts: &Counts, calls: &Counts) -> bool {
    let bounds = |counts: &Counts| counts.within.iter().map(|(bound, _)| *bound).collect::<Vec<_>>();
    counts.within.is_empty() || calls.within.is_empty() || bounds(counts) == bounds(calls)
}

#[cfg(test)]
mod tests;
