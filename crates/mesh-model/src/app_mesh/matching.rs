//! Match conditions of routes. All conditions of a match must hold.

use super::schema::{keywords, structure, text, union, whole};

structure! {
    /// A condition on an HTTP header or a gRPC metadata entry.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct HeaderMatch {
        /// Name of the header, 1 to 50 characters.
        name: String = required("name", text(1, 50)),
        /// Whether the condition is inverted. Default, decided by App Mesh: no.
        invert: Option<bool> = optional("invert"),
        /// Condition on the value. Default: any value, but the header must be present.
        method: Option<HeaderMatchMethod> = optional("match"),
    }
}

union! {
    /// A condition on a header's value. Strings have 1 to 255 characters.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum HeaderMatchMethod {
        /// Equals.
        Exact(String) = "exact" limits(text(1, 255)),
        /// Starts with.
        Prefix(String) = "prefix" limits(text(1, 255)),
        /// Ends with.
        Suffix(String) = "suffix" limits(text(1, 255)),
        /// Matches this RE2 regular expression as a whole.
        Regex(String) = "regex" limits(text(1, 255)),
        /// Is an integer in this range.
        Range(MatchRange) = "range",
    }
}

structure! {
    /// The integers from `start` up to, but not including, `end`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct MatchRange {
        /// First integer of the range.
        start: i64 = required("start", whole(i64::MIN, i64::MAX)),
        /// First integer after the range; greater than `start`.
        end: i64 = required("end", whole(i64::MIN, i64::MAX)),
    }
}

structure! {
    /// A condition on a path; exactly one of the two.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct HttpPathMatch {
        /// Equals, 1 to 255 characters.
        exact: Option<String> = optional("exact", text(1, 255)),
        /// Matches this RE2 regular expression as a whole, 1 to 255 characters.
        regex: Option<String> = optional("regex", text(1, 255)),
    }
}

structure! {
    /// A condition on a query parameter.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct HttpQueryParameter {
        /// Name of the parameter.
        name: String = required("name"),
        /// Condition on the value. Default: any value, but the parameter must be present.
        method: Option<QueryParameterMatch> = optional("match"),
    }
}

structure! {
    /// A condition on a query parameter's value.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct QueryParameterMatch {
        /// Equals.
        exact: Option<String> = optional("exact"),
    }
}

keywords! {
    /// An HTTP method.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[expect(missing_docs, reason = "the names are HTTP's")]
    pub enum HttpMethod {
        Get = "GET",
        Head = "HEAD",
        Post = "POST",
        Put = "PUT",
        Delete = "DELETE",
        Connect = "CONNECT",
        Options = "OPTIONS",
        Trace = "TRACE",
        Patch = "PATCH",
    }
}

keywords! {
    /// The scheme of a request.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum HttpScheme {
        /// Without TLS.
        Http = "http",
        /// With TLS.
        Https = "https",
    }
}
