//! Comparison with golden files. `UPDATE_GOLDEN=1` rewrites them; review the diff before committing it.

use std::path::Path;

/// The path of a golden file of the calling crate: `tests/golden/<name>`.
#[macro_export]
macro_rules! golden_path {
    ($name:expr) => {
        ::std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join($name)
    };
}

/// Compares a text with the golden file `tests/golden/<name>` of the calling crate.
///
/// With `UPDATE_GOLDEN=1` in the environment, writes the file instead.
#[macro_export]
macro_rules! assert_golden {
    ($name:expr, $actual:expr) => {
        $crate::assert_golden_file(&$crate::golden_path!($name), $actual)
    };
}

/// Compares a text with a golden file, or writes the file if `UPDATE_GOLDEN=1`.
///
/// # Panics
///
/// If they differ, with the first different line.
#[track_caller]
pub fn assert_golden_file(path: &Path, actual: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        std::fs::write(path, actual).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
        return;
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        actual == expected,
        "{} differs; if the change is intended, run with UPDATE_GOLDEN=1\n{}",
        path.display(),
        first_difference(&expected, actual)
    );
}

fn first_difference(expected: &str, actual: &str) -> String {
    const END: &str = "(end of text)";
    let (mut expected, mut actual) = (expected.lines(), actual.lines());
    for number in 1.. {
        match (expected.next(), actual.next()) {
            (None, None) => break,
            (left, right) if left == right => {}
            (left, right) => {
                return format!(
                    "line {number}:\n  expected: {}\n  actual:   {}",
                    left.unwrap_or(END),
                    right.unwrap_or(END)
                );
            }
        }
    }
    "only line ends differ".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_different_line_is_reported() {
        assert_eq!(
            first_difference("a\nb\n", "a\nc\n"),
            "line 2:\n  expected: b\n  actual:   c"
        );
        assert_eq!(
            first_difference("a\nb\n", "a\n"),
            "line 2:\n  expected: b\n  actual:   (end of text)"
        );
        assert_eq!(first_difference("a\n", "a"), "only line ends differ");
    }
}
