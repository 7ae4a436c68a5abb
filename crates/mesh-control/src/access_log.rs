//! Access-log entries of sampled requests: their format, and its parser.
//!
//! An Envoy whose node metadata name a file appends one line for each request with a [`sampled_trace_id`]. The entries of
//! all Envoys with the same trace id give the request path. Other requests are not logged, so the file does not grow with
//! traffic.

use serde::Deserialize;

/// Prefix of the trace ids of logged requests: "mesh", in hexadecimal digits.
const SAMPLED: &str = "6d657368";

/// A W3C trace id that every Envoy on the request path logs. `random` are 32 hexadecimal digits, of which all but the
/// first eight are kept.
#[must_use]
pub fn sampled_trace_id(random: &str) -> String {
    format!("{SAMPLED}{}", random.get(SAMPLED.len()..).unwrap_or_default())
}

/// Prefix of the `traceparent` of such a request.
pub(crate) fn sampled_traceparent() -> String {
    format!("00-{SAMPLED}")
}

/// One request in the access log of one Envoy.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AccessLogEntry {
    /// The name of the route configuration.
    pub route: String,
    /// The W3C `traceparent`, or `-`.
    pub traceparent: String,
    /// The upstream address, or `-`.
    pub upstream: String,
    /// The local address of the upstream connection, or `-`.
    #[serde(default)]
    pub from: String,
    /// The downstream address.
    #[serde(default)]
    pub caller: String,
    /// The response status.
    pub status: u16,
    /// Envoy's response flags, `-` for none.
    pub flags: String,
    /// The duration of the request at this Envoy.
    pub milliseconds: u64,
}

impl AccessLogEntry {
    /// Parses a line. `None` for another format, such as a line that is not complete yet.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// The trace id: the second part of the `traceparent`.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.traceparent.split('-').nth(1).filter(|id| id.len() == 32)
    }

    /// True for a request to the application beside this Envoy, false for one from it.
    #[must_use]
    pub fn is_inbound(&self) -> bool {
        self.route.starts_with(INBOUND_ROUTES)
    }
}

/// Prefix of the names of inbound route configurations.
pub(crate) const INBOUND_ROUTES: &str = "rds_ingress_";

/// Envoy's format string. It is JSON as text: a JSON object would be a protobuf map, which prost encodes in random order,
/// so that each translation would give the listener a new version.
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
    fn whole_lines_are_parsed_and_partial_lines_are_not() {
        let line = r#"{"route":"rds_ingress_http_3000","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","upstream":"127.0.0.1:3000","status":200,"flags":"-","milliseconds":3}"#;
        let entry = AccessLogEntry::parse(line).expect("an entry");
        assert_eq!(entry.trace_id(), Some("0af7651916cd43dd8448eb211c80319c"));
        assert!(entry.is_inbound());
        assert_eq!(AccessLogEntry::parse(&line[..40]), None);
    }
}
