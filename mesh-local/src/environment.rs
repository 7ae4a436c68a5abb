//! What child processes see of this process's environment: next to nothing, as in a container.

use std::ffi::OsString;

/// Variables without which programs do not find their parts. Everything else, credentials and proxies among
/// them, stays here.
const INHERITED: [&str; 5] = ["PATH", "HOME", "TMPDIR", "LANG", "RUST_LOG"];

/// The variables that children get before their own.
pub(crate) fn inherited() -> Vec<(String, OsString)> {
    INHERITED
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), std::env::var_os(name)?)))
        .collect()
}
