//! A control plane that polls an account, and tasks with addresses of their own.
//!
//! Each task has an address in 127/8, as on AWS, so that the port of its virtual node is the same everywhere.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use aws_types::SdkConfig;
use mesh_control::node::{MeshwrightMetadata, egress_listener, ingress_listener};
use mesh_control::{Addresses, ControlPlane, NodeMetadata};
use mesh_control::{SourceStatus, XdsProtocol};
use mesh_control_aws::{Clients, EndpointPolicy, Options, PollIntervals};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::account::{Account, CloudMapService};
use crate::harness::{Behaviour, Envoy, Load, ReservedPort, Upstream, eventually};

/// Addresses of the tasks.
pub(super) const BLUE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
pub(super) const GREEN: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
pub(super) const SECOND_BLUE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 4);

/// The virtual service that the caller requests.
pub(super) const SERVICE: &str = "shop.demo";

/// Short intervals for tests.
pub(super) const TEST_INTERVALS: PollIntervals = PollIntervals {
    markers: Duration::from_millis(100),
    parameters: Duration::from_millis(150),
    unmarked_changes: Duration::from_secs(600),
    endpoints: Duration::from_millis(100),
    active: Duration::from_millis(100),
    active_for: Duration::from_secs(5),
    health: Duration::from_millis(300),
    unused: Duration::from_millis(300),
    unknown: Duration::from_millis(300),
    longest: Duration::from_millis(400),
};

/// The mesh `demo`: a caller, and the virtual nodes `blue` and `green` behind `shop.demo`, one with Cloud Map and one
/// with DNS discovery.
pub(super) struct TestMesh {
    pub(super) blue: CloudMapService,
    port: SharedPort,
}

impl TestMesh {
    /// Writes the mesh into an account, with all weight on blue, and registers a task of each.
    pub(super) async fn open(account: &Account) -> Self {
        Self::open_in(account, "demo").await.0
    }

    /// The same, with tasks in a Cloud Map namespace of another name, which the mesh calls `demo`. Returns its id, too.
    pub(super) async fn open_in(account: &Account, namespace: &str) -> (Self, String) {
        let port = SharedPort::pick();
        let namespace = account.create_namespace(namespace).await;
        let blue = account.create_service(&namespace, "blue").await;
        let green = account.create_service(&namespace, "green").await;
        blue.register(BLUE).await;
        green.register(GREEN).await;
        account.write("", &json!({})).await;
        let caller = json!({"backends": [{"virtualService": {"virtualServiceName": SERVICE}}]});
        account.write("virtualNode/caller", &caller).await;
        let by_cloud_map = json!({"awsCloudMap": {"namespaceName": "demo", "serviceName": "blue"}});
        account.write("virtualNode/blue", &port.node(&by_cloud_map)).await;
        let by_name = json!({"dns": {"hostname": "green.demo"}});
        account.write("virtualNode/green", &port.node(&by_name)).await;
        let provider = json!({"provider": {"virtualRouter": {"virtualRouterName": "shop"}}});
        account.write(&format!("virtualService/{SERVICE}"), &provider).await;
        let router = json!({"listeners": [{"portMapping": {"port": 80, "protocol": "http"}}]});
        account.write("virtualRouter/shop", &router).await;
        account.write(ROUTE, &route(1, 0)).await;
        (Self { blue, port }, namespace)
    }

    /// Starts a caller and a task of each side.
    pub(super) async fn task_set(&self, xds: SocketAddr) -> TaskSet {
        self.task_set_with(xds, Behaviour::Name).await
    }

    /// The same, with this behaviour of the green application.
    pub(super) async fn task_set_with(&self, xds: SocketAddr, green: Behaviour) -> TaskSet {
        let blue = self.task(xds, "blue", "blue", BLUE);
        let green = self.task_with(xds, "green", Upstream::start("green", green).await, GREEN);
        let egress = ReservedPort::pick();
        let (blue, green, caller) = tokio::join!(blue, green, caller(&egress, xds));
        TaskSet {
            caller,
            egress,
            tasks: vec![blue, green],
            client: reqwest::Client::builder().no_proxy().build().expect("a client"),
        }
    }

    /// A task of a virtual node with an application that responds with `name`.
    pub(super) async fn task(&self, xds: SocketAddr, node: &str, name: &'static str, at: Ipv4Addr) -> TestTask {
        self.task_with(xds, node, Upstream::start(name, Behaviour::Name).await, at)
            .await
    }

    async fn task_with(&self, xds: SocketAddr, node: &str, application: Upstream, at: Ipv4Addr) -> TestTask {
        let egress = ReservedPort::pick();
        let metadata = NodeMetadata {
            listener_ports: [
                (egress_listener(), egress.number()),
                (ingress_listener(&self.port.number.to_string()), self.port.number),
            ]
            .into(),
            extension: MeshwrightMetadata {
                ingress_address: IpAddr::V4(at),
                app_ports: [(self.port.number, application.address.port())].into(),
                ..MeshwrightMetadata::default()
            },
        };
        let id = format!("mesh/demo/virtualNode/{node}");
        let envoy = Envoy::start(folder(), &id, metadata, xds, XdsProtocol::Delta).await;
        TestTask {
            application,
            _envoy: envoy,
            _egress: egress,
        }
    }
}

/// The Envoy of the caller.
async fn caller(egress: &ReservedPort, xds: SocketAddr) -> Envoy {
    let metadata = NodeMetadata {
        listener_ports: [(egress_listener(), egress.number())].into(),
        extension: MeshwrightMetadata::default(),
    };
    Envoy::start(
        folder(),
        "mesh/demo/virtualNode/caller",
        metadata,
        xds,
        XdsProtocol::Delta,
    )
    .await
}

/// The route's path within the mesh.
pub(super) const ROUTE: &str = "virtualRouter/shop/route/all";

/// The route with these weights.
pub(super) fn route(blue: u32, green: u32) -> Value {
    let targets = json!([{"virtualNode": "blue", "weight": blue}, {"virtualNode": "green", "weight": green}]);
    json!({"httpRoute": {"match": {"prefix": "/"}, "action": {"weightedTargets": targets}}})
}

/// A task.
pub(super) struct TestTask {
    pub(super) application: Upstream,
    _envoy: Envoy,
    _egress: ReservedPort,
}

/// All tasks.
pub(super) struct TaskSet {
    caller: Envoy,
    egress: ReservedPort,
    pub(super) tasks: Vec<TestTask>,
    client: reqwest::Client,
}

impl TaskSet {
    /// The name of the responding side.
    pub(super) async fn get(&self) -> String {
        let url = format!("http://{}/", self.egress.address());
        let response = self
            .client
            .get(url)
            .header("host", SERVICE)
            .send()
            .await
            .expect("a response");
        let status = response.status();
        let body = response.text().await.expect("a body");
        if status.is_success() {
            body
        } else {
            format!("{status}: {body}")
        }
    }

    /// Replaces the Envoy of the caller by another one.
    pub(super) async fn restart_caller(&mut self, xds: SocketAddr) {
        // The former one must not take its calls.
        self.caller.signal("KILL");
        self.caller = caller(&self.egress, xds).await;
    }

    /// Waits until this side responds.
    pub(super) async fn wait_for_response_from(&self, name: &str) {
        eventually(&format!("{name} responds"), async || {
            let body = self.get().await;
            if body == name { Ok(()) } else { Err(body) }
        })
        .await;
    }

    /// A continuous load.
    pub(super) async fn load(&self) -> Load {
        Load::on(self.egress.address(), SERVICE).await
    }
}

/// A control plane that polls an account. Dropping it closes every stream.
pub(super) struct Poller {
    pub(super) control: ControlPlane,
    stop: Option<oneshot::Sender<()>>,
    work: JoinHandle<()>,
}

impl Poller {
    pub(super) async fn start(config: &SdkConfig) -> Self {
        Self::publishing(config, None).await
    }

    /// A control plane that publishes its status under this id.
    pub(super) async fn publishing(config: &SdkConfig, replica: Option<&str>) -> Self {
        Self::with(
            config,
            Options {
                publish_as: replica.map(str::to_owned),
                // Tasks of the tests are on loopback.
                endpoints: EndpointPolicy::within(["127.0.0.0/8".parse().expect("a network")]),
                ..Options::new(["demo"])
            },
        )
        .await
    }

    /// A control plane with these options, and intervals for tests unless others are given.
    pub(super) async fn with(config: &SdkConfig, mut options: Options) -> Self {
        if options.intervals == PollIntervals::default() {
            options.intervals = TEST_INTERVALS;
        }
        let (stop, stopped) = oneshot::channel();
        let stopped = async move {
            // A test that ends without a stop drops the sender.
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let serving = mesh_control_aws::serve(Clients::new(config), options, Addresses::default(), stopped).await;
        let (control, work) = serving.expect("free addresses");
        let work = tokio::spawn(async move { work.await.expect("it serves until it is stopped") });
        Self {
            control,
            stop: Some(stop),
            work,
        }
    }

    pub(super) fn xds(&self) -> SocketAddr {
        self.control.addresses().xds
    }

    /// Waits until it is healthy.
    pub(super) async fn wait_until_healthy(&self) {
        eventually("the control plane is healthy", async || {
            mesh_control_aws::check_health(self.control.addresses().status).await
        })
        .await;
    }

    /// The status of a source, once `expected` holds.
    pub(super) async fn source(&self, name: &str, expected: impl Fn(&SourceStatus) -> bool) -> SourceStatus {
        eventually(&format!("{name} is as expected"), async || {
            let sources = self.control.status().sources;
            let source = sources.iter().find(|source| source.name == name);
            let found = source.filter(|source| expected(source)).cloned();
            found.ok_or_else(|| format!("{sources:#?}"))
        })
        .await
    }

    /// Shuts it down gracefully.
    pub(super) async fn stop(mut self) {
        let stop = self.stop.take().expect("it is running");
        stop.send(()).expect("it is running");
        (&mut self.work).await.expect("it stops");
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.work.abort();
    }
}

/// A port that is free on all addresses of this machine: bound, and not listened on, see [`ReservedPort`].
struct SharedPort {
    number: u16,
    _held: Socket,
}

impl SharedPort {
    fn pick() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_reuse_address(true).expect("SO_REUSEADDR");
        socket.set_reuse_port(true).expect("SO_REUSEPORT");
        let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        socket.bind(&any.into()).expect("a free port");
        let address = socket.local_addr().expect("bound").as_socket().expect("an IP address");
        Self {
            number: address.port(),
            _held: socket,
        }
    }

    /// A virtual node with this port.
    fn node(&self, discovery: &Value) -> Value {
        json!({
            "listeners": [{"portMapping": {"port": self.number, "protocol": "http"}}],
            "serviceDiscovery": discovery,
        })
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}
