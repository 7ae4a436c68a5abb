//! Log files in a run directory: `SERVICE-NUMBER/CONTAINER.log`.

use std::path::{Path, PathBuf};

use super::LogsError;

/// The log of a container of a task, over all of its runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogFile {
    pub(super) service: String,
    pub(super) task: String,
    pub(super) container: String,
    pub(super) path: PathBuf,
    /// Number of the task in its service.
    number: u32,
}

impl LogFile {
    /// Whether it is the log of an Envoy.
    pub(super) fn is_envoy(&self) -> bool {
        matches!(self.container.as_str(), "envoy" | "entrance")
    }

    fn new(path: PathBuf) -> Option<Self> {
        let directory = path.parent()?.file_name()?.to_str()?;
        let (service, number) = directory.rsplit_once('-')?;
        let service = service.to_owned();
        let number: u32 = number.parse().ok()?;
        let is_log = path.extension().is_some_and(|extension| extension == "log");
        let container = path.file_stem()?.to_str()?.to_owned();
        is_log.then(|| Self {
            task: format!("{service}/{number}"),
            service,
            container,
            path,
            number,
        })
    }
}

/// The logs of all tasks, by service, task and container.
pub(super) fn of_run_dir(run_dir: &Path) -> Result<Vec<LogFile>, LogsError> {
    let failed = |source| LogsError::Read {
        path: run_dir.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for directory in run_dir.read_dir().map_err(failed)?.flatten() {
        // Not a directory, or one that has just been removed.
        let entries = directory.path().read_dir().into_iter().flatten().flatten();
        files.extend(entries.filter_map(|entry| LogFile::new(entry.path())));
    }
    files.sort_by(|one, other| {
        (&one.service, one.number, &one.container).cmp(&(&other.service, other.number, &other.container))
    });
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_found_by_service_task_and_container() {
        let run_dir = tempfile::tempdir().expect("a directory");
        for (directory, file) in [
            ("api-v2-10", "app.log"),
            ("api-v2-9", "app.log"),
            ("api-v2-9", "access.jsonl"),
            ("blue-1", "envoy.log"),
            ("1", "envoy.log"),
        ] {
            let directory = run_dir.path().join(directory);
            std::fs::create_dir_all(&directory).expect("it is ours");
            std::fs::write(directory.join(file), "").expect("it is ours");
        }
        std::fs::write(run_dir.path().join("mesh.json"), "{}").expect("it is ours");
        let files = of_run_dir(run_dir.path()).expect("readable");
        let names: Vec<String> = files
            .iter()
            .map(|file| format!("{} {}", file.task, file.container))
            .collect();
        assert_eq!(names, ["api-v2/9 app", "api-v2/10 app", "blue/1 envoy"]);
        assert!(files[2].is_envoy());
    }
}
