//! Downstream calls: calls of other services through the mesh on behalf of a request.

mod address;

use axum::http::{StatusCode, Uri};
use mesh_client::{Client, Deadline, Response, TraceContext};
use sidecar_contract::MeshSuffixes;
use sidecar_contract::environment::{EGRESS, TRAFFIC_MODE};
use thiserror::Error;

use self::address::{Address, InvalidAddress};
use crate::response_bodies::DownstreamBody;
use crate::settings::Ports;

/// The path prefix of downstream calls.
pub(crate) const PREFIX: &str = "/downstream/";

/// The longest response body: one mebibyte. It is buffered, once for each request in flight.
const MAX_BODY: usize = 1 << 20;

/// The mesh, if there is one.
#[derive(Debug)]
pub(crate) struct Downstream {
    mesh: Option<Client>,
    ports: Ports,
}

/// Why a downstream call failed.
#[derive(Debug, Error)]
pub(crate) enum DownstreamError {
    #[error(transparent)]
    InvalidAddress(#[from] InvalidAddress),
    #[error("no mesh is configured, so `{service}` cannot be called: set {EGRESS} or {TRAFFIC_MODE}")]
    NoMesh { service: String },
    #[error(transparent)]
    Call(#[from] mesh_client::Error),
    #[error("the response of `{service}` has more than {MAX_BODY} bytes")]
    TooLong { service: String },
}

impl DownstreamError {
    /// The status of the response: 400 for an error of the caller, 504 for a timeout, 502 for other errors.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::InvalidAddress(_) => StatusCode::BAD_REQUEST,
            Self::Call(error) if error.is_builder() => StatusCode::BAD_REQUEST,
            Self::Call(error) if error.is_timeout() => StatusCode::GATEWAY_TIMEOUT,
            Self::NoMesh { .. } | Self::Call(_) | Self::TooLong { .. } => StatusCode::BAD_GATEWAY,
        }
    }
}

impl Downstream {
    pub(crate) fn new(mesh: Option<Client>, ports: Ports) -> Self {
        Self { mesh, ports }
    }

    /// Calls the service in the path of `uri` after [`PREFIX`], with the deadline of the request if it has one.
    ///
    /// Cancelling it cancels the call; the service may or may not have acted on it.
    pub(crate) async fn fetch(
        &self,
        uri: &Uri,
        trace: &TraceContext,
        deadline: Option<Deadline>,
    ) -> Result<DownstreamBody, DownstreamError> {
        let (name, rest) = split(uri.path());
        // The name is validated with or without a mesh.
        let suffixes = self.mesh.as_ref().map(Client::suffixes);
        let url = url(name, rest, uri.query(), suffixes, &self.ports)?;
        let client = self.mesh.as_ref().ok_or_else(|| DownstreamError::NoMesh {
            service: address::shortened(name),
        })?;
        let mut call = client.get(url).propagate(trace);
        if let Some(deadline) = deadline {
            call = call.deadline(deadline);
        }
        let response = call.send().await?.error_for_status()?;
        Ok(DownstreamBody::from_bytes(&bounded_body(response).await?))
    }
}

/// Splits a path into the name of the service and the path to request from it.
fn split(path: &str) -> (&str, &str) {
    let path = path.strip_prefix(PREFIX).unwrap_or_default();
    path.find('/').map_or((path, "/"), |slash| path.split_at(slash))
}

fn url(
    name: &str,
    path: &str,
    query: Option<&str>,
    suffixes: Option<&MeshSuffixes>,
    ports: &Ports,
) -> Result<String, InvalidAddress> {
    let address = Address::parse(name, suffixes, ports)?;
    Ok(match query {
        Some(query) => format!("http://{address}{path}?{query}"),
        None => format!("http://{address}{path}"),
    })
}

async fn bounded_body(mut response: Response) -> Result<Vec<u8>, DownstreamError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_BODY {
            let service = response.service().to_owned();
            return Err(DownstreamError::TooLong { service });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_contains_the_service_and_the_path_to_request() {
        let suffixes = MeshSuffixes::from_list("appmesh");
        for (uri, expected) in [
            ("/downstream/blue.appmesh", "http://blue.appmesh/"),
            ("/downstream/blue.appmesh/", "http://blue.appmesh/"),
            ("/downstream/blue.appmesh?a=/b", "http://blue.appmesh/?a=/b"),
            (
                "/downstream/blue.appmesh./a%2fb//c?d=%20",
                "http://blue.appmesh/a%2fb//c?d=%20",
            ),
            (
                "/downstream/blue.appmesh/downstream/169.254.169.254",
                "http://blue.appmesh/downstream/169.254.169.254",
            ),
            (
                "/downstream/blue.appmesh/@evil.example/",
                "http://blue.appmesh/@evil.example/",
            ),
        ] {
            let uri: Uri = uri.parse().expect("it is a URI");
            let (name, rest) = split(uri.path());
            let url = url(name, rest, uri.query(), Some(&suffixes), &Ports::new([80]));
            assert_eq!(url.expect("the name is fine"), expected);
        }
        assert_eq!(split("/downstream/"), ("", "/"));
        assert_eq!(split("/downstream//blue.appmesh"), ("", "/blue.appmesh"));
    }
}
