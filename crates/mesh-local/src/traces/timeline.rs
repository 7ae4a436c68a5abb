//! Renders one request on a time axis, as lines of text. Pure.
//!
//! ```text
//! envoy of green/1       GET /downstream/blue  0.0 ms ┃█████████████┃ 4.6 ms
//!   envoy of green/1     → GET blue/           1.4 ms ┃    ██████   ┃ 2.0 ms
//!     envoy of blue/1    GET /                 2.0 ms ┃     ███     ┃ 0.8 ms
//! ```

use std::fmt::Write;

use super::span::Span;
use super::tree::branches;

/// Deeper spans are not indented further, to stay readable.
const MAX_INDENT: usize = 12;
/// In columns. Shorter bars are omitted, as they would all look the same.
const MIN_BAR: usize = 8;
/// In columns.
const MAX_BAR: usize = 40;
/// In columns. Shorter descriptions are omitted.
const MIN_TEXT: usize = 8;
/// In columns. Narrower terminals wrap lines.
const MIN_WIDTH: usize = 40;

/// One request on a time axis.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TraceTimeline {
    lines: Vec<Line>,
    /// From the first start to the last end, in nanoseconds.
    whole: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    /// The indented hop.
    hop: String,
    what: String,
    /// In nanoseconds after the first start.
    start: u64,
    /// In nanoseconds.
    duration: u64,
}

/// Column widths.
struct Columns {
    hop: usize,
    what: usize,
    start: usize,
    bar: usize,
    duration: usize,
}

impl TraceTimeline {
    /// A timeline of the spans of one trace.
    pub(super) fn new(spans: &[Span]) -> Self {
        let first = spans.iter().map(|span| span.start).min().unwrap_or_default();
        let last = spans.iter().map(|span| span.end).max().unwrap_or_default();
        let lines = branches(spans).into_iter().map(|branch| {
            let indent = "  ".repeat(branch.depth.min(MAX_INDENT));
            Line {
                hop: format!("{indent}{}", branch.span.hop),
                what: branch.span.what.clone(),
                start: branch.span.start - first,
                duration: branch.span.end.saturating_sub(branch.span.start),
            }
        });
        Self {
            lines: lines.collect(),
            whole: last.saturating_sub(first),
        }
    }

    /// Whether there is no span.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Its lines, at most `width` columns wide, or 40 if that is more. Each span has one line, indented below its
    /// parent. Times are in milliseconds.
    #[must_use]
    pub fn text(&self, width: usize) -> String {
        let columns = self.columns(width.max(MIN_WIDTH));
        let mut text = String::new();
        for line in &self.lines {
            let hop = fitted(&line.hop, columns.hop);
            let _infallible = write!(text, "{hop}");
            if columns.what > 0 {
                let _infallible = write!(text, "  {}", fitted(&line.what, columns.what));
            }
            let (start, duration) = (milliseconds(line.start), milliseconds(line.duration));
            let _infallible = write!(text, "  {start:>w$}", w = columns.start);
            if columns.bar > 0 {
                let _infallible = write!(text, " ┃{}┃", self.bar(line, columns.bar));
            }
            let _infallible = writeln!(text, " {duration:>w$}", w = columns.duration);
        }
        text.truncate(text.trim_end().len());
        text
    }

    fn columns(&self, width: usize) -> Columns {
        let longest = |text: fn(&Line) -> String| {
            let lengths = self.lines.iter().map(|line| text(line).chars().count());
            lengths.max().unwrap_or_default()
        };
        let start = longest(|line| milliseconds(line.start));
        let duration = longest(|line| milliseconds(line.duration));
        let longest_hop = longest(|line| line.hop.clone());
        let hop = longest_hop.min(width / 2);
        // Columns are separated by two spaces or one, and a bar has two edges.
        let rest = width.saturating_sub(hop + 2 + start + 1 + duration);
        let (for_bar, for_what) = (rest.saturating_sub(3), rest.saturating_sub(2));
        let longest_text = longest(|line| line.what.clone());
        // Descriptions come first, but bars get at least a quarter.
        let what = longest_text.min(for_what.saturating_sub(3 + (for_bar / 4).max(MIN_BAR)));
        let what = if what < longest_text.min(MIN_TEXT) { 0 } else { what };
        let bar = for_bar.saturating_sub(if what > 0 { what + 2 } else { 0 }).min(MAX_BAR);
        let bar = if bar < MIN_BAR { 0 } else { bar };
        Columns {
            // Without descriptions and bars, the hop gets the rest.
            hop: if what + bar == 0 {
                longest_hop.min(hop + rest)
            } else {
                hop
            },
            what,
            start,
            bar,
            duration,
        }
    }

    /// A bar for the line's period, at least one column long.
    fn bar(&self, line: &Line, columns: usize) -> String {
        let whole = u128::from(self.whole.max(1));
        let column = |time: u128| usize::try_from(time * columns as u128 / whole).unwrap_or(columns);
        let from = column(line.start.into()).min(columns - 1);
        let end = u128::from(line.start) + u128::from(line.duration);
        // Rounded up, so that the bar of the last span reaches the end.
        let to = usize::try_from((end * columns as u128).div_ceil(whole)).unwrap_or(columns);
        let to = to.clamp(from + 1, columns);
        format!(
            "{}{}{}",
            " ".repeat(from),
            "█".repeat(to - from),
            " ".repeat(columns - to)
        )
    }
}

fn milliseconds(nanoseconds: u64) -> String {
    format!("{:.1} ms", nanoseconds as f64 / 1e6)
}

/// A text in a fixed number of columns: padded, or truncated with an ellipsis.
fn fitted(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return format!("{text:<columns$}");
    }
    let kept: String = text.chars().take(columns.saturating_sub(1)).collect();
    format!("{kept}…")
}
