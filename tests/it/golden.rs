//! Golden files: expected output in files.
//!
//! `UPDATE_GOLDEN=1` rewrites them with the actual output; read the difference before committing it.

use std::path::{Path, PathBuf};

/// The path of the golden file `name`.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Compares `actual` with the golden file `name`, or writes it there if `UPDATE_GOLDEN` is set.
#[track_caller]
pub(crate) fn assert_golden(name: &str, actual: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path(name), actual).expect("the golden file can be written");
        return;
    }
    let expected = std::fs::read_to_string(path(name)).unwrap_or_default();
    assert!(
        actual == expected,
        "{name} differs from the actual output; if that is correct, run with UPDATE_GOLDEN=1.\n{}",
        first_difference(&expected, actual)
    );
}

fn first_difference(expected: &str, actual: &str) -> String {
    let mut expected = expected.lines();
    for (index, actual) in actual.lines().enumerate() {
        let expected = expected.next().unwrap_or("(the end)");
        if expected != actual {
            return format!("line {}:\n  expected: {expected}\n  actual:   {actual}", index + 1);
        }
    }
    "the actual output is shorter".to_owned()
}
