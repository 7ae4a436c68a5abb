//! The load client against demo services.

mod client_process;
mod failures;
mod faulty_server;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use self::client_process::Client;
use self::faulty_server::FaultyServer;
use crate::service_process::{ServiceProcess, Settings};
use testkit::FakeSidecar;

async fn blue() -> ServiceProcess {
    Settings::empty()
        .with("SERVICE_NAME", "blue")
        .with("SERVICE_VERSION", "1")
        .with("SERVICE_PORT", "0")
        .start()
        .await
}

/// A line without its counts, and their sum.
fn shape(line: &str) -> (String, u64) {
    let mut sum = 0;
    let words = line.split(' ').map(|word| match word.split_once('=') {
        Some((key, count)) => {
            sum += count.parse::<u64>().expect("a count after =");
            key
        }
        None => word,
    });
    let shape: Vec<&str> = words.collect();
    (shape.join(" "), sum)
}

#[tokio::test]
async fn responses_are_counted_in_lines_and_in_the_summary() {
    let blue = blue().await;
    let outcome = Client::calling(&blue.address.to_string())
        .with("--count 100 --concurrency 4 --interval 1h")
        .outcome()
        .await;
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines[..2], ["200 OK blue:1=100", ""]);
    assert!(lines[2].starts_with("summary: 100 calls in "), "{}", lines[2]);
    assert!(lines[2].ends_with(" s, 0 failed"), "{}", lines[2]);
    assert_eq!(lines[3], "  200 OK blue:1=100");
    assert!(lines[4].starts_with("  latency of 100 responses: min "), "{}", lines[4]);
    assert_eq!(lines.len(), 5);
}

/// A router in front of two services.
#[tokio::test]
async fn responses_are_counted_by_service() {
    let calls = Arc::new(AtomicUsize::new(0));
    let router = FakeSidecar::responding(move || {
        let service = ["green", "blue"][calls.fetch_add(1, Ordering::SeqCst) % 2];
        format!(r#"{{"message":"ok","service":"{service}","version":"1"}}"#)
    })
    .await;
    let outcome = Client::calling(&format!("http://{}/split", router.address))
        .with("--count 150 --concurrency 3 --interval 1h")
        .outcome()
        .await;
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(outcome.stdout.lines().next(), Some("200 OK blue:1=75 green:1=75"));
}

#[tokio::test]
async fn a_missing_version_is_unknown_and_the_path_is_requested() {
    let green = Settings::green().start().await;
    let outcome = Client::calling(&format!("http://{}/split", green.address))
        .with("--count 3 --interval 1h")
        .outcome()
        .await;
    assert!(
        outcome.stdout.starts_with("200 OK green:unknown=3\n"),
        "{}",
        outcome.stdout
    );
    assert!(green.log().await.contains("path=\"/split\""));
}

#[tokio::test]
async fn lines_are_printed_while_it_runs_and_add_up_to_the_summary() {
    let blue = blue().await;
    let outcome = Client::calling(&blue.address.to_string())
        .with("--rate 400 --duration 500ms --interval 100ms")
        .outcome()
        .await;
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let (lines, summary) = outcome
        .stdout
        .split_once("\n\n")
        .expect("an empty line is before the summary");
    let lines: Vec<(String, u64)> = lines.lines().map(shape).collect();
    assert!(lines.len() >= 2, "{lines:?}");
    assert!(
        lines
            .iter()
            .all(|(line, _)| line == "200 OK blue:1" || line == "no responses"),
        "{lines:?}"
    );
    assert_eq!(lines.iter().map(|(_, count)| count).sum::<u64>(), 200);
    assert!(summary.starts_with("summary: 200 calls in "), "{summary}");
}

#[tokio::test]
async fn each_line_of_json_is_a_document() {
    let blue = blue().await;
    let outcome = Client::calling(&blue.address.to_string())
        .with("--count 20 --json --interval 1h")
        .outcome()
        .await;
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let documents: Vec<Value> = outcome
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(documents.len(), 2);
    assert_eq!(documents[0]["tally"]["answers"]["200"]["blue:1"], 20);
    let summary = &documents[1]["summary"];
    assert_eq!((&summary["calls"], &summary["failed_calls"]), (&20.into(), &0.into()));
    assert_eq!(summary["latency_ms"]["answers"], 20);
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_it_with_the_summary() {
    use rustix::process::Signal;

    let blue = blue().await;
    for signal in [Signal::INT, Signal::TERM] {
        let mut client = Client::calling(&blue.address.to_string())
            .with("--interval 50ms")
            .start();
        let line = client.line().await;
        assert!(line.starts_with("200 OK blue:1="), "{line}");
        client.signal(signal);
        let outcome = client.end().await;
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        assert!(outcome.stdout.contains("\nsummary: "), "{outcome:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_signal_abandons_calls_in_flight() {
    use rustix::process::Signal;

    let server = FaultyServer::hanging().await;
    let mut client = Client::calling(&server.address.to_string())
        .with("--interval 20ms --timeout 1h --concurrency 3")
        .start();
    assert_eq!(client.line().await, "no responses");
    // The first signal takes an unknown time to be handled; more signals are harmless.
    let outcome = loop {
        client.signal(Signal::INT);
        if client.has_printed("summary: 0 calls").await {
            break client.end().await;
        }
    };
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.stdout.contains(" s, 0 failed, 3 abandoned"), "{outcome:?}");
}

#[tokio::test]
async fn connections_are_reused_by_default() {
    let blue = FaultyServer::without_fault().await;
    for (option, connections) in [("", 1), ("--no-keep-alive", 20)] {
        let before = blue.connections();
        let outcome = Client::calling(&blue.address.to_string())
            .with("--count 20 --interval 1h")
            .with(option)
            .outcome()
            .await;
        assert!(outcome.stdout.starts_with("200 OK blue:1=20\n"), "{outcome:?}");
        assert_eq!(blue.connections() - before, connections, "{option}");
    }
}

#[tokio::test]
async fn proxy_variables_are_ignored() {
    let blue = blue().await;
    let outcome = Client::calling(&blue.address.to_string())
        .with("--count 1")
        .variable("HTTP_PROXY", "http://127.0.0.1:1")
        .variable("http_proxy", "http://127.0.0.1:1")
        .variable("ALL_PROXY", "http://127.0.0.1:1")
        .outcome()
        .await;
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
}

#[tokio::test]
async fn invalid_arguments_are_reported() {
    let outcome = Client::calling("https://localhost").outcome().await;
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""));
    let expected = "'https://localhost' for '<ADDRESS>': TLS is not supported; allowed is host:port, or a URL such as";
    assert!(outcome.stderr.contains(expected), "{}", outcome.stderr);

    let outcome = Client::calling("--help").outcome().await;
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    assert!(
        outcome.stdout.contains("Usage: traffic [OPTIONS] <ADDRESS>"),
        "{}",
        outcome.stdout
    );
}

#[tokio::test]
async fn a_closed_stdout_is_an_error() {
    let blue = blue().await;
    let mut client = Client::calling(&blue.address.to_string())
        .with("--interval 20ms")
        .start();
    client.line().await;
    client.close_stdout();
    let outcome = client.end().await;
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr.starts_with("traffic: cannot write the report: "),
        "{outcome:?}"
    );
    assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
}
