//! The summary as text and as JSON.

use super::super::outcome::Cause;
use super::*;

const BLUE: &[u8] = br#"{"message":"ok","service":"blue","version":"1"}"#;

/// 2026-11-23T12:00:00Z.
fn started() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_435_200)
}

fn summary() -> Summary {
    Summary::new(started()).expect("a valid histogram")
}

fn response(status: u16, body: &[u8]) -> Outcome {
    Outcome::of_response(reqwest::StatusCode::from_u16(status).expect("a valid status"), body)
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn a_successful_run_is_three_lines() {
    let mut summary = summary();
    for call in 1..=1000 {
        summary.record(ms(call), Duration::from_micros(call), &response(200, BLUE));
    }
    summary.end(Duration::from_micros(2_345_678), 0);
    assert!(summary.is_success());
    assert_eq!(
        summary.to_string(),
        "\
summary: 1000 calls in 2.3 s, 0 failed
  200 OK blue:1=1000
  latency of 1000 responses: min 0.00 ms, 50% 0.50 ms, 90% 0.90 ms, 99% 0.99 ms, 99.9% 1.00 ms, max 1.00 ms"
    );
    assert_eq!(
        serde_json::to_string(&summary).unwrap(),
        r#"{"started":"2026-11-23T12:00:00.000Z","seconds":2.345,"calls":1000,"failed_calls":0,"given_up":0,"tally":{"answers":{"200":{"blue:1":1000}},"failed":{}},"latency_ms":{"answers":1000,"min":0.001,"p50":0.5,"p90":0.9,"p99":0.99,"p99_9":0.999,"max":1.0},"failures":[],"failures_not_listed":0}"#
    );
}

#[test]
fn failures_have_a_time_and_a_reason() {
    let mut summary = summary();
    summary.record(ms(0), ms(2), &response(200, BLUE));
    summary.record(ms(1234), ms(1), &response(503, b"no healthy upstream"));
    summary.record(ms(2000), ms(1), &response(404, b""));
    let timeout = Outcome::failed(Cause::Timeout, "no complete response within 5s");
    summary.record(ms(3000), ms(5000), &timeout);
    summary.end(ms(8000), 2);
    assert!(!summary.is_success());
    assert_eq!(
        summary.to_string(),
        "\
summary: 4 calls in 8.0 s, 3 failed, 2 abandoned
  200 OK blue:1=1
  404 Not Found other=1
  503 Service Unavailable other=1
  failed timeout=1
  latency of 3 responses: min 1.00 ms, 50% 1.00 ms, 90% 2.00 ms, 99% 2.00 ms, 99.9% 2.00 ms, max 2.00 ms
  failures:
    2026-11-23T12:00:01.234Z 503 Service Unavailable after 1.00 ms: no healthy upstream
    2026-11-23T12:00:02.000Z 404 Not Found after 1.00 ms
    2026-11-23T12:00:03.000Z timeout after 5000.00 ms: no complete response within 5s"
    );
    let json = serde_json::to_value(&summary).unwrap();
    assert_eq!(
        json["failures"][2].to_string(),
        r#"{"at":"2026-11-23T12:00:03.000Z","what":"timeout","after_ms":5000.0,"detail":"no complete response within 5s"}"#
    );
    assert_eq!((&json["failed_calls"], &json["given_up"]), (&3.into(), &2.into()));
}

#[test]
fn the_first_hundred_failures_are_listed_and_the_rest_counted() {
    let mut summary = summary();
    let refused = Outcome::failed(Cause::ConnectionRefused, "refused");
    for call in 0..250 {
        summary.record(ms(call), ms(0), &refused);
    }
    summary.end(ms(250), 0);
    let text = summary.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3 + 100 + 1, "{text}");
    assert_eq!(lines[1], "  failed connection-refused=250");
    let last = "    2026-11-23T12:00:00.099Z connection-refused after 0.00 ms: refused";
    assert_eq!(lines[102..], [last, "    and 150 more"]);
    let json = serde_json::to_value(&summary).unwrap();
    assert_eq!(json["failures"].as_array().map(Vec::len), Some(100));
    assert_eq!(json["failures_not_listed"], 150);
    assert_eq!(json["latency_ms"].to_string(), r#"{"answers":0}"#);
}

#[test]
fn an_abandoned_call_is_no_success() {
    let mut summary = summary();
    summary.end(ms(100), 1);
    assert!(!summary.is_success());
    assert_eq!(summary.to_string(), "summary: 0 calls in 0.1 s, 0 failed, 1 abandoned");
}

#[test]
fn latencies_are_limited_to_an_hour() {
    let mut summary = summary();
    summary.record(ms(0), Duration::MAX, &response(200, BLUE));
    assert!((3_600_000_000..3_610_000_000).contains(&summary.latencies.max()));
}
