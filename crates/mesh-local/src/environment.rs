//! What child processes see of this process's environment variables: next to nothing, as in a container.

use std::ffi::OsString;

/// Variables without which programs do not find their parts. Everything else, such as credentials and proxies in
/// variables, stays here. What lies in files is another matter: children run as this user, and `HOME` leads to all
/// that the user has there.
const INHERITED: [&str; 5] = ["PATH", "HOME", "TMPDIR", "LANG", "RUST_LOG"];

/// The variables that children get before their own.
pub(crate) fn inherited() -> Vec<(String, OsString)> {
    INHERITED
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), std::env::var_os(name)?)))
        .collect()
}
