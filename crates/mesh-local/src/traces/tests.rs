//! Timelines of regular and malformed spans, and the collector.

use std::collections::BTreeSet;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::trace::v1 as otlp;
use proptest::prelude::*;
use prost::Message;

use super::Collector;
use super::span::Span;
use super::timeline::TraceTimeline;
use super::tree::branches;
use crate::request_path::{Hop, RequestPath};

const MILLISECOND: u64 = 1_000_000;

/// A span with times in tenths of milliseconds.
fn span(id: u64, parent: u64, hop: Hop, what: &str, (start, end): (u64, u64)) -> Span {
    let tenths = |count: u64| 1_795_000_000_000_000_000 + count * MILLISECOND / 10;
    Span {
        id,
        parent: (parent > 0).then_some(parent),
        hop,
        what: what.to_owned(),
        start: tenths(start),
        end: tenths(end),
    }
}

fn envoy(task: &str) -> Hop {
    Hop::Envoy(task.to_owned())
}

fn application(task: &str) -> Hop {
    Hop::Application(task.to_owned())
}

/// A call through two Envoys, in order of arrival: inner spans first.
fn call() -> Vec<Span> {
    vec![
        span(6, 5, application("blue/1"), "GET /", (24, 26)),
        span(5, 4, envoy("blue/1"), "GET /", (20, 28)),
        span(4, 3, envoy("green/1"), "→ GET blue.serviceconnect/", (14, 34)),
        span(3, 2, application("green/1"), "→ GET blue.serviceconnect", (12, 36)),
        span(2, 1, application("green/1"), "GET /downstream/{service}", (6, 41)),
        span(1, 99, envoy("green/1"), "GET /downstream/blue.serviceconnect", (0, 46)),
    ]
}

fn text(spans: &[Span], width: usize) -> String {
    let text = TraceTimeline::new(spans).text(width);
    format!("\n{text}\n")
}

#[test]
fn a_call_is_rendered_from_the_outside_in() {
    assert_eq!(
        text(&call(), 100),
        "
envoy of green/1         GET /downstream/blue.serviceconnect  0.0 ms ┃██████████████████████┃ 4.6 ms
  green/1                GET /downstream/{service}            0.6 ms ┃  ██████████████████  ┃ 3.5 ms
    green/1              → GET blue.serviceconnect            1.2 ms ┃     █████████████    ┃ 2.4 ms
      envoy of green/1   → GET blue.serviceconnect/           1.4 ms ┃      ███████████     ┃ 2.0 ms
        envoy of blue/1  GET /                                2.0 ms ┃         █████        ┃ 0.8 ms
          blue/1         GET /                                2.4 ms ┃           ██         ┃ 0.2 ms
"
    );
}

#[test]
fn slow_calls_keep_their_descriptions() {
    let slower = call().into_iter().map(|span| Span {
        end: span.end + 900 * MILLISECOND,
        ..span
    });
    let text = text(&slower.collect::<Vec<_>>(), 97);
    assert!(text.contains("904.6 ms") && !text.contains('…'), "{text}");
}

#[test]
fn a_narrow_terminal_truncates_descriptions_and_bars() {
    assert_eq!(
        text(&call(), 70),
        "
envoy of green/1         GET /downstream/bl…  0.0 ms ┃████████┃ 4.6 ms
  green/1                GET /downstream/{s…  0.6 ms ┃ ███████┃ 3.5 ms
    green/1              → GET blue.service…  1.2 ms ┃  █████ ┃ 2.4 ms
      envoy of green/1   → GET blue.service…  1.4 ms ┃  ████  ┃ 2.0 ms
        envoy of blue/1  GET /                2.0 ms ┃   ██   ┃ 0.8 ms
          blue/1         GET /                2.4 ms ┃    █   ┃ 0.2 ms
"
    );
    assert_eq!(
        text(&call(), 40),
        "
envoy of green/1         0.0 ms 4.6 ms
  green/1                0.6 ms 3.5 ms
    green/1              1.2 ms 2.4 ms
      envoy of green/1   1.4 ms 2.0 ms
        envoy of blue/1  2.0 ms 0.8 ms
          blue/1         2.4 ms 0.2 ms
"
    );
}

#[test]
fn envoy_spans_alone_make_a_timeline() {
    let reports = |span: &Span| matches!(span.hop, Hop::Envoy(_));
    // The services propagate the `traceparent` unchanged.
    let without: Vec<Span> = call()
        .into_iter()
        .filter(reports)
        .map(|span| Span {
            parent: span.parent.map(|parent| if parent == 3 { 1 } else { parent }),
            ..span
        })
        .collect();
    let depths: Vec<usize> = branches(&without).iter().map(|branch| branch.depth).collect();
    assert_eq!(depths, [0, 1, 2]);
}

#[test]
fn missing_parents_are_replaced_by_enclosing_spans() {
    let without: Vec<Span> = call().into_iter().filter(|span| span.id != 3).collect();
    let drawn: Vec<(u64, usize)> = branches(&without)
        .iter()
        .map(|branch| (branch.span.id, branch.depth))
        .collect();
    assert_eq!(drawn, [(1, 0), (2, 1), (4, 2), (5, 3), (6, 4)]);
}

#[test]
fn cycles_are_cut_at_their_first_span() {
    let circle = [
        span(1, 2, envoy("green/1"), "one", (5, 9)),
        span(2, 1, envoy("green/1"), "two", (0, 9)),
        span(3, 3, envoy("green/1"), "of itself", (7, 8)),
    ];
    let drawn: Vec<(u64, usize)> = branches(&circle)
        .iter()
        .map(|branch| (branch.span.id, branch.depth))
        .collect();
    assert_eq!(drawn, [(3, 0), (2, 0), (1, 1)]);
}

/// Arbitrary spans: with duplicate ids, missing parents, and ends before starts.
fn any_spans() -> impl Strategy<Value = Vec<Span>> {
    let time = prop_oneof![0..50_u64, Just(u64::MAX), any::<u64>()];
    let hop = prop_oneof![
        "[a-z]{1,9}/[0-9]".prop_map(Hop::Envoy),
        ".{0,40}".prop_map(Hop::Application)
    ];
    let span = (
        1..9_u64,
        proptest::option::of(1..12_u64),
        hop,
        ".{0,80}",
        (time.clone(), time),
    );
    let span = span.prop_map(|(id, parent, hop, what, (start, end))| Span {
        id,
        parent,
        hop,
        what,
        start,
        end,
    });
    proptest::collection::vec(span, 0..20)
}

proptest! {
    #[test]
    fn every_span_is_rendered_once(spans in any_spans(), width in 0..200_usize) {
        let drawn = branches(&spans);
        let each: BTreeSet<*const Span> = drawn.iter().map(|branch| std::ptr::from_ref(branch.span)).collect();
        prop_assert_eq!((drawn.len(), each.len()), (spans.len(), spans.len()));
        // No span is indented by more than one step.
        prop_assert!(drawn.first().is_none_or(|first| first.depth == 0));
        prop_assert!(drawn.windows(2).all(|pair| pair[1].depth <= pair[0].depth + 1));
        let timeline = TraceTimeline::new(&spans);
        prop_assert_eq!(timeline.is_empty(), spans.is_empty());
        let _never_panics = timeline.text(width);
    }

    #[test]
    fn lines_fit_into_the_terminal(
        texts in proptest::collection::vec(("[a-z]{0,60}", 0..2000_u64, 0..2000_u64), 1..12),
        width in 40..200_usize,
    ) {
        let spans: Vec<Span> = texts.iter().zip(1..).map(|((text, start, duration), id)| {
            span(id, id - 1, envoy(text), text, (*start, start + duration))
        }).collect();
        let text = TraceTimeline::new(&spans).text(width);
        prop_assert_eq!(text.lines().count(), spans.len());
        for line in text.lines() {
            prop_assert!(line.chars().count() <= width, "{}", text);
        }
    }
}

const TRACE: u128 = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;
const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-00000000000000ff-01";

fn request(id: u64, parent: u64) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![otlp::ResourceSpans {
            scope_spans: vec![otlp::ScopeSpans {
                spans: vec![otlp::Span {
                    trace_id: TRACE.to_be_bytes().to_vec(),
                    span_id: id.to_be_bytes().to_vec(),
                    parent_span_id: parent.to_be_bytes().to_vec(),
                    name: format!("step {id}"),
                    start_time_unix_nano: id,
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        }],
    }
}

#[tokio::test]
async fn spans_are_collected_by_grpc_and_http_on_one_port() {
    let collector = Collector::start(None).await.expect("a port");
    let watch = collector.watch(TRACEPARENT).expect("a trace");
    assert!(collector.watch("00-0af7651916cd43dd8448eb211c80319c").is_none());
    let url = format!("http://{}", collector.address());
    let mut grpc = TraceServiceClient::connect(url.clone()).await.expect("a connection");
    grpc.export(request(2, 1)).await.expect("a response");
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let post = |content_type: &'static str, body: Vec<u8>| {
        let request = client
            .post(format!("{url}/v1/traces"))
            .header("content-type", content_type);
        let response = request.body(body).send();
        async { response.await.expect("a response").status().as_u16() }
    };
    let encoded = request(1, 0xff).encode_to_vec();
    assert_eq!(post("application/json", encoded.clone()).await, 415);
    assert_eq!(post("application/x-protobuf", b"no message".to_vec()).await, 400);
    assert_eq!(post("application/x-protobuf", encoded).await, 200);
    let text = watch.timeline(&RequestPath::default()).await.text(100);
    let steps: Vec<&str> = text
        .lines()
        .map(|line| line.split("  ").find(|part| part.contains("step")).expect("its name"))
        .collect();
    assert_eq!(steps, ["step 1", "step 2"]);
}
