//! A client of App Mesh's API: plain HTTP, as the SDKs send it.

use std::time::Duration;

use serde_json::{Value, json};

/// A client for the API that a program has printed.
#[derive(Debug, Clone)]
pub(crate) struct ApiClient {
    endpoint: String,
    client: reqwest::Client,
}

impl ApiClient {
    /// The endpoint in the line `export AWS_ENDPOINT_URL_APP_MESH=…`.
    pub(crate) fn from_output(stdout: &str) -> Self {
        let endpoint = exported(stdout, "AWS_ENDPOINT_URL_APP_MESH");
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20));
        Self {
            endpoint: endpoint.unwrap_or_else(|| panic!("no endpoint in {stdout}")),
            client: client.build().expect("a client"),
        }
    }

    /// The URL of the API.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Status and body of the response to a request below `/v20190125`.
    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Result<(u16, Value), String> {
        let method = method.parse().expect("a method");
        let mut request = self
            .client
            .request(method, format!("{}/v20190125{path}", self.endpoint));
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let response = request.send().await.map_err(|error| format!("{error:?}"))?;
        let status = response.status().as_u16();
        let text = response.text().await.map_err(|error| format!("{error:?}"))?;
        let body = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
        Ok((status, body))
    }

    /// The body of a response with status 200.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        match self.send(method, path, body).await {
            Ok((200, body)) => body,
            other => panic!("{method} {path}: {other:?}"),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.call("GET", path, None).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Value {
        self.call("PUT", path, Some(body)).await
    }

    /// UpdateRoute of an HTTP route with the prefix `/`.
    pub(crate) async fn set_weights(&self, route: &str, weights: &[(&str, u32)]) -> Value {
        self.put(route, json!({ "spec": route_spec(weights) })).await
    }
}

/// The spec of an HTTP route with the prefix `/`.
pub(crate) fn route_spec(weights: &[(&str, u32)]) -> Value {
    let targets: Vec<Value> = weights
        .iter()
        .map(|(node, weight)| json!({"virtualNode": node, "weight": weight}))
        .collect();
    json!({"httpRoute": {"match": {"prefix": "/"}, "action": {"weightedTargets": targets}}})
}

/// The value of a variable in the lines to export.
pub(crate) fn exported(stdout: &str, variable: &str) -> Option<String> {
    let start = format!("export {variable}=");
    let line = stdout.lines().find_map(|line| line.trim().strip_prefix(&start))?;
    line.split_whitespace().next().map(str::to_owned)
}

/// The names in a list.
pub(crate) fn names<'l>(list: &'l Value, key: &str) -> Vec<&'l str> {
    let items = list.as_array().unwrap_or_else(|| panic!("{list} is a list"));
    items.iter().filter_map(|item| item[key].as_str()).collect()
}
