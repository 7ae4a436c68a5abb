//! Targets of meshes: templates, and Rust source that synthesizes the same templates.

mod ids;
mod rust;
mod templates;

pub use rust::to_rust;
pub use templates::to_template;
