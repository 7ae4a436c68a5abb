//! An AWS account: MiniStack, started with the first test and stopped after the last.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use aws_sdk_servicediscovery::types::HealthCheckCustomConfig;
use aws_sdk_ssm::config::retry::RetryConfig;
use aws_sdk_ssm::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_sdk_ssm::types::ParameterType;
use aws_types::SdkConfig;
use serde_json::Value;
use tempfile::TempDir;
use testkit::Server;

/// Starts a MiniStack that keeps its state in `folder`, on this port, or on a free one if it is 0.
pub(super) fn server(folder: &TempDir, port: u16) -> Server {
    let tools = testkit::python_tools();
    let mut command = tools.ministack();
    command
        .env("BIND_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", port.to_string())
        .env("PERSIST_STATE", "1")
        .env("STATE_DIR", folder.path().join("state"));
    Server::start(&mut command, folder.path()).unwrap_or_else(|error| panic!("{error}"))
}

/// The port of a server.
pub(super) fn port_of(server: &Server) -> u16 {
    let (_, port) = server.address().rsplit_once(':').expect("an address");
    port.trim_end_matches('/').parse().expect("a port")
}

/// The server of all concurrent tests.
fn shared() -> Arc<Server> {
    static RUNNING: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let tools = testkit::python_tools();
    Server::shared(&RUNNING, || Server::ministack(tools)).unwrap_or_else(|error| panic!("{error}"))
}

/// The account of one test.
#[derive(Clone)]
pub(super) struct Account {
    pub(super) config: SdkConfig,
    parameters: aws_sdk_ssm::Client,
    discovery: aws_sdk_servicediscovery::Client,
    shared: Option<Arc<Server>>,
}

/// A service of Cloud Map.
pub(super) struct CloudMapService {
    account: Account,
    id: String,
}

impl Account {
    /// A new account on the shared server.
    pub(super) async fn open() -> Self {
        let shared = tokio::task::spawn_blocking(shared).await.expect("a server");
        let config = config(shared.address(), &new_id());
        Self::at(config, Some(shared))
    }

    /// The account on a server that the test started.
    pub(super) fn on(server: &Server) -> Self {
        Self::at(config(server.address(), &new_id()), None)
    }

    fn at(config: SdkConfig, shared: Option<Arc<Server>>) -> Self {
        Self {
            parameters: aws_sdk_ssm::Client::new(&config),
            discovery: aws_sdk_servicediscovery::Client::new(&config),
            config,
            shared,
        }
    }

    /// The account of this id on the same server.
    pub(super) fn with_id(&self, id: &str) -> Self {
        let address = self.config.endpoint_url().expect("an endpoint");
        Self::at(config(address, id), self.shared.clone())
    }

    /// The client configuration, with another endpoint.
    pub(super) fn config_at(&self, address: &str) -> SdkConfig {
        self.config.to_builder().endpoint_url(address).build()
    }

    /// Writes the parameter of a resource of the mesh `demo`, by its path within the mesh; the mesh's own is ``.
    pub(super) async fn write(&self, path: &str, document: &Value) {
        self.write_text(path, &document.to_string()).await;
    }

    pub(super) async fn write_text(&self, path: &str, text: &str) {
        self.write_at(&parameter(path), text).await;
    }

    /// Writes any parameter.
    pub(super) async fn write_at(&self, name: &str, text: &str) {
        let put = self.parameters.put_parameter().name(name).value(text);
        let put = put.set_type(Some(ParameterType::String)).overwrite(true);
        put.send().await.expect("the parameter is written");
    }

    pub(super) async fn delete(&self, path: &str) {
        let deletion = self.parameters.delete_parameter().name(parameter(path));
        deletion.send().await.expect("the parameter is deleted");
    }

    /// The names of all parameters below a path.
    pub(super) async fn names_below(&self, path: &str) -> Vec<String> {
        let request = self.parameters.get_parameters_by_path().path(path).recursive(true);
        let response = request.send().await.expect("a response");
        let parameters = response.parameters.unwrap_or_default().into_iter();
        parameters.filter_map(|parameter| parameter.name).collect()
    }

    /// Creates a namespace, and returns its id.
    pub(super) async fn create_namespace(&self, name: &str) -> String {
        let creation = self.discovery.create_http_namespace().name(name);
        creation.send().await.expect("a created resource");
        let all = self.discovery.list_namespaces().send().await.expect("a response");
        let mut namespaces = all.namespaces.unwrap_or_default().into_iter();
        let namespace = namespaces.find(|namespace| namespace.name() == Some(name));
        namespace.and_then(|namespace| namespace.id).expect("the namespace")
    }

    /// Creates a service in it.
    pub(super) async fn create_service(&self, namespace: &str, name: &str) -> CloudMapService {
        let creation = self.discovery.create_service().name(name).namespace_id(namespace);
        // As ECS does.
        let checked = HealthCheckCustomConfig::builder().build();
        let created = creation.health_check_custom_config(checked).send().await;
        let service = created.expect("a created resource").service.expect("a service");
        CloudMapService {
            account: self.clone(),
            id: service.id.expect("an id"),
        }
    }
}

impl CloudMapService {
    /// Registers a task by its address.
    pub(super) async fn register(&self, at: Ipv4Addr) {
        let registration = self.account.discovery.register_instance().service_id(&self.id);
        let registration = registration
            .instance_id(at.to_string())
            .attributes("AWS_INSTANCE_IPV4", at.to_string());
        registration.send().await.expect("a registered instance");
    }

    pub(super) async fn deregister(&self, at: Ipv4Addr) {
        let deregistration = self.account.discovery.deregister_instance().service_id(&self.id);
        let deregistration = deregistration.instance_id(at.to_string());
        deregistration.send().await.expect("a deregistered instance");
    }

    pub(super) async fn set_unhealthy(&self, at: Ipv4Addr) {
        let update = self.account.discovery.update_instance_custom_health_status();
        let update = update.service_id(&self.id).instance_id(at.to_string());
        let update = update.status(aws_sdk_servicediscovery::types::CustomHealthStatus::Unhealthy);
        update.send().await.expect("an updated health status");
    }
}

fn parameter(path: &str) -> String {
    let separator = if path.is_empty() { "" } else { "/" };
    format!("/meshwright/demo{separator}{path}")
}

/// A new account id. MiniStack takes it from the access key.
fn new_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(200_000_000_000);
    NEXT.fetch_add(1, Ordering::Relaxed).to_string()
}

fn config(address: &str, account: &str) -> SdkConfig {
    let credentials = Credentials::new(account, "secret", None, None, "tests");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(address)
        .http_client(mesh_control_aws::http_client())
        .sleep_impl(aws_sdk_ssm::config::SharedAsyncSleep::new(TokioSleep))
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(10)))
        .build()
}

#[derive(Debug)]
struct TokioSleep;

impl aws_sdk_ssm::config::AsyncSleep for TokioSleep {
    fn sleep(&self, time: Duration) -> aws_sdk_ssm::config::Sleep {
        aws_sdk_ssm::config::Sleep::new(tokio::time::sleep(time))
    }
}
