//! The client as a `tower` service, for stacks that are built of those.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http_body::Body;

use crate::body::ResponseBody;
use crate::client::Client;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::trace_context::TraceContext;

/// Sends requests as [`RequestBuilder::send`](crate::RequestBuilder::send) does, their bodies as they come.
///
/// It is always ready. The request's URI is a whole URL, and its `Host` may only repeat what that says;
/// `Content-Length` and `Transfer-Encoding` are made anew from the body. A [`TraceContext`] and a [`Deadline`] among
/// the request's extensions are heeded.
///
/// An answer is one whatever its status, as with `send`. Cancelling the future closes the connection.
impl<B> tower::Service<http::Request<B>> for Client
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
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
