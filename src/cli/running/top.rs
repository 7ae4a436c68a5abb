//! `top`: a table of the calls between services, renewed every few seconds.

use std::time::Duration;

use clap::Args;
use console::{Style, Term};
use serde::Serialize;
use stop_signals::StopSignals;
use tokio::time::Instant;

use super::columns::{aligned, plain};
use super::{Output, RunningCommandError};
use crate::cli::error::CliError;
use crate::exit_code::Exit;
use crate::running::client::RunningClient;
use crate::running::rates::{Rate, rates};

#[derive(Debug, Args)]
pub(crate) struct TopArguments {
    /// Time that each table is about
    #[arg(short, long, value_name = "TIME", default_value = "2s", value_parser = humantime::parse_duration)]
    interval: Duration,
    /// Print one table, then end
    #[arg(long)]
    once: bool,
}

#[derive(Debug, Serialize)]
struct Document {
    edges: Vec<Rate>,
}

pub(super) async fn run(client: &RunningClient, output: &Output, arguments: &TopArguments) -> Result<Exit, CliError> {
    let mut signals = StopSignals::for_terminal().map_err(CliError::Signals)?;
    tokio::select! {
        shown = show(client, output, arguments) => shown.map(|()| Exit::Done),
        _signal = signals.next_distinct() => Ok(Exit::Interrupted),
    }
}

async fn show(client: &RunningClient, output: &Output, arguments: &TopArguments) -> Result<(), CliError> {
    let terminal = Term::stdout();
    let mut before = client.edges().await.map_err(RunningCommandError::from)?;
    let mut read = Instant::now();
    loop {
        tokio::time::sleep_until(read + arguments.interval).await;
        let now = client.edges().await.map_err(RunningCommandError::from)?;
        let elapsed = read.elapsed();
        read = Instant::now();
        let edges = rates(&before, &now, elapsed);
        before = now;
        if terminal.is_term() && !arguments.once {
            // A terminal that cannot be cleared shows the tables one below the other.
            let _uncleared = terminal.clear_screen();
        }
        let text = text(&edges);
        output.print(&Document { edges }, &text)?;
        if arguments.once {
            return Ok(());
        }
    }
}

fn text(rates: &[Rate]) -> String {
    if rates.is_empty() {
        return "no requests between services yet".to_owned();
    }
    let heading = ["FROM", "TO", "REQUESTS/S", "FAILED/S", "P50", "P99"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for rate in rates {
        let time = |time: Option<f64>| time.map_or_else(|| "-".to_owned(), |time| format!("≤ {time} ms"));
        let failed = format!("{:.1}", rate.failures_per_second);
        let failed = match rate.failures_per_second > 0.0 {
            true => Style::new().red().bold().apply_to(failed).to_string(),
            false => failed,
        };
        rows.push(vec![
            plain(&rate.from),
            plain(&rate.to),
            format!("{:.1}", rate.requests_per_second),
            failed,
            time(rate.p50),
            time(rate.p99),
        ]);
    }
    aligned(&rows)
}

#[cfg(test)]
mod tests {
    use mesh_local::edges::Edge;
    use mesh_local::{Counts, NodeStatistics};

    use super::*;

    fn edge(to: &str, ended: u64, failed: u64) -> Edge {
        let counts = Counts {
            ended,
            failed,
            within: vec![(5.0, ended / 2), (25.0, ended)],
        };
        Edge {
            from: "api".to_owned(),
            to: to.to_owned(),
            statistics: NodeStatistics::from_iter([("api/1".to_owned(), counts)]),
        }
    }

    #[test]
    fn rates_are_differences_and_failures_come_first() {
        let before = [edge("blue", 100, 0), edge("green", 10, 0)];
        let now = [edge("blue", 300, 0), edge("green", 30, 10)];
        let rates = rates(&before, &now, Duration::from_secs(2));
        let expected = "\
FROM  TO     REQUESTS/S  FAILED/S  P50     P99
api   green  10.0        5.0       ≤ 5 ms  ≤ 25 ms
api   blue   100.0       0.0       ≤ 5 ms  ≤ 25 ms
";
        assert_eq!(console::strip_ansi_codes(&text(&rates)), expected);
        assert_eq!(text(&[]), "no requests between services yet");
    }
}
