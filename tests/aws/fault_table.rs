//! The table of measured faults in docs/aws.md. Each test of a fault records what it measured: with `UPDATE_FAULTS=1` that
//! becomes the row of the fault, otherwise the row is compared, except for the measured numbers.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const BEGIN: &str = "<!-- measured faults: begin -->\n";
const END: &str = "<!-- measured faults: end -->";
const HEAD: &str =
    "| fault | meanwhile | after its end | recovered after | failed requests |\n|---|---|---|---:|---:|\n";

/// A fault that a test injects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MeasuredFault {
    SilentCall,
    ThrottledParameterStore,
    RefusedParameterStore,
    SilentParameterStore,
    ThrottledPolls,
    UnavailableSources,
    ThrottledSources,
    SilentSources,
    KilledController,
}

impl MeasuredFault {
    /// All, in the order of the table.
    pub(crate) const ALL: [Self; 9] = [
        Self::SilentCall,
        Self::ThrottledPolls,
        Self::ThrottledParameterStore,
        Self::RefusedParameterStore,
        Self::SilentParameterStore,
        Self::KilledController,
        Self::UnavailableSources,
        Self::ThrottledSources,
        Self::SilentSources,
    ];

    /// The fault, what happens meanwhile, and what is measured from its end on.
    fn cells(self) -> [&'static str; 3] {
        match self {
            Self::SilentCall => [
                "the first call of `outputs` is accepted and never answered",
                "a line says so",
                "the command has ended, from its start",
            ],
            Self::ThrottledPolls => [
                "CloudFormation throttles all polls of a `deploy`",
                "CloudFormation goes on",
                "the command has ended with the outputs",
            ],
            Self::ThrottledParameterStore => [
                "Parameter Store throttles all calls of a rollout",
                "no step, no change of weights",
                "the rollout goes on",
            ],
            Self::RefusedParameterStore => [
                "Parameter Store denies all calls of a rollout",
                "no step, no change of weights",
                "the rollout goes on",
            ],
            Self::SilentParameterStore => [
                "Parameter Store answers no call of a rollout",
                "no step, no change of weights",
                "the rollout goes on",
            ],
            Self::KilledController => [
                "the controller of a rollout is killed (SIGKILL)",
                "weights stay",
                "`continue` has completed the rollout, from its start",
            ],
            Self::UnavailableSources => [
                "Parameter Store and Cloud Map are unavailable (HTTP 503) to the control plane while a route changes",
                "Envoys keep their configuration",
                "requests follow the new route",
            ],
            Self::ThrottledSources => [
                "Parameter Store and Cloud Map throttle the control plane while a route changes",
                "Envoys keep their configuration",
                "requests follow the new route",
            ],
            Self::SilentSources => [
                "Parameter Store and Cloud Map do not answer the control plane while a route changes",
                "Envoys keep their configuration",
                "requests follow the new route",
            ],
        }
    }
}

/// What a test measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measurement {
    pub(crate) fault: MeasuredFault,
    pub(crate) recovered: Duration,
    /// Failed requests and all requests through real Envoys; `None` without traffic.
    pub(crate) requests: Option<(usize, usize)>,
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [fault, meanwhile, after] = self.fault.cells();
        let recovered = self.recovered.as_secs_f64();
        write!(f, "| {fault} | {meanwhile} | {after} | {recovered:.1} s | ")?;
        match self.requests {
            Some((failed, all)) => write!(f, "{failed} of {all} |"),
            None => f.write_str("– |"),
        }
    }
}

impl Measurement {
    /// Records the measurement, which must be within the limit.
    #[track_caller]
    pub(crate) fn record(self, limit: Duration) {
        assert!(self.recovered <= limit, "{self}: the limit is {limit:?}");
        // Tests run at the same time.
        static WRITING: Mutex<()> = Mutex::new(());
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let (head, rows, tail) = page();
        let first = format!("| {} |", self.fault.cells()[0]);
        if std::env::var_os("UPDATE_FAULTS").is_some() {
            let row_of = |fault: MeasuredFault| {
                let first = format!("| {} |", fault.cells()[0]);
                rows.iter().find(|row| row.starts_with(&first)).cloned()
            };
            let rows = MeasuredFault::ALL
                .into_iter()
                .filter_map(|fault| match fault == self.fault {
                    true => Some(self.to_string()),
                    false => row_of(fault),
                });
            let rows: String = rows.map(|row| row + "\n").collect();
            std::fs::write(path(), format!("{head}{BEGIN}{HEAD}{rows}{END}{tail}")).expect("docs/aws.md is writable");
            return;
        }
        let row = rows.iter().find(|row| row.starts_with(&first));
        let row = row.unwrap_or_else(|| panic!("docs/aws.md has no row `{first}`; write it with UPDATE_FAULTS=1"));
        assert_eq!(
            shape(row),
            shape(&self.to_string()),
            "write the row with UPDATE_FAULTS=1"
        );
    }
}

fn path() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "docs", "aws.md"].iter().collect()
}

/// The page before the table, the rows of the table, and the page after it.
fn page() -> (String, Vec<String>, String) {
    let page = std::fs::read_to_string(path()).expect("docs/aws.md");
    let (head, rest) = page.split_once(BEGIN).expect("the begin of the table");
    let (table, tail) = rest.split_once(END).expect("the end of the table");
    let rows = table.strip_prefix(HEAD).unwrap_or_default().lines().map(str::to_owned);
    (head.to_owned(), rows.collect(), tail.to_owned())
}

/// A row with `N` in place of each measured number; a number of failed requests other than 0 is kept.
fn shape(row: &str) -> String {
    let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
    let [fault, meanwhile, after, recovered, requests] = cells[..] else {
        panic!("a row of five cells: {row}");
    };
    let seconds = recovered
        .strip_suffix(" s")
        .and_then(|number| number.parse::<f64>().ok());
    assert!(seconds.is_some(), "a time in seconds: {row}");
    let requests = match requests.split_once(" of ") {
        Some((failed, all)) => {
            assert!(all.parse::<usize>().is_ok(), "a number of requests: {row}");
            let failed = failed.parse::<usize>().expect("a number of failed requests");
            if failed == 0 { "0 of N" } else { "N of N" }
        }
        None => requests,
    };
    format!("{fault} | {meanwhile} | {after} | N s | {requests}")
}

#[test]
fn the_documented_faults_are_those_that_are_measured() {
    let (_, rows, _) = page();
    let documented: Vec<String> = rows.iter().map(|row| shape(row)).collect();
    assert_eq!(documented.len(), MeasuredFault::ALL.len(), "{documented:#?}");
    for (row, fault) in documented.iter().zip(MeasuredFault::ALL) {
        let [fault, meanwhile, after] = fault.cells();
        assert!(
            row.starts_with(&format!("{fault} | {meanwhile} | {after} | N s | ")),
            "{row}"
        );
    }
}
