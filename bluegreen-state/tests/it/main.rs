//! Integration tests: the transition table, properties over random events, conflicts, the controller, the README.

mod conflicts;
mod controller;
mod outages;
mod properties;
mod public_api;
mod readme;
mod simulated_environment;
mod simulation;
#[cfg(feature = "ssm")]
mod ssm;
mod transition_table;
