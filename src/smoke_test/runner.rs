//! Makes the calls of a smoke test, prints their results and checks them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::{Duration, Instant};

use mesh_local::LocalMesh;
use mesh_local::request_path::{RequestPath, sampled_trace_id};
use mesh_local::traces::TraceWatch;
use uuid::Uuid;

use super::{Call, ExpectedBody, SmokeTest};
use crate::console::Console;

/// Longer than the mesh's own timeout of 15 s, so that the mesh's response is shown.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Before each line about a call.
const INDENT: &str = "   ";

/// Why a smoke test failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SmokeTestError {
    #[error("cannot create an HTTP client")]
    Client(#[source] reqwest::Error),
    #[error("service {0} has no Envoy to call")]
    NoEnvoy(String),
    #[error("GET {url}: cannot enter the network of the tasks")]
    Network {
        url: String,
        #[source]
        source: io::Error,
    },
    #[error("GET {url}")]
    Request {
        url: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("{call}: expected status {expected}, got {status}: {body}")]
    Status {
        call: String,
        expected: u16,
        status: u16,
        body: String,
    },
    #[error("{call}: expected {expected}, got {body}")]
    Body {
        call: String,
        expected: String,
        body: String,
    },
    #[error("{call}: an Envoy on the path has no access-log entry: {path}")]
    IncompletePath { call: String, path: String },
    #[error("{call}: expected each of these paths and no other, got {counts}")]
    Split { call: String, counts: String },
    #[error("{call}: expected {expected} in turn, got {reached}")]
    RoundRobin {
        call: String,
        expected: String,
        reached: String,
    },
}

/// A caller outside the mesh.
pub(crate) struct Runner<'a> {
    mesh: &'a LocalMesh,
    console: &'a Console,
    client: reqwest::Client,
}

/// The response to one call.
struct Response {
    status: u16,
    body: String,
    took: Duration,
    path: RequestPath,
    trace: Option<TraceWatch>,
}

/// The successful call with the longest path, the last of several.
struct LongestCall {
    /// Counted from 1.
    number: usize,
    path: RequestPath,
    trace: TraceWatch,
}

impl<'a> Runner<'a> {
    pub(crate) fn new(mesh: &'a LocalMesh, console: &'a Console) -> Result<Self, SmokeTestError> {
        // Calls go to loopback, which a proxy from the user's environment could not reach.
        let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build();
        Ok(Self {
            mesh,
            console,
            client: client.map_err(SmokeTestError::Client)?,
        })
    }

    /// Makes the calls of a smoke test. Returns when the first response through two services arrived, if any did.
    pub(crate) async fn run(&self, smoke_test: &SmokeTest) -> Result<Option<Instant>, SmokeTestError> {
        let mut first = None;
        let mut longest: Option<LongestCall> = None;
        for (index, call) in smoke_test.calls.iter().enumerate() {
            self.console.show(&format!("\n{}. {call}", index + 1));
            let mut reached = Vec::new();
            let mut counts: BTreeMap<String, u32> = BTreeMap::new();
            for _ in 0..call.times {
                let response = self.call(call).await?;
                if first.is_none() && response.path.applications().count() > 1 {
                    first = Some(Instant::now());
                }
                let count = counts.entry(services_on(&response.path)).or_default();
                *count += 1;
                // Responses of a split differ in the path only: one per path is enough.
                if call.split.is_empty() || *count == 1 {
                    self.show(&response);
                }
                call.check(&response)?;
                reached.extend(response.path.applications().last().map(str::to_owned));
                longest = response.or_longer(index + 1, longest);
            }
            self.check_round_robin(call, &reached)?;
            self.check_split(call, &counts)?;
        }
        if let Some(longest) = longest {
            self.show_timeline(&longest).await;
        }
        Ok(first)
    }

    /// Prints the trace of a call on a time axis.
    async fn show_timeline(&self, longest: &LongestCall) {
        let number = longest.number;
        let timeline = longest.trace.timeline(&longest.path).await;
        if timeline.is_empty() {
            self.console.show(&format!(
                "\nCall {number} took the longest path; there is no timeline, because the Envoys sent no spans."
            ));
            return;
        }
        let text = timeline.text(self.console.width().saturating_sub(INDENT.len()));
        let lines: Vec<String> = text.lines().map(|line| format!("{INDENT}{line}")).collect();
        self.console.show(&format!(
            "\nCall {number} took the longest path. Its trace timeline:\n{}",
            lines.join("\n")
        ));
    }

    async fn call(&self, call: &Call) -> Result<Response, SmokeTestError> {
        let address = self
            .mesh
            .address_of(&call.service, None)
            .ok_or_else(|| SmokeTestError::NoEnvoy(call.service.clone()))?;
        let trace_id = sampled_trace_id(&Uuid::new_v4().simple().to_string());
        let span_id = &Uuid::new_v4().simple().to_string()[..16];
        let url = format!("http://{address}{}", call.path);
        let traceparent = format!("00-{trace_id}-{span_id}-01");
        let trace = self.mesh.watch_trace(&traceparent);
        let start = Instant::now();
        let request = self.client.get(&url).header("traceparent", &traceparent);
        let response = self.mesh.run_in_call_scope(async move {
            let response = request.send().await?;
            Ok((response.status().as_u16(), response.text().await?))
        });
        let (status, body) = match response.await {
            Ok(Ok(response)) => response,
            Ok(Err(source)) => return Err(SmokeTestError::Request { url, source }),
            Err(source) => return Err(SmokeTestError::Network { url, source }),
        };
        let took = start.elapsed();
        Ok(Response {
            status,
            body,
            took,
            path: self.mesh.path(&trace_id, address).await,
            trace,
        })
    }

    fn show(&self, response: &Response) {
        let Response {
            status,
            body,
            took,
            path,
            ..
        } = response;
        let milliseconds = took.as_secs_f64() * 1000.0;
        self.console.show(&format!(
            "{INDENT}{status} in {milliseconds:.1} ms: {path}\n{INDENT}{body}"
        ));
    }

    /// Prints the number of calls per path, and checks that exactly the expected paths were taken.
    fn check_split(&self, call: &Call, counts: &BTreeMap<String, u32>) -> Result<(), SmokeTestError> {
        if call.split.is_empty() {
            return Ok(());
        }
        let text: Vec<String> = counts.iter().map(|(path, times)| format!("{path}: {times}")).collect();
        let text = text.join(", ");
        self.console.show(&format!("{INDENT}{text}"));
        let expected: BTreeSet<&String> = call.split.iter().collect();
        if counts.keys().collect::<BTreeSet<_>>() == expected {
            Ok(())
        } else {
            Err(SmokeTestError::Split {
                call: call.to_string(),
                counts: text,
            })
        }
    }

    /// Checks that every task of a service was reached, and none twice in a row.
    fn check_round_robin(&self, call: &Call, reached: &[String]) -> Result<(), SmokeTestError> {
        let Some(service) = &call.round_robin else {
            return Ok(());
        };
        let prefix = format!("{service}/");
        let expected: BTreeSet<String> = self
            .mesh
            .tasks()
            .map(|task| task.task)
            .filter(|task| task.starts_with(&prefix))
            .collect();
        let found: BTreeSet<String> = reached.iter().cloned().collect();
        let twice_in_a_row = expected.len() > 1 && reached.windows(2).any(|pair| pair[0] == pair[1]);
        if found == expected && !twice_in_a_row {
            return Ok(());
        }
        let expected: Vec<String> = expected.into_iter().collect();
        Err(SmokeTestError::RoundRobin {
            call: call.to_string(),
            expected: expected.join(" and "),
            reached: reached.join(", "),
        })
    }
}

impl Response {
    /// This call, or the longest so far if that has more hops or if this one failed.
    fn or_longer(self, number: usize, longest: Option<LongestCall>) -> Option<LongestCall> {
        let Self {
            status, path, trace, ..
        } = self;
        let is_shorter = |other: &LongestCall| path.hops.len() < other.path.hops.len();
        match trace {
            Some(trace) if status == 200 && !longest.as_ref().is_some_and(is_shorter) => {
                Some(LongestCall { number, path, trace })
            }
            _ => longest,
        }
    }
}

impl Call {
    fn check(&self, response: &Response) -> Result<(), SmokeTestError> {
        let Response { status, body, path, .. } = response;
        let call = || self.to_string();
        if *status != self.status {
            return Err(SmokeTestError::Status {
                call: call(),
                expected: self.status,
                status: *status,
                body: body.clone(),
            });
        }
        let expected = match &self.body {
            Some(ExpectedBody::Exactly(expected)) if expected != body => Some(expected.clone()),
            Some(ExpectedBody::Containing(text)) if !body.contains(text) => Some(format!("a body with `{text}` in it")),
            _ => None,
        };
        match expected {
            Some(expected) => Err(SmokeTestError::Body {
                call: call(),
                expected,
                body: body.clone(),
            }),
            None if !path.complete => Err(SmokeTestError::IncompletePath {
                call: call(),
                path: path.to_string(),
            }),
            None => Ok(()),
        }
    }
}

/// The services on a path, in order.
fn services_on(path: &RequestPath) -> String {
    let service = |task: &str| task.split('/').next().unwrap_or(task).to_owned();
    path.applications().map(service).collect::<Vec<_>>().join(" → ")
}
