//! Golden files: expected output that tests compare with.
//!
//! `UPDATE_GOLDEN=1` rewrites them; review the difference before committing it.

use std::path::{Path, PathBuf};

/// Where the golden file `name` is.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Compares `made` with the golden file `name`, or writes it there if `UPDATE_GOLDEN` is set.
#[track_caller]
pub(crate) fn assert_golden(name: &str, made: &str) {
    let path = path(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, made).expect("the golden file can be written");
        return;
    }
    let agreed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        made == agreed,
        "{name} is not what was made now; if the new one is right, run with UPDATE_GOLDEN=1.\n{}",
        first_difference(&agreed, made)
    );
}

fn first_difference(agreed: &str, made: &str) -> String {
    let mut agreed = agreed.lines();
    for (index, made) in made.lines().enumerate() {
        let agreed = agreed.next().unwrap_or("(the end)");
        if agreed != made {
            return format!("line {}:\n  agreed on: {agreed}\n  made now:  {made}", index + 1);
        }
    }
    "what was made now is shorter".to_owned()
}
