//! The environment variables that child processes inherit: nearly none, as in a container.

use std::ffi::OsString;

/// Variables that programs need to find their parts. All others, such as credentials and proxy settings, are not
/// inherited. Files are not isolated: children run as the same user, and can read everything below `HOME`.
const INHERITED: [&str; 5] = ["PATH", "HOME", "TMPDIR", "LANG", "RUST_LOG"];

/// The inherited variables, before a child's own.
pub(crate) fn inherited() -> Vec<(String, OsString)> {
    INHERITED
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), std::env::var_os(name)?)))
        .collect()
}
