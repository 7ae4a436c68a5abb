//! Hooks that are HTTP requests.

use std::time::Duration;

use bluegreen_state::HookStatus;
use reqwest::{Client, Request, Response, StatusCode, Url, redirect};

use super::HookCall;
use super::response;

/// Longer responses are a failure.
pub(super) const MAX_RESPONSE: usize = 64 * 1024;

/// Posts the call to `url`. Redirects are not followed: they would turn the POST into a GET.
pub(super) async fn post(url: &Url, call: &HookCall<'_>, timeout: Duration) -> HookStatus {
    match tokio::time::timeout(timeout, send(url, call)).await {
        Ok(Ok(status)) => status,
        Ok(Err(reason)) => HookStatus::Failed(reason),
        Err(_elapsed) => HookStatus::Failed(format!("no response within {}", humantime::format_duration(timeout))),
    }
}

async fn send(url: &Url, call: &HookCall<'_>) -> Result<HookStatus, String> {
    let client = Client::builder().redirect(redirect::Policy::none()).build();
    let client = client.map_err(|error| with_causes(&error))?;
    let request = client
        .post(url.clone())
        .header("content-type", "application/json")
        .body(call.body().to_string())
        .build()
        .map_err(|error| with_causes(&error.without_url()))?;
    let (status, body) = match url.scheme() {
        #[cfg(feature = "aws")]
        "https" => super::https::exchange(request, super::https::connector()?).await?,
        _ => exchange(&client, request).await?,
    };
    if !status.is_success() {
        return Err(format!("the response has the status {status}"));
    }
    response::parse(&body).map_err(|reason| format!("the response is not one of a hook: {reason}"))
}

async fn exchange(client: &Client, request: Request) -> Result<(StatusCode, String), String> {
    let response = client
        .execute(request)
        .await
        .map_err(|error| with_causes(&error.without_url()))?;
    let status = response.status();
    Ok((status, read(response).await?))
}

async fn read(mut response: Response) -> Result<String, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| with_causes(&error.without_url()))?
    {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_RESPONSE {
            return Err(format!("the response is longer than {MAX_RESPONSE} bytes"));
        }
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |error| (*error).source());
    let texts: Vec<String> = std::iter::once(error).chain(sources).map(ToString::to_string).collect();
    texts.join(": ")
}
