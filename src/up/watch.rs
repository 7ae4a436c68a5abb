//! Watches files by modification time and size.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use mesh_local::Plan;

use super::BoxError;

type Planner<'a> = Box<dyn Fn() -> Result<Plan, BoxError> + 'a>;

/// Files from which a plan is made, and their stamps at the last poll.
pub(crate) struct Watch<'a> {
    files: Vec<PathBuf>,
    plan: Planner<'a>,
    stamps: Vec<Option<(SystemTime, u64)>>,
}

impl<'a> Watch<'a> {
    /// Watches `files`. `plan` makes the plan of their current content.
    pub(crate) fn new(files: Vec<PathBuf>, plan: impl Fn() -> Result<Plan, BoxError> + 'a) -> Self {
        Self {
            stamps: stamps(&files),
            files,
            plan: Box::new(plan),
        }
    }

    /// The new plan, if a file has changed since the last poll.
    pub(super) fn poll(&mut self) -> Option<Result<Plan, BoxError>> {
        let now = stamps(&self.files);
        if now == self.stamps {
            return None;
        }
        self.stamps = now;
        Some((self.plan)())
    }
}

impl fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Option<(SystemTime, u64)>> {
    files.iter().map(|file| stamp(file)).collect()
}

fn stamp(file: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
