//! Cloud Map's pages and asynchronous operations.

use cfn_deploy::Environment;
use serde_json::json;

use super::{done, environment, events, stack, stored_template};
use crate::connection::{Calls, Response};
use crate::fixture::template;

/// An environment with a stack that refers to a namespace by name. `instances` are the responses of `ListInstances`,
/// `operations` those of `GetOperation`.
fn destroying(instances: &[&str], operations: &[&str]) -> (Environment, Calls) {
    let cluster = json!({"Type": "AWS::ECS::Service", "Properties": {"ServiceConnectConfiguration": {
        "Namespace": "ns", "Services": [{"PortName": "blue"}]}}});
    let each = |responses: &[&str]| {
        responses
            .iter()
            .map(|response| Response::json(200, response))
            .collect::<Vec<_>>()
    };
    let namespace =
        r#"{"Namespace": {"Id": "ns-1", "Arn": "arn:ns", "Name": "ns", "Type": "HTTP", "CreateDate": 1795392000}}"#;
    environment(&[
        (
            "DescribeStacks",
            vec![stack("CREATE_COMPLETE"), stack("DELETE_COMPLETE")],
        ),
        (
            "GetTemplate",
            vec![stored_template(&template(&json!({"Blue": cluster})))],
        ),
        ("ListStackResources", done("ListStackResources")),
        ("DeleteStack", done("DeleteStack")),
        (
            "DescribeStackEvents",
            vec![events(&["DELETE_COMPLETE shop", "DELETE_IN_PROGRESS shop"], None)],
        ),
        (
            "DescribeStackResources",
            vec![Response::error(400, "ValidationError", "Stack for ns-1 does not exist")],
        ),
        (
            "ListNamespaces",
            each(&[
                r#"{"Namespaces": [{"Id": "ns-0", "Name": "other"}], "NextToken": "2"}"#,
                r#"{"Namespaces": [{"Id": "ns-1", "Name": "ns"}]}"#,
            ]),
        ),
        ("GetNamespace", each(&[namespace])),
        (
            "ListTagsForResource",
            each(&[r#"{"Tags": [{"Key": "AmazonECSManaged", "Value": "true"}]}"#]),
        ),
        ("ListServices", each(&[r#"{"Services": [{"Id": "srv-1"}]}"#])),
        (
            "GetService",
            each(&[r#"{"Service": {"Id": "srv-1", "Arn": "arn:srv", "Name": "blue", "NamespaceId": "ns-1"}}"#]),
        ),
        ("ListInstances", each(instances)),
        ("DeregisterInstance", each(&[r#"{"OperationId": "op"}"#])),
        ("DeleteService", each(&["{}"])),
        ("DeleteNamespace", each(&[r#"{"OperationId": "op"}"#])),
        ("GetOperation", each(operations)),
    ])
}

const ONE: &str = r#"{"Instances": [{"Id": "i-1"}]}"#;
const NONE: &str = r#"{"Instances": []}"#;
const PENDING: &str = r#"{"Operation": {"Id": "op", "Status": "PENDING"}}"#;
const SUCCESS: &str = r#"{"Operation": {"Id": "op", "Status": "SUCCESS"}}"#;

#[tokio::test]
async fn ecs_has_time_to_deregister_its_tasks() {
    let (environment, calls) = destroying(&[ONE, ONE, NONE], &[PENDING, PENDING, SUCCESS]);
    let destroyed = environment.destroy("shop", &mut ()).await.unwrap();
    let expected = [
        "Cloud Map service `blue`, created by Service Connect",
        "namespace `ns`, created by Service Connect",
    ];
    assert_eq!(destroyed.removed, expected);
    let calls = calls.lock().unwrap();
    assert!(!calls.contains_key("DeregisterInstance"));
    assert_eq!(calls["GetOperation"], 3);
}

#[tokio::test]
async fn instances_left_by_ecs_are_deregistered_after_a_minute() {
    let (environment, calls) = destroying(&[ONE], &[PENDING, SUCCESS]);
    let destroyed = environment.destroy("shop", &mut ()).await.unwrap();
    assert_eq!(destroyed.removed.len(), 3, "{destroyed:?}");
    assert_eq!(calls.lock().unwrap()["DeregisterInstance"], 1);
}

#[tokio::test]
async fn a_failed_cloud_map_operation_names_its_resource() {
    let failed = r#"{"Operation": {"Id": "op", "Status": "FAIL", "ErrorMessage": "the hosted zone is not empty"}}"#;
    let (environment, _) = destroying(&[NONE], &[failed]);
    let error = environment.destroy("shop", &mut ()).await.unwrap_err();
    let expected = "servicediscovery:DeleteNamespace for namespace `ns` failed: the hosted zone is not empty; destroy \
                    again to retry";
    assert_eq!(error.to_string(), expected);
}
