//! A Service Connect task: an Envoy, its listener ports, and calls through it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use mesh_control::NodeMetadata;
use mesh_control::node::{MeshwrightMetadata, egress_listener, ingress_listener, tcp_egress_listener};
use mesh_model::namespace::ServiceConnectService;

use super::mesh::node_id;
use super::{Envoy, Mesh, ReservedPort, eventually};

/// A task of a service.
pub(crate) struct Task {
    pub(crate) envoy: Envoy,
    listeners: BTreeMap<String, ReservedPort>,
    caller: Caller,
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallResponse {
    pub(crate) status: u16,
    /// The local-reply reason, if a sidecar responded.
    pub(crate) fault: Option<String>,
    pub(crate) body: String,
}

impl Task {
    /// A task without an application.
    pub(crate) async fn start(mesh: &Mesh, service: &str) -> Self {
        Self::with_listeners(mesh, service, &[], &[]).await
    }

    /// A task with an application at `application` for `endpoint`.
    pub(crate) async fn with_application(
        mesh: &Mesh,
        endpoint: &ServiceConnectService,
        application: SocketAddr,
    ) -> Self {
        Self::with_listeners(mesh, &endpoint.service, &[(endpoint, application)], &[]).await
    }

    /// A task with its applications, and with listeners for calls to TCP services.
    pub(crate) async fn with_listeners(
        mesh: &Mesh,
        service: &str,
        applications: &[(&ServiceConnectService, SocketAddr)],
        tcp: &[&ServiceConnectService],
    ) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let names = [egress_listener()]
            .into_iter()
            .chain(
                applications
                    .iter()
                    .map(|(endpoint, _)| ingress_listener(&endpoint.port_name)),
            )
            .chain(
                tcp.iter()
                    .map(|endpoint| tcp_egress_listener(&endpoint.dns_name, endpoint.port)),
            );
        let listeners: BTreeMap<String, ReservedPort> = names.map(|name| (name, ReservedPort::pick())).collect();
        let ports = listeners.iter().map(|(name, port)| (name.clone(), port.number()));
        let app_ports = applications
            .iter()
            .map(|(endpoint, application)| (endpoint.container_port, application.port()));
        let hops = directory.path().join("hops.log");
        let metadata = NodeMetadata {
            listener_ports: ports.collect(),
            extension: MeshwrightMetadata {
                task: Some(format!("{service}/1")),
                app_ports: app_ports.collect(),
                access_log: Some(hops.display().to_string()),
                collector: mesh.collector,
                ..MeshwrightMetadata::default()
            },
        };
        mesh.add_ecs_service(service);
        let xds = mesh.control.addresses().xds;
        let envoy = Envoy::start(directory, &node_id(service), metadata, xds, mesh.protocol).await;
        let caller = Caller::new(listeners[&egress_listener()].address());
        Self {
            envoy,
            listeners,
            caller,
        }
    }

    /// The address of a listener.
    pub(crate) fn listener(&self, name: &str) -> SocketAddr {
        self.listeners[name].address()
    }

    /// The address of the egress listener.
    pub(crate) fn egress(&self) -> SocketAddr {
        self.caller.egress
    }

    /// The address of the ingress listener for `endpoint`.
    pub(crate) fn ingress(&self, endpoint: &ServiceConnectService) -> SocketAddr {
        self.listener(&ingress_listener(&endpoint.port_name))
    }

    /// The access log.
    pub(crate) fn access_log(&self) -> PathBuf {
        self.envoy.directory().join("hops.log")
    }

    /// Waits until its Envoy has exactly these endpoints of `endpoint`.
    pub(crate) async fn wait_for_endpoints(&self, endpoint: &ServiceConnectService, instances: &[SocketAddr]) {
        let mut expected = instances.to_vec();
        expected.sort();
        eventually("the endpoints arrive", async || {
            let seen: Vec<SocketAddr> = self
                .envoy
                .health_of(&egress_cluster(endpoint))
                .await
                .into_keys()
                .collect();
            if seen == expected {
                Ok(())
            } else {
                Err(format!("{seen:?}"))
            }
        })
        .await;
    }

    /// Checks that its Envoy has never waited for the 15 s timeout of an update.
    pub(crate) async fn assert_no_fetch_timeout(&self) {
        let stats = self
            .envoy
            .stats(&["cluster.", "http.", "cluster_manager.", "listener_manager."])
            .await;
        let timeouts: Vec<_> = stats
            .iter()
            .filter(|(name, value)| name.ends_with(".init_fetch_timeout") && **value > 0)
            .collect();
        assert!(timeouts.is_empty(), "Envoy gave up waiting: {timeouts:?}");
    }

    /// The response to a GET by the application to a Host.
    pub(crate) async fn get(&self, host: &str) -> CallResponse {
        self.caller.try_get(host).await.expect("a response")
    }

    /// The response to a POST by the application to a Host.
    pub(crate) async fn post(&self, host: &str) -> CallResponse {
        let request = self.caller.client.post(self.caller.url()).body("a payment");
        send(request.header("host", host)).await.expect("a response")
    }

    /// A client for the egress listener.
    pub(crate) fn request(&self, host: &str) -> reqwest::RequestBuilder {
        self.caller.client.get(self.caller.url()).header("host", host)
    }
}

/// The name of the cluster of a service.
pub(crate) fn egress_cluster(endpoint: &ServiceConnectService) -> String {
    format!(
        "cds_egress_serviceconnect_{}_{}_{}",
        endpoint.discovery_name, endpoint.protocol, endpoint.port
    )
}

/// An application that calls through an egress listener.
pub(crate) struct Caller {
    egress: SocketAddr,
    client: reqwest::Client,
}

impl Caller {
    pub(super) fn new(egress: SocketAddr) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { egress, client }
    }

    fn url(&self) -> String {
        format!("http://{}/", self.egress)
    }

    pub(crate) async fn try_get(&self, host: &str) -> Result<CallResponse, reqwest::Error> {
        send(self.client.get(self.url()).header("host", host)).await
    }
}

/// Sends a request and reads the whole response.
pub(super) async fn send(request: reqwest::RequestBuilder) -> Result<CallResponse, reqwest::Error> {
    let response = request.send().await?;
    let fault = response.headers().get(sidecar_contract::local_reply::HEADER);
    Ok(CallResponse {
        status: response.status().as_u16(),
        fault: fault.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
        body: response.text().await?,
    })
}
