//! Running meshes of this user, found by the `mesh.json` in their run directories below `TMPDIR`.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{fs, io};

use mesh_local::RunDir;
use serde::{Deserialize, Serialize};

/// Version of `mesh.json`.
const VERSION: u32 = 1;
const FILE: &str = "mesh.json";
const SOCKET: &str = "api.sock";

/// A running mesh as its `mesh.json` describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunningMesh {
    version: u32,
    /// Its name: that of the first stack, or of the program.
    pub(crate) name: String,
    /// The working directory of its program.
    pub(crate) directory: PathBuf,
    /// The process id of its program.
    pub(crate) pid: u32,
    /// Its start, in milliseconds since the Unix epoch.
    pub(crate) started: u64,
    /// Its run directory, with the logs.
    #[serde(skip)]
    pub(crate) run_dir: PathBuf,
}

/// Why the mesh to use is not clear.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SelectionError {
    #[error("no mesh runs on this machine; start one with `meshwright up`")]
    None,
    #[error("no mesh `{0}` runs on this machine; there are:\n{1}")]
    Unknown(String, String),
    #[error("several meshes run on this machine; choose one with --mesh NAME or --mesh PID:\n{0}")]
    Several(String),
}

impl RunningMesh {
    /// The mesh of this process.
    pub(crate) fn of_this_process(name: &str, run_dir: &Path) -> Self {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            version: VERSION,
            name: name.to_owned(),
            directory: std::env::current_dir().unwrap_or_default(),
            pid: std::process::id(),
            started: started.as_millis().try_into().unwrap_or(u64::MAX),
            run_dir: run_dir.to_owned(),
        }
    }

    /// Writes its `mesh.json`, whole or not at all. It ends with the run directory.
    pub(crate) fn announce(&self) -> io::Result<()> {
        let new = self.run_dir.join("mesh.json.new");
        fs::write(&new, serde_json::to_vec_pretty(self)?)?;
        fs::rename(new, self.run_dir.join(FILE))
    }

    /// The socket of its API.
    pub(crate) fn socket(&self) -> PathBuf {
        self.run_dir.join(SOCKET)
    }

    fn read(run_dir: PathBuf) -> Option<Self> {
        let text = fs::read(run_dir.join(FILE)).ok()?;
        let mesh: Self = serde_json::from_slice(&text).ok()?;
        (mesh.version == VERSION).then_some(Self { run_dir, ..mesh })
    }
}

/// The meshes of this user that run, oldest first.
pub(crate) fn all() -> Vec<RunningMesh> {
    let run_dirs = RunDir::in_use(&std::env::temp_dir());
    let mut meshes: Vec<RunningMesh> = run_dirs.into_iter().filter_map(RunningMesh::read).collect();
    meshes.sort_by_key(|mesh| (mesh.started, mesh.pid));
    meshes
}

/// The mesh of this name or process id; without one, the only mesh, or the only one that was started in the current
/// directory or a parent of it.
pub(crate) fn select(wanted: Option<&str>) -> Result<RunningMesh, SelectionError> {
    select_from(all(), wanted, &std::env::current_dir().unwrap_or_default())
}

fn select_from(
    meshes: Vec<RunningMesh>,
    wanted: Option<&str>,
    directory: &Path,
) -> Result<RunningMesh, SelectionError> {
    if meshes.is_empty() {
        return Err(SelectionError::None);
    }
    let found: Vec<&RunningMesh> = match wanted {
        Some(wanted) => {
            let is_wanted = |mesh: &&RunningMesh| mesh.name == wanted || mesh.pid.to_string() == wanted;
            meshes.iter().filter(is_wanted).collect()
        }
        None if meshes.len() == 1 => meshes.iter().collect(),
        None => meshes
            .iter()
            .filter(|mesh| directory.starts_with(&mesh.directory))
            .collect(),
    };
    match (found.as_slice(), wanted) {
        ([only], _) => Ok((*only).clone()),
        ([], Some(wanted)) => Err(SelectionError::Unknown(wanted.to_owned(), list(meshes.iter()))),
        ([], None) => Err(SelectionError::Several(list(meshes.iter()))),
        (several, _) => Err(SelectionError::Several(list(several.iter().copied()))),
    }
}

fn list<'m>(meshes: impl Iterator<Item = &'m RunningMesh>) -> String {
    let lines = meshes.map(|mesh| format!("  {} (pid {}, in {})", mesh.name, mesh.pid, mesh.directory.display()));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mesh(name: &str, pid: u32, directory: &str) -> RunningMesh {
        RunningMesh {
            version: VERSION,
            name: name.to_owned(),
            directory: directory.into(),
            pid,
            started: 1,
            run_dir: PathBuf::new(),
        }
    }

    #[test]
    fn the_mesh_is_selected_by_name_process_or_directory() {
        let meshes = vec![
            mesh("shop", 7, "/srv/shop"),
            mesh("bank", 8, "/srv/bank"),
            mesh("shop", 9, "/tmp"),
        ];
        let select = |wanted, directory: &str| {
            let found = select_from(meshes.clone(), wanted, Path::new(directory));
            found.map(|mesh| mesh.pid)
        };
        assert_eq!(select(Some("bank"), "/"), Ok(8));
        assert_eq!(select(Some("9"), "/"), Ok(9));
        assert_eq!(select(None, "/srv/shop/src"), Ok(7));
        let text = "several meshes run on this machine; choose one with --mesh NAME or --mesh PID:\n  \
                    shop (pid 7, in /srv/shop)\n  shop (pid 9, in /tmp)";
        assert_eq!(select(Some("shop"), "/").expect_err("two").to_string(), text);
        assert!(matches!(select(None, "/"), Err(SelectionError::Several(_))));
        let unknown = select(Some("shap"), "/").expect_err("none").to_string();
        assert!(unknown.starts_with("no mesh `shap` runs on this machine; there are:\n  shop (pid 7"));
        assert_eq!(select_from(Vec::new(), None, Path::new("/")), Err(SelectionError::None));
    }

    #[test]
    fn an_announced_mesh_is_read_again() {
        let folder = tempfile::tempdir().expect("a directory");
        let mesh = RunningMesh::of_this_process("shop", folder.path());
        mesh.announce().expect("it can be written");
        assert_eq!(RunningMesh::read(folder.path().to_owned()), Some(mesh));
    }
}
