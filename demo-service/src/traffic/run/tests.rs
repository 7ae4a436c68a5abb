//! Runs on the paused clock, against a service that is a function.

use std::future::{pending, ready};
use std::num::{NonZeroU16, NonZeroU32, NonZeroU64};
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::sleep;

use super::*;

const BLUE: &[u8] = br#"{"message":"ok","service":"blue","version":"1"}"#;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn plan() -> Plan {
    Plan::new("localhost:80".parse().expect("a valid target"))
}

fn ok() -> Outcome {
    Outcome::of_response(reqwest::StatusCode::OK, BLUE)
}

/// A service that responds to its first call after `first`, and to later ones after `later`.
fn service(first: Duration, later: Duration) -> impl Fn() -> std::pin::Pin<Box<dyn Future<Output = Outcome> + Send>> {
    let calls = AtomicU64::new(0);
    move || {
        let first_of_all = calls.fetch_add(1, Ordering::Relaxed) == 0;
        Box::pin(async move {
            sleep(if first_of_all { first } else { later }).await;
            ok()
        })
    }
}

/// The lines and the summary of a run without a stop.
async fn traffic<C, F>(plan: &Plan, call: C) -> (Vec<String>, Summary)
where
    C: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    traffic_until(plan, call, pending(), pending()).await
}

async fn traffic_until<C, F>(
    plan: &Plan,
    call: C,
    stop: impl Future<Output = ()>,
    give_up: impl Future<Output = ()>,
) -> (Vec<String>, Summary)
where
    C: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    let mut lines = Vec::new();
    let report = |interval: &Interval| {
        lines.push(interval.to_string());
        Ok(())
    };
    let summary = drive(plan, call, stop, give_up, report)
        .await
        .expect("the reports are accepted");
    (lines, summary)
}

/// The latency line of the summary.
fn latency(summary: &Summary) -> String {
    let text = summary.to_string();
    let line = text.lines().find_map(|line| line.trim().strip_prefix("latency of "));
    line.expect("there are responses").to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_closed_loop_calls_again_after_each_response() {
    let plan = plan().with_duration(ms(2500));
    let (lines, summary) = traffic(&plan, service(ms(11), ms(11))).await;
    assert_eq!(lines, ["200 OK blue:1=90", "200 OK blue:1=91", "200 OK blue:1=47"]);
    assert_eq!(summary.counters().calls(), 228);

    let plan = plan.with_concurrency(NonZeroU16::new(3).unwrap());
    let (lines, _) = traffic(&plan, service(ms(11), ms(11))).await;
    assert_eq!(lines, ["200 OK blue:1=270", "200 OK blue:1=273", "200 OK blue:1=141"]);
}

#[tokio::test(start_paused = true)]
async fn the_count_is_exact_for_any_number_of_callers() {
    for callers in [1, 7, 100] {
        let plan = plan()
            .with_count(NonZeroU64::new(50).unwrap())
            .with_concurrency(NonZeroU16::new(callers).unwrap());
        let (lines, summary) = traffic(&plan, service(ms(3), ms(3))).await;
        assert_eq!(lines, ["200 OK blue:1=50"]);
        assert_eq!(summary.counters().calls(), 50);
    }
}

#[tokio::test(start_paused = true)]
async fn an_interval_without_responses_is_reported() {
    let plan = plan().with_count(NonZeroU64::new(2).unwrap());
    let (lines, _) = traffic(&plan, service(ms(2500), ms(100))).await;
    assert_eq!(lines, ["no responses", "no responses", "200 OK blue:1=2"]);
}

#[tokio::test(start_paused = true)]
async fn the_interval_can_be_set() {
    let plan = plan().with_interval(ms(250)).with_duration(ms(600));
    let (lines, _) = traffic(&plan, service(ms(11), ms(11))).await;
    assert_eq!(lines, ["200 OK blue:1=22", "200 OK blue:1=23", "200 OK blue:1=10"]);
}

#[tokio::test(start_paused = true)]
async fn with_a_rate_slow_responses_do_not_delay_calls() {
    let plan = plan().with_rate(NonZeroU32::new(50).unwrap()).with_duration(ms(2000));
    let (lines, summary) = traffic(&plan, service(ms(150), ms(150))).await;
    assert_eq!(lines, ["200 OK blue:1=43", "200 OK blue:1=50", "200 OK blue:1=7"]);
    assert!(latency(&summary).contains(", max 150"), "{summary}");
}

/// A stall of a second affects the hundred calls that are due meanwhile.
#[tokio::test(start_paused = true)]
async fn with_a_rate_a_stall_counts_in_the_latency_of_all_delayed_calls() {
    let plan = plan().with_count(NonZeroU64::new(200).unwrap());
    let one = NonZeroU16::MIN;
    let open = plan
        .clone()
        .with_rate(NonZeroU32::new(100).unwrap())
        .with_concurrency(one);
    let (_, summary) = traffic(&open, service(ms(1000), ms(1))).await;
    // After the stall a call takes a millisecond, so number k waited for 1000 - 9 k of them, up to the 111th.
    let latencies = latency(&summary);
    assert!(
        latencies.starts_with("200 responses: min 1.00 ms, 50% 100."),
        "{latencies}"
    );
    assert!(latencies.contains("90% 820."), "{latencies}");

    let (_, summary) = traffic(&plan, service(ms(1000), ms(1))).await;
    let latencies = latency(&summary);
    assert!(latencies.contains("99% 1.00 ms, 99.9% 1000"), "{latencies}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_due_for_too_long_is_not_sent() {
    let plan = plan()
        .with_rate(NonZeroU32::new(10).unwrap())
        .with_concurrency(NonZeroU16::new(2).unwrap())
        .with_timeout(ms(500))
        .with_duration(ms(2000));
    let (lines, summary) = traffic(&plan, service(ms(1990), ms(1990))).await;
    // Sent: the calls due at 0 and 0.1; then, after their responses at 1.99 and 2.09, those due at 1.5 and 1.6.
    assert_eq!(
        lines.join("; "),
        "no responses; 200 OK blue:1=1\nfailed not-sent=13; 200 OK blue:1=1; 200 OK blue:1=1\nfailed not-sent=3; 200 OK blue:1=1"
    );
    assert!(!summary.is_success());
    let text = summary.to_string();
    let detail = "not-sent after 1790.00 ms: due for more than 500ms while 2 others were under way";
    assert!(text.contains(detail), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_finishes_calls_in_flight() {
    let plan = plan().with_concurrency(NonZeroU16::new(4).unwrap());
    let (lines, summary) = traffic_until(&plan, service(ms(300), ms(300)), sleep(ms(100)), pending()).await;
    assert_eq!(lines, ["200 OK blue:1=4"]);
    assert!(summary.is_success());

    // With a rate, waiting callers end.
    let plan = plan.with_rate(NonZeroU32::MIN);
    let (lines, summary) = traffic_until(&plan, service(ms(1), ms(1)), sleep(ms(100)), pending()).await;
    assert_eq!(lines, ["200 OK blue:1=1"]);
    assert!(
        summary.to_string().starts_with("summary: 1 calls in 0.1 s"),
        "{summary}"
    );
}

#[tokio::test(start_paused = true)]
async fn calls_in_flight_can_be_abandoned() {
    let plan = plan().with_concurrency(NonZeroU16::new(4).unwrap());
    let (lines, summary) = traffic_until(&plan, pending, sleep(ms(100)), async { sleep(ms(100)).await }).await;
    assert!(lines.is_empty());
    assert_eq!(summary.to_string(), "summary: 0 calls in 0.2 s, 0 failed, 4 abandoned");
    assert!(!summary.is_success());
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_report_ends_the_run() {
    let report = |_: &Interval| Err(io::Error::from(io::ErrorKind::BrokenPipe));
    let result = drive(
        &plan(),
        || async {
            sleep(ms(1)).await;
            ok()
        },
        pending(),
        pending(),
        report,
    )
    .await;
    assert!(matches!(result, Err(RunError::Report(_))));
}

#[tokio::test(start_paused = true)]
async fn an_interval_as_json_has_its_length_and_the_calls_in_flight() {
    let mut documents = Vec::new();
    let report = |interval: &Interval| {
        documents.push(serde_json::to_value(interval).expect("valid JSON"));
        Ok(())
    };
    let call = service(ms(100), ms(1500));
    drive(&plan(), call, sleep(ms(1100)), ready(()), report)
        .await
        .expect("the reports are accepted");
    let mut document = documents.swap_remove(0);
    assert!(documents.is_empty());
    let ended = document["ended"].take();
    assert!(
        ended
            .as_str()
            .is_some_and(|ended| humantime::parse_rfc3339(ended).is_ok()),
        "{ended}"
    );
    assert_eq!(
        document.to_string(),
        r#"{"ended":null,"seconds":1.0,"tally":{"answers":{"200":{"blue:1":1}},"failed":{}},"under_way":1}"#
    );
}
