//! Match conditions that routes and gateway routes share.

use mesh_model::app_mesh::matching::{HeaderMatch, HeaderMatchMethod, HttpQueryParameter, QueryParameterMatch};

/// Matches a header, or a metadata key of gRPC, with exactly this value.
pub(super) fn exact_header(name: String, value: String) -> HeaderMatch {
    HeaderMatch {
        name,
        invert: None,
        method: Some(HeaderMatchMethod::Exact(value)),
    }
}

/// Matches a query parameter with exactly this value.
pub(super) fn exact_query_parameter(name: String, value: String) -> HttpQueryParameter {
    HttpQueryParameter {
        name,
        method: Some(QueryParameterMatch { exact: Some(value) }),
    }
}
