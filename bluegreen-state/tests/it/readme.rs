//! The README's script compiles in a new project with the README's `Cargo.toml` snippet.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

const README: &str = include_str!("../../README.md");

/// The contents of the first code block of a language.
fn code_block(language: &str) -> &'static str {
    let fence = format!("```{language}\n");
    let (_, rest) = README.split_once(&fence).expect("the README has the block");
    let (block, _) = rest.split_once("```").expect("the block ends");
    block
}

#[test]
fn script_compiles_in_a_new_project_with_the_listed_dependencies() {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dependencies = code_block("toml");
    let path = "\"../meshwright/bluegreen-state\"";
    assert!(dependencies.contains(path), "{dependencies}");
    let dependencies = dependencies.replace(path, &format!("{crate_dir:?}"));

    let project = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(project.path().join(name), text).unwrap();
    write(
        "Cargo.toml",
        &format!("[package]\nname = \"script\"\nedition = \"2024\"\n\n{dependencies}\n[workspace]\n"),
    );
    // The versions that the workspace has downloaded.
    fs::copy(crate_dir.join("../Cargo.lock"), project.path().join("Cargo.lock")).unwrap();
    fs::create_dir(project.path().join("src")).unwrap();
    write("src/main.rs", code_block("rust"));

    let check = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--quiet"])
        .current_dir(&project)
        // Kept between runs, so that only the first one compiles the dependencies.
        .env(
            "CARGO_TARGET_DIR",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme"),
        )
        .output()
        .unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
}
