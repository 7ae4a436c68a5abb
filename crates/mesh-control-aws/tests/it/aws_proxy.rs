//! A proxy in front of the account that injects errors.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The proxy, stopped on drop.
pub(super) struct AwsProxy {
    pub(super) address: String,
    responses: InjectedResponses,
    server: JoinHandle<()>,
}

/// Injected responses with status, by operation.
type InjectedResponses = Arc<Mutex<BTreeMap<&'static str, (StatusCode, Value)>>>;

impl AwsProxy {
    /// Starts a proxy in front of the account at `address`.
    pub(super) async fn start(address: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let own = format!("http://{}", listener.local_addr().expect("bound"));
        let responses = InjectedResponses::default();
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let (upstream, injected) = (address.to_owned(), Arc::clone(&responses));
        let pass = async move |headers: HeaderMap, body: Bytes| {
            let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
            let operation = target.and_then(|target| target.split('.').nth(1)).unwrap_or_default();
            let own = injected
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(operation)
                .cloned();
            match own {
                Some((status, response)) => json_response(status, response.to_string()),
                None => forward(&client, &upstream, headers, body).await,
            }
        };
        let server = tokio::spawn(async move {
            let _endless = axum::serve(listener, Router::new().fallback(pass)).await;
        });
        Self {
            address: own,
            responses,
            server,
        }
    }

    /// Injects an error of this code for an operation.
    pub(super) fn fail_with(&self, operation: &'static str, code: &str, message: &str) {
        let error = json!({"__type": code, "message": message});
        self.respond_with(operation, StatusCode::BAD_REQUEST, error);
    }

    /// Injects a response for an operation.
    pub(super) fn respond_with(&self, operation: &'static str, status: StatusCode, response: Value) {
        self.change(|responses| drop(responses.insert(operation, (status, response))));
    }

    /// Removes all injected responses.
    pub(super) fn reset(&self) {
        self.change(BTreeMap::clear);
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<&'static str, (StatusCode, Value)>)) {
        change(&mut self.responses.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for AwsProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn forward(client: &reqwest::Client, upstream: &str, headers: HeaderMap, body: Bytes) -> Response {
    let mut request = client.post(upstream).body(body);
    for (name, value) in &headers {
        if name == "authorization" || name == "content-type" || name.as_str().starts_with("x-amz") {
            request = request.header(name, value);
        }
    }
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    };
    let status = response.status();
    json_response(status, response.text().await.expect("a body"))
}

fn json_response(status: StatusCode, response: String) -> Response {
    (status, [("content-type", "application/x-amz-json-1.1")], response).into_response()
}
