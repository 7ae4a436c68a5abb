//! Foreign types in the public API.

use testkit::public_api::assert_foreign_crates;

#[test]
fn foreign_types_in_the_api_are_on_the_allow_list() {
    let allowed = [
        (
            "aws_smithy_runtime_api",
            "the HTTP client of the AWS configuration, version 1",
        ),
        ("aws_types", "the caller's AWS configuration, version 1"),
        ("ipnet", "networks of endpoints, version 2"),
        ("config_store", "stores and their keys, of the same version"),
        ("mesh_control", "the control plane, of the same version"),
        ("mesh_model", "meshes of App Mesh's API, of the same version"),
        ("tokio", "1: a channel announces these meshes"),
    ];
    assert_foreign_crates(env!("CARGO_MANIFEST_DIR"), &allowed);
}
