//! An API without authentication, which only this machine may use.

use std::net::IpAddr;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::header::HOST;
use http::uri::Authority;

use crate::error::{ApiError, ErrorCode};
use crate::rest::RequestId;

/// Accepts requests with a `Host` that is `localhost`, a name below it, or a loopback address; others get
/// `ForbiddenException`.
///
/// A listener on loopback keeps other machines out, but not the web pages in a browser here: a page whose host name resolves to
/// 127.0.0.1 (DNS rebinding) may read and write whatever answers there. Its requests have the page's name in `Host`.
pub fn loopback_only(router: Router) -> Router {
    router.layer(middleware::from_fn(check_host))
}

async fn check_host(request: Request, next: Next) -> Response {
    let header = request.headers().get(HOST);
    let header = header.map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
    // A request line with a whole URL has a host as well.
    let target = request.uri().authority().map(ToString::to_string);
    let hosts: Vec<String> = header.into_iter().chain(target).collect();
    match hosts.iter().find(|host| !is_loopback(host)) {
        None if !hosts.is_empty() => next.run(request).await,
        foreign => {
            let host = foreign.map_or("missing".to_owned(), |host| format!("{host:?}"));
            let message = format!(
                "Host is {host}: without key pairs the API is for this machine only, as localhost or a loopback address"
            );
            let mut response = ApiError::new(ErrorCode::Forbidden, message).into_response();
            RequestId::new().add_to(&mut response);
            response
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    // User information belongs to no Host.
    if authority.as_str().contains('@') {
        return false;
    }
    let host = authority.host().to_ascii_lowercase();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match address {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tower::ServiceExt;

    use super::*;

    async fn status(target: &str, host: Option<&str>) -> (u16, Option<String>) {
        let app = loopback_only(Router::new().fallback(|| async { "ok" }));
        let mut request = http::Request::get(target);
        if let Some(host) = host {
            request = request.header(HOST, host);
        }
        let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let code = response.headers().get("x-amzn-errortype");
        let code = code.map(|code| code.to_str().unwrap().to_owned());
        (response.status().as_u16(), code)
    }

    #[tokio::test]
    async fn requests_for_this_machine_pass() {
        for host in [
            "localhost",
            "LocalHost:18002",
            "api.localhost",
            "127.0.0.1:18002",
            "127.8.9.1",
            "[::1]:18002",
            "[::ffff:127.0.0.1]",
        ] {
            assert_eq!(status("/", Some(host)).await, (200, None), "{host}");
        }
        assert_eq!(status("http://127.0.0.1/", None).await.0, 200);
    }

    #[tokio::test]
    async fn requests_for_other_hosts_are_forbidden() {
        let forbidden = (403, Some("ForbiddenException".to_owned()));
        for host in [
            "evil.example",
            "evil.example:18002",
            "localhost.evil.example",
            "notlocalhost",
            "10.0.0.1",
            "0.0.0.0",
            "[::]",
            "localhost@evil.example",
            "evil.example@localhost",
            "",
        ] {
            assert_eq!(status("/", Some(host)).await, forbidden, "{host}");
        }
        assert_eq!(status("/", None).await, forbidden);
        assert_eq!(status("http://evil.example/", Some("localhost")).await, forbidden);
    }
}
