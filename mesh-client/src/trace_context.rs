//! What ties a call to the one that caused it.
//!
//! A proxy sees calls come and go, and cannot know which of them belong together: only the service can, by
//! handing on the headers it was called with. Without that every trace ends at the first service.

mod traceparent;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use self::traceparent::Traceparent;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_RAY: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// The headers that tie a call to the one that caused it: `traceparent` and `tracestate` of W3C Trace Context
/// level 1, `X-Amzn-Trace-Id` of AWS X-Ray, and Envoy's `x-request-id`.
///
/// They are passed on as they came, so that a service without spans of its own does not end a trace: its calls appear
/// beside what it does itself. The proxies on both sides add their spans. With the feature `telemetry` and its
/// `ServerLayer` there is a span for each request and each call, and nothing needs to be passed on by hand.
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
    /// The trace context that a request came with; empty if it came with none.
    ///
    /// A malformed `traceparent` counts as none, and a `tracestate` without a valid `traceparent` is left behind:
    /// both as the specification demands (its chapters on the two fields, read 2026-11-23). More than one
    /// `traceparent` counts as none too, since nothing says which of them is meant.
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

    /// The id of the whole trace: 32 hexadecimal digits in lower case. `None` without a valid `traceparent`.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.trace.as_ref().map(|(parent, _)| parent.trace_id())
    }

    /// The `x-request-id`, if it is there and is text.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_ref().and_then(|id| id.to_str().ok())
    }

    /// True if there is nothing to pass on.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.trace.is_none() && self.x_ray.is_none() && self.request_id.is_none()
    }

    /// Puts the trace context on an outgoing request, in place of what is there.
    ///
    /// What this context does not have stays as it is, except that a `traceparent` never meets another trace's
    /// `tracestate`.
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

    /// Puts the `x-request-id` alone on an outgoing request.
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

    /// What a request that came with `incoming` makes of `outgoing`.
    fn passed_on(incoming: &[(&'static str, &'static str)], outgoing: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = headers(outgoing);
        TraceContext::from_headers(&self::headers(incoming)).write_to(&mut headers);
        headers
    }

    #[test]
    fn everything_is_passed_on_unchanged_and_in_order() {
        let incoming = [
            ("traceparent", PARENT),
            ("tracestate", "b=2"),
            ("tracestate", "a=1,c=3"),
            ("x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793"),
            ("x-request-id", "abc"),
        ];
        assert_eq!(passed_on(&incoming, &[]), headers(&incoming));
    }

    #[test]
    fn what_means_nothing_is_left_behind() {
        assert!(passed_on(&[("tracestate", "a=1")], &[]).is_empty());
        assert!(passed_on(&[("traceparent", "00-0-0-00"), ("tracestate", "a=1")], &[]).is_empty());
        assert!(passed_on(&[("traceparent", PARENT), ("traceparent", PARENT)], &[]).is_empty());
        assert!(passed_on(&[("x-request-id", "")], &[]).is_empty());
        assert!(TraceContext::default().is_empty());
    }

    #[test]
    fn another_trace_is_replaced_as_a_whole() {
        let outgoing = [("traceparent", OTHER), ("tracestate", "x=y"), ("x-request-id", "old")];
        let replaced = passed_on(&[("traceparent", PARENT), ("x-request-id", "new")], &outgoing);
        assert_eq!(replaced, headers(&[("traceparent", PARENT), ("x-request-id", "new")]));
        assert_eq!(passed_on(&[], &outgoing), headers(&outgoing));
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
