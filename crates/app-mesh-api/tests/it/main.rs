//! Tests of the API with its clients, and of its state under crashes.
//!
//! - `harness`: a server on loopback, and Python programs that call it;
//! - `clients`: boto3, the AWS CLI, and the orders of calls that Terraform and the controller for Kubernetes make;
//! - `aws_sdk`: AWS's SDK for Rust;
//! - `moto`: the same calls to moto's App Mesh;
//! - `requests`: invalid requests;
//! - `concurrency`: concurrent callers; `audit`: the audit log;
//! - `auth`: signed requests; `secrets`: keys in Secrets Manager;
//! - `dynamodb`: several replicas; `claims`: another source of meshes;
//! - `crash` and `state_file`: killed processes and damaged files.

mod audit;
mod auth;
mod aws_sdk;
#[cfg(feature = "aws")]
mod claims;
mod clients;
mod concurrency;
mod crash;
#[cfg(feature = "aws")]
mod dynamodb;
mod harness;
mod moto;
mod public_api;
mod requests;
#[cfg(feature = "aws")]
mod secrets;
mod state_file;
