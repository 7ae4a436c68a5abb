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
mod transition_table;
