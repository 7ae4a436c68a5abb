//! Tests of the API with its clients, and of its state under crashes. `tests/aws` has those that need AWS SDKs.
//!
//! - `harness`: a server on loopback, and Python programs that call it;
//! - `clients`: boto3, the AWS CLI, and the orders of calls that Terraform and the controller for Kubernetes make;
//! - `aws_sdk`: AWS's SDK for Rust;
//! - `moto`: the same calls to moto's App Mesh;
//! - `requests`: invalid requests; `server`: limits of time and of connections;
//! - `concurrency`: concurrent callers; `audit`: the audit log;
//! - `auth`: signed requests;
//! - `replicas`: several replicas, and stores that fail;
//! - `crash` and `state_file`: killed processes and damaged files.

mod audit;
mod auth;
mod aws_sdk;
mod clients;
mod concurrency;
mod crash;
mod harness;
mod moto;
mod public_api;
mod replicas;
mod requests;
mod server;
mod state_file;
