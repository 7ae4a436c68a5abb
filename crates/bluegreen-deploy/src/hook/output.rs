//! The last lines of a command's output, bounded. Pure.

/// Lines of a failed hook's output that are reported.
pub const MAX_OUTPUT_LINES: usize = 10;

/// Length limit of a reported line, in characters.
const MAX_LINE: usize = 300;

/// Bytes that are kept: enough for the reported lines.
const MAX_KEPT: usize = 16 * 1024;

/// The end of an output.
#[derive(Debug, Default)]
pub(super) struct Tail(Vec<u8>);

impl Tail {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        if self.0.len() > 2 * MAX_KEPT {
            self.0.drain(..self.0.len() - MAX_KEPT);
        }
    }

    /// The last line that is not empty.
    pub(super) fn last_line(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.0);
        text.lines()
            .rfind(|line| !line.trim().is_empty())
            .map(ToOwned::to_owned)
    }

    /// The last lines, with escapes in place of control characters, which a terminal would interpret.
    pub(super) fn lines(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.0);
        let mut lines: Vec<String> = text
            .lines()
            .rev()
            .filter(|line| !line.trim().is_empty())
            .take(MAX_OUTPUT_LINES)
            .map(quote)
            .collect();
        lines.reverse();
        lines
    }
}

fn quote(line: &str) -> String {
    let mut quoted: String = line
        .chars()
        .take(MAX_LINE)
        .flat_map(|letter| match letter.is_control() && letter != '\t' {
            true => letter.escape_debug().collect::<Vec<char>>(),
            false => vec![letter],
        })
        .collect();
    if line.chars().nth(MAX_LINE).is_some() {
        quoted.push('…');
    }
    quoted
}
