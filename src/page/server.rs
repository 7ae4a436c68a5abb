//! Server of the page: HTML, its script and style, and server-sent events, on loopback.
//!
//! Requests must name a loopback host: a page of another origin could otherwise read this one through a name that resolves to
//! 127.0.0.1 (DNS rebinding). There are no cookies, and no request changes anything.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::feed::Feed;
use super::html::{document, sections};
use crate::running::server::CommandSender;

/// Time between two looks at the mesh.
const INTERVAL: Duration = Duration::from_secs(1);
/// Between the two reads of a page without JavaScript, whose rates are about this time.
const FIRST_INTERVAL: Duration = Duration::from_millis(250);
/// Open streams of events, and pages that are being rendered. Each asks every Envoy once a second.
const MAX_VIEWERS: usize = 8;

const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
                              form-action 'none'; frame-ancestors 'none'";

/// The page of a mesh. Dropping it closes its address.
#[derive(Debug)]
pub(crate) struct Page {
    address: SocketAddr,
    serving: AbortHandle,
}

#[derive(Debug, Clone)]
struct Shared {
    name: Arc<str>,
    commands: CommandSender,
    viewers: Arc<Semaphore>,
}

impl Page {
    /// Serves the page of the mesh of this name, at this port of 127.0.0.1; 0 is any free one.
    pub(crate) async fn open(name: &str, port: u16, commands: CommandSender) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let shared = Shared {
            name: name.into(),
            commands,
            viewers: Arc::new(Semaphore::new(MAX_VIEWERS)),
        };
        let script = ([(CONTENT_TYPE, "text/javascript")], include_str!("assets/page.js"));
        let style = ([(CONTENT_TYPE, "text/css")], include_str!("assets/page.css"));
        let routes = Router::new()
            .route("/", get(page))
            .route("/events", get(events))
            .route("/page.js", get(async move || script))
            .route("/page.css", get(async move || style))
            .layer(middleware::from_fn(protect))
            .with_state(shared);
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::error!("the page of the mesh is no longer served: {error}");
            }
        });
        Ok(Self {
            address,
            serving: serving.abort_handle(),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Rejects other hosts, and sets the headers of all responses.
async fn protect(request: Request, next: Next) -> Response {
    let mut response = if is_loopback(request.headers()) {
        next.run(request).await
    } else {
        let message = "this page is for 127.0.0.1 and localhost only";
        (StatusCode::MISDIRECTED_REQUEST, message).into_response()
    };
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn is_loopback(headers: &HeaderMap) -> bool {
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "127.0.0.1" | "localhost")
}

async fn page(State(shared): State<Shared>) -> Response {
    let Ok(_permit) = shared.viewers.try_acquire() else {
        return too_many();
    };
    let mut feed = Feed::new(shared.commands.clone());
    // The first read has no rates.
    let first = feed.view().await;
    tokio::time::sleep(FIRST_INTERVAL).await;
    match feed.view().await.or(first) {
        Some(view) => {
            let sections = sections(&view, SystemTime::now());
            Html(document(&shared.name, &sections).into_string()).into_response()
        }
        None => (StatusCode::SERVICE_UNAVAILABLE, "the mesh is stopping").into_response(),
    }
}

fn too_many() -> Response {
    let message = format!("{MAX_VIEWERS} pages of this mesh are open already");
    (StatusCode::SERVICE_UNAVAILABLE, message).into_response()
}

/// What one viewer has been sent.
struct Viewer {
    feed: Feed,
    sent: Vec<(&'static str, String)>,
    next: Instant,
    _permit: OwnedSemaphorePermit,
}

/// All sections, then those that have changed, at most once a second.
async fn events(State(shared): State<Shared>) -> Response {
    let Ok(permit) = shared.viewers.try_acquire_owned() else {
        return too_many();
    };
    let mut feed = Feed::new(shared.commands);
    // The first read has no rates.
    let _first = feed.view().await;
    let viewer = Viewer {
        feed,
        sent: Vec::new(),
        next: Instant::now() + FIRST_INTERVAL,
        _permit: permit,
    };
    let changes = stream::unfold(viewer, async |mut viewer| {
        let changed = viewer.next_change().await?;
        let event = Event::default().data(changed);
        Some((Ok::<_, Infallible>(event), viewer))
    });
    Sse::new(changes).keep_alive(KeepAlive::default()).into_response()
}

impl Viewer {
    /// The changed sections as a JSON object, by id. `None` once the mesh stops.
    async fn next_change(&mut self) -> Option<String> {
        loop {
            tokio::time::sleep_until(self.next).await;
            let view = self.feed.view().await?;
            self.next = Instant::now() + INTERVAL;
            let sections = sections(&view, SystemTime::now());
            let changed = sections.iter().filter(|section| !self.sent.contains(section));
            let changed: serde_json::Map<_, _> = changed
                .map(|(id, content)| ((*id).to_owned(), content.as_str().into()))
                .collect();
            self.sent = sections.to_vec();
            if !changed.is_empty() {
                return serde_json::to_string(&changed).ok();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_hosts_are_served() {
        let of = |host: &'static str| is_loopback(&HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]));
        for host in ["127.0.0.1:8080", "localhost:8080", "localhost"] {
            assert!(of(host), "{host}");
        }
        for host in [
            "mesh.example",
            "127.0.0.1.example:80",
            "",
            "[::1]:80",
            "localhost.example",
        ] {
            assert!(!of(host), "{host}");
        }
        assert!(!is_loopback(&HeaderMap::new()));
    }
}
