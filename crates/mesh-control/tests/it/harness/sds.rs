//! A secret discovery service (SDS) on a Unix socket.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;

use envoy_types::pb::envoy::config::core::v3::DataSource;
use envoy_types::pb::envoy::config::core::v3::data_source::Specifier;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::secret::Type;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, Secret, TlsCertificate,
};
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use envoy_types::pb::envoy::service::secret::v3::secret_discovery_service_server::{
    SecretDiscoveryService, SecretDiscoveryServiceServer,
};
use envoy_types::pb::google::protobuf::Any;
use futures_util::Stream;
use prost::{Message, Name};
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::{ReceiverStream, UnixListenerStream};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

type Secrets = BTreeMap<String, Type>;

/// A running service, stopped on drop.
pub(crate) struct Sds {
    secrets: watch::Sender<Secrets>,
    directory: TempDir,
    server: JoinHandle<()>,
}

impl Sds {
    pub(crate) async fn start() -> Self {
        let secrets = watch::Sender::new(Secrets::new());
        let directory = tempfile::tempdir().expect("a temporary directory");
        let listener = UnixListener::bind(directory.path().join("sds.sock")).expect("a socket");
        let service = SecretDiscoveryServiceServer::new(Service(secrets.clone()));
        let server = tokio::spawn(async move {
            let _endless = Server::builder()
                .add_service(service)
                .serve_with_incoming(UnixListenerStream::new(listener))
                .await;
        });
        Self {
            secrets,
            directory,
            server,
        }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("sds.sock")
    }

    /// Sets the certificate and key of this name.
    pub(crate) fn give_certificate(&self, name: &str, (chain, key): (String, String)) {
        self.give(
            name,
            Type::TlsCertificate(TlsCertificate {
                certificate_chain: Some(text(chain)),
                private_key: Some(text(key)),
                ..Default::default()
            }),
        );
    }

    /// Sets the trusted authorities of this name.
    pub(crate) fn give_trust(&self, name: &str, authority: &str) {
        self.give(
            name,
            Type::ValidationContext(CertificateValidationContext {
                trusted_ca: Some(text(authority.to_owned())),
                ..Default::default()
            }),
        );
    }

    fn give(&self, name: &str, secret: Type) {
        self.secrets
            .send_modify(|secrets| drop(secrets.insert(name.to_owned(), secret)));
    }
}

impl Drop for Sds {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn text(text: String) -> DataSource {
    DataSource {
        specifier: Some(Specifier::InlineString(text)),
        ..Default::default()
    }
}

struct Service(watch::Sender<Secrets>);

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl SecretDiscoveryService for Service {
    type DeltaSecretsStream = Answers<DeltaDiscoveryResponse>;
    type StreamSecretsStream = Answers<DiscoveryResponse>;

    async fn delta_secrets(
        &self,
        _: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaSecretsStream>, Status> {
        Err(Status::unimplemented("App Mesh's Envoys use SotW"))
    }

    /// Sends the secrets of the first request, again after each change. Envoy has a stream for each secret; its other
    /// requests are ACKs.
    async fn stream_secrets(
        &self,
        request: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamSecretsStream>, Status> {
        let mut requests = request.into_inner();
        let mut secrets = self.0.subscribe();
        let (responses, stream) = mpsc::channel(1);
        tokio::spawn(async move {
            let Ok(Some(first)) = requests.message().await else {
                return;
            };
            for version in 1.. {
                let response = response(&first, &secrets.borrow_and_update(), version);
                if !response.resources.is_empty() && responses.send(Ok(response)).await.is_err() {
                    return;
                }
                loop {
                    tokio::select! {
                        changed = secrets.changed() => match changed {
                            Ok(()) => break,
                            Err(_) => return,
                        },
                        received = requests.message() => match received {
                            Ok(Some(_)) => {}
                            Ok(None) | Err(_) => return,
                        },
                    }
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn fetch_secrets(&self, _: Request<DiscoveryRequest>) -> Result<Response<DiscoveryResponse>, Status> {
        Err(Status::unimplemented("Envoy holds a stream open"))
    }
}

fn response(request: &DiscoveryRequest, secrets: &Secrets, version: u64) -> DiscoveryResponse {
    let known = request
        .resource_names
        .iter()
        .filter_map(|name| Some((name, secrets.get(name)?)));
    let resources = known.map(|(name, secret)| Any {
        type_url: Secret::type_url(),
        value: Secret {
            name: name.clone(),
            r#type: Some(secret.clone()),
        }
        .encode_to_vec(),
    });
    DiscoveryResponse {
        version_info: version.to_string(),
        nonce: version.to_string(),
        type_url: request.type_url.clone(),
        resources: resources.collect(),
        ..Default::default()
    }
}
