//! The file that takes what a program prints, and the end of it that is worth showing.
//!
//! A slot's programs write to the same files from life to life. What is shown of a failure is only what was
//! printed in the life that failed.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Enough to see what happened; whoever needs more has the file.
const LINES: usize = 20;
/// How much of a file is looked at for them. A log may have grown for days.
const BYTES: u64 = 64 * 1024;
/// What stands between two lives in a file.
const NEXT_LIFE: &str = "--- started again ---";

/// One life's part of a log file. Clones are the same part.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    path: PathBuf,
    start: u64,
    end: Arc<OnceLock<u64>>,
}

/// The last lines of a life. `Display` is the lines, indented, without a line break after the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogTail {
    lines: Vec<String>,
    /// The file with all of them.
    pub(crate) path: PathBuf,
}

impl Log {
    /// Begins a new life in the file at `path`, and gives the file to be written to.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, File)> {
        let mut file = File::options().create(true).append(true).open(path)?;
        if file.metadata()?.len() > 0 {
            writeln!(file, "{NEXT_LIFE}")?;
        }
        let log = Self {
            path: path.to_owned(),
            start: file.metadata()?.len(),
            end: Arc::default(),
        };
        Ok((log, file))
    }

    /// Leaves out of [`Log::end`] what is written from now on.
    pub(crate) fn close(&self) {
        if let Ok(file) = self.path.metadata() {
            // Whoever closed it first has decided.
            let _closed = self.end.set(file.len());
        }
    }

    /// The last lines, or `None` if nothing was printed or the file cannot be read.
    pub(crate) fn end(&self) -> Option<LogTail> {
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
            // It may have begun in the middle.
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
    fn only_the_end_of_this_life_is_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("app.log");
        let (log, mut file) = Log::open(&path).expect("it can be written to");
        assert_eq!(log.end(), None);
        writeln!(file, "the first life").expect("written");
        assert_eq!(
            log.end().map(|end| end.to_string()).as_deref(),
            Some("    the first life")
        );

        let (log, mut file) = Log::open(&path).expect("it can be written to");
        assert_eq!(log.end(), None);
        for line in 0..30_000 {
            writeln!(file, "line {line}").expect("written");
        }
        log.close();
        writeln!(file, "too late").expect("written");
        let end = log.end().expect("it has lines");
        assert_eq!(end.lines.len(), LINES);
        assert_eq!(end.lines.first().map(String::as_str), Some("line 29980"));
        assert_eq!(end.lines.last().map(String::as_str), Some("line 29999"));

        let text = std::fs::read_to_string(&path).expect("it is there");
        assert!(text.starts_with(&format!("the first life\n{NEXT_LIFE}\nline 0\n")));
    }
}
