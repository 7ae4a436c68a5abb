//! OpenTelemetry environment variables that configure a container's span exporter. Pure.
//!
//! Names and values: opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables and
//! …/otel/protocol/exporter (read 2026-11-23).

use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Variables of a container definition that configure the exporter itself.
const EXPORTER_VARIABLES: [&str; 5] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_TRACES_EXPORTER",
    "OTEL_CONFIG_FILE",
    "OTEL_SDK_DISABLED",
];

/// The variables of a container of the task `task`, without those in `given`, its definition's own; none if the
/// definition configures the exporter itself.
pub(crate) fn otel_variables(
    collector: SocketAddr,
    task: &str,
    given: &BTreeMap<String, String>,
) -> impl Iterator<Item = (String, String)> {
    let is_configured = EXPORTER_VARIABLES.iter().any(|name| given.contains_key(*name));
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{collector}")),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf".to_owned()),
        ("OTEL_SERVICE_NAME", task.to_owned()),
        // Requests without a sampled parent create no spans.
        ("OTEL_TRACES_SAMPLER", "parentbased_always_off".to_owned()),
        // In milliseconds. The default of 5 s would delay the timeline.
        ("OTEL_BSP_SCHEDULE_DELAY", "50".to_owned()),
        // Not supported by the collector.
        ("OTEL_METRICS_EXPORTER", "none".to_owned()),
        ("OTEL_LOGS_EXPORTER", "none".to_owned()),
    ];
    variables
        .into_iter()
        .filter(move |(name, _)| !is_configured && !given.contains_key(*name))
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
    fn a_definition_with_its_own_exporter_is_unchanged() {
        for name in EXPORTER_VARIABLES {
            assert_eq!(names(&[name, "OTHER"]), [""; 0], "{name}");
        }
    }

    #[test]
    fn variables_of_the_definition_take_precedence() {
        let all = names(&[]);
        let others = names(&["OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER"]);
        assert_eq!(all.len(), others.len() + 2);
        assert!(!others.iter().any(|name| name == "OTEL_SERVICE_NAME"), "{others:?}");
    }
}
