//! Watches files by modification time and size.
//!
//! A file that is being written is waited out: a change is read once the files have been the same for two polls, and an
//! error of what was read is reported only if they stay the same for a moment.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use mesh_local::Plan;

use super::BoxError;

/// Time for which files with an error have to stay the same. Editors and tools write a file in several steps.
const SETTLING_TIME: Duration = Duration::from_secs(1);

type Planner<'a> = Box<dyn Fn() -> Result<Plan, BoxError> + 'a>;

type Stamps = Vec<Option<(SystemTime, u64)>>;

/// Files from which a plan is made, and their stamps at the last poll.
pub(crate) struct Watch<'a> {
    files: Vec<PathBuf>,
    plan: Planner<'a>,
    stamps: Stamps,
    state: State,
}

/// What is known of the files with the current stamps.
enum State {
    /// Their plan was returned.
    Returned,
    /// They changed at the last poll.
    Changed,
    /// They have an error, found at this time.
    Failed(Instant, BoxError),
}

impl<'a> Watch<'a> {
    /// Watches `files`. `plan` makes the plan of their current content.
    pub(crate) fn new(files: Vec<PathBuf>, plan: impl Fn() -> Result<Plan, BoxError> + 'a) -> Self {
        Self {
            stamps: stamps(&files),
            files,
            plan: Box::new(plan),
            state: State::Returned,
        }
    }

    /// The new plan, if files have changed and settled.
    pub(super) fn poll(&mut self) -> Option<Result<Plan, BoxError>> {
        self.poll_at(Instant::now())
    }

    fn poll_at(&mut self, now: Instant) -> Option<Result<Plan, BoxError>> {
        let stamps = stamps(&self.files);
        if stamps != self.stamps {
            self.stamps = stamps;
            self.state = State::Changed;
            return None;
        }
        match std::mem::replace(&mut self.state, State::Returned) {
            State::Returned => None,
            State::Changed => match (self.plan)() {
                Ok(plan) => Some(Ok(plan)),
                Err(error) => {
                    self.state = State::Failed(now, error);
                    None
                }
            },
            State::Failed(since, error) if now.duration_since(since) < SETTLING_TIME => {
                self.state = State::Failed(since, error);
                None
            }
            State::Failed(_, error) => Some(Err(error)),
        }
    }
}

impl fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

fn stamps(files: &[PathBuf]) -> Stamps {
    files.iter().map(|file| stamp(file)).collect()
}

fn stamp(file: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn files_that_are_being_written_are_waited_out() {
        let folder = tempfile::tempdir().expect("a directory");
        let file = folder.path().join("t.yaml");
        let write = |text: &str| std::fs::write(&file, text).expect("a file");
        write("complete");
        let reads = Cell::new(0);
        let read = || {
            reads.set(reads.get() + 1);
            Err(format!("read {} times", reads.get()).into())
        };
        let mut watch = Watch::new(vec![file.clone()], read);
        let start = Instant::now();
        let mut poll = |milliseconds: u64| {
            let polled = watch.poll_at(start + Duration::from_millis(milliseconds));
            polled.map(|plan| plan.expect_err("an error").to_string())
        };
        assert_eq!(poll(0), None);
        write("");
        assert_eq!((poll(100), reads.get()), (None, 0));
        // Its error is not reported yet.
        assert_eq!((poll(200), reads.get()), (None, 1));
        assert_eq!(poll(1100), None);
        write("half");
        assert_eq!(poll(1300), None);
        assert_eq!((poll(1400), reads.get()), (None, 2));
        assert_eq!(poll(2300), None);
        assert_eq!(poll(2400), Some("read 2 times".to_owned()));
        assert_eq!((poll(2500), reads.get()), (None, 2));
    }
}
