//! Applications: small servers that say who they are and count who asks.

use std::future::pending;
use std::net::SocketAddr;

use axum::Router;
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::AppendHeaders;
use mesh_model::{Fault, fault};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How an application answers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Manner {
    /// With its name.
    Name,
    /// With its name and this status.
    Status(u16),
    /// Never.
    Silence,
    /// With what it was asked: host and path.
    Echo,
    /// As if it were a sidecar.
    Forgery,
}

/// An application that speaks HTTP/1.1.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    requests: watch::Sender<usize>,
    server: JoinHandle<()>,
}

impl Upstream {
    pub(crate) async fn start(name: &'static str, manner: Manner) -> Self {
        let requests = watch::Sender::new(0);
        let count = requests.clone();
        let answer = async move |uri: Uri, headers: HeaderMap| {
            count.send_modify(|count| *count += 1);
            let (status, fault) = match manner {
                Manner::Name | Manner::Echo => (StatusCode::OK, None),
                Manner::Status(status) => (StatusCode::from_u16(status).expect("a status"), None),
                Manner::Silence => pending().await,
                Manner::Forgery => (StatusCode::NOT_FOUND, Some(Fault::UnknownService.as_str())),
            };
            let said = match manner {
                Manner::Echo => {
                    let host = headers.get(HOST).map_or("", |host| host.to_str().unwrap_or_default());
                    format!("{host}{uri}")
                }
                _ => name.to_owned(),
            };
            (status, AppendHeaders(fault.map(|fault| (fault::HEADER, fault))), said)
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let server = tokio::spawn(async move {
            let _endless = axum::serve(listener, Router::new().fallback(answer)).await;
        });
        Self {
            address,
            requests,
            server,
        }
    }

    /// How many requests have come so far.
    pub(crate) fn requests(&self) -> usize {
        *self.requests.borrow()
    }

    /// Waits until so many requests have come since the start.
    pub(crate) async fn has_been_asked(&self, times: usize) {
        let mut requests = self.requests.subscribe();
        let enough = requests.wait_for(|count| *count >= times);
        tokio::time::timeout(std::time::Duration::from_secs(20), enough)
            .await
            .unwrap_or_else(|_| panic!("asked {} times instead of {times}", self.requests()))
            .expect("the sender is here");
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// An application that speaks nothing known: it says its name, then says everything again that it hears.
pub(crate) struct TcpUpstream {
    pub(crate) address: SocketAddr,
    connections: watch::Sender<usize>,
    server: JoinHandle<()>,
}

impl TcpUpstream {
    /// One that hears something and hangs up.
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

    /// How many connections have come so far.
    pub(crate) fn connections(&self) -> usize {
        *self.connections.borrow()
    }

    pub(crate) async fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
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
