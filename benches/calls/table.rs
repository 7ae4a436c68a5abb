//! The results as a table in Markdown, and how far they are from what was aimed at.

use std::fmt::Write as _;

use crate::results::{Numbers, Results};
use crate::variant::{Maker, Variant, Way};

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

/// What `mesh-client` may cost over bare `reqwest`, through the same Envoys: its median, tracing or not, and how often it
/// allocates.
const MORE_TIME: f64 = 0.03;
const MORE_TIME_TRACING: f64 = 0.10;
const MORE_ALLOCATIONS: f64 = 0.30;

pub(crate) fn of(results: &Results) -> String {
    let rows: Vec<[String; 9]> = results.iter().map(|numbers| row(numbers, results)).collect();
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
Ratios are to reqwest on the same way. p50 and p99: one call at a time. calls/s: eight at a time. CPU and allocations:
of the calling process with everything in it, such as exporting spans; what Envoys and the service use is not in it. A
client that traces samples every call, and then Envoys and the service make spans as well: what that takes shows where
reqwest sends a sampled traceparent.

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

fn row(numbers: &Numbers, results: &Results) -> [String; 9] {
    let variant = numbers.variant;
    let reference = variant.reference();
    [
        format!("{}: {}", variant.way.name(), variant.name()),
        format!("{:.0}", numbers.p50),
        format!("{:.0}", numbers.p99),
        format!("{:.3}", results.ratio(variant, reference).over_all),
        format!("{:.0}", numbers.per_second),
        format!("{:.1}", numbers.cpu),
        format!("{:.1}", numbers.allocations),
        format!("{:.2}", numbers.allocations / results.get(reference).allocations),
        format!("{:.1}", numbers.bytes / 1e3),
    ]
}

fn targets(text: &mut String, results: &Results) {
    let through = |maker, traces| Variant {
        maker,
        way: Way::TwoEnvoys,
        traces,
    };
    let [bare, sampled] = [Maker::Reqwest, Maker::ReqwestSampled].map(|maker| through(maker, false));
    let [off, on] = [false, true].map(|traces| through(Maker::MeshClient, traces));
    text.push_str("mesh-client over reqwest, through two Envoys:\n");
    let mut time = |what: &str, variant, reference, at_most: f64| {
        let ratio = results.ratio(variant, reference);
        let [lowest, over_all, highest] =
            [ratio.lowest, ratio.over_all, ratio.highest].map(|ratio| (ratio - 1.0) * 100.0);
        let _ = writeln!(
            text,
            "- p50{what}: {over_all:+.1} % ({lowest:+.1} to {highest:+.1} in single sittings){}",
            verdict(over_all / 100.0, at_most)
        );
    };
    time("", off, bare, MORE_TIME);
    time(" with tracing", on, bare, MORE_TIME_TRACING);
    time(
        " with tracing, over reqwest whose calls are sampled as well",
        on,
        sampled,
        MORE_TIME_TRACING,
    );
    let more = results.get(off).allocations / results.get(bare).allocations - 1.0;
    let _ = writeln!(
        text,
        "- allocations: {:+.1} %{}",
        more * 100.0,
        verdict(more, MORE_ALLOCATIONS)
    );
}

fn verdict(value: f64, at_most: f64) -> String {
    let word = if value <= at_most { "met" } else { "missed" };
    format!(", aimed at {:+.0} % at most: {word}", at_most * 100.0)
}
