//! Leftovers in Cloud Map: removed ones, and those that belong to others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_servicediscovery::types::Tag;
use cfn::Template;
use cfn_deploy::{DeploymentInput, ErrorKind};
use serde_json::json;

use crate::connection::{RecordedRequest, Response};
use crate::fixture::{AccountFixture, deploy, template};

/// A cluster that refers to a namespace by name, and a service with the endpoint `blue` in it.
fn with_namespace_by_name() -> Template {
    template(&json!({
        "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ServiceConnectDefaults": {"Namespace": "shop"}}},
        "Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [{"Name": "app", "Image": "i"}]}},
        "Blue": {"Type": "AWS::ECS::Service", "Properties": {
            "Cluster": {"Ref": "Cluster"}, "TaskDefinition": {"Ref": "Task"}, "DesiredCount": 0,
            "ServiceConnectConfiguration": {"Enabled": true, "Services": [{"PortName": "http", "DiscoveryName": "blue"}]}}},
    }))
}

impl AccountFixture {
    /// Creates a namespace as ECS does for Service Connect, and returns its id. MiniStack does not do that.
    async fn namespace(&self, name: &str, managed: bool) -> String {
        let mut create = self.cloud_map().create_http_namespace().name(name);
        if managed {
            create = create.tags(managed_tag());
        }
        create.send().await.unwrap();
        let found = self.cloud_map().list_namespaces().send().await.unwrap();
        let found = found
            .namespaces()
            .iter()
            .find(|found| found.name() == Some(name))
            .unwrap();
        found.id().unwrap().to_owned()
    }

    /// Creates a service in a namespace, and returns its id.
    async fn service(&self, namespace: &str, name: &str, managed: bool) -> String {
        let mut create = self.cloud_map().create_service().namespace_id(namespace).name(name);
        if managed {
            create = create.tags(managed_tag());
        }
        create.send().await.unwrap().service.unwrap().id.unwrap()
    }

    async fn register(&self, service: &str, instance: &str) {
        let call = self
            .cloud_map()
            .register_instance()
            .service_id(service)
            .instance_id(instance);
        call.attributes("AWS_INSTANCE_IPV4", "10.0.0.1").send().await.unwrap();
    }
}

/// Polls until the condition holds.
async fn eventually(condition: impl AsyncFn() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap();
}

fn managed_tag() -> Tag {
    Tag::builder().key("AmazonECSManaged").value("true").build().unwrap()
}

/// The value of a form parameter of a request.
fn form_value(request: &RecordedRequest, what: &str) -> String {
    let value = request.body.split(&format!("{what}=")).nth(1).expect("the parameter");
    let value = value.split('&').next().unwrap_or_default();
    value.replace("%3A", ":").replace("%2F", "/")
}

/// The description of a stack whose deletion failed.
fn delete_failed(request: &RecordedRequest) -> Response {
    let id = form_value(request, "StackName");
    Response::xml(
        "DescribeStacks",
        &format!(
            "<Stacks><member><StackId>{id}</StackId><StackName>shop</StackName><CreationTime>2026-11-23T00:00:00Z\
             </CreationTime><StackStatus>DELETE_FAILED</StackStatus></member></Stacks>"
        ),
    )
}

/// The events of the failed deletion, newest first.
fn delete_failed_events(request: &RecordedRequest, token: &str) -> Response {
    let id = form_value(request, "StackName");
    let event = |status: &str| {
        format!(
            "<member><EventId>{status}</EventId><StackId>{id}</StackId><StackName>shop</StackName>\
             <LogicalResourceId>shop</LogicalResourceId><PhysicalResourceId>{id}</PhysicalResourceId>\
             <ResourceType>AWS::CloudFormation::Stack</ResourceType><ResourceStatus>{status}</ResourceStatus>\
             <ClientRequestToken>{token}</ClientRequestToken><Timestamp>2026-11-23T00:00:00Z</Timestamp></member>"
        )
    };
    let events = event("DELETE_FAILED") + &event("DELETE_IN_PROGRESS");
    Response::xml("DescribeStackEvents", &format!("<StackEvents>{events}</StackEvents>"))
}

/// AWS does not delete a Cloud Map service with instances, MiniStack does. So the first deletion is scripted.
#[tokio::test]
async fn remaining_instances_do_not_block_the_deletion() {
    let account = AccountFixture::new();
    let deletions = Arc::new(AtomicUsize::new(0));
    let (environment, calls) = account.scripted({
        let deletions = Arc::clone(&deletions);
        let token = Mutex::new(String::new());
        move |request| {
            let is_failing = deletions.load(Ordering::SeqCst) == 1;
            match request.action.as_str() {
                "DeleteStack" if deletions.fetch_add(1, Ordering::SeqCst) == 0 => {
                    *token.lock().unwrap() = form_value(request, "ClientRequestToken");
                    Some(Response::xml("DeleteStack", ""))
                }
                "DescribeStacks" if is_failing => Some(delete_failed(request)),
                "DescribeStackEvents" if is_failing => Some(delete_failed_events(request, &token.lock().unwrap())),
                _ => None,
            }
        }
    });
    let before = account.counts().await;
    let registry = template(&json!({
        "Namespace": {"Type": "AWS::ServiceDiscovery::HttpNamespace", "Properties": {"Name": "shop"}},
        "Registry": {"Type": "AWS::ServiceDiscovery::Service", "Properties": {"Name": "node", "NamespaceId": {"Ref": "Namespace"}}},
    }));
    deploy(&environment, &DeploymentInput::new("shop", registry))
        .await
        .unwrap();
    let found = account.cloud_map().list_services().send().await.unwrap();
    let service = found.services()[0].id().unwrap().to_owned();
    account.register(&service, "i-1").await;
    account.register(&service, "i-2").await;
    let destroyed = environment.destroy("shop", &mut ()).await.unwrap();
    let expected: Vec<_> = ["i-1", "i-2"]
        .iter()
        .map(|i| format!("registration `{i}` in Cloud Map service `{service}`"))
        .collect();
    assert_eq!(destroyed.removed, expected);
    assert_eq!(calls.lock().unwrap()["DeregisterInstance"], 2);
    assert_eq!(deletions.load(Ordering::SeqCst), 2);
    assert_eq!(account.counts().await, before);
}

#[tokio::test]
async fn instances_stay_registered_until_the_stack_can_be_deleted() {
    let account = AccountFixture::new();
    let denied = "User: arn:aws:iam::000000000000:user/dev is not authorized to perform: cloudformation:DeleteStack";
    let (environment, calls) = account.scripted(move |request| {
        (request.action == "DeleteStack").then(|| Response::error(403, "AccessDenied", denied))
    });
    let registry = template(&json!({
        "Namespace": {"Type": "AWS::ServiceDiscovery::HttpNamespace", "Properties": {"Name": "shop"}},
        "Registry": {"Type": "AWS::ServiceDiscovery::Service", "Properties": {"Name": "node", "NamespaceId": {"Ref": "Namespace"}}},
    }));
    deploy(&environment, &DeploymentInput::new("shop", registry))
        .await
        .unwrap();
    let found = account.cloud_map().list_services().send().await.unwrap();
    account.register(found.services()[0].id().unwrap(), "i-1").await;
    let error = environment.destroy("shop", &mut ()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied, "{error}");
    assert!(!calls.lock().unwrap().contains_key("DeregisterInstance"));
}

#[tokio::test]
async fn a_namespace_created_by_service_connect_is_deleted() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let before = account.counts().await;
    deploy(&environment, &DeploymentInput::new("shop", with_namespace_by_name()))
        .await
        .unwrap();
    let namespace = account.namespace("shop", true).await;
    let blue = account.service(&namespace, "blue", true).await;
    account.register(&blue, "task-that-died").await;
    let destroyed = environment.destroy("shop", &mut ()).await.unwrap();
    let expected = [
        format!("registration `task-that-died` in Cloud Map service `{blue}`"),
        "Cloud Map service `blue`, created by Service Connect".to_owned(),
        "namespace `shop`, created by Service Connect".to_owned(),
    ];
    assert_eq!(destroyed.removed, expected);
    assert!(destroyed.left.is_empty());
    assert_eq!(account.counts().await, before);
}

#[tokio::test]
async fn a_namespace_with_foreign_services_is_kept() {
    let account = AccountFixture::new();
    let environment = account.environment();
    deploy(&environment, &DeploymentInput::new("shop", with_namespace_by_name()))
        .await
        .unwrap();
    let namespace = account.namespace("shop", true).await;
    let blue = account.service(&namespace, "blue", true).await;
    account.register(&blue, "a-task").await;
    account.service(&namespace, "orders", true).await;
    let other = account.namespace("another", true).await;
    account.service(&other, "blue", true).await;
    let before = account.counts().await;
    let destroyed = environment.destroy("shop", &mut ()).await.unwrap();
    assert!(destroyed.removed.is_empty(), "{destroyed:?}");
    assert_eq!(destroyed.left.len(), 1);
    assert_eq!(destroyed.left[0].what, "namespace `shop`");
    assert_eq!(
        destroyed.left[0].why,
        "service `orders` is not an endpoint of this stack"
    );
    let after = account.counts().await;
    assert_eq!(
        (after["namespaces"], after["services"]),
        (before["namespaces"], before["services"])
    );
    let left = account
        .cloud_map()
        .list_instances()
        .service_id(&blue)
        .send()
        .await
        .unwrap();
    assert_eq!(left.instances().len(), 1);
}

#[tokio::test]
async fn a_namespace_older_than_the_stack_is_kept() {
    let account = AccountFixture::new();
    let environment = account.environment();
    account.namespace("shop", true).await;
    // MiniStack counts the age of a namespace in whole seconds.
    let created = account.cloud_map().list_namespaces().send().await.unwrap();
    let created = created.namespaces()[0].create_date().unwrap().secs();
    eventually(async || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        now > Duration::from_secs(u64::try_from(created + 1).unwrap())
    })
    .await;
    deploy(&environment, &DeploymentInput::new("shop", with_namespace_by_name()))
        .await
        .unwrap();
    let destroyed = environment.destroy("shop", &mut ()).await.unwrap();
    let why = &destroyed.left[0].why;
    assert!(
        why.starts_with("it is older than the stack, so it was not created for it"),
        "{why}"
    );
    assert_eq!(account.counts().await["namespaces"], 1);
}

#[tokio::test]
async fn service_connect_services_do_not_block_the_deletion_of_a_namespace() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let before = account.counts().await;
    let mut own = with_namespace_by_name();
    let namespace =
        json!({"Namespace": {"Type": "AWS::ServiceDiscovery::HttpNamespace", "Properties": {"Name": "own"}}});
    own.resources.extend(template(&namespace).resources);
    own.resources["Cluster"].properties["ServiceConnectDefaults"]["Namespace"] =
        json!({"Fn::GetAtt": ["Namespace", "Arn"]});
    deploy(&environment, &DeploymentInput::new("shop", own)).await.unwrap();
    let found = account.cloud_map().list_namespaces().send().await.unwrap();
    let id = found.namespaces()[0].id().unwrap().to_owned();
    account.service(&id, "blue", true).await;
    let destroyed = environment.destroy("shop", &mut ()).await.unwrap();
    assert_eq!(
        destroyed.removed,
        ["Cloud Map service `blue`, created by Service Connect"]
    );
    assert_eq!(account.counts().await, before);
}

#[tokio::test]
async fn a_foreign_service_in_the_stacks_namespace_is_the_root_cause() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let own = json!({"Namespace": {"Type": "AWS::ServiceDiscovery::HttpNamespace", "Properties": {"Name": "own"}}});
    deploy(&environment, &DeploymentInput::new("shop", template(&own)))
        .await
        .unwrap();
    let found = account.cloud_map().list_namespaces().send().await.unwrap();
    let id = found.namespaces()[0].id().unwrap().to_owned();
    account.service(&id, "orders", false).await;
    let error = environment.destroy("shop", &mut ()).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("deleting stack `shop` failed: Namespace (AWS::ServiceDiscovery::HttpNamespace) DELETE_FAILED"),
        "{text}"
    );
    assert!(
        text.contains("associated services") && text.contains("Fix the cause"),
        "{text}"
    );
    assert_eq!(account.counts().await["services"], 1);

    let error = environment
        .create_change_set(&DeploymentInput::new("shop", template(&own)))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Blocked);
    assert!(
        error.to_string().contains("stack `shop` is in status DELETE_FAILED"),
        "{error}"
    );
    let found = account.cloud_map().list_services().send().await.unwrap();
    let orders = found.services()[0].id().unwrap();
    account.cloud_map().delete_service().id(orders).send().await.unwrap();
    assert!(environment.destroy("shop", &mut ()).await.unwrap().existed);
    let counts = account.counts().await;
    assert_eq!((counts["stacks"], counts["namespaces"]), (0, 0));
}

#[tokio::test]
async fn an_interrupted_deletion_can_be_completed() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let before = account.counts().await;
    deploy(&environment, &DeploymentInput::new("shop", with_namespace_by_name()))
        .await
        .unwrap();
    let namespace = account.namespace("shop", true).await;
    account.service(&namespace, "blue", true).await;
    // CloudFormation continued after the deleting process had ended.
    account
        .cloudformation()
        .delete_stack()
        .stack_name("shop")
        .send()
        .await
        .unwrap();
    eventually(async || environment.deployed("shop").await.unwrap().is_none()).await;
    let destroyed = environment.destroy("shop", &mut ()).await.unwrap();
    assert!(!destroyed.existed);
    assert_eq!(destroyed.removed.len(), 2, "{destroyed:?}");
    assert_eq!(account.counts().await, before);
}

#[tokio::test]
async fn a_namespace_of_another_stack_is_kept() {
    let account = AccountFixture::new();
    let environment = account.environment();
    deploy(&environment, &DeploymentInput::new("shop", with_namespace_by_name()))
        .await
        .unwrap();
    let cluster = json!({"Type": "AWS::ECS::Cluster", "Properties": {"ServiceConnectDefaults": {"Namespace": "shop"}}});
    deploy(
        &environment,
        &DeploymentInput::new("other", template(&json!({"Cluster": cluster}))),
    )
    .await
    .unwrap();
    let namespace = account.namespace("shop", true).await;
    account.service(&namespace, "blue", true).await;
    let destroyed = environment.destroy("shop", &mut ()).await.unwrap();
    assert_eq!(destroyed.left[0].why, "stack `other` refers to it too");
    let destroyed = environment.destroy("other", &mut ()).await.unwrap();
    assert_eq!(destroyed.left[0].why, "service `blue` is not an endpoint of this stack");
    assert_eq!(account.counts().await["namespaces"], 1);
    // Once no other stack refers to it, destroying again removes it.
    assert_eq!(environment.destroy("shop", &mut ()).await.unwrap().removed.len(), 2);
}

#[tokio::test]
async fn instances_registered_after_the_deletion_are_kept() {
    let account = AccountFixture::new();
    let environment = account.environment();
    deploy(&environment, &DeploymentInput::new("shop", with_namespace_by_name()))
        .await
        .unwrap();
    let namespace = account.namespace("shop", true).await;
    let blue = account.service(&namespace, "blue", true).await;
    account
        .cloudformation()
        .delete_stack()
        .stack_name("shop")
        .send()
        .await
        .unwrap();
    eventually(async || environment.deployed("shop").await.unwrap().is_none()).await;
    account.register(&blue, "foreign-task").await;
    let destroyed = environment.destroy("shop", &mut ()).await.unwrap();
    assert!(destroyed.removed.is_empty(), "{destroyed:?}");
    assert!(
        destroyed.left[0].why.starts_with("it has registered instances"),
        "{destroyed:?}"
    );
    let left = account
        .cloud_map()
        .list_instances()
        .service_id(&blue)
        .send()
        .await
        .unwrap();
    assert_eq!(left.instances().len(), 1);
}
