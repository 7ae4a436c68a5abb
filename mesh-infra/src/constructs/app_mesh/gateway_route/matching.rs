//! Which requests a gateway route is for.

use mesh_model::app_mesh::gateway_route::HostnameMatch;
use mesh_model::app_mesh::matching::{HeaderMatch, HttpMethod, HttpPathMatch};

use super::GatewayRoute;
use crate::constructs::app_mesh::route::matching::{exact_header, exact_parameter};

impl GatewayRoute {
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

    /// The same route for requests to this host.
    #[must_use]
    pub fn with_hostname(self, hostname: impl Into<String>) -> Self {
        let exact = Some(hostname.into());
        self.with_host(HostnameMatch { exact, suffix: None })
    }

    /// The same route for requests to hosts that end like this, by whole labels.
    #[must_use]
    pub fn with_hostname_suffix(self, suffix: impl Into<String>) -> Self {
        let suffix = Some(suffix.into());
        self.with_host(HostnameMatch { exact: None, suffix })
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
    pub fn with_header_match(self, header: HeaderMatch) -> Self {
        let metadata = header.clone();
        self.with_either(
            "with_header_match",
            |route| route.matching.headers.push(header),
            |route| route.matching.metadata.push(metadata),
        )
    }

    /// The same route for calls to a gRPC service, by its full name.
    #[must_use]
    pub fn with_grpc_service(mut self, service: impl Into<String>) -> Self {
        match &mut self.spec.grpc_route {
            Some(route) => route.matching.service_name = Some(service.into()),
            None => self.misfits.push("with_grpc_service"),
        }
        self
    }

    /// The same route for requests to this port of the gateway. Needed if the gateway has several.
    #[must_use]
    pub fn with_port(self, port: u16) -> Self {
        self.with_either(
            "with_port",
            |route| route.matching.port = Some(port),
            |route| route.matching.port = Some(port),
        )
    }

    fn with_host(self, host: HostnameMatch) -> Self {
        let same = host.clone();
        self.with_either(
            "with_hostname",
            |route| route.matching.hostname = Some(host),
            |route| route.matching.hostname = Some(same),
        )
    }
}
