//! What this crate takes from the process environment: read here and nowhere else, so that everything behind it
//! can be tested with surroundings of the test's own.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where programs are looked for and where they are installed. By default: nowhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The one Envoy to use, an absolute path. None: look for one.
    pub envoy_bin: Option<PathBuf>,
    /// Folders with programs, separated as in `$PATH`. Relative ones are not searched: what they mean changes
    /// with the working directory.
    pub path: Option<OsString>,
    /// The one Python to use: an absolute path, or a name to look for on [`path`](Self::path). None: `python3`,
    /// then `python`.
    pub python: Option<PathBuf>,
    /// The folder for what can be had again, an absolute path; this crate uses `meshwright/` in it. None: nothing
    /// can be installed.
    pub cache_home: Option<PathBuf>,
}

impl Surroundings {
    /// The surroundings that the process environment describes.
    ///
    /// | variable | stands for | unset or empty |
    /// |---|---|---|
    /// | `ENVOY_BIN` | [`envoy_bin`](Self::envoy_bin); a relative path starts at the working directory | none |
    /// | `PATH` | [`path`](Self::path) | none |
    /// | `PYTHON` | [`python`](Self::python); a relative path with a slash starts at the working directory | none |
    /// | `XDG_CACHE_HOME` | [`cache_home`](Self::cache_home), if absolute as XDG demands | by `HOME` |
    /// | `HOME` | `$HOME/.cache`, on macOS `$HOME/Library/Caches` | none |
    #[must_use]
    pub fn from_env() -> Self {
        Self::read(|name| env::var_os(name))
    }

    /// [`Surroundings::from_env`] with any source of variables.
    fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        let absolute_path = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        Self {
            envoy_bin: variable("ENVOY_BIN").map(|path| absolute(path.into())),
            path: variable("PATH"),
            python: variable("PYTHON").map(PathBuf::from).map(|python| {
                if is_bare_name(&python) {
                    python
                } else {
                    absolute(python)
                }
            }),
            cache_home: absolute_path("XDG_CACHE_HOME")
                .or_else(|| absolute_path("HOME").map(|home| home.join(CACHE_IN_HOME))),
        }
    }

    /// Every executable file of that name on the path, the first one first; each file once, although a folder
    /// may be listed twice or under two names.
    pub(crate) fn on_path(&self, name: &OsStr) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut seen = Vec::new();
        for folder in env::split_paths(self.path.as_deref().unwrap_or_default()) {
            let candidate = folder.join(name);
            if folder.is_relative() || !is_executable(&candidate) {
                continue;
            }
            let Ok(file) = candidate.canonicalize() else { continue };
            if !seen.contains(&file) {
                seen.push(file);
                found.push(candidate);
            }
        }
        found
    }
}

/// Where a platform's users expect caches.
const CACHE_IN_HOME: &str = if cfg!(target_os = "macos") {
    "Library/Caches"
} else {
    ".cache"
};

/// True for `python3.12`, false for `./python` and `/usr/bin/python`.
pub(crate) fn is_bare_name(program: &Path) -> bool {
    program.file_name() == Some(program.as_os_str())
}

fn absolute(path: PathBuf) -> PathBuf {
    // Fails only without a working directory, and then the path as it is makes the clearer error later on.
    std::path::absolute(&path).unwrap_or(path)
}

fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Surroundings {
        Surroundings::read(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name)?;
            Some(OsString::from(found.1))
        })
    }

    #[test]
    fn unset_and_empty_variables_say_nothing() {
        assert_eq!(read(&[]), Surroundings::default());
        let empty = ["ENVOY_BIN", "PATH", "PYTHON", "XDG_CACHE_HOME", "HOME"].map(|name| (name, ""));
        assert_eq!(read(&empty), Surroundings::default());
    }

    #[test]
    fn an_absolute_xdg_cache_home_is_preferred_to_home() {
        let home = ("HOME", "/home/you");
        let in_home = Some(Path::new("/home/you").join(CACHE_IN_HOME));
        assert_eq!(read(&[home]).cache_home, in_home);
        assert_eq!(read(&[home, ("XDG_CACHE_HOME", "cache")]).cache_home, in_home);
        assert_eq!(
            read(&[home, ("XDG_CACHE_HOME", "/cache")]).cache_home,
            Some("/cache".into())
        );
    }

    #[test]
    fn relative_programs_start_at_the_working_directory_and_bare_pythons_do_not() {
        let here = env::current_dir().unwrap();
        let surroundings = read(&[("ENVOY_BIN", "envoy"), ("PYTHON", "venv/bin/python")]);
        assert_eq!(surroundings.envoy_bin, Some(here.join("envoy")));
        assert_eq!(surroundings.python, Some(here.join("venv/bin/python")));
        assert_eq!(read(&[("PYTHON", "python3.12")]).python, Some("python3.12".into()));
    }
}
