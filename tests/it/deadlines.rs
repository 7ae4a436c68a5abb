//! How long a caller waits, told through real Envoys: to the service that is called for it, and no longer than the mesh
//! allows.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::run::Run;
use crate::template::{changed, container, offer};
use crate::workdir::Workdir;

/// A service that answers with the headers it got; below `/slow` only after the caller's timeout.
const ECHO: &str = r#"
import http.server, json, os, time
class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path.startswith("/slow"):
            time.sleep(60)
        body = json.dumps(dict(self.headers)).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["SERVICE_PORT"])), Echo).serve_forever()
"#;

/// What the mesh allows blue for an answer, in seconds.
const ALLOWED: u64 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callers_deadline_passes_both_envoys_within_the_meshs_timeout() {
    let workdir = Workdir::new();
    let echo = workdir.file("echo.py", ECHO);
    let file = changed(&workdir, |template| {
        let blue = container(template, "Blue");
        blue["Image"] = json!("team/echo");
        blue.as_object_mut().expect("an object").remove("HealthCheck");
        offer(template, "Blue")["Timeout"] = json!({"PerRequestTimeoutSeconds": ALLOWED});
    });
    let (file, image) = (
        file.display().to_string(),
        format!("team/echo=python3 {}", echo.display()),
    );
    let run = Run::up(
        &workdir,
        workdir.meshwright(&["up", "--template", &file, "--image", &image]),
    )
    .await;
    let blue = format!("{}downstream/blue.serviceconnect", run.url("# green/1, port http"));

    // As `mesh-client` tells it.
    let seen = ask(&blue, Some(3000)).await;
    let told = milliseconds(&seen, "x-meshwright-timeout-ms");
    assert!((1..=3000).contains(&told), "{seen}");
    // Envoy sends its own timeout, for every caller.
    assert_eq!(
        milliseconds(&seen, "x-envoy-expected-rq-timeout-ms"),
        ALLOWED * 1000,
        "{seen}"
    );

    // Who says nothing, or would wait for longer, waits no longer than green's Envoy lets it wait.
    for says in [None, Some(600_000)] {
        let seen = ask(&blue, says).await;
        let told = milliseconds(&seen, "x-meshwright-timeout-ms");
        assert!((1..=15_000).contains(&told), "{says:?}: {seen}");
    }

    // The shorter of both limits ends a call, and the error says whose it was.
    let slow = format!("{blue}/slow");
    let error = ask(&slow, Some(500)).await;
    let words = error.as_str().expect("a text");
    assert!(
        words.starts_with("504 `blue.serviceconnect` did not respond within ") && words.ends_with("ms"),
        "{words}"
    );
    let error = ask(&slow, Some(600_000)).await;
    let words = error.as_str().expect("a text");
    let expected = "504 `blue.serviceconnect` did not respond within the mesh's timeout";
    assert!(words.starts_with(expected), "{words}");

    run.signal(Signal::INT);
    assert_eq!(run.end().await.code, Some(130));
    workdir.assert_nothing_left();
}

/// What blue got, as green hands it on to a caller who waits so many milliseconds; or the status and green's words.
async fn ask(url: &str, waits: Option<u64>) -> Value {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(30))
        .build();
    let mut call = client.expect("a client").get(url);
    if let Some(waits) = waits {
        call = call.header("x-meshwright-timeout-ms", waits.to_string());
    }
    let answer = call.send().await.expect("green answers");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a text");
    let document: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {status} {text}"));
    match document.get("response") {
        Some(response) => response.clone(),
        None => json!(format!("{status} {}", document["error"].as_str().unwrap_or(&text))),
    }
}

/// The number in a header that blue got.
fn milliseconds(seen: &Value, header: &str) -> u64 {
    let headers = seen.as_object().expect("headers");
    let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(header));
    let value = found.and_then(|(_, value)| value.as_str()?.parse().ok());
    value.unwrap_or_else(|| panic!("blue was not told {header}: {seen}"))
}
