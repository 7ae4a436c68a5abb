//! The stats sink by which an Envoy sends its call statistics to the control plane: OTLP over gRPC, at each flush of
//! statistics (Envoy's default of 5 s).
//!
//! Counters and histograms are sent as deltas, so a restart of an Envoy or of a replica, and a connection to another
//! replica, need no care. The selection is a regular expression over full statistic names: completed calls, errors and
//! latency of each virtual node that this Envoy calls. Envoy sends nothing about itself.
//!
//! Source: Envoy 1.40, `envoy.extensions.stat_sinks.open_telemetry.v3.SinkConfig` (read 2026-11-30).

use serde_json::{Value, json};

/// The selected statistics: those of a cluster of a virtual node (`cds_egress_MESH_NODE_PROTOCOL_PORT`). `retry` counts
/// the calls before the last one of a request.
const SELECTED: &str = r"cluster\.cds_egress_.+_[0-9]+\.(retry\.)?upstream_rq_(completed|5xx|time)";

/// The metadata key in which an Envoy names its node id to the receiver of statistics: messages themselves have none.
pub const NODE_HEADER: &str = "x-meshwright-node";

/// The sink, with the cluster of the control plane. With `node_id`, it names the node.
pub(crate) fn sink(cluster: &str, node_id: Option<&str>) -> Value {
    let selected = json!({
        "input": {
            "name": "name",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.matching.common_inputs.stats.v3.StatFullNameMatchInput",
            },
        },
        "value_match": {"safe_regex": {"google_re2": {}, "regex": SELECTED}},
    });
    // Without a time limit, a control plane that does not respond would collect calls.
    let mut service = json!({"envoy_grpc": {"cluster_name": cluster}, "timeout": "5s"});
    if let Some(id) = node_id {
        service["initial_metadata"] = json!([{"key": NODE_HEADER, "value": id}]);
    }
    json!({
        "name": "envoy.stat_sinks.open_telemetry",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.stat_sinks.open_telemetry.v3.SinkConfig",
            "grpc_service": service,
            "report_counters_as_deltas": true,
            "report_histograms_as_deltas": true,
            // The full name has the cluster; tags would repeat it.
            "emit_tags_as_attributes": false,
            "use_tag_extracted_name": false,
            "custom_metric_conversions": {"matcher_list": {"matchers": [{
                "predicate": {"not_matcher": {"single_predicate": selected}},
                "on_match": {"action": {
                    "name": "drop",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.stat_sinks.open_telemetry.v3.SinkConfig.DropAction",
                    },
                }},
            }]}},
        },
    })
}
