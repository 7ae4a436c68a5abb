//! The route that a request matched.

#[cfg(feature = "axum")]
use axum::extract::MatchedPath;
use http::Request;

/// The pattern of a route, such as `/users/{id}`.
#[cfg(feature = "axum")]
#[derive(Debug)]
pub(super) struct Route(MatchedPath);

#[cfg(feature = "axum")]
impl Route {
    /// The route that axum's router matched.
    pub(super) fn matched<B>(request: &Request<B>) -> Option<Self> {
        request.extensions().get::<MatchedPath>().cloned().map(Self)
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Without the feature `axum`, no route is known.
#[cfg(not(feature = "axum"))]
#[derive(Debug)]
pub(super) enum Route {}

#[cfg(not(feature = "axum"))]
impl Route {
    pub(super) fn matched<B>(_: &Request<B>) -> Option<Self> {
        None
    }

    pub(super) fn as_str(&self) -> &str {
        match *self {}
    }
}
