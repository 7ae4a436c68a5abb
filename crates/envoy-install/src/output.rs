//! The end of another program's output, for error messages.

use std::borrow::Cow;
use std::process::Output;

/// pip prints every version it knows into one line; its beginning is enough.
const MAX_COLUMNS: usize = 300;

/// The last `count` lines of stderr, or of stdout if stderr is empty. Long lines are truncated.
pub(crate) fn last_lines(output: &Output, count: usize) -> String {
    last_lines_of_text(&stderr_or_stdout(output), count)
}

/// The text of stderr, or of stdout if stderr is empty.
pub(crate) fn stderr_or_stdout(output: &Output) -> Cow<'_, str> {
    [&output.stderr, &output.stdout]
        .map(|bytes| String::from_utf8_lossy(bytes))
        .into_iter()
        .find(|text| !text.trim().is_empty())
        .unwrap_or_else(|| "nothing was printed".into())
}

/// [`last_lines`] of a text.
pub(crate) fn last_lines_of_text(text: &str, count: usize) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .map(|line| line.chars().take(MAX_COLUMNS).collect())
        .collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    #[test]
    fn stderr_is_preferred_and_long_lines_are_truncated() {
        let output = |stdout: &str, stderr: &str| Output {
            status: ExitStatus::from_raw(0),
            stdout: stdout.into(),
            stderr: stderr.into(),
        };
        assert_eq!(last_lines(&output("out", "1\n\n2  \n3\n"), 2), "2\n3");
        assert_eq!(last_lines(&output("out\n", " \n"), 2), "out");
        assert_eq!(last_lines(&output("", ""), 2), "nothing was printed");
        assert_eq!(
            last_lines(&output("", &"ü".repeat(400)), 2).chars().count(),
            MAX_COLUMNS
        );
    }
}
