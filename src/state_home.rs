//! Directory of the user's state files.

use std::path::PathBuf;

/// `meshwright` in the user's state directory; `None` if neither `XDG_STATE_HOME` nor `HOME` is an absolute path.
/// Source: XDG Base Directory Specification 0.8 (read 2026-11-23).
pub(crate) fn state_home(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let xdg = variable("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let home = || Some(variable("HOME").filter(|path| path.is_absolute())?.join(".local/state"));
    Some(xdg.or_else(home)?.join("meshwright"))
}
