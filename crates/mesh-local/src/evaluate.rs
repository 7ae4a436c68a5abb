//! Evaluates templates for stacks on this machine: the evaluator of the crate `cfn`, with physical ids made up here.
//!
//! What only AWS knows is unknown, until a property that something here reads needs it: it gets a stand-in and a note
//! ([`Assumption`]). A parameter without a value and a function that is not evaluated are reported with their path. Pure.

mod constraints;
mod parameters;
mod physical;
mod prepare;
mod resource;
mod resource_types;
mod stacks;
mod stand_in;
mod undefined_names;

pub use physical::{ACCOUNT, REGION};
pub(crate) use prepare::PreparedStacks;
pub(crate) use resource::Resource;
pub(crate) use resource_types::{is_not_simulated, is_unsupported, supported_types_like};
pub(crate) use stacks::Stacks;
pub(crate) use stand_in::Assumption;

#[cfg(test)]
mod tests;
