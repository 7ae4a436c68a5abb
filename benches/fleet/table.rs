//! The results as Markdown tables, one for each size.

use std::fmt::Write as _;
use std::time::Duration;

use crate::run::{Figures, Measured};

const HEAD: &str = "| scenario | nodes concerned | messages | MB sent | server CPU ms | ratio | p50 ms | p99 ms | max ms | ratio | memory MB | peak MB | ratio |\n\
                    | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";

const NOTES: &str = "Times are from the change to the last ACK of each node concerned; of a rolling deployment, from its first step, \
                     a millisecond before each next one; of nodes that reconnect and get nothing, until the server has \
                     their subscriptions. Ratios are to the reference server, which sends prepared bytes.\n";

pub(crate) fn render(results: &[Measured]) -> String {
    let mut text = String::new();
    for measured in results {
        // Writing to a string does not fail.
        let _ = write!(text, "### {}\n\n{HEAD}", measured.size);
        for figures in &measured.control_plane {
            let reference = measured
                .reference
                .iter()
                .find(|other| other.scenario == figures.scenario);
            row(&mut text, figures, reference);
        }
        text.push('\n');
    }
    text.push_str(NOTES);
    text
}

fn row(text: &mut String, figures: &Figures, reference: Option<&Figures>) {
    let ratio = |of: &dyn Fn(&Figures) -> f64| match reference.map(of) {
        Some(base) if base > 0.0 => format!("{:.1}", of(figures) / base),
        _ => "–".to_owned(),
    };
    let received = &figures.received;
    let _ = writeln!(
        text,
        "| {} | {} | {} | {:.1} | {:.0} | {} | {} | {} | {:.0} | {} | {:.0} | {:.0} | {} |",
        figures.scenario.label(),
        received.distinct_nodes().len(),
        received.messages,
        received.bytes as f64 / 1e6,
        milliseconds(figures.cpu),
        ratio(&|figures| milliseconds(figures.cpu)),
        quantile(figures, 0.50),
        quantile(figures, 0.99),
        milliseconds(figures.until_last_ack()),
        ratio(&|figures| milliseconds(figures.until_last_ack())),
        figures.memory.0 as f64 / 1e6,
        figures.memory.1 as f64 / 1e6,
        ratio(&|figures| figures.memory.1 as f64),
    );
}

fn quantile(figures: &Figures, quantile: f64) -> String {
    let times = &figures.received.until_ack;
    let last = times.len().saturating_sub(1);
    let position = (last as f64 * quantile).round() as usize;
    times
        .get(position)
        .map_or("–".to_owned(), |time| format!("{:.0}", milliseconds(*time)))
}

pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

impl Figures {
    /// Until the last ACK of all nodes; without any, until the server had settled.
    pub(crate) fn until_last_ack(&self) -> Duration {
        self.received.until_ack.last().copied().unwrap_or(self.settled)
    }
}
