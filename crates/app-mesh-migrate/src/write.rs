//! Targets of meshes: templates, Rust source that synthesizes the same templates, and dumps.

mod dumps;
mod ids;
mod rust;
mod templates;

pub use dumps::to_dumps;
pub use rust::to_rust;
pub use templates::to_template;
