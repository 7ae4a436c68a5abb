//! Environment variables of OpenTelemetry: values and errors.

use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    super::read(|name| {
        variables
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| OsString::from(value))
    })
}

/// The endpoints of spans and metrics.
fn endpoints(variables: &[(&str, &str)]) -> (Option<String>, Option<String>) {
    let settings = read(variables).unwrap();
    let endpoint = |destination: Option<Destination>| destination.map(|to| to.endpoint.to_string());
    (endpoint(settings.traces), endpoint(settings.metrics))
}

#[test]
fn nothing_is_exported_unless_it_is_configured() {
    for variables in [
        &[][..],
        &[("OTEL_SERVICE_NAME", "green"), (ENDPOINT, "")],
        &[("OTEL_TRACES_EXPORTER", "none"), (ENDPOINT, "")],
        &[(ENDPOINT, "http://collector:4318"), ("OTEL_SDK_DISABLED", "TRUE")],
    ] {
        assert_eq!(endpoints(variables), (None, None), "{variables:?}");
    }
}

#[test]
fn endpoints_follow_the_specification() {
    let traces = |url: &str| Some(url.to_owned());
    let metrics = traces;
    for (variables, expected) in [
        (
            &[(ENDPOINT, "http://collector:4318")][..],
            (
                traces("http://collector:4318/v1/traces"),
                metrics("http://collector:4318/v1/metrics"),
            ),
        ),
        (
            &[(ENDPOINT, "http://collector/otlp/"), ("OTEL_METRICS_EXPORTER", "none")],
            (traces("http://collector/otlp/v1/traces"), None),
        ),
        (
            &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://collector:1/in")],
            (traces("http://collector:1/in"), None),
        ),
        (
            &[("OTEL_TRACES_EXPORTER", "otlp")],
            (traces("http://localhost:4318/v1/traces"), None),
        ),
    ] {
        assert_eq!(endpoints(variables), expected, "{variables:?}");
    }
}

#[test]
fn the_timeout_of_a_batch_defaults_to_ten_seconds() {
    let collector = (ENDPOINT, "http://collector");
    let timeouts = |variables: &[(&str, &str)]| {
        let settings = read(variables).unwrap();
        (
            settings.traces.unwrap().timeout.as_millis(),
            settings.metrics.unwrap().timeout.as_millis(),
        )
    };
    assert_eq!(timeouts(&[collector]), (10_000, 10_000));
    let own = ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "20");
    assert_eq!(timeouts(&[collector, (TIMEOUT, "500"), own]), (500, 20));
}

#[test]
fn samplers_follow_the_specification() {
    for (variables, expected) in [
        (&[][..], "ParentBased(AlwaysOn)"),
        (&[(SAMPLER, "always_off")], "AlwaysOff"),
        (
            &[(SAMPLER, "traceidratio"), (SAMPLER_ARG, "0.25")],
            "TraceIdRatioBased(0.25)",
        ),
        (
            &[(SAMPLER, "parentbased_traceidratio")],
            "ParentBased(TraceIdRatioBased(1.0))",
        ),
    ] {
        assert_eq!(format!("{:?}", read(variables).unwrap().sampler), expected);
    }
}

#[test]
fn each_error_is_reported_once() {
    let error = read(&[
        (ENDPOINT, "https://collector:4318"),
        (PROTOCOL, "grpc"),
        (TIMEOUT, "10s"),
        ("OTEL_METRICS_EXPORTER", "prometheus"),
        (SAMPLER, "xray"),
    ])
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "OTEL_EXPORTER_OTLP_ENDPOINT: is `https://collector:4318`; allowed is http://HOST:PORT of a local \
         collector, which can forward by https\n\
         OTEL_EXPORTER_OTLP_PROTOCOL: is `grpc`; allowed is http/protobuf (port 4318 of a collector)\n\
         OTEL_EXPORTER_OTLP_TIMEOUT: is `10s`; allowed is a number of milliseconds, 1 or more\n\
         OTEL_METRICS_EXPORTER: is `prometheus`; allowed is otlp, or none\n\
         OTEL_TRACES_SAMPLER: is `xray`; allowed is always_on, always_off or traceidratio, or one of them with \
         the prefix parentbased_"
    );
    let error = read(&[
        (ENDPOINT, "collector:4318"),
        (SAMPLER, "traceidratio"),
        (SAMPLER_ARG, "2"),
    ])
    .unwrap_err();
    assert_eq!(error.errors().iter().count(), 2);
}
