//! Deadlines through real Envoys: a caller's deadline reaches the called service, limited by the mesh's timeout.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::run::Run;
use crate::template::{changed, container, service_connect_service};
use crate::workdir::Workdir;

/// A service that responds with the request's headers; below `/slow` after the caller's timeout.
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

/// Per-request timeout of blue, in seconds.
const MESH_TIMEOUT: u64 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callers_deadline_passes_both_envoys_within_the_meshs_timeout() {
    let workdir = Workdir::new();
    let echo = workdir.file("echo.py", ECHO);
    let file = changed(&workdir, |template| {
        let blue = container(template, "Blue");
        blue["Image"] = json!("team/echo");
        blue.as_object_mut().expect("an object").remove("HealthCheck");
        service_connect_service(template, "Blue")["Timeout"] = json!({"PerRequestTimeoutSeconds": MESH_TIMEOUT});
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

    // The header that `mesh-client` sends.
    let headers = call(&blue, Some(3000)).await;
    let timeout = milliseconds(&headers, "x-meshwright-timeout-ms");
    assert!((1..=3000).contains(&timeout), "{headers}");
    // Envoy always sends its own timeout.
    assert_eq!(
        milliseconds(&headers, "x-envoy-expected-rq-timeout-ms"),
        MESH_TIMEOUT * 1000,
        "{headers}"
    );

    // Without a deadline, or with a longer one, the timeout of green's Envoy applies.
    for deadline in [None, Some(600_000)] {
        let headers = call(&blue, deadline).await;
        let timeout = milliseconds(&headers, "x-meshwright-timeout-ms");
        assert!((1..=15_000).contains(&timeout), "{deadline:?}: {headers}");
    }

    // The shorter one applies, and the error names it.
    let slow = format!("{blue}/slow");
    let error = call(&slow, Some(500)).await;
    let message = error.as_str().expect("a text");
    assert!(
        message.starts_with("504 `blue.serviceconnect` did not respond within ") && message.ends_with("ms"),
        "{message}"
    );
    let error = call(&slow, Some(600_000)).await;
    let message = error.as_str().expect("a text");
    let expected = "504 `blue.serviceconnect` did not respond within the mesh's timeout";
    assert!(message.starts_with(expected), "{message}");

    run.signal(Signal::INT);
    assert_eq!(run.end().await.code, Some(130));
    workdir.assert_nothing_left();
}

/// Calls blue through green with a deadline in milliseconds. Returns the headers that blue received, or the status and
/// error message of green.
async fn call(url: &str, deadline: Option<u64>) -> Value {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(30))
        .build();
    let mut request = client.expect("a client").get(url);
    if let Some(deadline) = deadline {
        request = request.header("x-meshwright-timeout-ms", deadline.to_string());
    }
    let response = request.send().await.expect("a response of green");
    let status = response.status().as_u16();
    let text = response.text().await.expect("a text");
    let document: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {status} {text}"));
    match document.get("response") {
        Some(response) => response.clone(),
        None => json!(format!("{status} {}", document["error"].as_str().unwrap_or(&text))),
    }
}

/// The value of a header that blue received.
fn milliseconds(headers: &Value, header: &str) -> u64 {
    let fields = headers.as_object().expect("headers");
    let found = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(header));
    let value = found.and_then(|(_, value)| value.as_str()?.parse().ok());
    value.unwrap_or_else(|| panic!("blue did not receive {header}: {headers}"))
}
