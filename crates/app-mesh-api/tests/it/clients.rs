//! Clients of App Mesh: boto3, the AWS CLI, and the orders of calls of tools.

use app_mesh_api::{MemoryStore, Settings};

use crate::harness::{Server, python};

#[track_caller]
fn run(program: &str) {
    let server = Server::with_store(MemoryStore::new(), Settings::default());
    let output = python(program, &[("AWS_ENDPOINT_URL_APP_MESH", &server.url())]);
    assert!(output.ends_with("done\n"), "{output}");
}

/// Each operation, each paginator and waiter-free order of calls; botocore's model checks each response.
#[test]
fn boto3_uses_every_operation() {
    run("boto3_operations.py");
}

/// Each operation by options and by `--cli-input-json`.
#[test]
fn aws_cli_uses_every_operation() {
    run("cli_operations.py");
}

/// As Terraform's provider at 021e60b2 calls: describe after create, tags at every read, deletion without owner.
#[test]
fn terraform_calls_in_its_order() {
    run("terraform_order.py");
}

/// As AWS's controller for Kubernetes at 7588d122 calls: describe, create if not found, else compare and update.
#[test]
fn kubernetes_controller_calls_in_its_order() {
    run("controller_order.py");
}
