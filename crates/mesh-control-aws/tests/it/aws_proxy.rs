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

/// The proxy. It stops when dropped.
pub(super) struct Door {
    pub(super) address: String,
    answers: Answers,
    server: JoinHandle<()>,
}

/// Injected responses with status, by operation.
type Answers = Arc<Mutex<BTreeMap<&'static str, (StatusCode, Value)>>>;

impl Door {
    /// A proxy in front of the account that injects errors.
    pub(super) async fn to(address: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let own = format!("http://{}", listener.local_addr().expect("bound"));
        let answers = Answers::default();
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let (behind, known) = (address.to_owned(), Arc::clone(&answers));
        let pass = async move |headers: HeaderMap, body: Bytes| {
            let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
            let operation = target.and_then(|target| target.split('.').nth(1)).unwrap_or_default();
            let own = known
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(operation)
                .cloned();
            match own {
                Some((status, answer)) => json_answer(status, answer.to_string()),
                None => pass_on(&client, &behind, headers, body).await,
            }
        };
        let server = tokio::spawn(async move {
            let _endless = axum::serve(listener, Router::new().fallback(pass)).await;
        });
        Self {
            address: own,
            answers,
            server,
        }
    }

    /// Injects an error of this code for an operation.
    pub(super) fn refuse(&self, operation: &'static str, code: &str, message: &str) {
        let error = json!({"__type": code, "message": message});
        self.answer(operation, StatusCode::BAD_REQUEST, error);
    }

    /// Injects a response for an operation.
    pub(super) fn answer(&self, operation: &'static str, status: StatusCode, answer: Value) {
        self.change(|answers| drop(answers.insert(operation, (status, answer))));
    }

    /// Forwards everything again.
    pub(super) fn open(&self) {
        self.change(BTreeMap::clear);
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<&'static str, (StatusCode, Value)>)) {
        change(&mut self.answers.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass_on(client: &reqwest::Client, behind: &str, headers: HeaderMap, body: Bytes) -> Response {
    let mut request = client.post(behind).body(body);
    for (name, value) in &headers {
        if name == "authorization" || name == "content-type" || name.as_str().starts_with("x-amz") {
            request = request.header(name, value);
        }
    }
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => return (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    };
    let status = answer.status();
    json_answer(status, answer.text().await.expect("a text"))
}

fn json_answer(status: StatusCode, answer: String) -> Response {
    (status, [("content-type", "application/x-amz-json-1.1")], answer).into_response()
}
