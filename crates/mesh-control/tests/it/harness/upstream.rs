//! Applications: small servers that respond with their name and count requests.

use std::future::pending;
use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::http::header::{HOST, HeaderName};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::AppendHeaders;
use sidecar_contract::{LocalReply, local_reply};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The behaviour of an application.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Behaviour {
    /// Responds with its name.
    Name,
    /// Responds with its name and this status.
    Status(u16),
    /// Responds with its name and the status at the end of the path.
    StatusInPath,
    /// Never responds.
    Silence,
    /// Responds with host and path of the request.
    Echo,
    /// Responds with the header names of the request.
    Headers,
    /// Responds with the local-reply header of a sidecar.
    ForgedLocalReply,
}

/// The result of health checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    Healthy,
    Unhealthy,
}

impl Health {
    /// The status of a health-check response.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Health::Healthy => StatusCode::OK,
            Health::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// An HTTP/1.1 application. Health checks at `/health` are not counted.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    health: watch::Sender<Health>,
    requests: watch::Sender<usize>,
    server: JoinHandle<()>,
}

/// Listeners on all of these addresses of this machine, on one port.
pub(crate) async fn on_one_port<const N: usize>(addresses: [IpAddr; N]) -> [TcpListener; N] {
    // If one of them is in use, another port is picked.
    for _ in 0..100 {
        let mut listeners = Vec::new();
        let mut port = 0;
        for address in addresses {
            let Ok(listener) = TcpListener::bind((address, port)).await else {
                break;
            };
            port = listener.local_addr().expect("bound").port();
            listeners.push(listener);
        }
        if let Ok(listeners) = listeners.try_into() {
            return listeners;
        }
    }
    panic!("no port is free on all of {addresses:?}");
}

impl Upstream {
    pub(crate) async fn start(name: &'static str, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self::on(listener, name, behaviour)
    }

    /// The application, on a listener of the test.
    pub(crate) fn on(listener: TcpListener, name: &'static str, behaviour: Behaviour) -> Self {
        let (requests, health) = (watch::Sender::new(0), watch::Sender::new(Health::Healthy));
        let (count, health_now) = (requests.clone(), health.clone());
        let response = async move |uri: Uri, headers: HeaderMap| {
            if uri.path() == "/health" {
                return (health_now.borrow().status(), AppendHeaders(None), String::new());
            }
            count.send_modify(|count| *count += 1);
            let (status, fault) = match behaviour {
                Behaviour::Name | Behaviour::Echo | Behaviour::Headers => (StatusCode::OK, None),
                Behaviour::Status(status) => (StatusCode::from_u16(status).expect("a status"), None),
                Behaviour::StatusInPath => {
                    let status = uri.path().rsplit('/').next().and_then(|end| end.parse().ok());
                    (StatusCode::from_u16(status.unwrap_or(200)).expect("a status"), None)
                }
                Behaviour::Silence => pending().await,
                Behaviour::ForgedLocalReply => (StatusCode::NOT_FOUND, Some(LocalReply::UnknownService.as_str())),
            };
            let said = match behaviour {
                Behaviour::Echo => {
                    let host = headers.get(HOST).map_or("", |host| host.to_str().unwrap_or_default());
                    format!("{host}{uri}")
                }
                Behaviour::Headers => headers.keys().map(HeaderName::as_str).collect::<Vec<_>>().join(" "),
                _ => name.to_owned(),
            };
            (
                status,
                AppendHeaders(fault.map(|fault| (local_reply::HEADER, fault))),
                said,
            )
        };
        let address = listener.local_addr().expect("bound");
        let server = tokio::spawn(async move {
            let _endless = axum::serve(listener, Router::new().fallback(response)).await;
        });
        Self {
            address,
            health,
            requests,
            server,
        }
    }

    /// Sets the result of health checks.
    pub(crate) fn set_health(&self, health: Health) {
        self.health.send_replace(health);
    }

    /// The number of requests so far.
    pub(crate) fn requests(&self) -> usize {
        *self.requests.borrow()
    }

    /// Waits until this number of requests has come.
    pub(crate) async fn wait_for_requests(&self, times: usize) {
        let mut requests = self.requests.subscribe();
        let enough = requests.wait_for(|count| *count >= times);
        tokio::time::timeout(std::time::Duration::from_secs(20), enough)
            .await
            .unwrap_or_else(|_| panic!("{} requests instead of {times}", self.requests()))
            .expect("the sender exists");
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A TCP application of no known protocol: it sends its name, then echoes.
pub(crate) struct TcpUpstream {
    pub(crate) address: SocketAddr,
    connections: watch::Sender<usize>,
    server: JoinHandle<()>,
}

impl TcpUpstream {
    /// An application that closes the connection after the first bytes.
    pub(crate) async fn hanging_up() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let connections = watch::Sender::new(0);
        let count = connections.clone();
        let server = tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                count.send_modify(|count| *count += 1);
                let _heard = connection.read(&mut [0; 1024]).await;
            }
        });
        Self {
            address,
            connections,
            server,
        }
    }

    /// The number of connections so far.
    pub(crate) fn connections(&self) -> usize {
        *self.connections.borrow()
    }

    pub(crate) async fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self::on(listener, name)
    }

    /// The application, on a listener of the test.
    pub(crate) fn on(listener: TcpListener, name: &'static str) -> Self {
        let address = listener.local_addr().expect("bound");
        let server = tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut buffer = [0; 1024];
                    connection.write_all(name.as_bytes()).await?;
                    loop {
                        match connection.read(&mut buffer).await? {
                            0 => return std::io::Result::Ok(()),
                            length => connection.write_all(&buffer[..length]).await?,
                        }
                    }
                });
            }
        });
        Self {
            address,
            connections: watch::Sender::new(0),
            server,
        }
    }
}

impl Drop for TcpUpstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}
