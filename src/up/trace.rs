//! Makes one request into the mesh, and returns its path and timeline.

use std::time::{Duration, Instant};

use mesh_local::LocalMesh;
use mesh_local::request_path::sampled_trace_id;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, Url};
use uuid::Uuid;

use crate::console::chain;
use crate::running::command::{CommandError, TraceRequest, Traced};

/// Longer than the mesh's own timeout of 15 s, so that the mesh's response is shown.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Limit on the returned part of a response's body.
const MAX_BODY: usize = 64 * 1024;

/// Makes a request with a sampled trace, to the ingress of a task or the listener of a load balancer.
pub(super) async fn trace(request: TraceRequest, mesh: &LocalMesh) -> Result<Traced, CommandError> {
    let url = resolve(&request.url, mesh)?;
    if url.scheme() != "http" {
        let message = format!("`{url}` is not an http URL: requests with TLS cannot be traced from here");
        return Err(CommandError::impossible(message));
    }
    let entry = url.socket_addrs(|| None).ok().and_then(|all| all.first().copied());
    let entry = entry.ok_or_else(|| CommandError::impossible(format!("`{url}` has no address")))?;
    let method: Method = request
        .method
        .parse()
        .map_err(|_| CommandError::impossible(format!("`{}` is no HTTP method", request.method)))?;
    let trace_id = sampled_trace_id(&Uuid::new_v4().simple().to_string());
    let span_id = &Uuid::new_v4().simple().to_string()[..16];
    let traceparent = format!("00-{trace_id}-{span_id}-01");
    let client = client()?;
    let mut call = client.request(method, url.clone()).header("traceparent", &traceparent);
    for header in &request.headers {
        let (name, value) = parse_header(header)?;
        call = call.header(name, value);
    }
    if let Some(body) = request.body {
        call = call.body(body);
    }
    let watch = mesh.watch_trace(&traceparent);
    let started = Instant::now();
    let response = mesh.run_in_call_scope(async move {
        let response = call.send().await?;
        Ok::<_, reqwest::Error>((response.status().as_u16(), response.bytes().await?))
    });
    let response = response
        .await
        .map_err(|error| CommandError::impossible(error.to_string()))?;
    let (status, body) = response.map_err(|error| CommandError::impossible(chain(&error)))?;
    let took = started.elapsed();
    let path = mesh.path(&trace_id, entry).await;
    let timeline = match watch {
        Some(watch) => watch.timeline(&path).await.text(request.width),
        None => String::new(),
    };
    Ok(Traced {
        trace_id,
        status,
        milliseconds: took.as_secs_f64() * 1000.0,
        body: String::from_utf8_lossy(&body[..body.len().min(MAX_BODY)]).into_owned(),
        is_complete: path.complete,
        path: path.to_string(),
        timeline,
    })
}

fn client() -> Result<reqwest::Client, CommandError> {
    // Calls go to loopback, which a proxy from the user's environment could not reach.
    let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build();
    client.map_err(|error| CommandError::impossible(chain(&error)))
}

/// The URL of a request: an absolute one, or a service and a path, such as `api/users`.
fn resolve(text: &str, mesh: &LocalMesh) -> Result<Url, CommandError> {
    if text.contains("://") {
        return text
            .parse()
            .map_err(|error| CommandError::impossible(format!("`{text}` is no URL: {error}")));
    }
    let (service, path) = text.split_once('/').unwrap_or((text, ""));
    let address = mesh.address_of(service, None).ok_or_else(|| CommandError {
        message: format!("`{text}` is neither a URL nor a service with one port and a path, such as api/users"),
        is_unknown: true,
    })?;
    let url = format!("http://{address}/{path}");
    url.parse()
        .map_err(|error| CommandError::impossible(format!("`{url}` is no URL: {error}")))
}

fn parse_header(text: &str) -> Result<(HeaderName, HeaderValue), CommandError> {
    let parse = || {
        let (name, value) = text.split_once(':')?;
        Some((name.trim().parse().ok()?, value.trim().parse().ok()?))
    };
    parse().ok_or_else(|| CommandError::impossible(format!("`{text}` is no header, such as `Name: value`")))
}
