//! A virtual node or gateway of App Mesh: an Envoy, and calls through it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use mesh_control::NodeMetadata;
use mesh_control::node::{MeshwrightMetadata, egress_listener, ingress_listener};

use super::task::send;
use super::{CallResponse, Envoy, Load, Mesh, ReservedPort, Servers, eventually};

/// A node of the mesh `demo`.
pub(crate) struct MeshNode {
    pub(crate) envoy: Envoy,
    listeners: BTreeMap<String, ReservedPort>,
    client: reqwest::Client,
}

impl MeshNode {
    /// A virtual node without applications.
    pub(crate) async fn calling(mesh: &Mesh, name: &str) -> Self {
        Self::start(mesh, &format!("virtualNode/{name}"), &[], &[]).await
    }

    /// A virtual node with applications, by listener port.
    pub(crate) async fn serving(mesh: &Mesh, name: &str, applications: &[(u16, SocketAddr)]) -> Self {
        let listeners: Vec<String> = applications
            .iter()
            .map(|(port, _)| ingress_listener(&port.to_string()))
            .collect();
        Self::start(mesh, &format!("virtualNode/{name}"), &listeners, applications).await
    }

    /// A virtual gateway with these listener ports.
    pub(crate) async fn gateway(mesh: &Mesh, name: &str, ports: &[u16]) -> Self {
        let listeners: Vec<String> = ports.iter().map(|port| ingress_listener(&port.to_string())).collect();
        Self::start(mesh, &format!("virtualGateway/{name}"), &listeners, &[]).await
    }

    /// A node by its path within the mesh, with these listeners besides `egress`.
    pub(crate) async fn start(
        mesh: &Mesh,
        path: &str,
        listeners: &[String],
        applications: &[(u16, SocketAddr)],
    ) -> Self {
        Self::start_with(Servers::default(), mesh, path, listeners, applications).await
    }

    /// A node whose Envoy uses these servers.
    pub(crate) async fn start_with(
        servers: Servers,
        mesh: &Mesh,
        path: &str,
        listeners: &[String],
        applications: &[(u16, SocketAddr)],
    ) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let listeners: BTreeMap<String, ReservedPort> = std::iter::once(egress_listener())
            .chain(listeners.iter().cloned())
            .map(|name| (name, ReservedPort::pick()))
            .collect();
        let ports = listeners.iter().map(|(name, port)| (name.clone(), port.number()));
        let app_ports = applications
            .iter()
            .map(|(port, application)| (*port, application.port()));
        let hops = directory.path().join("hops.log");
        let metadata = NodeMetadata {
            listener_ports: ports.collect(),
            extension: MeshwrightMetadata {
                task: Some(format!("{path}/1")),
                app_ports: app_ports.collect(),
                access_log: Some(hops.display().to_string()),
                collector: mesh.collector,
                ..MeshwrightMetadata::default()
            },
        };
        let xds = mesh.control.addresses().xds;
        let id = format!("mesh/demo/{path}");
        let envoy = Envoy::start_with(servers, directory, &id, metadata, xds, mesh.protocol).await;
        Self {
            envoy,
            listeners,
            client: reqwest::Client::builder().no_proxy().build().expect("a client"),
        }
    }

    /// The address of a listener.
    pub(crate) fn listener(&self, name: &str) -> SocketAddr {
        self.listeners[name].address()
    }

    /// The address of the egress listener.
    pub(crate) fn egress(&self) -> SocketAddr {
        self.listener(&egress_listener())
    }

    /// The address of the ingress listener of a port.
    pub(crate) fn ingress(&self, port: u16) -> SocketAddr {
        self.listener(&ingress_listener(&port.to_string()))
    }

    /// A GET request of a path at one of its listeners.
    pub(crate) fn request(&self, at: SocketAddr, host: &str, path: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("http://{at}{path}")).header("host", host)
    }

    /// The response to a GET by the application.
    pub(crate) async fn get(&self, host: &str, path: &str) -> CallResponse {
        self.response(self.request(self.egress(), host, path)).await
    }

    /// The response to a GET at any listener.
    pub(crate) async fn get_from(at: SocketAddr, host: &str) -> CallResponse {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let request = client.get(format!("http://{at}/")).header("host", host);
        send(request).await.expect("a response")
    }

    /// The response to a GET by an external client at a port of a virtual gateway.
    pub(crate) async fn get_at(&self, port: u16, host: &str, path: &str) -> CallResponse {
        self.response(self.request(self.ingress(port), host, path)).await
    }

    /// The response to a request.
    pub(crate) async fn response(&self, request: reqwest::RequestBuilder) -> CallResponse {
        send(request).await.expect("a response")
    }

    /// Waits until its Envoy knows exactly these tasks of a cluster.
    pub(crate) async fn wait_for_tasks(&self, cluster: &str, tasks: &[SocketAddr]) {
        let mut expected = tasks.to_vec();
        expected.sort();
        eventually(&format!("{cluster} has {expected:?}"), async || {
            let known: Vec<SocketAddr> = self.envoy.health_of(cluster).await.into_keys().collect();
            if known == expected {
                Ok(())
            } else {
                Err(format!("{known:?}"))
            }
        })
        .await;
    }

    /// A load on one Host by the application.
    pub(crate) async fn load(&self, host: &'static str) -> Load {
        Load::on(self.egress(), host).await
    }
}
