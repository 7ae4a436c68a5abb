//! Which requests a route is for.

use mesh_model::app_mesh::matching::{
    HeaderMatch, HeaderMatchMethod, HttpMethod, HttpPathMatch, HttpQueryParameter, QueryParameterMatch,
};
use mesh_model::app_mesh::route::TcpRouteMatch;

use super::Route;

impl Route {
    /// The same route for paths that begin like this, itself beginning with `/`. HTTP and HTTP/2.
    #[must_use]
    pub fn with_prefix(self, prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        self.with_http("with_prefix", |route| route.matching.prefix = Some(prefix))
    }

    /// The same route for this path. HTTP and HTTP/2.
    #[must_use]
    pub fn with_path(self, path: impl Into<String>) -> Self {
        let exact = Some(path.into());
        self.with_http("with_path", |route| {
            route.matching.path = Some(HttpPathMatch { exact, regex: None });
        })
    }

    /// The same route for paths that match a regular expression as a whole. HTTP and HTTP/2.
    #[must_use]
    pub fn with_path_regex(self, regex: impl Into<String>) -> Self {
        let regex = Some(regex.into());
        self.with_http("with_path_regex", |route| {
            route.matching.path = Some(HttpPathMatch { exact: None, regex });
        })
    }

    /// The same route for this method. HTTP and HTTP/2. Default: for all.
    #[must_use]
    pub fn with_method(self, method: HttpMethod) -> Self {
        self.with_http("with_method", |route| route.matching.method = Some(method))
    }

    /// The same route for requests with this query parameter, and of this value. HTTP and HTTP/2.
    #[must_use]
    pub fn with_query_parameter(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let parameter = exact_parameter(name.into(), value.into());
        self.with_http("with_query_parameter", |route| {
            route.matching.query_parameters.push(parameter);
        })
    }

    /// The same route for requests with this header, and of this value; for gRPC, for calls with such metadata.
    #[must_use]
    pub fn with_header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with_header_match(exact_header(name.into(), value.into()))
    }

    /// The same route for requests with such a header; for gRPC, for calls with such metadata.
    #[must_use]
    pub fn with_header_match(mut self, header: HeaderMatch) -> Self {
        match &mut self.spec.grpc_route {
            Some(route) => route.matching.metadata.push(header),
            None => return self.with_http("with_header_match", |route| route.matching.headers.push(header)),
        }
        self
    }

    /// The same route for calls to a gRPC service, by its full name.
    #[must_use]
    pub fn with_grpc_service(self, service: impl Into<String>) -> Self {
        let service = service.into();
        self.with_grpc("with_grpc_service", |route| route.matching.service_name = Some(service))
    }

    /// The same route for calls to a method of the gRPC service.
    #[must_use]
    pub fn with_grpc_method(self, method: impl Into<String>) -> Self {
        let method = method.into();
        self.with_grpc("with_grpc_method", |route| route.matching.method_name = Some(method))
    }

    /// The same route for requests to this port of the router. Needed if the router has several.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        let port = Some(port);
        if let Some(route) = &mut self.spec.tcp_route {
            route.matching = Some(TcpRouteMatch { port });
            return self;
        }
        if let Some(route) = &mut self.spec.grpc_route {
            route.matching.port = port;
            return self;
        }
        self.with_http("with_port", |route| route.matching.port = port)
    }
}

/// A header that must have this value.
pub(in crate::constructs::app_mesh) fn exact_header(name: String, value: String) -> HeaderMatch {
    HeaderMatch {
        name,
        invert: None,
        method: Some(HeaderMatchMethod::Exact(value)),
    }
}

/// A query parameter that must have this value.
pub(in crate::constructs::app_mesh) fn exact_parameter(name: String, value: String) -> HttpQueryParameter {
    HttpQueryParameter {
        name,
        method: Some(QueryParameterMatch { exact: Some(value) }),
    }
}
