//! HTTP clients outside the mesh: single calls, and load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mesh_local::request_path::sampled_trace_id;
use tokio::task::JoinHandle;

/// What `green` and `blue` say of themselves, and what green says when it has asked blue.
pub(crate) const GREEN: &str = r#"{"message":"ok","service":"green","version":"unknown"}"#;
pub(crate) const BLUE: &str = r#"{"message":"ok","service":"blue","version":"unknown"}"#;
pub(crate) const FETCHED: &str =
    r#"{"message":"fetched!","service":"green","response":{"message":"ok","service":"blue","version":"unknown"}}"#;

/// Longer than the mesh's own limit of 15 s, so that its answer is what is seen.
const TIMEOUT: Duration = Duration::from_secs(20);

fn client() -> reqwest::Client {
    // A proxy from the environment would look for loopback addresses on another machine.
    let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build();
    client.expect("a client needs nothing")
}

/// A client all of whose calls are written down by the Envoys they pass.
fn client_whose_calls_are_written_down() -> reqwest::Client {
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
    ask(&client(), url).await
}

/// The body of `GET url`, which must succeed.
pub(crate) async fn body(url: &str) -> String {
    match get(url).await {
        Ok((200, body)) => body,
        other => panic!("GET {url}: {other:?}"),
    }
}

/// True if `GET url` gives this body.
pub(crate) async fn answers(url: &str, expected: &str) -> bool {
    get(url)
        .await
        .is_ok_and(|(status, body)| status == 200 && body == expected)
}

async fn ask(client: &reqwest::Client, url: &str) -> Result<(u16, String), String> {
    let response = client.get(url).send().await.map_err(|error| format!("{error:?}"))?;
    let status = response.status().as_u16();
    Ok((status, response.text().await.map_err(|error| format!("{error:?}"))?))
}

/// Calls that go on while something else happens.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    callers: Vec<JoinHandle<Counters>>,
}

/// What came of the calls.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) calls: usize,
    /// When it happened since the start, and what there was in place of the expected answer.
    pub(crate) failures: Vec<(Duration, String)>,
}

impl Load {
    /// Two callers, one call after the other each, at most this many and for this long.
    const CALLERS: usize = 2;
    const MOST: usize = 20_000;
    const LONGEST: Duration = Duration::from_secs(30);

    pub(crate) fn start(url: &str, expected: &'static str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let beginning = Instant::now();
        let call = |url: String, stop: Arc<AtomicBool>| async move {
            let client = client_whose_calls_are_written_down();
            let mut tally = Counters::default();
            while !stop.load(Ordering::Relaxed) && tally.calls < Self::MOST && beginning.elapsed() < Self::LONGEST {
                let answer = ask(&client, &url).await;
                tally.calls += 1;
                if answer
                    .as_ref()
                    .is_ok_and(|(status, body)| *status == 200 && body == expected)
                {
                    continue;
                }
                tally.failures.push((beginning.elapsed(), format!("{answer:?}")));
            }
            tally
        };
        let callers = (0..Self::CALLERS).map(|_| tokio::spawn(call(url.to_owned(), Arc::clone(&stop))));
        Self {
            callers: callers.collect(),
            stop,
        }
    }

    pub(crate) async fn stop(self) -> Counters {
        self.stop.store(true, Ordering::Relaxed);
        let mut sum = Counters::default();
        for caller in self.callers {
            let tally = caller.await.expect("a caller does not panic");
            sum.calls += tally.calls;
            sum.failures.extend(tally.failures);
        }
        sum
    }
}
