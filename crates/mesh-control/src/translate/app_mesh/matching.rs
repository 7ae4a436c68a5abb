//! Route matches. App Mesh's conditions are Envoy's one to one; all must hold.

use envoy_types::pb::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier;
use envoy_types::pb::envoy::config::route::v3::query_parameter_matcher::QueryParameterMatchSpecifier;
use envoy_types::pb::envoy::config::route::v3::route_match::{GrpcRouteMatchOptions, PathSpecifier};
use envoy_types::pb::envoy::config::route::v3::{HeaderMatcher, QueryParameterMatcher, RouteMatch};
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use envoy_types::pb::envoy::r#type::matcher::v3::{RegexMatcher, StringMatcher};
use envoy_types::pb::envoy::r#type::v3::Int64Range;
use mesh_model::app_mesh::matching::{
    HeaderMatch, HeaderMatchMethod, HttpMethod, HttpPathMatch, HttpQueryParameter, HttpScheme,
};

/// The match of an HTTP route or gateway route.
#[derive(Default)]
pub(super) struct Http<'a> {
    pub(super) prefix: Option<&'a str>,
    pub(super) path: Option<&'a HttpPathMatch>,
    pub(super) method: Option<HttpMethod>,
    pub(super) scheme: Option<HttpScheme>,
    pub(super) headers: &'a [HeaderMatch],
    pub(super) query_parameters: &'a [HttpQueryParameter],
}

impl Http<'_> {
    pub(super) fn translate(&self) -> RouteMatch {
        let method = self.method.map(|method| pseudo_header(":method", method_name(method)));
        let scheme = self.scheme.map(|scheme| match scheme {
            HttpScheme::Http => pseudo_header(":scheme", "http"),
            HttpScheme::Https => pseudo_header(":scheme", "https"),
        });
        RouteMatch {
            path_specifier: Some(self.path_specifier()),
            headers: method.into_iter().chain(scheme).chain(headers(self.headers)).collect(),
            query_parameters: self.query_parameters.iter().map(query_parameter).collect(),
            ..Default::default()
        }
    }

    fn path_specifier(&self) -> PathSpecifier {
        match (self.path, self.prefix) {
            (Some(HttpPathMatch { exact: Some(exact), .. }), _) => PathSpecifier::Path(exact.clone()),
            (Some(HttpPathMatch { regex: Some(regex), .. }), _) => PathSpecifier::SafeRegex(regex_matcher(regex)),
            (_, prefix) => PathSpecifier::Prefix(prefix.unwrap_or("/").to_owned()),
        }
    }
}

/// The match of a gRPC route or gateway route. Service and method are the path of a request.
pub(super) fn grpc(service: Option<&str>, method: Option<&str>, metadata: &[HeaderMatch]) -> RouteMatch {
    let path = match (service, method) {
        (Some(service), Some(method)) => PathSpecifier::Path(format!("/{service}/{method}")),
        (Some(service), None) => PathSpecifier::Prefix(format!("/{service}/")),
        (None, _) => PathSpecifier::Prefix("/".to_owned()),
    };
    RouteMatch {
        path_specifier: Some(path),
        headers: headers(metadata).collect(),
        grpc: Some(GrpcRouteMatchOptions {}),
        ..Default::default()
    }
}

fn headers(headers: &[HeaderMatch]) -> impl Iterator<Item = HeaderMatcher> {
    headers.iter().map(|header| HeaderMatcher {
        name: header.name.clone(),
        invert_match: header.invert.unwrap_or(false),
        header_match_specifier: Some(header.method.as_ref().map_or(
            HeaderMatchSpecifier::PresentMatch(true),
            |method| match method {
                HeaderMatchMethod::Exact(exact) => text(MatchPattern::Exact(exact.clone())),
                HeaderMatchMethod::Prefix(prefix) => text(MatchPattern::Prefix(prefix.clone())),
                HeaderMatchMethod::Suffix(suffix) => text(MatchPattern::Suffix(suffix.clone())),
                HeaderMatchMethod::Regex(regex) => text(MatchPattern::SafeRegex(regex_matcher(regex))),
                HeaderMatchMethod::Range(range) => HeaderMatchSpecifier::RangeMatch(Int64Range {
                    start: range.start,
                    end: range.end,
                }),
            },
        )),
        ..Default::default()
    })
}

/// Matches a header with exactly this value.
pub(super) fn pseudo_header(name: &str, value: &str) -> HeaderMatcher {
    HeaderMatcher {
        name: name.to_owned(),
        header_match_specifier: Some(text(MatchPattern::Exact(value.to_owned()))),
        ..Default::default()
    }
}

fn query_parameter(parameter: &HttpQueryParameter) -> QueryParameterMatcher {
    let exact = parameter.method.as_ref().and_then(|method| method.exact.clone());
    QueryParameterMatcher {
        name: parameter.name.clone(),
        query_parameter_match_specifier: Some(match exact {
            Some(exact) => QueryParameterMatchSpecifier::StringMatch(StringMatcher {
                match_pattern: Some(MatchPattern::Exact(exact)),
                ..Default::default()
            }),
            None => QueryParameterMatchSpecifier::PresentMatch(true),
        }),
    }
}

fn text(pattern: MatchPattern) -> HeaderMatchSpecifier {
    HeaderMatchSpecifier::StringMatch(StringMatcher {
        match_pattern: Some(pattern),
        ..Default::default()
    })
}

fn regex_matcher(regex: &str) -> RegexMatcher {
    RegexMatcher {
        regex: regex.to_owned(),
        ..Default::default()
    }
}

fn method_name(method: HttpMethod) -> &'static str {
    match method {
        HttpMethod::Get => "GET",
        HttpMethod::Head => "HEAD",
        HttpMethod::Post => "POST",
        HttpMethod::Put => "PUT",
        HttpMethod::Delete => "DELETE",
        HttpMethod::Connect => "CONNECT",
        HttpMethod::Options => "OPTIONS",
        HttpMethod::Trace => "TRACE",
        HttpMethod::Patch => "PATCH",
    }
}
