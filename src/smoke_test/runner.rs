//! Makes a walk's calls, shows what came of them, and judges it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use mesh_local::LocalMesh;
use mesh_local::request_path::{RequestPath, sampled_trace_id};
use mesh_local::traces::TraceWatch;
use uuid::Uuid;

use super::{Call, Expected, SmokeTest};
use crate::console::Console;

/// Longer than the mesh's own limit of 15 s, so that its answer is what is shown.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Before each line about a call.
const INDENT: &str = "   ";

/// Somebody outside the mesh who calls into it.
pub(crate) struct Runner<'a> {
    mesh: &'a LocalMesh,
    console: &'a Console,
    client: reqwest::Client,
}

/// What came of one call.
struct Answer {
    status: u16,
    body: String,
    took: Duration,
    path: RequestPath,
    spans: Option<TraceWatch>,
}

/// The call with the most stations on its way, the last of several: what there is most to be seen of.
struct Longest {
    /// Counted from 1.
    call: usize,
    path: RequestPath,
    spans: TraceWatch,
}

impl<'a> Runner<'a> {
    pub(crate) fn new(mesh: &'a LocalMesh, console: &'a Console) -> Result<Self, String> {
        // Calls go to loopback; a proxy from the user's environment would look for it on another machine.
        let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build();
        Ok(Self {
            mesh,
            console,
            client: client.map_err(|error| format!("no HTTP client: {error}"))?,
        })
    }

    /// Makes the calls of a walk, and gives the moment at which the first answer that passed two Envoys was
    /// there, if one did.
    pub(crate) async fn run(&self, walk: &SmokeTest) -> Result<Option<Instant>, String> {
        let mut first = None;
        let mut longest: Option<Longest> = None;
        for (index, call) in walk.calls.iter().enumerate() {
            self.console.show(&format!("\n{}. {call}", index + 1));
            let mut reached = Vec::new();
            let mut ways: BTreeMap<String, u32> = BTreeMap::new();
            for _ in 0..call.times {
                let answer = self.call(call).await?;
                if first.is_none() && answer.path.applications().count() > 1 {
                    first = Some(Instant::now());
                }
                let taken = ways.entry(way(&answer.path)).or_default();
                *taken += 1;
                // Where only the way differs, each is worth showing once.
                if call.ways.is_empty() || *taken == 1 {
                    self.show(&answer);
                }
                call.judge(&answer)?;
                reached.extend(answer.path.applications().last().map(str::to_owned));
                longest = answer.or_longer(index + 1, longest);
            }
            self.judge_turns(call, &reached)?;
            self.judge_ways(call, &ways)?;
        }
        if let Some(longest) = longest {
            self.draw(&longest).await;
        }
        Ok(first)
    }

    /// Shows a call on a time axis.
    async fn draw(&self, longest: &Longest) {
        let waterfall = longest.spans.timeline(&longest.path).await;
        if waterfall.is_empty() {
            let words = "the Envoys sent no spans, and so there is no picture";
            self.console
                .show(&format!("\nCall {} took the longest way; {words}.", longest.call));
            return;
        }
        let text = waterfall.text(self.console.width().saturating_sub(INDENT.len()));
        let lines: Vec<String> = text.lines().map(|line| format!("{INDENT}{line}")).collect();
        self.console.show(&format!(
            "\nCall {} took the longest way. Where its time went:\n{}",
            longest.call,
            lines.join("\n")
        ));
    }

    async fn call(&self, call: &Call) -> Result<Answer, String> {
        let address = self
            .mesh
            .address_of(&call.service, None)
            .ok_or_else(|| format!("service {} has no Envoy to call", call.service))?;
        let trace_id = sampled_trace_id(&Uuid::new_v4().simple().to_string());
        let span_id = &Uuid::new_v4().simple().to_string()[..16];
        let url = format!("http://{address}{}", call.path);
        let traceparent = format!("00-{trace_id}-{span_id}-01");
        let spans = self.mesh.watch_trace(&traceparent);
        let beginning = Instant::now();
        let request = self.client.get(&url).header("traceparent", &traceparent);
        let answer = self.mesh.run_in_call_scope(async move {
            let response = request.send().await?;
            Ok((response.status().as_u16(), response.text().await?))
        });
        let answer = answer.await.map_err(|error| format!("GET {url}: {error}"))?;
        let failed = |error: reqwest::Error| format!("GET {url}: {}", with_causes(&error));
        let (status, body) = answer.map_err(failed)?;
        let took = beginning.elapsed();
        Ok(Answer {
            status,
            body,
            took,
            path: self.mesh.path(&trace_id, address).await,
            spans,
        })
    }

    fn show(&self, answer: &Answer) {
        let Answer {
            status,
            body,
            took,
            path,
            ..
        } = answer;
        let milliseconds = took.as_secs_f64() * 1000.0;
        self.console.show(&format!(
            "{INDENT}{status} in {milliseconds:.1} ms: {path}\n{INDENT}{body}"
        ));
    }

    /// Shows how often each way was taken, and checks that all that were expected were, and no other.
    fn judge_ways(&self, call: &Call, taken: &BTreeMap<String, u32>) -> Result<(), String> {
        if call.ways.is_empty() {
            return Ok(());
        }
        let counts: Vec<String> = taken.iter().map(|(way, times)| format!("{way}: {times}")).collect();
        let counts = counts.join(", ");
        self.console.show(&format!("{INDENT}{counts}"));
        let expected: BTreeSet<&String> = call.ways.iter().collect();
        if taken.keys().collect::<BTreeSet<_>>() == expected {
            Ok(())
        } else {
            Err(format!(
                "{call}: expected each of these ways and no other, got {counts}"
            ))
        }
    }

    /// Checks that every task of a service was reached, and none twice in a row.
    fn judge_turns(&self, call: &Call, reached: &[String]) -> Result<(), String> {
        let Some(service) = &call.in_turn else { return Ok(()) };
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
        Err(format!(
            "{call}: expected {} in turn, and reached {}",
            expected.join(" and "),
            reached.join(", ")
        ))
    }
}

impl Answer {
    /// This one, the answer to the call of this number, or the longest so far, if that was longer or this failed.
    fn or_longer(self, call: usize, longest: Option<Longest>) -> Option<Longest> {
        let Self {
            status, path, spans, ..
        } = self;
        let is_shorter = |other: &Longest| path.hops.len() < other.path.hops.len();
        match spans {
            Some(spans) if status == 200 && !longest.as_ref().is_some_and(is_shorter) => {
                Some(Longest { call, path, spans })
            }
            _ => longest,
        }
    }
}

impl Call {
    fn judge(&self, answer: &Answer) -> Result<(), String> {
        if answer.status != self.status {
            return Err(format!(
                "{self}: expected status {}, got {}: {}",
                self.status, answer.status, answer.body
            ));
        }
        match &self.answer {
            Some(Expected::Exactly(expected)) if *expected != answer.body => {
                Err(format!("{self}: expected {expected}, got {}", answer.body))
            }
            Some(Expected::Containing(words)) if !answer.body.contains(words) => Err(format!(
                "{self}: expected something with `{words}` in it, got {}",
                answer.body
            )),
            _ if !answer.path.complete => Err(format!("{self}: an Envoy did not write down its part: {}", answer.path)),
            _ => Ok(()),
        }
    }
}

/// The services on a path, in order.
fn way(path: &RequestPath) -> String {
    let service = |task: &str| task.split('/').next().unwrap_or(task).to_owned();
    path.applications().map(service).collect::<Vec<_>>().join(" → ")
}

/// An error with what caused it, which reqwest leaves out.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
