//! Integration tests: the transition table, properties over random events, conflicts, the controller, hooks, the README.

mod conflicts;
mod controller;
mod hooks;
mod outages;
mod properties;
mod public_api;
mod readme;
mod simulated_environment;
mod simulation;
#[cfg(feature = "ssm")]
mod ssm;
mod transition_table;
