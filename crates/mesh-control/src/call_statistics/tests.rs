//! Call statistics from messages of Envoys.

use opentelemetry_proto::tonic::metrics::v1::{Histogram, ResourceMetrics, ScopeMetrics, Sum};

use super::*;

const BLUE: &str = "cds_egress_demo_blue_http_80";

fn message(metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            scope_metrics: vec![ScopeMetrics {
                metrics,
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    }
}

fn metric(name: &str, data: Data) -> Metric {
    Metric {
        name: name.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

fn sum(name: &str, value: i64, temporality: AggregationTemporality) -> Metric {
    let point = NumberDataPoint {
        value: Some(Value::AsInt(value)),
        ..NumberDataPoint::default()
    };
    let data = Data::Sum(Sum {
        data_points: vec![point],
        aggregation_temporality: temporality.into(),
        is_monotonic: true,
    });
    metric(name, data)
}

fn delta(cluster: &str, statistic: &str, value: i64) -> Metric {
    let name = format!("cluster.{cluster}.{statistic}");
    sum(&name, value, AggregationTemporality::Delta)
}

fn latency(cluster: &str, bounds: &[f64], counts: &[u64]) -> Metric {
    let point = HistogramDataPoint {
        explicit_bounds: bounds.to_vec(),
        bucket_counts: counts.to_vec(),
        ..HistogramDataPoint::default()
    };
    let data = Data::Histogram(Histogram {
        data_points: vec![point],
        aggregation_temporality: AggregationTemporality::Delta.into(),
    });
    metric(&format!("cluster.{cluster}.upstream_rq_time"), data)
}

fn watched() -> (CallStatistics, Vec<String>) {
    let (statistics, clusters) = (CallStatistics::default(), vec![BLUE.to_owned()]);
    statistics.watch(&clusters);
    (statistics, clusters)
}

#[test]
fn deltas_of_all_envoys_are_added_with_retries() {
    let (statistics, clusters) = watched();
    let of_one = message(vec![
        delta(BLUE, "upstream_rq_completed", 9),
        delta(BLUE, "upstream_rq_5xx", 2),
        delta(BLUE, "retry.upstream_rq_completed", 1),
        delta(BLUE, "retry.upstream_rq_5xx", 1),
        latency(BLUE, &[5.0, 25.0], &[7, 1, 1]),
    ]);
    statistics.add(&of_one, None);
    statistics.watch(&clusters);
    statistics.add(&of_one, None);
    let expected = Counts {
        ended: 20,
        failed: 6,
        within: vec![(5.0, 14), (25.0, 16)],
    };
    assert_eq!(statistics.of(&clusters), expected);
}

#[test]
fn other_clusters_and_statistics_take_no_memory() {
    let (statistics, clusters) = watched();
    let other = "cds_egress_demo_blue_http_8080";
    statistics.add(
        &message(vec![
            delta(other, "upstream_rq_completed", 9),
            delta(BLUE, "external.upstream_rq_completed", 9),
            delta(BLUE, "upstream_rq_total", 9),
            sum("upstream_rq_completed", 9, AggregationTemporality::Delta),
        ]),
        None,
    );
    assert_eq!(statistics.of(&clusters), Counts::default());
    assert_eq!(statistics.counts().len(), 1);
}

#[test]
fn invalid_messages_count_nothing() {
    let (statistics, clusters) = watched();
    let completed = format!("cluster.{BLUE}.upstream_rq_completed");
    statistics.add(
        &message(vec![
            sum(&completed, 9, AggregationTemporality::Cumulative),
            sum(&completed, -9, AggregationTemporality::Delta),
            latency(BLUE, &[5.0, 25.0], &[1, 1]),
        ]),
        None,
    );
    assert_eq!(statistics.of(&clusters), Counts::default());
    statistics.add(&message(vec![latency(BLUE, &[5.0, 25.0], &[1, 1, 0])]), None);
    statistics.add(&message(vec![latency(BLUE, &[1.0, 25.0], &[7, 7, 0])]), None);
    let counts = statistics.of(&clusters);
    assert_eq!(counts.within, [(5.0, 1), (25.0, 2)], "buckets of another configuration");
}

#[test]
fn forged_bounds_and_counts_are_ignored() {
    let (statistics, clusters) = watched();
    let many: Vec<f64> = (1..=33).map(f64::from).collect();
    for bounds in [
        &[f64::NAN][..],
        &[f64::INFINITY],
        &[-5.0],
        &[0.0],
        &[1e300],
        &[5.0, 5.0],
        &[25.0, 5.0],
        &many,
    ] {
        let counts = vec![1; bounds.len() + 1];
        statistics.add(&message(vec![latency(BLUE, bounds, &counts)]), None);
        assert_eq!(statistics.of(&clusters), Counts::default(), "{bounds:?}");
    }
    statistics.add(
        &message(vec![
            delta(BLUE, "upstream_rq_completed", i64::MAX),
            delta(BLUE, "upstream_rq_5xx", 10_000_001),
            latency(BLUE, &[5.0], &[u64::MAX, 1]),
        ]),
        None,
    );
    assert_eq!(statistics.of(&clusters), Counts::default());
    statistics.add(
        &message(vec![
            delta(BLUE, "upstream_rq_completed", 10_000_000),
            latency(BLUE, &many[..32], &[1; 33]),
        ]),
        None,
    );
    let counts = statistics.of(&clusters);
    assert_eq!((counts.ended, counts.within.len()), (10_000_000, 32));
}
