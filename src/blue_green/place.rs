//! Where the state of an app is, and where the mesh is spoken to that runs it.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use bluegreen_state::{Deployment, FileStore, State};

use super::Version;

/// A folder with the state of one app.
#[derive(Debug)]
pub(super) struct Place(PathBuf);

impl Place {
    /// The given folder, or that of this user for an app of this name. Exists afterwards.
    pub(super) fn of(given: Option<&Path>, name: &str) -> Result<Self, String> {
        let folder = match given {
            Some(folder) => folder.to_owned(),
            None => default(|variable| std::env::var_os(variable).map(PathBuf::from))?.join(name),
        };
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|error| format!("cannot make the folder {} for the state: {error}", folder.display()))?;
        Ok(Self(folder))
    }

    /// The socket of the mesh that runs.
    pub(super) fn socket(&self) -> PathBuf {
        self.0.join("mesh.sock")
    }

    /// What is stored; `None` if nothing was ever deployed.
    pub(super) fn state(&self) -> Result<Option<State<Version>>, String> {
        let opened = futures_util::future::FutureExt::now_or_never(self.open());
        // The store is a file, whose futures are ready at once.
        let deployment = opened.unwrap_or_else(|| Err("the state was not read".to_owned()))?;
        Ok(deployment.map(|deployment| deployment.state().clone()))
    }

    /// The stored deployment.
    pub(super) async fn open(&self) -> Result<Option<Deployment<Version, FileStore>>, String> {
        Deployment::open(self.store()).await.map_err(|error| error.to_string())
    }

    /// Stores that both sides run this version.
    pub(super) async fn begin(&self, version: Version) -> Result<(), String> {
        let begun = Deployment::create(self.store(), version).await;
        begun.map(|_| ()).map_err(|error| error.to_string())
    }

    fn store(&self) -> FileStore {
        FileStore::new(self.0.join("state.json"))
    }
}

/// The folder of this user's state. Source: XDG Base Directory Specification 0.8 (read 2026-11-23).
fn default(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf, String> {
    let given = variable("XDG_STATE_HOME").filter(|folder| folder.is_absolute());
    let own = || Some(variable("HOME")?.join(".local/state"));
    let folder = given.or_else(own);
    let folder = folder.ok_or("neither XDG_STATE_HOME nor HOME is set; say with --state where the state is to be")?;
    Ok(folder.join("meshwright"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(variables: &[(&str, &str)]) -> Result<PathBuf, String> {
        default(|wanted| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| PathBuf::from(value))
        })
    }

    #[test]
    fn the_users_state_is_where_others_have_theirs() {
        assert_eq!(folder(&[("HOME", "/h")]), Ok("/h/.local/state/meshwright".into()));
        let both = [("HOME", "/h"), ("XDG_STATE_HOME", "/s")];
        assert_eq!(folder(&both), Ok("/s/meshwright".into()));
        let relative = [("HOME", "/h"), ("XDG_STATE_HOME", "s")];
        assert_eq!(folder(&relative), Ok("/h/.local/state/meshwright".into()));
        assert!(folder(&[]).is_err());
    }
}
