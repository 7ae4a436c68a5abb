//! Local state directory: the state of an application and the control socket of its mesh.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use bluegreen_state::{Deployment, FileStore, State};

use crate::Version;
use crate::error::Error;

/// The directory with the state of one application on this machine: `state.json` and `mesh.sock`.
#[derive(Debug)]
pub struct LocalStateDir(PathBuf);

impl LocalStateDir {
    /// Opens `path`, or the user's default directory for an application with this name. Creates it if needed.
    ///
    /// # Errors
    ///
    /// [`Error::StateDir`] and [`Error::NoDefaultStateDir`].
    pub fn open(path: Option<&Path>, name: &str) -> Result<Self, Error> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => default_dir(|variable| std::env::var_os(variable).map(PathBuf::from))?.join(name),
        };
        match std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path) {
            Ok(()) => Ok(Self(path)),
            Err(source) => Err(Error::StateDir { path, source }),
        }
    }

    /// The path of the control socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.0.join("mesh.sock")
    }

    /// The store of the state.
    #[must_use]
    pub fn store(&self) -> FileStore {
        FileStore::new(self.0.join("state.json"))
    }

    /// The stored state; `None` before the first deployment.
    ///
    /// # Errors
    ///
    /// [`Error::State`].
    pub async fn state(&self) -> Result<Option<State<Version>>, Error> {
        let deployment = Deployment::open(self.store()).await?;
        Ok(deployment.map(|deployment| deployment.state().clone()))
    }

    /// Stores the initial state: both sides run `version`.
    ///
    /// # Errors
    ///
    /// [`Error::State`].
    pub async fn initialize(&self, version: Version) -> Result<(), Error> {
        Deployment::create(self.store(), version).await?;
        Ok(())
    }
}

/// The user's state directory. Source: XDG Base Directory Specification 0.8 (read 2026-11-23).
fn default_dir(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf, Error> {
    let xdg = variable("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let home = || Some(variable("HOME")?.join(".local/state"));
    let dir = xdg.or_else(home).ok_or(Error::NoDefaultStateDir)?;
    Ok(dir.join("meshwright"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir(variables: &[(&str, &str)]) -> Option<PathBuf> {
        let dir = default_dir(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| PathBuf::from(value))
        });
        dir.ok()
    }

    #[test]
    fn default_directory_follows_the_xdg_specification() {
        assert_eq!(dir(&[("HOME", "/h")]), Some("/h/.local/state/meshwright".into()));
        let both = [("HOME", "/h"), ("XDG_STATE_HOME", "/s")];
        assert_eq!(dir(&both), Some("/s/meshwright".into()));
        let relative = [("HOME", "/h"), ("XDG_STATE_HOME", "s")];
        assert_eq!(dir(&relative), Some("/h/.local/state/meshwright".into()));
        assert_eq!(dir(&[]), None);
    }
}
