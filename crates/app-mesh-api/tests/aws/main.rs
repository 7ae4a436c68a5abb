//! Tests of the parts that use AWS SDKs, against an AWS emulator.
//!
//! - `dynamodb`: several replicas on one table;
//! - `claims`: another source of meshes;
//! - `secrets`: keys in Secrets Manager.

#[path = "../it/harness.rs"]
#[allow(dead_code, reason = "only part of it is used here")]
mod harness;

mod claims;
mod dynamodb;
mod secrets;
