//! How a container learns where its spans are wanted: OpenTelemetry's own variables. Pure.
//!
//! Names and values: opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables and
//! …/otel/protocol/exporter (read 2026-11-23).

use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Whoever sets one of these has decided where spans go, or that there are none.
const DECIDING: [&str; 5] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_TRACES_EXPORTER",
    "OTEL_CONFIG_FILE",
    "OTEL_SDK_DISABLED",
];

/// The variables of a container of the task `task`, beside those `given` by its definition: none that is given, and
/// none at all if the definition says where spans go.
pub(crate) fn otel_variables(
    collector: SocketAddr,
    task: &str,
    given: &BTreeMap<String, String>,
) -> impl Iterator<Item = (String, String)> {
    let is_decided = DECIDING.iter().any(|name| given.contains_key(*name));
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{collector}")),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf".to_owned()),
        ("OTEL_SERVICE_NAME", task.to_owned()),
        // Requests that nobody looks at leave no spans.
        ("OTEL_TRACES_SAMPLER", "parentbased_always_off".to_owned()),
        // In milliseconds. By default a span waits 5 s, and somebody waits for it here.
        ("OTEL_BSP_SCHEDULE_DELAY", "50".to_owned()),
        // Nobody here takes them.
        ("OTEL_METRICS_EXPORTER", "none".to_owned()),
        ("OTEL_LOGS_EXPORTER", "none".to_owned()),
    ];
    variables
        .into_iter()
        .filter(move |(name, _)| !is_decided && !given.contains_key(*name))
        .map(|(name, value)| (name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(given: &[&str]) -> Vec<String> {
        let given = given.iter().map(|name| ((*name).to_owned(), String::new())).collect();
        let collector = ([127, 0, 0, 1], 4318).into();
        otel_variables(collector, "green/1", &given)
            .map(|(name, _)| name)
            .collect()
    }

    #[test]
    fn a_definition_that_says_where_spans_go_is_left_alone() {
        for name in DECIDING {
            assert_eq!(names(&[name, "OTHER"]), [""; 0], "{name}");
        }
    }

    #[test]
    fn what_a_definition_says_otherwise_stays() {
        let all = names(&[]);
        let others = names(&["OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER"]);
        assert_eq!(all.len(), others.len() + 2);
        assert!(!others.iter().any(|name| name == "OTEL_SERVICE_NAME"), "{others:?}");
    }
}
