//! The policy that protects the parameters of meshes.

use mesh_infra::{ParameterGuard, Stack};
use serde_json::json;

use crate::containers::checked;

const DEPLOYER: &str = "arn:aws:iam::123456789012:role/deployer";

#[test]
fn only_the_given_roles_change_meshes() {
    let mut stack = Stack::new("guards");
    let guard = ParameterGuard::new([DEPLOYER]);
    let document = guard.document();
    let policy = stack.add("guard", guard);
    let template = checked(&stack);
    assert_eq!(policy.logical_id().as_str(), "GuardPolicy");
    assert_eq!(template.resources["GuardPolicy"].properties["PolicyDocument"], document);
    let statement = &document["Statement"][0];
    assert_eq!(statement["Effect"], "Deny");
    assert_eq!(statement["Resource"], json!(["arn:*:ssm:*:*:parameter/meshwright/*"]));
    assert_eq!(
        statement["Condition"],
        json!({"ArnNotLike": {"aws:PrincipalArn": [DEPLOYER]}})
    );
    for action in ["ssm:PutParameter", "ssm:DeleteParameter", "ssm:DeleteParameters"] {
        assert!(
            statement["Action"].as_array().unwrap().contains(&json!(action)),
            "{action}"
        );
    }
    let one = ParameterGuard::new([DEPLOYER]).with_mesh("shop").document();
    let shop = "arn:*:ssm:*:*:parameter/meshwright/shop";
    assert_eq!(one["Statement"][0]["Resource"], json!([shop, format!("{shop}/*")]));
}

#[test]
fn a_guard_without_a_role_that_deploys_is_reported() {
    let mut stack = Stack::new("guards");
    stack.add("none", ParameterGuard::new([""; 0]));
    stack.add("user", ParameterGuard::new(["arn:aws:iam::123456789012:user/me"]));
    assert_eq!(
        stack.synth().unwrap_err().to_string(),
        "Resources.NonePolicy.Properties.PolicyDocument: allows no role, so that no deployment could change a mesh; add the \
         role that deploys\n\
         Resources.UserPolicy.Properties.PolicyDocument: allows `arn:aws:iam::123456789012:user/me`; expected the ARN of a \
         role, such as arn:aws:iam::123456789012:role/NAME"
    );
}
