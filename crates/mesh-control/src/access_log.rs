//! One request's passage through one Envoy, as that Envoy writes it down.
//!
//! A task whose wiring names a file has its Envoy append one line for each request that asks for it by its trace
//! id ([`sampled_trace_id`]); joined by trace, the lines of all Envoys say which path a request really took. Other
//! requests leave no line, so the file does not grow with traffic. The format and its reader stand side by side
//! here.

use serde::Deserialize;

/// How the trace ids of requests begin that ask to be written down: "mesh", in hexadecimal digits.
const OBSERVED: &str = "6d657368";

/// A W3C trace id whose request is written down by every Envoy it passes. `random` are 32 hexadecimal digits, most
/// of which it keeps.
#[must_use]
pub fn sampled_trace_id(random: &str) -> String {
    format!("{OBSERVED}{}", random.get(OBSERVED.len()..).unwrap_or_default())
}

/// How the `traceparent` of such a request begins.
pub(crate) fn sampled_traceparent() -> String {
    format!("00-{OBSERVED}")
}

/// What an Envoy noted of one request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AccessLogEntry {
    /// The route it took through this Envoy: the name of the route configuration.
    pub route: String,
    /// The W3C `traceparent` it carried, or `-`.
    pub traceparent: String,
    /// The address the answer came from, or `-` if none did.
    pub upstream: String,
    /// The address from which this Envoy called there, or `-`.
    #[serde(default)]
    pub from: String,
    /// The address of whoever called this Envoy.
    #[serde(default)]
    pub caller: String,
    /// The status of the answer.
    pub status: u16,
    /// Envoy's flags for what went wrong, `-` for nothing.
    pub flags: String,
    /// How long the whole request took here.
    pub milliseconds: u64,
}

impl AccessLogEntry {
    /// Reads a line. `None` for one that is not of this format, such as one still being written.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// The trace that the request belonged to: the second part of its `traceparent`.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.traceparent.split('-').nth(1).filter(|id| id.len() == 32)
    }

    /// True if the request was on its way to the application beside this Envoy, false if it came from there.
    #[must_use]
    pub fn is_inbound(&self) -> bool {
        self.route.starts_with(INBOUND_ROUTES)
    }
}

/// How the names of the route configurations begin that lead to the application.
pub(crate) const INBOUND_ROUTES: &str = "rds_ingress_";

/// The line as Envoy is to write it. It is JSON put together as text: as a JSON object it would be a protobuf
/// map, whose random order would give the listener a new version on every translation.
pub(crate) fn line_format(route: &str) -> String {
    format!(
        concat!(
            r#"{{"route":"{}","traceparent":"%REQ(TRACEPARENT):64%","upstream":"%UPSTREAM_REMOTE_ADDRESS%","from":"%UPSTREAM_LOCAL_ADDRESS%","caller":"%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%","status":%RESPONSE_CODE%,"flags":"%RESPONSE_FLAGS%","#,
            r#""milliseconds":%DURATION%}}"#,
            "\n"
        ),
        route
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_and_half_a_line_is_not() {
        let line = r#"{"route":"rds_ingress_http_3000","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","upstream":"127.0.0.1:3000","status":200,"flags":"-","milliseconds":3}"#;
        let hop = AccessLogEntry::parse(line).expect("a hop");
        assert_eq!(hop.trace_id(), Some("0af7651916cd43dd8448eb211c80319c"));
        assert!(hop.is_inbound());
        assert_eq!(AccessLogEntry::parse(&line[..40]), None);
    }
}
