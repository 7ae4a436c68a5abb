//! Log files of programs, and their last lines for error messages.
//!
//! Restarted programs of a task slot append to the same files. Failures show only lines of the run that failed.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Enough to see the cause; the file has the rest.
const LINES: usize = 20;
/// How much of a file is read for them. A log may have grown for days.
const BYTES: u64 = 64 * 1024;
/// Separates two runs in a file.
const RESTART_MARK: &str = "--- started again ---";

/// The part of a log file written by one run. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    path: PathBuf,
    start: u64,
    end: Arc<OnceLock<u64>>,
}

/// The last lines of a run. `Display` prints them indented, without a trailing line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogTail {
    lines: Vec<String>,
    /// The complete file.
    pub(crate) path: PathBuf,
}

impl Log {
    /// Starts a new run in the file at `path`, and returns the file for its output.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, File)> {
        let mut file = File::options().create(true).append(true).open(path)?;
        if file.metadata()?.len() > 0 {
            writeln!(file, "{RESTART_MARK}")?;
        }
        let log = Self {
            path: path.to_owned(),
            start: file.metadata()?.len(),
            end: Arc::default(),
        };
        Ok((log, file))
    }

    /// Excludes later output from [`Log::tail`].
    pub(crate) fn close(&self) {
        if let Ok(file) = self.path.metadata() {
            // The first call wins.
            let _closed = self.end.set(file.len());
        }
    }

    /// The last lines, or `None` if the run printed nothing or the file cannot be read.
    pub(crate) fn tail(&self) -> Option<LogTail> {
        let mut file = File::open(&self.path).ok()?;
        let written = file.metadata().ok()?.len();
        let end = self.end.get().map_or(written, |end| written.min(*end));
        let from = self.start.max(end.saturating_sub(BYTES));
        file.seek(SeekFrom::Start(from)).ok()?;
        let mut bytes = Vec::new();
        file.take(end.saturating_sub(from)).read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let mut lines: Vec<&str> = text.lines().collect();
        if from > self.start && lines.len() > 1 {
            // The first line may be incomplete.
            lines.remove(0);
        }
        if lines.is_empty() {
            return None;
        }
        Some(LogTail {
            lines: lines[lines.len().saturating_sub(LINES)..]
                .iter()
                .map(|line| (*line).to_owned())
                .collect(),
            path: self.path.clone(),
        })
    }
}

impl fmt::Display for LogTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.lines.iter().enumerate() {
            let line_break = if index == 0 { "" } else { "\n" };
            write!(f, "{line_break}    {line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_tail_of_the_last_run_is_shown() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("app.log");
        let (log, mut file) = Log::open(&path).expect("it can be written to");
        assert_eq!(log.tail(), None);
        writeln!(file, "the first run").expect("written");
        assert_eq!(
            log.tail().map(|tail| tail.to_string()).as_deref(),
            Some("    the first run")
        );

        let (log, mut file) = Log::open(&path).expect("it can be written to");
        assert_eq!(log.tail(), None);
        for line in 0..30_000 {
            writeln!(file, "line {line}").expect("written");
        }
        log.close();
        writeln!(file, "too late").expect("written");
        let end = log.tail().expect("it has lines");
        assert_eq!(end.lines.len(), LINES);
        assert_eq!(end.lines.first().map(String::as_str), Some("line 29980"));
        assert_eq!(end.lines.last().map(String::as_str), Some("line 29999"));

        let text = std::fs::read_to_string(&path).expect("it is there");
        assert!(text.starts_with(&format!("the first run\n{RESTART_MARK}\nline 0\n")));
    }
}
