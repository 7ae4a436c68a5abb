//! HTTP clients outside the mesh: single calls, and load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mesh_local::request_path::sampled_trace_id;
use tokio::task::JoinHandle;

/// The documents of `green` and `blue`, and that of green after a call to blue.
pub(crate) const GREEN: &str = r#"{"message":"ok","service":"green","version":"unknown"}"#;
pub(crate) const BLUE: &str = r#"{"message":"ok","service":"blue","version":"unknown"}"#;
pub(crate) const FETCHED: &str =
    r#"{"message":"fetched!","service":"green","response":{"message":"ok","service":"blue","version":"unknown"}}"#;

/// Longer than the mesh's timeout of 15 s, so that the mesh's response arrives first.
const TIMEOUT: Duration = Duration::from_secs(20);

fn client() -> reqwest::Client {
    // A proxy from the environment cannot reach loopback addresses of this machine.
    let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build();
    client.expect("a client")
}

/// A client whose calls are sampled, so that Envoys log each of them.
fn sampled_client() -> reqwest::Client {
    let trace_id = sampled_trace_id("00000000000000000000000000000001");
    let traceparent = format!("00-{trace_id}-0000000000000001-01");
    let headers = [("traceparent".parse(), traceparent.parse())];
    let headers = headers.map(|(name, value)| (name.expect("a name"), value.expect("a value")));
    let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT);
    let client = client.default_headers(headers.into_iter().collect()).build();
    client.expect("a client")
}

/// Status and body of `GET url`.
pub(crate) async fn get(url: &str) -> Result<(u16, String), String> {
    send(&client(), url).await
}

/// The body of `GET url`, which must succeed.
pub(crate) async fn body(url: &str) -> String {
    match get(url).await {
        Ok((200, body)) => body,
        other => panic!("GET {url}: {other:?}"),
    }
}

/// True if `GET url` succeeds with this body.
pub(crate) async fn responds_with(url: &str, expected: &str) -> bool {
    get(url)
        .await
        .is_ok_and(|(status, body)| status == 200 && body == expected)
}

async fn send(client: &reqwest::Client, url: &str) -> Result<(u16, String), String> {
    let response = client.get(url).send().await.map_err(|error| format!("{error:?}"))?;
    let status = response.status().as_u16();
    Ok((status, response.text().await.map_err(|error| format!("{error:?}"))?))
}

/// Calls in the background.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    callers: Vec<JoinHandle<Counters>>,
}

/// Results of the calls.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) calls: usize,
    /// Unexpected results, with their time since the start.
    pub(crate) failures: Vec<(Duration, String)>,
}

impl Load {
    /// Concurrent callers, each with sequential calls.
    const CALLERS: usize = 2;
    const MAX_CALLS: usize = 20_000;
    const MAX_DURATION: Duration = Duration::from_secs(30);

    pub(crate) fn start(url: &str, expected: &'static str) -> Self {
        Self::run(sampled_client(), url, expected)
    }

    /// Calls with another Host than that of the URL.
    pub(crate) fn start_with_host(url: &str, host: &'static str, expected: &'static str) -> Self {
        let headers = [("host".parse(), host.parse())];
        let headers = headers.map(|(name, value)| (name.expect("a name"), value.expect("a value")));
        let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT);
        let client = client.default_headers(headers.into_iter().collect()).build();
        Self::run(client.expect("a client"), url, expected)
    }

    fn run(client: reqwest::Client, url: &str, expected: &'static str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let start = Instant::now();
        let call = |client: reqwest::Client, url: String, stop: Arc<AtomicBool>| async move {
            let mut counters = Counters::default();
            while !stop.load(Ordering::Relaxed)
                && counters.calls < Self::MAX_CALLS
                && start.elapsed() < Self::MAX_DURATION
            {
                let result = send(&client, &url).await;
                counters.calls += 1;
                if result
                    .as_ref()
                    .is_ok_and(|(status, body)| *status == 200 && body == expected)
                {
                    continue;
                }
                counters.failures.push((start.elapsed(), format!("{result:?}")));
            }
            counters
        };
        let callers = (0..Self::CALLERS).map(|_| tokio::spawn(call(client.clone(), url.to_owned(), Arc::clone(&stop))));
        Self {
            callers: callers.collect(),
            stop,
        }
    }

    pub(crate) async fn stop(self) -> Counters {
        self.stop.store(true, Ordering::Relaxed);
        let mut sum = Counters::default();
        for caller in self.callers {
            let counters = caller.await.expect("a caller does not panic");
            sum.calls += counters.calls;
            sum.failures.extend(counters.failures);
        }
        sum
    }
}
