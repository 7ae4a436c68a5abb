//! Foreign types in the public API.

use testkit::public_api::assert_foreign_crates;

#[test]
fn foreign_types_in_the_api_are_on_the_allow_list() {
    let allowed = [
        (
            "aws_sdk_dynamodb",
            "1: the client of `DynamoDbStore`, with the feature `aws`",
        ),
        (
            "aws_sdk_secretsmanager",
            "1: the client of `read_secret`, with the feature `aws`",
        ),
        (
            "aws_sdk_ssm",
            "1: the client of `ParameterClaims`, with the feature `aws`",
        ),
        (
            "aws_types",
            "1: the configuration of AWS clients, with the feature `aws`",
        ),
        ("axum", "0.8: the router"),
        ("http", "1: requests and statuses"),
        ("mesh_model", "this workspace: paths of resources, specs, topologies"),
        ("serde_json", "1: specs"),
        ("sigv4_verify", "this workspace: keys"),
        ("tokio", "1: a channel announces the meshes"),
        ("uuid", "1: ids of resources"),
    ];
    assert_foreign_crates(env!("CARGO_MANIFEST_DIR"), &allowed);
}
