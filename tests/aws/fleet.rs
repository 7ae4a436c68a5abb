//! The Envoys of a deployed stack, started on this machine from its task definitions.
//!
//! Each task has an address in 127.0.0.0/8, so that ports are those of the template. The bootstrap is changed where one
//! machine differs from ECS: the address of the control plane, whose name no DNS server resolves here, the ports that all
//! tasks share, and the address of the application.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Stdio;

use axum::Router;
use axum::routing::any;
use mesh_infra::Template;
use mesh_infra::cfn::ecs::TaskDefinition;
use mesh_infra::cfn::evaluate::{Evaluator, NothingKnown};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio_util::task::AbortOnDropHandle;

/// A port that is reserved at several addresses for processes that use SO_REUSEPORT, such as Envoy.
pub(crate) struct SharedPort {
    pub(crate) number: u16,
    _held: Vec<Socket>,
}

impl SharedPort {
    pub(crate) fn at(addresses: &[Ipv4Addr]) -> Self {
        loop {
            let first = held(addresses[0], 0).expect("some port is free");
            let at = first
                .local_addr()
                .expect("a bound socket")
                .as_socket()
                .expect("an IP address");
            let others: Option<Vec<_>> = addresses[1..]
                .iter()
                .map(|other| held(*other, at.port()).ok())
                .collect();
            if let Some(mut all) = others {
                all.push(first);
                return Self {
                    number: at.port(),
                    _held: all,
                };
            }
        }
    }
}

fn held(at: Ipv4Addr, port: u16) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&SocketAddr::from((at, port)).into())?;
    Ok(socket)
}

/// A task: its Envoy, and an application that responds with the task's name.
pub(crate) struct Task {
    envoy: Child,
    _folder: TempDir,
    _egress: SharedPort,
    _application: AbortOnDropHandle<()>,
}

impl Task {
    /// Starts a task at an address of its own. Its Envoy listens on `port`.
    pub(crate) async fn start(template: &Template, id: &str, at: Ipv4Addr, port: u16, xds: SocketAddr) -> Self {
        let name = id.to_owned();
        let application = Router::new().fallback(any(async move || name.clone()));
        Self::with_application(template, id, (at, port), xds, application).await
    }

    /// The same, with an application.
    pub(crate) async fn with_application(
        template: &Template,
        id: &str,
        (at, port): (Ipv4Addr, u16),
        xds: SocketAddr,
        router: Router,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let application_port = listener.local_addr().expect("a bound socket").port();
        let application =
            tokio::spawn(async move { axum::serve(listener, router).await.expect("the application serves") });

        let egress = SharedPort::at(&[Ipv4Addr::LOCALHOST]);
        let folder = tempfile::tempdir().expect("a folder");
        let mut bootstrap = bootstrap(template, id);
        bootstrap["admin"]["address"] = json!({"pipe": {"path": folder.path().join("admin.sock")}});
        bootstrap["stats_flush_interval"] = "0.2s".into();
        let metadata = &mut bootstrap["node"]["metadata"];
        metadata["aws.ecs.serviceconnect.ListenerPortMapping"]["egress"] = egress.number.into();
        metadata["meshwright"]["ingressAddress"] = at.to_string().into();
        metadata["meshwright"]["appPorts"] = json!({port.to_string(): application_port});
        let control_plane = &mut bootstrap["static_resources"]["clusters"][0];
        assert_eq!(control_plane["name"], "xds");
        control_plane["type"] = "STATIC".into();
        let endpoint = &mut control_plane["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"];
        endpoint["address"]["socket_address"] = json!({"address": xds.ip(), "port_value": xds.port()});

        let program = testkit::envoy();
        let log = File::create(folder.path().join("log")).expect("a log");
        let envoy = Command::from(program.command())
            // The command of the task definition.
            .args(["--config-yaml", &bootstrap.to_string()])
            .args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("Envoy starts");
        Self {
            envoy,
            _folder: folder,
            _egress: egress,
            _application: AbortOnDropHandle::new(application),
        }
    }
}

impl Task {
    /// Kills its Envoy, and waits for its end.
    pub(crate) async fn kill(&mut self) {
        self.envoy.kill().await.expect("Envoy ends");
    }
}

/// The bootstrap of a task definition's Envoy.
fn bootstrap(template: &Template, id: &str) -> Value {
    let mut definitions = template.resources_of::<TaskDefinition>();
    let (_, definition) = definitions
        .find(|(found, _)| *found == id)
        .expect("the task definition");
    let containers = definition.expect("a valid task definition").container_definitions;
    let envoy = containers
        .into_iter()
        .find(|container| container.name.known().is_some_and(|name| name == "envoy"));
    let command = envoy.expect("an Envoy").command.expect("a command");
    // As CloudFormation passes it to ECS.
    let evaluated = Evaluator::new(template, NothingKnown).evaluate(&command.to_json());
    let command = evaluated.known().expect("a known command");
    assert_eq!(command[0], "--config-yaml");
    serde_json::from_str(command[1].as_str().expect("a text")).expect("JSON is YAML")
}

/// Loopback's n-th address.
pub(crate) fn loopback(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, n)
}

/// The address as text.
pub(crate) fn text(at: Ipv4Addr) -> String {
    IpAddr::V4(at).to_string()
}
