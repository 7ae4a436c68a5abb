//! The generated files: written, or compared with the committed ones.

use std::fs;
use std::path::{Path, PathBuf};

use crate::schemas::Schemas;
use crate::{layer1, property_table, rustfmt};

/// Writes the generated files.
pub(crate) fn write() -> Result<(), String> {
    for (path, text) in files()? {
        fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(())
}

/// Compares the generated files with the committed ones, and layer 1 with the schemas.
pub(crate) fn check() -> Result<(), String> {
    let outdated: Vec<String> = files()?
        .into_iter()
        .filter(|(path, text)| fs::read_to_string(path).ok().as_ref() != Some(text))
        .map(|(path, _)| path.display().to_string())
        .collect();
    if !outdated.is_empty() {
        return Err(format!(
            "not current: {}; run `cargo run -p xtask -- generate`",
            outdated.join(", ")
        ));
    }
    let differences = layer1::differences(&Schemas::load()?)?;
    if !differences.is_empty() {
        return Err(format!(
            "layer 1 differs from the schemas:\n  {}",
            differences.join("\n  ")
        ));
    }
    Ok(())
}

fn files() -> Result<Vec<(PathBuf, String)>, String> {
    let schemas = Schemas::load()?;
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let table = rustfmt::format(&property_table::generate(&schemas)?)?;
    Ok(vec![(crates.join("cfn/src/schema/generated.rs"), table)])
}

#[cfg(test)]
mod tests {
    #[test]
    fn generated_files_are_current() {
        assert_eq!(super::check(), Ok(()));
    }
}
