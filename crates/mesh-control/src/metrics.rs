//! Metrics of the control plane in Prometheus's text format, version 0.0.4.

use std::fmt::Write as _;

use xds_server::{Metrics, ResourceType};

use crate::status::{SourceStatus, StatusSummary};

/// Name, help text and value of a counter by type.
type TypeCounter = (&'static str, &'static str, fn(&Metrics, ResourceType) -> u64);

/// The document of `GET /metrics`.
pub(crate) fn render(metrics: &Metrics, summary: &StatusSummary, sources: &[SourceStatus]) -> String {
    let mut text = Text::default();
    text.head(
        "meshwright_xds_streams",
        "gauge",
        "Connected Envoys, by whether they have ACKed or NACKed everything.",
    );
    let unsettled = summary.nodes - summary.settled;
    for (settled, count) in [("true", summary.settled), ("false", unsettled)] {
        text.sample("meshwright_xds_streams", &[("settled", settled)], count as f64);
    }
    text.head(
        "meshwright_xds_rejecting",
        "gauge",
        "Connected Envoys that reject a resource.",
    );
    text.sample("meshwright_xds_rejecting", &[], summary.rejecting as f64);
    let by_type: [TypeCounter; 4] = [
        ("pushes", "Responses sent.", |metrics, kind| {
            metrics.of_type(kind).pushes
        }),
        (
            "resources",
            "Resources in responses, removals included.",
            |metrics, kind| metrics.of_type(kind).resources,
        ),
        ("acks", "Responses that an Envoy accepted.", |metrics, kind| {
            metrics.of_type(kind).acks
        }),
        ("nacks", "Responses that an Envoy rejected.", |metrics, kind| {
            metrics.of_type(kind).nacks
        }),
    ];
    for (name, help, value) in by_type {
        let name = format!("meshwright_xds_{name}_total");
        text.head(&name, "counter", help);
        for kind in ResourceType::IN_ORDER.iter().copied() {
            text.sample(&name, &[("type", short_name(kind))], value(metrics, kind) as f64);
        }
    }
    text.head("meshwright_xds_response_bytes_total", "counter", "Bytes of responses.");
    text.sample(
        "meshwright_xds_response_bytes_total",
        &[],
        metrics.response_bytes() as f64,
    );
    text.head(
        "meshwright_xds_rejected_streams_total",
        "counter",
        "Streams that were ended with an error.",
    );
    text.sample(
        "meshwright_xds_rejected_streams_total",
        &[],
        metrics.rejected_streams() as f64,
    );
    until_settled(metrics, &mut text);
    let age = "meshwright_source_last_success_age_seconds";
    text.head(
        age,
        "gauge",
        "Time since the last successful response of a source of the mesh state.",
    );
    for source in sources {
        if let Some(seconds) = source.last_success_seconds_ago {
            text.sample(age, &[("source", &source.name)], seconds as f64);
        }
    }
    text.0
}

fn until_settled(metrics: &Metrics, text: &mut Text) {
    let name = "meshwright_xds_change_seconds";
    text.head(
        name,
        "histogram",
        "Time from a change until an Envoy that it concerns had ACKed or NACKed everything.",
    );
    let histogram = metrics.until_settled();
    for (bound, count) in &histogram.cumulative {
        text.sample(&format!("{name}_bucket"), &[("le", &bound.to_string())], *count as f64);
    }
    text.sample(&format!("{name}_bucket"), &[("le", "+Inf")], histogram.count as f64);
    text.sample(&format!("{name}_sum"), &[], histogram.sum);
    text.sample(&format!("{name}_count"), &[], histogram.count as f64);
}

fn short_name(kind: ResourceType) -> &'static str {
    match kind {
        ResourceType::Cluster => "cluster",
        ResourceType::Endpoint => "endpoints",
        ResourceType::Listener => "listener",
        ResourceType::Route => "routes",
    }
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string does not fail, here and below.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        let pairs = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)));
        let pairs: Vec<String> = pairs.collect();
        if !pairs.is_empty() {
            let _ = write!(self.0, "{{{}}}", pairs.join(","));
        }
        let _ = writeln!(self.0, " {value}");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_prometheus_form() {
        let source = SourceStatus {
            name: "parameters of \"demo\"".to_owned(),
            last_success_seconds_ago: Some(3),
            failing_for_seconds: None,
            error: None,
            notes: Vec::new(),
        };
        let summary = StatusSummary {
            nodes: 3,
            settled: 2,
            ..StatusSummary::default()
        };
        let text = render(&Metrics::default(), &summary, &[source]);
        for line in [
            "# TYPE meshwright_xds_streams gauge",
            "meshwright_xds_streams{settled=\"true\"} 2",
            "meshwright_xds_streams{settled=\"false\"} 1",
            "meshwright_xds_pushes_total{type=\"endpoints\"} 0",
            "meshwright_xds_change_seconds_bucket{le=\"0.001\"} 0",
            "meshwright_xds_change_seconds_bucket{le=\"+Inf\"} 0",
            "meshwright_xds_change_seconds_sum 0",
            "meshwright_source_last_success_age_seconds{source=\"parameters of \\\"demo\\\"\"} 3",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
        }
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        for sample in samples {
            let (_, value) = sample.rsplit_once(' ').expect("a value");
            value.parse::<f64>().expect("a number");
        }
    }
}
