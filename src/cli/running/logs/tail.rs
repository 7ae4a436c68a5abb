//! The last lines of a file, and new ones, with bounded memory.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::LogsError;

/// Size of one read from the end of a file.
const BLOCK: u64 = 64 * 1024;
/// Limit on what is read of one file at a time: a log may have grown for days.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// A position in a file that others write to, and an incomplete line before it.
#[derive(Debug, Default)]
pub(super) struct Follower {
    position: u64,
    partial: Vec<u8>,
}

/// The last lines of a file, and a follower from there. An incomplete last line is left to the follower.
pub(super) fn last_lines(path: &Path, count: usize) -> Result<(Vec<String>, Follower), LogsError> {
    let read = || {
        let mut file = File::open(path)?;
        let end = file.metadata()?.len();
        let mut start = end;
        let mut bytes = Vec::new();
        // One more line break than lines: the one before the first line.
        while start > 0 && end - start < MAX_BYTES && line_breaks(&bytes) <= count {
            let from = start.saturating_sub(BLOCK);
            let mut block = vec![0; usize::try_from(start - from).unwrap_or_default()];
            file.seek(SeekFrom::Start(from))?;
            file.read_exact(&mut block)?;
            block.append(&mut bytes);
            bytes = block;
            start = from;
        }
        Ok((bytes, end))
    };
    let (bytes, position) = read().map_err(|source| failed(path, source))?;
    let mut follower = Follower {
        position,
        partial: Vec::new(),
    };
    let mut lines = follower.split(&bytes);
    lines.drain(..lines.len().saturating_sub(count));
    Ok((lines, follower))
}

fn line_breaks(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

fn failed(path: &Path, source: std::io::Error) -> LogsError {
    LogsError::Read {
        path: path.to_owned(),
        source,
    }
}

impl Follower {
    /// The complete lines that were written since the last call, of at most 16 MiB; the rest follows with the next call.
    pub(super) fn new_lines(&mut self, path: &Path) -> Result<Vec<String>, LogsError> {
        let mut bytes = Vec::new();
        let mut read = || {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(self.position))?;
            file.take(MAX_BYTES).read_to_end(&mut bytes)
        };
        let length = match read() {
            Ok(length) => length,
            // Removed with its task or mesh.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => return Err(failed(path, error)),
        };
        self.position += u64::try_from(length).unwrap_or_default();
        Ok(self.split(&bytes))
    }

    /// Splits bytes into complete lines, and keeps the rest.
    fn split(&mut self, bytes: &[u8]) -> Vec<String> {
        self.partial.extend_from_slice(bytes);
        let Some(last) = self.partial.iter().rposition(|byte| *byte == b'\n') else {
            // A line without an end must not grow forever.
            let is_too_long = self.partial.len() as u64 > MAX_BYTES;
            let rest = if is_too_long {
                std::mem::take(&mut self.partial)
            } else {
                Vec::new()
            };
            return (!rest.is_empty()).then(|| text(&rest)).into_iter().collect();
        };
        let rest = self.partial.split_off(last + 1);
        let complete = std::mem::replace(&mut self.partial, rest);
        complete[..last].split(|byte| *byte == b'\n').map(text).collect()
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn the_last_lines_are_printed_and_new_ones_followed() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("app.log");
        let mut file = File::create(&path).expect("it is ours");
        for line in 0..50_000 {
            writeln!(file, "line {line}").expect("it is ours");
        }
        write!(file, "half ").expect("it is ours");
        let (lines, mut follower) = last_lines(&path, 3).expect("readable");
        assert_eq!(lines, ["line 49997", "line 49998", "line 49999"]);
        assert_eq!(follower.new_lines(&path).expect("readable"), Vec::<String>::new());
        writeln!(file, "a line\nnext").expect("it is ours");
        assert_eq!(follower.new_lines(&path).expect("readable"), ["half a line", "next"]);
        let (all, _) = last_lines(&path, usize::MAX).expect("readable");
        assert_eq!(all.len(), 50_002);
        assert_eq!(last_lines(&path, 0).expect("readable").0, Vec::<String>::new());
    }

    #[test]
    fn a_file_of_ten_gigabytes_is_read_from_its_end() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("app.log");
        let mut file = File::create(&path).expect("it is ours");
        // Sparse, and without a line break.
        file.set_len(10 * 1024 * 1024 * 1024).expect("sparse files");
        file.seek(SeekFrom::End(0)).expect("it is ours");
        writeln!(file, "\nlast").expect("it is ours");
        let (lines, _) = last_lines(&path, 1).expect("readable");
        assert_eq!(lines, ["last"]);
    }

    #[test]
    fn a_missing_file_is_an_error_at_first_and_ignored_later() {
        let missing = Path::new("/does/not/exist.log");
        let error = last_lines(missing, 1).expect_err("it is missing").to_string();
        assert_eq!(error, "cannot read /does/not/exist.log");
        assert_eq!(
            Follower::default().new_lines(missing).expect("gone"),
            Vec::<String>::new()
        );
    }
}
