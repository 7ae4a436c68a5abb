//! Hooks as real processes and requests.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::routing::post;
use bluegreen_state::{Event, State, Timestamp, step};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::Version;

/// Version 2 is ready on green.
fn state() -> State<Version> {
    let now = Timestamp::from_millis(5000);
    let deploy = Event::Deploy {
        version: 2,
        strategy: "all-at-once,hooks:POST_SCALE_UP".parse().expect("a strategy"),
        controller: "ci".to_owned(),
    };
    let mut state = step(&State::initial(1), deploy, now).0;
    for _ in 0..2 {
        let request = state.last_request();
        for event in [Event::Ready { request }, Event::WeightsApplied { request }] {
            state = step(&state, event, now).0;
        }
    }
    assert_eq!(state.rollout().expect("a rollout").phase().as_str(), "POST_SCALE_UP");
    state
}

/// The result of a hook, and what was reported.
async fn call(hook: &Hook) -> (HookStatus, Vec<String>) {
    let state = state();
    let call = HookCall::new("shop", &state, HookStage::PostScaleUp);
    let reports = Mutex::new(Vec::new());
    let report = |line: &str| reports.lock().expect("no panic").push(line.to_owned());
    let status = Hooks::default().call(hook, &call, &report).await;
    (status, reports.into_inner().expect("no panic"))
}

fn script(text: &str) -> Hook {
    Hook::command(["sh", "-c", text]).expect("a command")
}

fn failed(status: HookStatus) -> String {
    match status {
        HookStatus::Failed(finding) => finding,
        other => panic!("{other:?}"),
    }
}

fn is_running(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // An ended process that its parent has not waited for yet.
    !stat.is_empty() && !stat.contains(") Z ")
}

async fn wait_for_file(path: &Path) -> String {
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ => tokio::task::yield_now().await,
        }
    }
}

async fn wait_until_gone(pid: &str) {
    while is_running(pid) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn command_succeeds_with_exit_code_0_and_gets_the_rollout_in_its_environment() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("environment");
    let hook = Hook::command(["sh", "-c", "env > \"$1\"", "hook", file.to_str().expect("UTF-8")]);
    let (status, reports) = call(&hook.expect("a command")).await;
    assert_eq!(status, HookStatus::Succeeded, "{reports:?}");
    assert_eq!(reports[0], "hook sh at POST_SCALE_UP is running");
    assert!(
        reports[1].starts_with("hook sh at POST_SCALE_UP succeeded after "),
        "{reports:?}"
    );
    let environment = std::fs::read_to_string(file).expect("it was written");
    for expected in [
        "MESHWRIGHT_LIFECYCLE_STAGE=POST_SCALE_UP",
        "MESHWRIGHT_APPLICATION=shop",
        "MESHWRIGHT_VERSION=2",
        "MESHWRIGHT_SIDE=green",
        "MESHWRIGHT_OTHER_VERSION=1",
        "MESHWRIGHT_BLUE_WEIGHT=100",
        "MESHWRIGHT_GREEN_WEIGHT=0",
        "MESHWRIGHT_TEST_SIDE=",
        "MESHWRIGHT_EXECUTION_ID=shop-1-5000",
        "MESHWRIGHT_IDEMPOTENCY_KEY=shop-1-5000/POST_SCALE_UP/0",
    ] {
        assert!(
            environment.lines().any(|line| line == expected),
            "no {expected} in {environment}"
        );
    }
    assert!(
        environment.contains("PATH="),
        "the environment is inherited: {environment}"
    );
}

#[test]
fn a_rollout_does_not_begin_with_a_program_that_does_not_exist() {
    let mut hooks = Hooks::default();
    let hook = Hook::command(["/secret/no-such-test", "--token=secret"]).expect("a command");
    hooks.insert(HookStage::PostScaleUp, hook).expect("the only one");
    let strategy: Strategy = "all-at-once".parse().expect("a strategy");
    let begun = hooks.added_to(strategy);
    let in_progress: Strategy = "all-at-once,hooks:POST_SCALE_UP".parse().expect("a strategy");
    let continued = hooks.check_stages(&in_progress);
    for error in [begun.map(drop), continued] {
        let error = error.expect_err("there is no such program").to_string();
        assert_eq!(
            error,
            "the hook at POST_SCALE_UP cannot run `no-such-test`: there is no such file; nothing was changed"
        );
    }
}

#[tokio::test]
async fn failed_command_is_reported_with_its_last_lines() {
    let (status, reports) = call(&script("seq 1 50; printf '\\033[31mred\\n' >&2; exit 3")).await;
    assert_eq!(failed(status), "sh: exit code 3");
    assert!(
        reports[1].contains(" failed after ") && reports[1].ends_with(": exit code 3"),
        "{reports:?}"
    );
    assert_eq!(reports.len(), 2 + MAX_OUTPUT_LINES);
    assert_eq!(reports[2], "  | 42");
    assert_eq!(reports.last().map(String::as_str), Some("  | \\u{1b}[31mred"));

    let (status, _) = call(&script("kill -USR1 $$")).await;
    assert_eq!(failed(status), "sh: ended by signal 10");
    let (status, _) = call(&Hook::command(["./no-such-hook"]).expect("a command")).await;
    assert!(failed(status).starts_with("no-such-hook: cannot start it: "));
}

#[tokio::test]
async fn last_line_of_a_command_may_be_a_hook_status() {
    let (status, reports) = call(&script(
        r#"echo busy; echo '{"hookStatus":"IN_PROGRESS","callBackDelay":90}'"#,
    ))
    .await;
    let call_after = Duration::from_secs(90);
    assert_eq!(status, HookStatus::InProgress { call_after });
    assert!(reports[1].ends_with(", and is called again in 1m 30s"), "{reports:?}");
    let (status, _) = call(&script(r#"echo '{"hookStatus":"FAILED"}'"#)).await;
    assert_eq!(failed(status), "sh: hookStatus is FAILED");
    let (status, _) = call(&script(r#"echo '{"hookStatus":"SUCCEEDED"}'; exit 1"#)).await;
    assert_eq!(failed(status), "sh: exit code 1");
    let (status, _) = call(&script(r#"echo '{"hookStatus":"DONE"}'"#)).await;
    assert!(failed(status).contains("unknown variant `DONE`"));
}

#[tokio::test]
async fn command_and_its_descendants_are_killed_at_the_time_limit() {
    let directory = tempfile::tempdir().expect("a directory");
    let pids = directory.path().join("pids");
    let text = format!("sleep 1000 & echo $! > {}; wait", pids.display());
    let hook = script(&text).with_timeout(Duration::from_secs(5));
    let (status, _) = call(&hook).await;
    assert_eq!(failed(status), "sh: it did not end within 5s, and was killed");
    wait_until_gone(&wait_for_file(&pids).await).await;

    // Descendants of a command that has ended do not remain, and do not keep its call from ending.
    let text = format!("sleep 1000 & echo $! > {}", pids.display());
    let (status, _) = call(&script(&text)).await;
    assert_eq!(status, HookStatus::Succeeded);
    wait_until_gone(&wait_for_file(&pids).await).await;
}

#[tokio::test]
async fn dropped_call_kills_the_command_and_its_descendants() {
    let directory = tempfile::tempdir().expect("a directory");
    let pids = directory.path().join("pids");
    let text = format!("sleep 1000 & echo $! > {}; wait", pids.display());
    let hook = script(&text);
    let pid = tokio::select! {
        (status, _) = call(&hook) => panic!("{status:?}"),
        pid = wait_for_file(&pids) => pid,
    };
    wait_until_gone(&pid).await;
}

/// A server that responds with a status and body, and records the requests.
async fn server(status: StatusCode, body: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let requests: Arc<Mutex<Vec<String>>> = Arc::default();
    let handler = move |Shared(requests): Shared<Arc<Mutex<Vec<String>>>>, text: String| async move {
        requests.lock().expect("no panic").push(text);
        (status, body)
    };
    let routes = Router::new().route("/hook", post(handler)).with_state(requests.clone());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, requests)
}

#[tokio::test]
async fn request_has_the_body_of_an_ecs_hook_and_its_response_decides() {
    let (url, requests) = server(StatusCode::OK, r#"{"hookStatus":"SUCCEEDED","other":1}"#).await;
    let (status, reports) = call(&Hook::post(&url).expect("a URL")).await;
    assert_eq!(status, HookStatus::Succeeded, "{reports:?}");
    let body: Value = serde_json::from_str(&requests.lock().expect("no panic")[0]).expect("JSON");
    let expected = json!({
        "executionId": "shop-1-5000",
        "lifecycleStage": "POST_SCALE_UP",
        "idempotencyKey": "shop-1-5000/POST_SCALE_UP/0",
        "executionDetails": {
            "application": "shop", "version": 2, "side": "green", "otherVersion": 1,
            "productionTrafficWeights": {"blue": 100, "green": 0},
            "testTrafficWeights": {},
        },
    });
    assert_eq!(body, expected);

    let (url, _) = server(StatusCode::OK, r#"{"hookStatus":"IN_PROGRESS"}"#).await;
    let (status, _) = call(&Hook::post(&url).expect("a URL")).await;
    let call_after = bluegreen_state::DEFAULT_CALLBACK_DELAY;
    assert_eq!(status, HookStatus::InProgress { call_after });
}

#[tokio::test]
async fn other_responses_are_failures() {
    for (code, body, expected) in [
        (StatusCode::OK, r#"{"hookStatus":"FAILED"}"#, "hookStatus is FAILED"),
        (
            StatusCode::OK,
            "ok",
            "the response is not one of a hook: expected {\"hookStatus\"",
        ),
        (
            StatusCode::OK,
            r#"{"hookStatus":"IN_PROGRESS","callBackDelay":90000}"#,
            "callBackDelay is 90000, allowed is at most 86400",
        ),
        (
            StatusCode::FORBIDDEN,
            r#"{"hookStatus":"SUCCEEDED"}"#,
            "the response has the status 403 Forbidden",
        ),
        (StatusCode::FOUND, "", "the response has the status 302 Found"),
    ] {
        let (url, _) = server(code, body).await;
        let (status, _) = call(&Hook::post(&url).expect("a URL")).await;
        let finding = failed(status);
        assert!(finding.contains(expected), "{finding}");
    }
    let closed = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let url = format!("http://{}/?token=secret", closed.local_addr().expect("an address"));
    let hook = Hook::post(&url).expect("a URL").with_timeout(Duration::from_secs(1));
    let (status, reports) = call(&hook).await;
    assert_eq!(failed(status), "127.0.0.1: no response within 1s");
    drop(closed);
    let (status, more) = call(&hook).await;
    let finding = failed(status);
    assert!(finding.contains("refused"), "{finding}");
    assert!(!format!("{reports:?}{more:?}{finding}").contains("secret"), "{finding}");
}

#[test]
fn invalid_hooks_are_rejected_without_their_secrets() {
    assert_eq!(Hook::command([""; 0]).err(), Some(InvalidHook::EmptyCommand));
    let error = |url: &str| Hook::post(url).expect_err("it is invalid").to_string();
    let ftp = error("ftp://user:secret@hooks.example/path?token=secret");
    assert_eq!(
        ftp,
        "`ftp://hooks.example` is not a URL of a hook: its scheme is ftp, expected http or https"
    );
    match Hook::post("https://user:secret@hooks.example/path?token=secret") {
        Ok(hook) => assert!(cfg!(feature = "aws") && hook.to_string() == "hooks.example"),
        Err(error) => assert_eq!(
            error.to_string(),
            "`https://hooks.example` is not a URL of a hook: https needs the feature `aws`; add `--features aws`, or use a \
             command such as curl"
        ),
    }
    assert!(error("nonsense").contains("`…` is not a URL of a hook"));
    let unreadable = error("http://user:secret/secret@host/?secret");
    assert!(
        unreadable.starts_with("`http://…` is not") && !unreadable.contains("secret"),
        "{unreadable}"
    );
    let hook = Hook::post("http://user:secret@host/secret?secret").expect("a URL");
    assert_eq!(hook.to_string(), "host");
    let hook = Hook::command(["/opt/hooks/smoke-test", "--token", "secret"]).expect("a command");
    assert_eq!(hook.to_string(), "smoke-test");
}
