//! Rust source that was written for a mesh: it compiles, as a module here, and synthesizes the same template.

use app_mesh_migrate::{to_rust, to_template};
use mesh_infra::{MeshEncoding, Stack};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use testkit::assert_golden;

use crate::meshes::meshes;

#[rustfmt::skip]
#[path = "../golden/demo.rs"]
#[allow(dead_code, unreachable_pub, reason = "a program as it is written")]
mod demo;

/// The same mesh in each run: the first of the generated ones with four routes.
fn mesh() -> app_mesh_migrate::Meshes {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut generated = std::iter::from_fn(|| Some(meshes().new_tree(&mut runner).expect("a mesh").current()));
    generated
        .find(|meshes| meshes.resources.len() >= 10)
        .expect("a large mesh")
}

#[test]
fn the_source_is_the_golden_one() {
    let source = to_rust(&mesh(), "demo").unwrap_or_else(|errors| panic!("{errors}"));
    assert_golden!("demo.rs", &source);
}

#[test]
fn the_source_synthesizes_the_same_template() {
    let mut stack = Stack::new("demo");
    demo::describe(&mut stack).unwrap_or_else(|errors| panic!("{errors}"));
    let synthesized = stack.synth().unwrap_or_else(|errors| panic!("{errors}"));
    let expected = to_template(&mesh(), "demo", MeshEncoding::Parameters).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(synthesized.to_json(), expected.to_json());
}
