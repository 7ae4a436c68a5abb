//! One request on a time axis, as lines of text. Pure.
//!
//! ```text
//! envoy of green/1       GET /downstream/blue  0.0 ms ┃█████████████┃ 4.6 ms
//!   envoy of green/1     → GET blue/           1.4 ms ┃    ██████   ┃ 2.0 ms
//!     envoy of blue/1    GET /                 2.0 ms ┃     ███     ┃ 0.8 ms
//! ```

use std::fmt::Write;

use super::span::Span;
use super::tree::branches;

/// Deeper ones are not set in further: what they are still has to be read.
const DEEPEST: usize = 12;
/// In columns. With less than that, bars cannot be told apart, and there are none.
const SHORTEST_BAR: usize = 8;
/// In columns. A longer one says no more.
const LONGEST_BAR: usize = 40;
/// In columns. Less than that of what a span is about says nothing, and nothing of it is shown.
const SHORTEST_TEXT: usize = 8;
/// In columns. Nobody has a narrower terminal; what is wrapped there is still right.
const NARROWEST: usize = 40;

/// One request on a time axis.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TraceTimeline {
    lines: Vec<Line>,
    /// From the first beginning to the last end, in nanoseconds.
    whole: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    /// Where the time was spent, set in.
    place: String,
    what: String,
    /// In nanoseconds after the first beginning.
    start: u64,
    /// In nanoseconds.
    duration: u64,
}

/// How many columns everything has.
struct Columns {
    place: usize,
    what: usize,
    start: usize,
    bar: usize,
    duration: usize,
}

impl TraceTimeline {
    /// Of the spans of one trace.
    pub(super) fn of(spans: &[Span]) -> Self {
        let first = spans.iter().map(|span| span.start).min().unwrap_or_default();
        let last = spans.iter().map(|span| span.end).max().unwrap_or_default();
        let lines = branches(spans).into_iter().map(|branch| {
            let indent = "  ".repeat(branch.depth.min(DEEPEST));
            Line {
                place: format!("{indent}{}", branch.span.hop),
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

    /// Whether no span came.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Its lines, each at most so many columns wide, or 40 if that is more. A span has one line, and is set in below the
    /// one that it is part of. Times are in milliseconds.
    #[must_use]
    pub fn text(&self, width: usize) -> String {
        let columns = self.columns(width.max(NARROWEST));
        let mut text = String::new();
        for line in &self.lines {
            let place = fitted(&line.place, columns.place);
            let _infallible = write!(text, "{place}");
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
        let longest_place = longest(|line| line.place.clone());
        let place = longest_place.min(width / 2);
        // Between the columns are two spaces or one, and a bar has an edge on either side.
        let rest = width.saturating_sub(place + 2 + start + 1 + duration);
        let (for_bar, for_what) = (rest.saturating_sub(3), rest.saturating_sub(2));
        let longest_text = longest(|line| line.what.clone());
        // The bars have what the texts leave them, and not less than a third.
        let what = longest_text.min(for_what.saturating_sub(3 + (for_bar / 3).max(SHORTEST_BAR)));
        let what = if what < longest_text.min(SHORTEST_TEXT) {
            0
        } else {
            what
        };
        let bar = for_bar
            .saturating_sub(if what > 0 { what + 2 } else { 0 })
            .min(LONGEST_BAR);
        let bar = if bar < SHORTEST_BAR { 0 } else { bar };
        Columns {
            // What is left then is room for nothing else.
            place: if what + bar == 0 {
                longest_place.min(place + rest)
            } else {
                place
            },
            what,
            start,
            bar,
            duration,
        }
    }

    /// A bar where the line's time lies in the whole, at least one column long.
    fn bar(&self, line: &Line, columns: usize) -> String {
        let whole = u128::from(self.whole.max(1));
        let column = |time: u128| usize::try_from(time * columns as u128 / whole).unwrap_or(columns);
        let from = column(line.start.into()).min(columns - 1);
        let end = u128::from(line.start) + u128::from(line.duration);
        // Rounded up, so that what goes on to the end is seen to.
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

/// A text in so many columns: filled up, or cut with a sign that it is.
fn fitted(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return format!("{text:<columns$}");
    }
    let kept: String = text.chars().take(columns.saturating_sub(1)).collect();
    format!("{kept}…")
}
