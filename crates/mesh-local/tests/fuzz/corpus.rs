//! A folder of inputs, which grows.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// The inputs of a target.
pub(crate) struct Corpus {
    folder: PathBuf,
    inputs: Vec<String>,
    grows: bool,
}

impl Corpus {
    /// Reads the folder `corpus/NAME`.
    pub(crate) fn open(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fuzz/corpus")
            .join(name);
        let entries = folder
            .read_dir()
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
        // Runs with one seed are equal.
        files.sort();
        let inputs = files.iter().map(|file| std::fs::read_to_string(file).expect("a text"));
        let inputs: Vec<String> = inputs.collect();
        assert!(!inputs.is_empty(), "{} has no input", folder.display());
        Self {
            folder,
            inputs,
            grows: std::env::var("FUZZ_GROW").is_ok_and(|grow| grow == "1"),
        }
    }

    pub(crate) fn inputs(&self) -> &[String] {
        &self.inputs
    }

    /// Adds an input, to the folder as well if it is to grow.
    pub(crate) fn add(&mut self, input: String) {
        if self.grows {
            let mut hasher = DefaultHasher::new();
            input.hash(&mut hasher);
            let file = self.folder.join(format!("found-{:016x}", hasher.finish()));
            std::fs::write(file, &input).expect("the corpus can be written to");
        }
        self.inputs.push(input);
    }
}
