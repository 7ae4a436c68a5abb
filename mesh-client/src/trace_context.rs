//! Trace context propagation.
//!
//! A sidecar cannot know which outgoing calls belong to which incoming request. Only the service can, by forwarding the
//! headers of the request; otherwise every trace ends at the first service.

mod traceparent;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use self::traceparent::Traceparent;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_RAY: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// The trace context of a request: `traceparent` and `tracestate` of W3C Trace Context level 1, `X-Amzn-Trace-Id` of AWS
/// X-Ray, and Envoy's `x-request-id`.
///
/// The headers are forwarded unchanged, so that a service without spans does not end a trace; the sidecars on both sides add
/// their spans. With the feature `telemetry` and its `ServerLayer`, requests and calls have spans and the context is
/// propagated automatically.
///
/// ```
/// # use mesh_client::TraceContext;
/// # let mut incoming = http::HeaderMap::new();
/// incoming.insert(
///     "traceparent",
///     http::HeaderValue::from_static("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
/// );
/// let trace = TraceContext::from_headers(&incoming);
/// assert_eq!(trace.trace_id(), Some("0af7651916cd43dd8448eb211c80319c"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct TraceContext {
    trace: Option<(Traceparent, Vec<HeaderValue>)>,
    x_ray: Option<HeaderValue>,
    request_id: Option<HeaderValue>,
}

impl TraceContext {
    /// The trace context of a request with these headers; may be empty.
    ///
    /// A malformed `traceparent` is ignored, and so is a `tracestate` without a valid `traceparent`, both as the specification
    /// requires (its chapters on the two fields, read 2026-11-23). More than one `traceparent` is ambiguous and ignored too.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let mut parents = headers.get_all(TRACEPARENT).iter();
        let parent = match (parents.next(), parents.next()) {
            (Some(only), None) => Traceparent::from_header(only),
            _ => None,
        };
        let request_id = headers.get(REQUEST_ID).filter(|id| !id.is_empty()).cloned();
        Self {
            trace: parent.map(|parent| (parent, headers.get_all(TRACESTATE).iter().cloned().collect())),
            x_ray: headers.get(X_RAY).filter(|trace| !trace.is_empty()).cloned(),
            request_id,
        }
    }

    /// The trace id: 32 lower-case hexadecimal digits. `None` without a valid `traceparent`.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.trace.as_ref().map(|(parent, _)| parent.trace_id())
    }

    /// The `x-request-id`, if it is present and text.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_ref().and_then(|id| id.to_str().ok())
    }

    /// True if there is nothing to propagate.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.trace.is_none() && self.x_ray.is_none() && self.request_id.is_none()
    }

    /// Writes the trace context to the headers of a call.
    ///
    /// Headers that this context does not have are unchanged, except that the `tracestate` of another trace is removed.
    pub(crate) fn write_to(&self, headers: &mut HeaderMap) {
        if let Some((parent, states)) = &self.trace {
            headers.insert(TRACEPARENT, parent.header().clone());
            headers.remove(TRACESTATE);
            for state in states {
                headers.append(TRACESTATE, state.clone());
            }
        }
        if let Some(trace) = &self.x_ray {
            headers.insert(X_RAY, trace.clone());
        }
        self.write_request_id_to(headers);
    }

    /// Writes only the `x-request-id` to the headers of a call.
    pub(crate) fn write_request_id_to(&self, headers: &mut HeaderMap) {
        if let Some(id) = &self.request_id {
            headers.insert(REQUEST_ID, id.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const OTHER: &str = "00-11111111111111111111111111111111-2222222222222222-00";

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    /// The headers `outgoing` of a call on behalf of a request with the headers `incoming`.
    fn propagated(incoming: &[(&'static str, &'static str)], outgoing: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = headers(outgoing);
        TraceContext::from_headers(&self::headers(incoming)).write_to(&mut headers);
        headers
    }

    #[test]
    fn all_headers_are_propagated_unchanged_and_in_order() {
        let incoming = [
            ("traceparent", PARENT),
            ("tracestate", "b=2"),
            ("tracestate", "a=1,c=3"),
            ("x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793"),
            ("x-request-id", "abc"),
        ];
        assert_eq!(propagated(&incoming, &[]), headers(&incoming));
    }

    #[test]
    fn invalid_headers_are_not_propagated() {
        assert!(propagated(&[("tracestate", "a=1")], &[]).is_empty());
        assert!(propagated(&[("traceparent", "00-0-0-00"), ("tracestate", "a=1")], &[]).is_empty());
        assert!(propagated(&[("traceparent", PARENT), ("traceparent", PARENT)], &[]).is_empty());
        assert!(propagated(&[("x-request-id", "")], &[]).is_empty());
        assert!(TraceContext::default().is_empty());
    }

    #[test]
    fn another_trace_is_replaced_completely() {
        let outgoing = [("traceparent", OTHER), ("tracestate", "x=y"), ("x-request-id", "old")];
        let replaced = propagated(&[("traceparent", PARENT), ("x-request-id", "new")], &outgoing);
        assert_eq!(replaced, headers(&[("traceparent", PARENT), ("x-request-id", "new")]));
        assert_eq!(propagated(&[], &outgoing), headers(&outgoing));
    }

    #[test]
    fn its_ids_can_be_read() {
        let trace = TraceContext::from_headers(&headers(&[("traceparent", PARENT), ("x-request-id", "abc")]));
        assert_eq!(trace.trace_id(), Some("0af7651916cd43dd8448eb211c80319c"));
        assert_eq!(trace.request_id(), Some("abc"));
        assert!(!trace.is_empty());
        assert_eq!(TraceContext::default().trace_id(), None);
    }
}
