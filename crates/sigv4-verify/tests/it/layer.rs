//! The layer around a service: errors, bodies, replays.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, to_bytes};
use axum::routing::any;
use axum::{Extension, Router};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use sigv4_verify::{AccessKey, KeyRing, Keys, ReplayMemory, Verified, VerifyError, VerifyLayer};
use tower::ServiceExt;

use crate::fixture::{KEY_ID, Signer, keys, now, read_request, seconds, verifier, write_request};

const MAX_BODY: usize = 1000;

/// A service that counts its requests and repeats their bodies.
struct Server {
    app: Router,
    requests: Arc<AtomicUsize>,
    /// Seconds after [`now`].
    clock: Arc<AtomicU64>,
}

impl Server {
    fn new(replay: ReplayMemory) -> Self {
        Self::with_keys(keys(), replay)
    }

    fn with_keys(keys: impl Keys + 'static, replay: ReplayMemory) -> Self {
        let requests = Arc::new(AtomicUsize::new(0));
        let clock = Arc::new(AtomicU64::new(0));
        let (counter, time) = (Arc::clone(&requests), Arc::clone(&clock));
        let echo = move |Extension(caller): Extension<Verified>, body: String| async move {
            counter.fetch_add(1, Ordering::SeqCst);
            format!("{}:{body}", caller.access_key_id())
        };
        let clock_of = move || now() + seconds(time.load(Ordering::SeqCst));
        let layer = VerifyLayer::with_limits(verifier(), Arc::new(keys), clock_of, MAX_BODY, replay);
        let app = Router::new().fallback(any(echo)).layer(layer);
        Self { app, requests, clock }
    }

    async fn send(&self, request: Request<Vec<u8>>) -> Response<Body> {
        let request = request.map(Body::from);
        self.app.clone().oneshot(request).await.expect("a response")
    }

    async fn status(&self, request: Request<Vec<u8>>) -> u16 {
        self.send(request).await.status().as_u16()
    }
}

async fn text(response: Response<Body>) -> String {
    let bytes = to_bytes(response.into_body(), 100_000).await.expect("a body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[tokio::test]
async fn the_service_receives_the_caller_and_the_body() {
    let server = Server::new(ReplayMemory::default());
    let response = server.send(Signer::default().sign(write_request())).await;
    assert_eq!(response.status(), 200);
    let body = String::from_utf8(write_request().into_body()).unwrap();
    assert_eq!(text(response).await, format!("{KEY_ID}:{body}"));
}

#[tokio::test]
async fn a_rejected_request_gets_the_json_error_of_aws() {
    let server = Server::new(ReplayMemory::default());
    let response = server.send(read_request()).await;
    assert_eq!(response.status(), 403);
    assert_eq!(
        response.headers()["x-amzn-errortype"],
        "MissingAuthenticationTokenException"
    );
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.extensions().get::<VerifyError>(), Some(&VerifyError::Unsigned));
    assert_eq!(text(response).await, r#"{"message":"Missing Authentication Token"}"#);
    assert_eq!(server.requests.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_write_is_accepted_once_and_a_read_again() {
    let server = Server::new(ReplayMemory::default());
    let write = Signer::default().sign(write_request());
    assert_eq!(server.status(write.clone()).await, 200);
    let repeated = server.send(write.clone()).await;
    assert_eq!(repeated.status(), 503);
    assert_eq!(repeated.headers()["x-amzn-errortype"], "ServiceUnavailableException");
    server.clock.store(10, Ordering::SeqCst);
    let replayed = server.send(write.clone()).await;
    assert_eq!(replayed.extensions().get::<VerifyError>(), Some(&VerifyError::Replayed));
    server.clock.store(300, Ordering::SeqCst);
    assert_eq!(server.status(write.clone()).await, 403);
    server.clock.store(301, Ordering::SeqCst);
    assert_eq!(server.status(write).await, 403);
    assert_eq!(server.requests.load(Ordering::SeqCst), 1);

    // Signed anew, as an SDK does at each attempt.
    let again = Signer {
        time: now() + seconds(301),
        ..Signer::default()
    }
    .sign(write_request());
    assert_eq!(server.status(again).await, 200);

    server.clock.store(0, Ordering::SeqCst);
    let read = Signer::default().sign(read_request());
    assert_eq!(server.status(read.clone()).await, 200);
    assert_eq!(server.status(read).await, 200);
}

#[tokio::test]
async fn a_presigned_write_is_accepted_once() {
    let server = Server::new(ReplayMemory::default());
    let write = Signer {
        presigned: Some(seconds(60)),
        ..Signer::default()
    }
    .sign(write_request());
    assert_eq!(server.status(write.clone()).await, 200);
    server.clock.store(10, Ordering::SeqCst);
    assert_eq!(server.status(write).await, 403);
}

#[tokio::test]
async fn a_rejected_write_does_not_use_up_its_signature() {
    let server = Server::new(ReplayMemory::default());
    let write = Signer::default().sign(write_request());
    let mut altered = write.clone();
    altered.body_mut().push(b' ');
    assert_eq!(server.status(altered).await, 403);
    assert_eq!(server.status(write).await, 200);
}

#[tokio::test]
async fn a_full_memory_asks_the_client_to_wait() {
    let server = Server::new(ReplayMemory::new(1));
    assert_eq!(server.status(Signer::default().sign(write_request())).await, 200);
    let other = |time| {
        Signer {
            time,
            ..Signer::default()
        }
        .sign(write_request())
    };
    let response = server.send(other(now() + seconds(1))).await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["x-amzn-errortype"], "TooManyRequestsException");
    server.clock.store(301, Ordering::SeqCst);
    assert_eq!(server.status(other(now() + seconds(301))).await, 200);
}

/// Keys of which none may send anything once the limit is reached.
struct Limited {
    keys: KeyRing,
    is_reached: Arc<AtomicBool>,
}

impl Keys for Limited {
    fn find(&self, access_key_id: &str) -> Option<Arc<AccessKey>> {
        self.keys.find(access_key_id)
    }

    fn admit(&self, verified: &Verified, method: &Method) -> Result<(), VerifyError> {
        assert_eq!((verified.access_key_id(), method), (KEY_ID, &Method::PUT));
        if self.is_reached.load(Ordering::SeqCst) {
            return Err(VerifyError::Throttled("Rate exceeded".to_owned()));
        }
        Ok(())
    }
}

#[tokio::test]
async fn throttled_writes_do_not_fill_the_memory() {
    let is_reached = Arc::new(AtomicBool::new(true));
    let limited = Limited {
        keys: keys(),
        is_reached: Arc::clone(&is_reached),
    };
    let server = Server::with_keys(limited, ReplayMemory::new(1));
    let write = |second| {
        let signer = Signer {
            time: now() + seconds(second),
            ..Signer::default()
        };
        signer.sign(write_request())
    };
    for second in 0..10 {
        let response = server.send(write(second)).await;
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["x-amzn-errortype"], "TooManyRequestsException");
        assert_eq!(text(response).await, r#"{"message":"Rate exceeded"}"#);
    }
    is_reached.store(false, Ordering::SeqCst);
    // Neither its signature nor the room for one is used up.
    assert_eq!(server.status(write(0)).await, 200);
}

#[tokio::test]
async fn a_body_is_limited_with_and_without_a_stated_length() {
    let server = Server::new(ReplayMemory::default());
    let sized = |length| {
        let request = Request::put("http://mesh.example/v20190125/meshes")
            .body(vec![b'x'; length])
            .unwrap();
        Signer::default().sign(request)
    };
    assert_eq!(server.status(sized(MAX_BODY)).await, 200);
    let response = server.send(sized(MAX_BODY + 1)).await;
    assert_eq!(response.status(), 413);
    assert_eq!(response.headers()["x-amzn-errortype"], "RequestEntityTooLargeException");

    let (parts, body) = sized(MAX_BODY + 1).into_parts();
    let without_length = Body::new(Unsized(Full::from(body)));
    let response = server
        .app
        .clone()
        .oneshot(Request::from_parts(parts, without_length))
        .await
        .unwrap();
    assert_eq!(response.status(), 413);
}

#[tokio::test]
async fn the_body_of_an_unknown_client_does_not_matter() {
    let server = Server::new(ReplayMemory::default());
    let (parts, _) = write_request().into_parts();
    let request = Request::from_parts(parts, Body::new(Unreadable));
    let response = server.app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 403);

    // That of a client with a known key is.
    let (parts, _) = Signer::default().sign(write_request()).into_parts();
    let request = Request::from_parts(parts, Body::new(Unreadable));
    let response = server.app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 400);
    assert!(text(response).await.contains("connection reset"));
}

/// Hides the length of a body.
struct Unsized(Full<Bytes>);

impl http_body::Body for Unsized {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }
}

/// A body whose connection fails.
struct Unreadable;

impl http_body::Body for Unreadable {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, &'static str>>> {
        Poll::Ready(Some(Err("connection reset")))
    }
}
