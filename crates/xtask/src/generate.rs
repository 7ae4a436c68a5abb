//! The generated files: written, or compared with the committed ones.

use std::fs;
use std::path::{Path, PathBuf};

use crate::schemas::Schemas;
use crate::selection::MODULES;
use crate::{layer1, property_table, rustfmt, tags};

/// Writes the generated files.
pub(crate) fn write() -> Result<(), String> {
    for (path, text) in files()? {
        fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(())
}

/// Compares the generated files with the committed ones.
pub(crate) fn check() -> Result<(), String> {
    let outdated: Vec<String> = files()?
        .into_iter()
        .filter(|(path, text)| fs::read_to_string(path).ok().as_ref() != Some(text))
        .map(|(path, _)| path.display().to_string())
        .collect();
    if outdated.is_empty() {
        return Ok(());
    }
    Err(format!(
        "not current: {}; run `cargo run -p xtask -- generate`",
        outdated.join(", ")
    ))
}

fn files() -> Result<Vec<(PathBuf, String)>, String> {
    let schemas = Schemas::load()?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cfn/src");
    let table = rustfmt::format(&property_table::generate(&schemas)?)?;
    let taggable = rustfmt::format(&tags::generate(&schemas)?)?;
    let mut files = vec![
        (source.join("schema/generated.rs"), table),
        (source.join("tags/generated.rs"), taggable),
    ];
    for module in MODULES {
        let code = rustfmt::format(&layer1::generate(module, &schemas)?)?;
        let path = source.join("resources").join(module.name).join("generated.rs");
        files.push((path, code));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    #[test]
    fn generated_files_are_current() {
        assert_eq!(super::check(), Ok(()));
    }
}
