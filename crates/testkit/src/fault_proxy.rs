//! A proxy in front of an emulator of AWS that delays, hangs, throttles, denies or drops single calls.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Larger than every request and response of the tests.
const MAX_BODY: usize = 64 << 20;

/// What happens to a call instead of being forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is forwarded after this time.
    Delay(Duration),
    /// It is accepted and never answered.
    Hang,
    /// It is forwarded, and its response is never sent.
    LoseResponse,
    /// The connection is closed without a response.
    Drop,
    /// AWS's error for too many requests.
    Throttle,
    /// AWS's error for a missing permission.
    Deny,
    /// AWS's error for credentials that have expired.
    ExpireCredentials,
    /// HTTP status 503.
    Unavailable,
}

/// Selects calls: every text must occur in the name of the call or in the body of its request.
#[derive(Debug, Clone)]
struct Rule {
    texts: Vec<String>,
    fault: Fault,
    /// The number of calls left; `None` for all.
    left: Option<usize>,
}

#[derive(Debug, Default)]
struct Shared {
    rules: Vec<Rule>,
    calls: Vec<String>,
    actions: Vec<String>,
}

/// A proxy on loopback, with rules that can be changed while it runs. Stopped on drop.
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    serving: JoinHandle<()>,
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultProxy")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Forwarder {
    upstream: String,
    client: reqwest::Client,
    shared: Arc<Mutex<Shared>>,
}

impl FaultProxy {
    /// Starts a proxy for the server at `upstream`, such as `http://127.0.0.1:4566`. Without rules, it forwards.
    ///
    /// # Panics
    ///
    /// If it cannot listen on loopback.
    pub async fn start(upstream: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::default();
        let forwarder = Forwarder {
            upstream: upstream.trim_end_matches('/').to_owned(),
            client: reqwest::Client::builder().no_proxy().build().expect("an HTTP client"),
            shared: Arc::clone(&shared),
        };
        let routes = Router::new().fallback(respond).with_state(forwarder);
        let serving = tokio::spawn(async move {
            axum::serve(listener, routes)
                .await
                .expect("it serves until it is dropped");
        });
        Self {
            address,
            shared,
            serving,
        }
    }

    /// Its address, such as `http://127.0.0.1:40001`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Applies a fault to all calls with each of these texts: in the name of the call, such as `GetParameter` or `AmazonSSM`,
    /// or in its body, or as its whole IAM action, such as `ssm:GetParameter`. No text: all calls. Earlier rules come first.
    pub fn inject(&self, texts: &[&str], fault: Fault) {
        self.add(texts, fault, None);
    }

    /// The same for the next `count` such calls.
    pub fn inject_times(&self, count: usize, texts: &[&str], fault: Fault) {
        self.add(texts, fault, Some(count));
    }

    fn add(&self, texts: &[&str], fault: Fault, left: Option<usize>) {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        lock(&self.shared).rules.push(Rule { texts, fault, left });
    }

    /// Removes all rules. Calls that hang stay so.
    pub fn heal(&self) {
        lock(&self.shared).rules.clear();
    }

    /// The names of all calls so far, such as `AmazonSSM.GetParameter` or `DescribeStacks`.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        lock(&self.shared).calls.clone()
    }

    /// The IAM actions of all calls so far, such as `ssm:GetParameter`: the service that the request is signed for, and
    /// the operation.
    #[must_use]
    pub fn actions(&self) -> Vec<String> {
        lock(&self.shared).actions.clone()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn lock(shared: &Mutex<Shared>) -> std::sync::MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn respond(State(forwarder): State<Forwarder>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "the request is too long for the proxy");
    };
    let call = name_of(&parts.headers, &body);
    let is_query = !parts.headers.contains_key("x-amz-target");
    let action = action_of(&parts.headers, &call);
    match forwarder.fault(&call, &action, &body) {
        None => {}
        Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::LoseResponse) => {
            drop(forwarder.forward(parts, body).await);
            return std::future::pending().await;
        }
        // A response that breaks off in its body: the client sees a closed connection.
        Some(Fault::Drop) => return broken_off(),
        Some(Fault::Throttle) => return error(400, is_query, "Throttling", "ThrottlingException", "Rate exceeded"),
        Some(Fault::Deny) => {
            let message = format!("User: tests is not authorized to perform: {action}");
            return error(400, is_query, "AccessDenied", "AccessDeniedException", &message);
        }
        Some(Fault::ExpireCredentials) => {
            let message = "The security token included in the request is expired";
            return error(403, is_query, "ExpiredToken", "ExpiredTokenException", message);
        }
        Some(Fault::Unavailable) => {
            return error(503, is_query, "ServiceUnavailable", "ServiceUnavailable", "Try again");
        }
    }
    forwarder.forward(parts, body).await
}

impl Forwarder {
    /// Records the call, and returns its fault.
    fn fault(&self, call: &str, action: &str, body: &[u8]) -> Option<Fault> {
        let mut shared = lock(&self.shared);
        shared.calls.push(call.to_owned());
        shared.actions.push(action.to_owned());
        let body = String::from_utf8_lossy(body);
        let applies = |rule: &&mut Rule| {
            let is_in = |text: &String| call.contains(text) || action == text || body.contains(text);
            rule.left != Some(0) && rule.texts.iter().all(is_in)
        };
        let rule = shared.rules.iter_mut().find(applies)?;
        rule.left = rule.left.map(|left| left - 1);
        Some(rule.fault)
    }

    async fn forward(&self, parts: axum::http::request::Parts, body: Bytes) -> Response {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = self
            .client
            .request(parts.method, format!("{}{path}", self.upstream))
            .body(body);
        for (name, value) in &parts.headers {
            // The client sets its own.
            if !["host", "content-length", "connection"].contains(&name.as_str()) {
                request = request.header(name, value);
            }
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return plain(StatusCode::BAD_GATEWAY, &error.to_string()),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let body = match response.bytes().await {
            Ok(body) => body,
            Err(error) => return plain(StatusCode::BAD_GATEWAY, &error.to_string()),
        };
        let mut forwarded = Response::new(Body::from(body));
        *forwarded.status_mut() = status;
        let kept = |name: &HeaderName| !["transfer-encoding", "content-length", "connection"].contains(&name.as_str());
        forwarded.headers_mut().extend(
            headers
                .into_iter()
                .filter_map(|(name, value)| Some((name.filter(kept)?, value))),
        );
        forwarded
    }
}

/// `x-amz-target` of JSON protocols, or `Action` of the query protocol.
fn name_of(headers: &HeaderMap, body: &[u8]) -> String {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    if let Some(target) = target {
        return target.to_owned();
    }
    let body = String::from_utf8_lossy(body);
    let action = body.split('&').find_map(|pair| pair.strip_prefix("Action="));
    action.unwrap_or_default().to_owned()
}

/// The IAM action of a call: the service of its signature (`Credential=KEY/DATE/REGION/SERVICE/aws4_request`) and its
/// operation.
fn action_of(headers: &HeaderMap, call: &str) -> String {
    let authorization = headers.get("authorization").and_then(|value| value.to_str().ok());
    let scope = authorization.and_then(|value| value.split_once("Credential="));
    let service = scope.and_then(|(_, scope)| scope.split('/').nth(3)).unwrap_or_default();
    let operation = call.rsplit('.').next().unwrap_or(call);
    format!("{service}:{operation}")
}

fn error(status: u16, is_query: bool, query_code: &str, json_code: &str, message: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if is_query {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{query_code}</Code><Message>{message}</Message></Error>\
             <RequestId>1</RequestId></ErrorResponse>"
        );
        return typed(status, "text/xml", body);
    }
    // Services differ in the case of the key.
    let body = format!("{{\"__type\":\"{json_code}\",\"message\":\"{message}\",\"Message\":\"{message}\"}}");
    typed(status, "application/x-amz-json-1.1", body)
}

fn plain(status: StatusCode, text: &str) -> Response {
    typed(status, "text/plain", text.to_owned())
}

fn typed(status: StatusCode, content_type: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert("content-type", HeaderValue::from_static(content_type));
    response
}

fn broken_off() -> Response {
    let body = Body::from_stream(futures_util::stream::once(std::future::ready(Err::<Bytes, _>(
        std::io::Error::other("broken off"),
    ))));
    Response::new(body)
}
