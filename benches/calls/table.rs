//! The results as a Markdown table, and their comparison with the targets.

use std::fmt::Write as _;

use crate::results::{Results, Statistics};
use crate::variant::{ClientKind, PathKind, Variant};

const HEAD: [&str; 9] = [
    "one call",
    "p50 µs",
    "p99 µs",
    "p50, ratio",
    "calls/s",
    "CPU µs",
    "allocations",
    "ratio",
    "kB",
];

/// Targets: how much more than bare `reqwest` through the same Envoys `mesh-client` may cost, in median latency without
/// and with tracing, and in allocations.
const MAX_LATENCY: f64 = 0.03;
const MAX_LATENCY_TRACING: f64 = 0.10;
const MAX_ALLOCATIONS: f64 = 0.30;

pub(crate) fn render(results: &Results) -> String {
    let rows: Vec<[String; 9]> = results.iter().map(|statistics| row(statistics, results)).collect();
    let head = HEAD.map(str::to_owned);
    let width = |column: usize| {
        let cells = rows.iter().chain([&head]).map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    };
    let widths: [usize; 9] = std::array::from_fn(width);
    let mut text = String::new();
    line(&mut text, &head, &widths);
    let rule: [String; 9] = std::array::from_fn(|column| match column {
        0 => "-".repeat(widths[column]),
        _ => format!("{}:", "-".repeat(widths[column] - 1)),
    });
    line(&mut text, &rule, &widths);
    for row in &rows {
        line(&mut text, row, &widths);
    }
    text.push_str(NOTES);
    targets(&mut text, results);
    text
}

const NOTES: &str = "
Ratios are to reqwest on the same path. p50 and p99: one call at a time. calls/s: eight calls at a time. CPU and
allocations: those of the calling process, including the export of spans, without Envoys and service. A tracing client
samples every call, so Envoys and service make spans as well; the row of reqwest with a sampled traceparent shows the cost
of those.

";

fn line(text: &mut String, cells: &[String; 9], widths: &[usize; 9]) {
    for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
        // Writing to a string does not fail.
        let _ = match column {
            0 => write!(text, "| {cell:width$} "),
            _ => write!(text, "| {cell:>width$} "),
        };
    }
    text.push_str("|\n");
}

fn row(statistics: &Statistics, results: &Results) -> [String; 9] {
    let variant = statistics.variant;
    let baseline = variant.baseline();
    [
        variant.label(),
        format!("{:.0}", statistics.p50),
        format!("{:.0}", statistics.p99),
        format!("{:.3}", results.ratio(variant, baseline).overall),
        format!("{:.0}", statistics.per_second),
        format!("{:.1}", statistics.cpu),
        format!("{:.1}", statistics.allocations),
        format!("{:.2}", statistics.allocations / results.get(baseline).allocations),
        format!("{:.1}", statistics.bytes / 1e3),
    ]
}

fn targets(text: &mut String, results: &Results) {
    let through = |client, tracing| Variant {
        client,
        path: PathKind::TwoEnvoys,
        tracing,
    };
    let [bare, sampled] = [ClientKind::Reqwest, ClientKind::ReqwestSampled].map(|client| through(client, false));
    let [off, on] = [false, true].map(|tracing| through(ClientKind::MeshClient, tracing));
    text.push_str("mesh-client over reqwest, through two Envoys:\n");
    let mut latency = |condition: &str, variant, baseline, limit: f64| {
        let ratio = results.ratio(variant, baseline);
        let [lowest, overall, highest] =
            [ratio.lowest, ratio.overall, ratio.highest].map(|ratio| (ratio - 1.0) * 100.0);
        let _ = writeln!(
            text,
            "- p50{condition}: {overall:+.1} % ({lowest:+.1} to {highest:+.1} in single runs){}",
            verdict(overall / 100.0, limit)
        );
    };
    latency("", off, bare, MAX_LATENCY);
    latency(" with tracing", on, bare, MAX_LATENCY_TRACING);
    latency(
        " with tracing, over reqwest whose calls are sampled as well",
        on,
        sampled,
        MAX_LATENCY_TRACING,
    );
    let more = results.get(off).allocations / results.get(bare).allocations - 1.0;
    let _ = writeln!(
        text,
        "- allocations: {:+.1} %{}",
        more * 100.0,
        verdict(more, MAX_ALLOCATIONS)
    );
}

fn verdict(value: f64, limit: f64) -> String {
    let word = if value <= limit { "met" } else { "missed" };
    format!(", target at most {:+.0} %: {word}", limit * 100.0)
}
