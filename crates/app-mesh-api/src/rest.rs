//! The API over HTTP: paths, parameters and bodies of AWS's protocol restJson1.
//!
//! - `route`: from method and path to an operation without its parameters;
//! - `parameters`: query strings; `body`: JSON bodies.

mod body;
mod parameters;
mod route;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Request};
use tracing::Instrument;
use uuid::Uuid;

use crate::caller::{Caller, Origin};
use crate::error::ApiError;
use crate::operation::Operation;
use crate::service::Service;
use crate::settings::Settings;
use parameters::Query;
use route::Target;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// The API as a router for [`axum::serve()`], or for a server with other routes.
///
/// Each request has a span, `request`, with its id in `request_id`, and in `source` its address if the server provides
/// [`ConnectInfo`].
///
/// It takes the [`Caller`] from the request's extensions. Without one, every request may do everything: put a layer that
/// authenticates around it, unless it listens on loopback.
pub fn router(service: Service) -> Router {
    Router::new().fallback(handle).with_state(service)
}

/// The operation of a request, read from its line, query and body. The body is read to its end unless it is too large.
///
/// # Errors
///
/// `UnknownOperationException`, or `BadRequestException` with the path to the field.
pub async fn read_operation(request: Request<Body>, settings: &Settings) -> Result<Operation, ApiError> {
    let (head, body) = request.into_parts();
    let target = Target::of(&head.method, head.uri.path())?;
    let query = Query::parse(head.uri.query().unwrap_or_default())?;
    let bytes = body::read(body).await?;
    target.operation(&query, &bytes, settings)
}

async fn handle(State(service): State<Service>, request: Request<Body>) -> Response {
    let extensions = request.extensions();
    let caller = extensions.get::<Caller>().cloned();
    let mut caller = caller.unwrap_or_else(|| Caller::unrestricted("anonymous"));
    let id = extensions.get::<RequestId>().cloned().unwrap_or_else(RequestId::new);
    caller.origin = Origin {
        address: extensions.get().map(|ConnectInfo(address)| *address),
        request_id: Some(id.0.clone()),
    };
    let source = caller.origin.address;
    let source = source.map(|address| tracing::field::display(address.ip()));
    let span = tracing::info_span!("request", request_id = id.0, source);
    let mut response = match respond(&service, &caller, request).instrument(span).await {
        Ok(json) => {
            let content_type = HeaderValue::from_static("application/json");
            ([(CONTENT_TYPE, content_type)], json).into_response()
        }
        Err(error) => error.into_response(),
    };
    id.add_to(&mut response);
    response
}

/// The id of a request, for its response and for logs.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(String);

impl RequestId {
    pub(crate) fn new() -> Self {
        Self(Uuid::new_v4().to_string())
    }

    pub(crate) fn add_to(&self, response: &mut Response) {
        if let Ok(id) = HeaderValue::from_str(&self.0) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
    }
}

async fn respond(service: &Service, caller: &Caller, request: Request<Body>) -> Result<String, ApiError> {
    let settings = service.settings();
    let operation = read_operation(request, settings).await?;
    Ok(service.run(caller, operation).await?.to_json(settings))
}
