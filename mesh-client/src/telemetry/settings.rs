//! Parses the environment variables of OpenTelemetry.
//!
//! Names, values and defaults: opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables and
//! …/otel/protocol/exporter (read 2026-11-23). Two things differ: nothing is exported unless an endpoint or an exporter
//! is set, and an invalid value is an error, not a warning.

use std::ffi::OsString;
use std::time::Duration;

use opentelemetry_sdk::trace::Sampler;
use sidecar_contract::Diagnostics;
use url::Url;

use crate::config::ConfigError;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
const TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TIMEOUT";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";

/// The only supported protocol, and the specification's default.
const HTTP_PROTOBUF: &str = "http/protobuf";

/// The endpoint if an exporter is set and no endpoint.
const DEFAULT_ENDPOINT: &str = "http://localhost:4318";

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) service_name: Option<String>,
    pub(super) traces: Option<Destination>,
    pub(super) metrics: Option<Destination>,
    pub(super) sampler: Sampler,
}

/// A collector endpoint for spans or metrics.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Destination {
    pub(super) endpoint: Url,
    /// The timeout of one batch.
    pub(super) timeout: Duration,
}

/// The variables of a signal, and its path at the collector.
struct Signal {
    endpoint: &'static str,
    protocol: &'static str,
    timeout: &'static str,
    exporter: &'static str,
    path: &'static str,
}

const TRACES: Signal = Signal {
    endpoint: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    protocol: "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    timeout: "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    exporter: "OTEL_TRACES_EXPORTER",
    path: "v1/traces",
};

const METRICS: Signal = Signal {
    endpoint: "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    protocol: "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
    timeout: "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
    exporter: "OTEL_METRICS_EXPORTER",
    path: "v1/metrics",
};

pub(super) fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Settings, ConfigError> {
    let mut variables = Variables {
        lookup,
        diagnostics: Diagnostics::new(),
    };
    let is_disabled = variables
        .text("OTEL_SDK_DISABLED")
        .is_some_and(|text| text.eq_ignore_ascii_case("true"));
    if is_disabled {
        return Ok(Settings {
            service_name: None,
            traces: None,
            metrics: None,
            sampler: Sampler::AlwaysOff,
        });
    }
    let settings = Settings {
        service_name: variables.text("OTEL_SERVICE_NAME"),
        traces: variables.destination(&TRACES),
        metrics: variables.destination(&METRICS),
        sampler: variables.sampler(),
    };
    variables.diagnostics.into_result(settings).map_err(ConfigError::new)
}

/// Access to the environment variables, and their errors.
struct Variables<L> {
    lookup: L,
    diagnostics: Diagnostics,
}

impl<L: Fn(&str) -> Option<OsString>> Variables<L> {
    fn text(&mut self, name: &str) -> Option<String> {
        match (self.lookup)(name)?.into_string() {
            Ok(text) if text.trim().is_empty() => None,
            Ok(text) => Some(text.trim().to_owned()),
            Err(value) => {
                self.invalid(name, &value.to_string_lossy(), "UTF-8");
                None
            }
        }
    }

    fn invalid(&mut self, name: &str, value: &str, allowed: &str) {
        let message = format!("is `{}`; allowed is {allowed}", value.escape_debug());
        // Both signals read the common variables; their errors are reported once.
        let is_known = self
            .diagnostics
            .iter()
            .any(|diagnostic| diagnostic.to_string() == format!("{name}: {message}"));
        if !is_known {
            self.diagnostics.add(name, message);
        }
    }

    /// The variable of one signal, or else the common one, with its name.
    fn either(&mut self, own: &'static str, common: &'static str) -> Option<(&'static str, String)> {
        match self.text(own) {
            Some(text) => Some((own, text)),
            None => self.text(common).map(|text| (common, text)),
        }
    }

    fn destination(&mut self, signal: &Signal) -> Option<Destination> {
        let is_enabled = match self.text(signal.exporter).as_deref() {
            None => false,
            Some("otlp") => true,
            Some("none") => return None,
            Some(other) => {
                self.invalid(signal.exporter, other, "otlp, or none");
                return None;
            }
        };
        let endpoint = match (self.text(signal.endpoint), self.text(ENDPOINT)) {
            (Some(text), _) => self.url(signal.endpoint, &text, None),
            (None, Some(text)) => self.url(ENDPOINT, &text, Some(signal.path)),
            (None, None) if is_enabled => self.url(ENDPOINT, DEFAULT_ENDPOINT, Some(signal.path)),
            (None, None) => return None,
        };
        match self.either(signal.protocol, PROTOCOL) {
            None => {}
            Some((_, text)) if text == HTTP_PROTOBUF => {}
            Some((name, text)) => self.invalid(name, &text, "http/protobuf (port 4318 of a collector)"),
        }
        let timeout = match self.either(signal.timeout, TIMEOUT) {
            None => Some(DEFAULT_TIMEOUT),
            Some((name, text)) => {
                let timeout = text
                    .parse()
                    .ok()
                    .filter(|millis| *millis > 0)
                    .map(Duration::from_millis);
                if timeout.is_none() {
                    self.invalid(name, &text, "a number of milliseconds, 1 or more");
                }
                timeout
            }
        };
        Some(Destination {
            endpoint: endpoint?,
            timeout: timeout?,
        })
    }

    /// Parses a URL; appends `path` to the path of a URL that is common to both signals.
    fn url(&mut self, name: &str, text: &str, path: Option<&str>) -> Option<Url> {
        let url = Url::parse(text)
            .ok()
            .filter(|url| url.scheme() == "http" && url.has_host());
        let Some(mut url) = url else {
            let allowed = "http://HOST:PORT of a local collector, which can forward by https";
            self.invalid(name, text, allowed);
            return None;
        };
        if let Some(path) = path {
            let base = url.path().trim_end_matches('/').to_owned();
            url.set_path(&format!("{base}/{path}"));
        }
        Some(url)
    }

    fn sampler(&mut self) -> Sampler {
        let below = |root: Sampler| Sampler::ParentBased(Box::new(root));
        match self.text(SAMPLER).as_deref() {
            None | Some("parentbased_always_on") => below(Sampler::AlwaysOn),
            Some("always_on") => Sampler::AlwaysOn,
            Some("always_off") => Sampler::AlwaysOff,
            Some("traceidratio") => Sampler::TraceIdRatioBased(self.ratio()),
            Some("parentbased_always_off") => below(Sampler::AlwaysOff),
            Some("parentbased_traceidratio") => below(Sampler::TraceIdRatioBased(self.ratio())),
            Some(other) => {
                let allowed = "always_on, always_off or traceidratio, or one of them with the prefix parentbased_";
                self.invalid(SAMPLER, other, allowed);
                Sampler::AlwaysOff
            }
        }
    }

    fn ratio(&mut self) -> f64 {
        let Some(text) = self.text(SAMPLER_ARG) else {
            return 1.0;
        };
        let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
        ratio.unwrap_or_else(|| {
            self.invalid(SAMPLER_ARG, &text, "a number from 0 to 1");
            0.0
        })
    }
}

#[cfg(test)]
mod tests;
