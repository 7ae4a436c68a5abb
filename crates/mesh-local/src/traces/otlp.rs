//! Reads spans from OTLP messages. Pure.
//!
//! Attribute names: Envoy's `Tracing::Tags`, and OpenTelemetry's semantic conventions for HTTP (both read 2026-11-23).
//! Spans are untrusted input, so displayed text is sanitized and truncated.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1 as otlp;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::span::{Span, TraceId};
use crate::request_path::Hop;

/// Maximum length of displayed text.
const MAX_TEXT: usize = 200;

/// The spans of a request with their trace ids. Spans with invalid ids are dropped.
pub(super) fn spans(request: ExportTraceServiceRequest) -> impl Iterator<Item = (TraceId, Span)> {
    request.resource_spans.into_iter().flat_map(|of_resource| {
        let resource = of_resource.resource.unwrap_or_default();
        let service = sanitize(text(&resource.attributes, "service.name").unwrap_or("?"));
        let spans = of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.filter_map(move |span| read(&service, &span))
    })
}

fn read(service: &str, span: &otlp::Span) -> Option<(TraceId, Span)> {
    let trace = u128::from_be_bytes(span.trace_id.as_slice().try_into().ok()?);
    let id = u64::from_be_bytes(span.span_id.as_slice().try_into().ok()?);
    let parent = span.parent_span_id.as_slice().try_into().ok();
    let (hop, what) = match text(&span.attributes, "component") {
        // The `component` of all Envoy spans.
        Some("proxy") => (Hop::Envoy(service.to_owned()), describe_envoy(span)),
        _ => (Hop::Application(service.to_owned()), describe_application(span)),
    };
    let read = Span {
        id,
        parent: parent.map(u64::from_be_bytes).filter(|id| *id != 0),
        hop,
        what: sanitize(&what),
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
    };
    (trace != 0 && id != 0).then_some((trace, read))
}

/// Description of an Envoy span: `GET /path` for ingress, `→ GET host/path` for egress.
fn describe_envoy(span: &otlp::Span) -> String {
    let (Some(method), Some(url)) = (
        text(&span.attributes, "http.method"),
        text(&span.attributes, "http.url"),
    ) else {
        return span.name.clone();
    };
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let failed = failed_status(text(&span.attributes, "http.status_code").and_then(|status| status.parse().ok()));
    if span.kind() == SpanKind::Client {
        return format!("→ {method} {rest}{failed}");
    }
    let path = rest.find('/').map_or("/", |slash| &rest[slash..]);
    format!("{method} {path}{failed}")
}

/// Description of an application span: its name, with the called host.
fn describe_application(span: &otlp::Span) -> String {
    let name = &span.name;
    let failed = failed_status(number(&span.attributes, "http.response.status_code"));
    if span.kind() != SpanKind::Client {
        return format!("{name}{failed}");
    }
    match text(&span.attributes, "server.address") {
        Some(host) if !name.contains(host) => format!("→ {name} {host}{failed}"),
        _ => format!("→ {name}{failed}"),
    }
}

/// A status that is not a success, in parentheses. Envoy uses 0 if the caller disconnected.
fn failed_status(status: Option<i64>) -> String {
    match status {
        Some(status) if !(200..400).contains(&status) => format!(" ({status})"),
        _ => String::new(),
    }
}

fn value<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    let attribute = attributes.iter().find(|attribute| attribute.key == key)?;
    let Some(AnyValue { value }) = &attribute.value else {
        return None;
    };
    value.as_ref()
}

fn text<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    match value(attributes, key)? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

fn number(attributes: &[KeyValue], key: &str) -> Option<i64> {
    match value(attributes, key)? {
        Value::IntValue(number) => Some(*number),
        _ => None,
    }
}

/// One line that is safe in a terminal: without control characters and bidirectional overrides.
fn sanitize(text: &str) -> String {
    let harmless = |character: char| match character {
        '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        control if control.is_control() => char::REPLACEMENT_CHARACTER,
        other => other,
    };
    text.chars().take(MAX_TEXT).map(harmless).collect()
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::resource::v1::Resource;

    use super::*;

    fn attribute(key: &str, value: Value) -> KeyValue {
        KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(value) }),
            ..Default::default()
        }
    }

    fn texts(texts: &[(&str, &str)]) -> Vec<KeyValue> {
        let text = |(key, text): &(&str, &str)| attribute(key, Value::StringValue((*text).to_owned()));
        texts.iter().map(text).collect()
    }

    fn span(kind: SpanKind, name: &str, attributes: Vec<KeyValue>) -> otlp::Span {
        otlp::Span {
            trace_id: 7_u128.to_be_bytes().to_vec(),
            span_id: 8_u64.to_be_bytes().to_vec(),
            kind: kind.into(),
            name: name.to_owned(),
            attributes,
            ..Default::default()
        }
    }

    fn read_as(service: &str, span: otlp::Span) -> Option<(TraceId, Span)> {
        let request = ExportTraceServiceRequest {
            resource_spans: vec![otlp::ResourceSpans {
                resource: Some(Resource {
                    attributes: texts(&[("service.name", service)]),
                    ..Default::default()
                }),
                scope_spans: vec![otlp::ScopeSpans {
                    spans: vec![span],
                    ..Default::default()
                }],
                ..Default::default()
            }],
        };
        spans(request).next()
    }

    fn shown(span: otlp::Span) -> (String, String) {
        let (trace, span) = read_as("green/1", span).expect("a span");
        assert_eq!((trace, span.id, span.parent), (7, 8, None));
        (span.hop.to_string(), span.what)
    }

    #[test]
    fn envoy_and_application_spans_are_distinguished() {
        let envoys = |status| {
            texts(&[
                ("component", "proxy"),
                ("http.method", "GET"),
                ("http.url", "http://blue.appmesh/a?b"),
                ("http.status_code", status),
            ])
        };
        let application = |status| {
            let mut attributes = texts(&[("server.address", "blue.appmesh")]);
            attributes.push(attribute("http.response.status_code", Value::IntValue(status)));
            attributes
        };
        for (span, hop, what) in [
            (
                span(SpanKind::Server, "ingress", envoys("200")),
                "envoy of green/1",
                "GET /a?b",
            ),
            (
                span(SpanKind::Client, "egress blue.appmesh", envoys("503")),
                "envoy of green/1",
                "→ GET blue.appmesh/a?b (503)",
            ),
            (
                span(SpanKind::Server, "GET /downstream/{service}", Vec::new()),
                "green/1",
                "GET /downstream/{service}",
            ),
            (
                span(SpanKind::Client, "GET", application(404)),
                "green/1",
                "→ GET blue.appmesh (404)",
            ),
            (span(SpanKind::Internal, "think", Vec::new()), "green/1", "think"),
        ] {
            assert_eq!(shown(span), (hop.to_owned(), what.to_owned()));
        }
    }

    #[test]
    fn displayed_text_is_sanitized() {
        let long = "x".repeat(1000);
        let (_, what) = shown(span(
            SpanKind::Internal,
            &format!("\u{1b}[2J\n\u{202e}{long}"),
            Vec::new(),
        ));
        assert!(what.starts_with("\u{fffd}[2J\u{fffd}\u{fffd}xx"), "{what}");
        assert_eq!(what.chars().count(), MAX_TEXT);
    }

    #[test]
    fn spans_with_invalid_ids_are_dropped() {
        for (trace_id, span_id) in [
            (vec![], vec![1; 8]),
            (vec![1; 16], vec![]),
            (vec![0; 16], vec![1; 8]),
            (vec![1; 16], vec![0; 8]),
        ] {
            let without = otlp::Span {
                trace_id,
                span_id,
                ..span(SpanKind::Internal, "think", Vec::new())
            };
            assert_eq!(read_as("green/1", without), None);
        }
    }
}
