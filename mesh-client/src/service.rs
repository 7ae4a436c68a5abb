//! The client as a `tower::Service`.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};

use crate::body::ResponseBody;
use crate::client::Client;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::trace_context::TraceContext;

/// Sends requests like [`RequestBuilder::send`](crate::RequestBuilder::send), with streaming bodies.
///
/// It is always ready. The URI of the request must be an absolute URL, and `Host` must be equivalent to it;
/// `Content-Length` and `Transfer-Encoding` are derived from the body. A [`TraceContext`] and a [`Deadline`] in the extensions
/// of the request are used.
///
/// A response with any status is `Ok`, as for `send`. Cancelling the future closes the connection.
impl<B> tower::Service<http::Request<B>> for Client
where
    B: http_body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    type Response = http::Response<ResponseBody>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        let mut call = self.request(head.method, head.uri.to_string());
        if let Some(host) = head.headers.remove(HOST) {
            call = call.with_host(&host);
        }
        head.headers.remove(CONTENT_LENGTH);
        head.headers.remove(TRANSFER_ENCODING);
        call = call.headers(head.headers);
        if !body.is_end_stream() {
            call = call.stream(body);
        }
        if let Some(trace) = head.extensions.get::<TraceContext>() {
            call = call.propagate(trace);
        }
        if let Some(deadline) = head.extensions.get::<Deadline>() {
            call = call.deadline(*deadline);
        }
        Box::pin(async move { Ok(call.send().await?.into_http()) })
    }
}
