//! A mesh is in Parameter Store or in this service, never in both.

use std::sync::Arc;

use app_mesh_api::claims::{ClaimError, MeshClaims, ParameterClaims};
use app_mesh_api::{Caller, ErrorCode, Extensions, MemoryStore, Operation, Service, Settings};
use aws_sdk_ssm::Client;
use aws_sdk_ssm::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_ssm::types::ParameterType;
use mesh_model::app_mesh::ResourcePath;
use testkit::{Fault, FaultProxy, Server};

use crate::harness::create;

const PLACE: &str = "the DynamoDB table meshes";

struct Account {
    proxy: FaultProxy,
    client: Client,
    _emulator: Server,
}

impl Account {
    async fn new() -> Self {
        let start = || Server::ministack(testkit::python_tools());
        let emulator = tokio::task::spawn_blocking(start)
            .await
            .unwrap()
            .expect("MiniStack starts");
        let proxy = FaultProxy::start(emulator.address()).await;
        let config = aws_sdk_ssm::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(proxy.url())
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        Self {
            proxy,
            client: Client::from_conf(config.build()),
            _emulator: emulator,
        }
    }

    fn claims(&self, place: &str) -> Arc<ParameterClaims> {
        Arc::new(ParameterClaims::new(self.client.clone(), place))
    }

    async fn service(&self) -> Service {
        let extensions = Extensions {
            audit_log: None,
            claims: Some(self.claims(PLACE)),
        };
        Service::open_with(MemoryStore::new(), Settings::default(), extensions)
            .await
            .unwrap()
    }

    /// Creates a parameter, as a stack does.
    async fn put(&self, name: &str, value: &str) -> Result<(), String> {
        let put = self
            .client
            .put_parameter()
            .name(name)
            .value(value)
            .r#type(ParameterType::String);
        put.send()
            .await
            .map(drop)
            .map_err(|error| error.into_service_error().to_string())
    }

    async fn get(&self, name: &str) -> Option<String> {
        let response = self.client.get_parameter().name(name).send().await.ok()?;
        response.parameter?.value
    }
}

fn mesh(name: &str) -> ResourcePath {
    ResourcePath::of_mesh(name)
}

async fn run(service: &Service, operation: Operation) -> Result<(), (ErrorCode, String)> {
    let result = service.run(&Caller::unrestricted("test"), operation).await;
    result
        .map(drop)
        .map_err(|error| (error.code(), error.message().to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_source_rejects_the_meshes_of_the_other_by_name() {
    let account = Account::new().await;
    let service = account.service().await;
    let create = |name: &str| create(mesh(name), serde_json::json!({}));

    // A mesh of a stack cannot be created through the API.
    account.put("/meshwright/stacked", "{}").await.unwrap();
    let (code, message) = run(&service, create("stacked")).await.unwrap_err();
    assert_eq!(code, ErrorCode::Conflict);
    assert!(
        message.contains("stacked") && message.contains("/meshwright/stacked"),
        "{message}"
    );
    assert!(service.registry().is_empty());

    // A mesh of the API cannot be created by a stack, until it was deleted.
    run(&service, create("api")).await.unwrap();
    let claim = account.get("/meshwright/api").await.expect("a claim");
    assert!(claim.contains(PLACE), "{claim}");
    assert!(account.put("/meshwright/api", "{}").await.is_err());
    assert_eq!(run(&service, create("api")).await.unwrap_err().0, ErrorCode::Conflict);
    assert_eq!(account.get("/meshwright/api").await, Some(claim));
    run(&service, Operation::Delete(mesh("api"))).await.unwrap();
    assert_eq!(account.get("/meshwright/api").await, None);
    account.put("/meshwright/api", "{}").await.unwrap();

    // A mesh that was not created leaves no claim.
    let invalid = crate::harness::create(mesh("invalid"), serde_json::json!({"unknown": 1}));
    assert_eq!(run(&service, invalid).await.unwrap_err().0, ErrorCode::BadRequest);
    assert_eq!(account.get("/meshwright/invalid").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_belongs_to_one_place() {
    let account = Account::new().await;
    let (own, other) = (account.claims(PLACE), account.claims("the DynamoDB table other"));
    own.claim("m").await.unwrap();
    own.claim("m").await.unwrap();
    let Err(ClaimError::Taken(message)) = other.claim("m").await else {
        panic!("another place has it")
    };
    assert!(message.contains(PLACE), "{message}");
    other.release("m").await.unwrap();
    assert!(account.get("/meshwright/m").await.is_some());
    own.release("m").await.unwrap();
    own.release("m").await.unwrap();
    assert_eq!(account.get("/meshwright/m").await, None);
    other.claim("m").await.unwrap();
    // No parameter can have this name.
    own.claim("a mesh").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_parameter_store_no_mesh_is_created() {
    let account = Account::new().await;
    let service = account.service().await;
    account.proxy.inject(&["PutParameter"], Fault::Deny);
    let (code, message) = run(&service, create(mesh("m"), serde_json::json!({})))
        .await
        .unwrap_err();
    assert_eq!(code, ErrorCode::ServiceUnavailable);
    // The reason has names of the account, so it is in the log.
    assert!(
        !message.contains("/meshwright/m") && !message.contains("not authorized"),
        "{message}"
    );
    assert!(service.registry().is_empty());
}
