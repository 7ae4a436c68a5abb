//! Settings from the process environment. No other module reads it, so tests can pass their own values.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where to search for programs and where to install them. The default finds and installs nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostEnv {
    /// The Envoy to use, an absolute path. None: search for one.
    pub envoy_bin: Option<PathBuf>,
    /// Directories with programs, separated as in `$PATH`. Relative ones are not searched, because their meaning
    /// depends on the working directory.
    pub path: Option<OsString>,
    /// The Python to use: an absolute path, or a name to search for on [`path`](Self::path). None: `python3`,
    /// then `python`.
    pub python: Option<PathBuf>,
    /// The cache directory, an absolute path; this crate uses `meshwright/` in it. None: nothing can be installed.
    pub cache_home: Option<PathBuf>,
}

impl HostEnv {
    /// Reads the process environment.
    ///
    /// | variable | sets | unset or empty |
    /// |---|---|---|
    /// | `ENVOY_BIN` | [`envoy_bin`](Self::envoy_bin); a relative path is resolved against the working directory | none |
    /// | `PATH` | [`path`](Self::path) | none |
    /// | `PYTHON` | [`python`](Self::python); a relative path with a slash is resolved against the working directory | none |
    /// | `XDG_CACHE_HOME` | [`cache_home`](Self::cache_home), if absolute, as XDG requires | from `HOME` |
    /// | `HOME` | `$HOME/.cache`, on macOS `$HOME/Library/Caches` | none |
    #[must_use]
    pub fn from_env() -> Self {
        Self::from_variables(|name| env::var_os(name))
    }

    /// [`HostEnv::from_env`] with a custom source of variables.
    fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
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

    /// Finds every executable file with this name on the path, in order. Each file is returned once, also if a
    /// directory is listed twice or under two names.
    pub(crate) fn find_on_path(&self, name: &OsStr) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut seen = Vec::new();
        for dir in env::split_paths(self.path.as_deref().unwrap_or_default()) {
            let candidate = dir.join(name);
            if dir.is_relative() || !is_executable(&candidate) {
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

/// The platform's cache directory below the home directory.
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
    // Fails only without a working directory. The unchanged path then causes the clearer error later.
    std::path::absolute(&path).unwrap_or(path)
}

fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host_env(variables: &[(&str, &str)]) -> HostEnv {
        HostEnv::from_variables(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name)?;
            Some(OsString::from(found.1))
        })
    }

    #[test]
    fn unset_and_empty_variables_are_ignored() {
        assert_eq!(host_env(&[]), HostEnv::default());
        let empty = ["ENVOY_BIN", "PATH", "PYTHON", "XDG_CACHE_HOME", "HOME"].map(|name| (name, ""));
        assert_eq!(host_env(&empty), HostEnv::default());
    }

    #[test]
    fn an_absolute_xdg_cache_home_is_preferred_to_home() {
        let home = ("HOME", "/home/you");
        let in_home = Some(Path::new("/home/you").join(CACHE_IN_HOME));
        assert_eq!(host_env(&[home]).cache_home, in_home);
        assert_eq!(host_env(&[home, ("XDG_CACHE_HOME", "cache")]).cache_home, in_home);
        assert_eq!(
            host_env(&[home, ("XDG_CACHE_HOME", "/cache")]).cache_home,
            Some("/cache".into())
        );
    }

    #[test]
    fn relative_paths_are_resolved_and_bare_python_names_are_kept() {
        let working_dir = env::current_dir().unwrap();
        let found = host_env(&[("ENVOY_BIN", "envoy"), ("PYTHON", "venv/bin/python")]);
        assert_eq!(found.envoy_bin, Some(working_dir.join("envoy")));
        assert_eq!(found.python, Some(working_dir.join("venv/bin/python")));
        assert_eq!(host_env(&[("PYTHON", "python3.12")]).python, Some("python3.12".into()));
    }
}
