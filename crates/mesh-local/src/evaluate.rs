//! Evaluates templates for stacks on this machine: the evaluator of the crate `cfn`, with physical ids made up here.
//!
//! Everything is known, or an error: a parameter without a value, an import that no given stack exports, and a function
//! that is not evaluated are reported with their path. Pure.

mod parameters;
mod physical;
mod resource;
mod resource_types;
mod stacks;

pub use physical::{ACCOUNT, REGION};
pub(crate) use resource::Resource;
pub(crate) use resource_types::{is_not_simulated, is_unsupported, supported_types_like};
pub(crate) use stacks::Stacks;

#[cfg(test)]
mod tests;
