//! Calling another service through the mesh, on behalf of whoever called this one.

mod address;

use axum::http::{StatusCode, Uri};
use mesh_client::{Client, Deadline, Response, TraceContext};
use sidecar_contract::MeshSuffixes;
use sidecar_contract::environment::{EGRESS, TRAFFIC_MODE};
use thiserror::Error;

use self::address::{Address, Refusal};
use crate::response_bodies::Answer;
use crate::settings::Ports;

/// What the paths of such calls begin with.
pub(crate) const PREFIX: &str = "/downstream/";

/// As much of an answer as is handed on: one mebibyte. It is held in memory, once for each request in flight.
const MAX_BODY: usize = 1 << 20;

/// The way to other services, if there is one.
#[derive(Debug)]
pub(crate) struct Downstream {
    mesh: Option<Client>,
    ports: Ports,
}

/// Why there is no answer to hand on.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("this service is in no mesh, so `{service}` cannot be called: neither {EGRESS} nor {TRAFFIC_MODE} is set")]
    NoMesh { service: String },
    #[error(transparent)]
    Call(#[from] mesh_client::Error),
    #[error("`{service}` answered with more than {MAX_BODY} bytes")]
    TooLong { service: String },
}

impl Failure {
    /// The status that tells the caller whose fault it is.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Refused(_) => StatusCode::BAD_REQUEST,
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

    /// What the service answers that `uri` names behind [`PREFIX`], by `deadline` if whoever asks has one.
    ///
    /// Cancelling it gives up the call; the service may or may not have acted on it.
    pub(crate) async fn fetch(
        &self,
        uri: &Uri,
        trace: &TraceContext,
        deadline: Option<Deadline>,
    ) -> Result<Answer, Failure> {
        let (name, rest) = split(uri.path());
        // A name that is no service's is refused whether there is a mesh or not.
        let suffixes = self.mesh.as_ref().map(Client::suffixes);
        let url = url(name, rest, uri.query(), suffixes, &self.ports)?;
        let client = self.mesh.as_ref().ok_or_else(|| Failure::NoMesh {
            service: address::shortened(name),
        })?;
        let mut call = client.get(url).propagate(trace);
        if let Some(deadline) = deadline {
            call = call.deadline(deadline);
        }
        let response = call.send().await?.error_for_status()?;
        Ok(Answer::from_body(&bounded_body(response).await?))
    }
}

/// The service's name in a path, and the path to ask it for.
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
) -> Result<String, Refusal> {
    let address = Address::parse(name, suffixes, ports)?;
    Ok(match query {
        Some(query) => format!("http://{address}{path}?{query}"),
        None => format!("http://{address}{path}"),
    })
}

async fn bounded_body(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        if body.len() + piece.len() > MAX_BODY {
            let service = response.service().to_owned();
            return Err(Failure::TooLong { service });
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_service_and_what_is_wanted_of_it() {
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
