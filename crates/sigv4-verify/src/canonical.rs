//! The canonical request: the text whose hash is signed.
//!
//! Source: "Create a signed AWS API request", step 1, in the IAM user guide, read 2026-11-30; checked with AWS's test
//! vectors.

use std::borrow::Cow;

use http::HeaderMap;
use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

/// Everything but the unreserved characters of RFC 3986.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// As above, in a path.
const SEGMENTS: &AsciiSet = &STRICT.remove(b'/');

/// How the path of a request enters the canonical request. In each case it is encoded once more than it was sent, as by
/// every AWS service but S3, which this crate does not support.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PathRule {
    /// Reject paths with empty segments, `.` or `..`. The signature is the same with and without them, so a service
    /// that does not normalise its paths would serve another path than the client signed.
    #[default]
    Strict,
    /// Remove such segments, as AWS does.
    Normalize,
    /// Keep them, for clients that do not normalise.
    Verbatim,
}

/// Name and value of a parameter of the query string, decoded.
pub(crate) type Parameter<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// The parts of a request before its body, as received.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    /// HTTP/2's `:authority`, which replaces the header `Host`.
    pub(crate) authority: Option<&'a str>,
}

impl<'a> RequestHead<'a> {
    /// A head from its parts: the path and the query as they were on the wire, percent-encoded.
    #[must_use]
    pub fn new(method: &'a str, path: &'a str, query: Option<&'a str>, headers: &'a HeaderMap) -> Self {
        Self {
            method,
            path,
            query: query.unwrap_or_default(),
            headers,
            authority: None,
        }
    }

    /// The head of a request of the `http` crate.
    #[must_use]
    pub fn from_parts(parts: &'a Parts) -> Self {
        Self {
            authority: parts.uri.authority().map(http::uri::Authority::as_str),
            ..Self::new(
                parts.method.as_str(),
                parts.uri.path(),
                parts.uri.query(),
                &parts.headers,
            )
        }
    }

    /// The values of a header, or `None` if the request does not have it.
    fn values(&self, name: &str) -> Option<Vec<&'a [u8]>> {
        let values: Vec<&[u8]> = self
            .headers
            .get_all(name)
            .iter()
            .map(http::HeaderValue::as_bytes)
            .collect();
        if values.is_empty() {
            let authority = self.authority.filter(|_| name == "host")?;
            return Some(vec![authority.as_bytes()]);
        }
        Some(values)
    }

    /// The parameters of the query string, decoded; a `+` is a space.
    pub(crate) fn parameters(&self) -> Vec<Parameter<'a>> {
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(name), decode(value))
            })
            .collect()
    }
}

fn decode(text: &str) -> Cow<'_, [u8]> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        Cow::Owned(percent_decode(spaced.as_bytes()).collect())
    } else {
        percent_decode(text.as_bytes()).into()
    }
}

/// Why there is no canonical request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CanonicalError {
    AmbiguousPath,
    /// A name in `SignedHeaders` that the request does not have.
    MissingHeader(String),
}

/// The canonical request without its last line, the hash of the payload.
///
/// `without` is a parameter of the query string that is not signed: the signature itself.
pub(crate) fn canonical_request(
    head: &RequestHead<'_>,
    path_rule: PathRule,
    signed_headers: &[&str],
    without: Option<&str>,
) -> Result<Vec<u8>, CanonicalError> {
    let mut canonical = Vec::with_capacity(512);
    canonical.extend_from_slice(head.method.as_bytes());
    canonical.push(b'\n');
    canonical.extend_from_slice(path(head.path, path_rule)?.as_bytes());
    canonical.push(b'\n');
    canonical.extend_from_slice(query(head, without).as_bytes());
    canonical.push(b'\n');
    for name in signed_headers {
        let values = head
            .values(name)
            .ok_or_else(|| CanonicalError::MissingHeader((*name).to_owned()))?;
        canonical.extend_from_slice(name.as_bytes());
        canonical.push(b':');
        for (at, value) in values.into_iter().enumerate() {
            if at > 0 {
                canonical.push(b',');
            }
            push_trimmed(value, &mut canonical);
        }
        canonical.push(b'\n');
    }
    canonical.push(b'\n');
    canonical.extend_from_slice(signed_headers.join(";").as_bytes());
    canonical.push(b'\n');
    Ok(canonical)
}

fn path(path: &str, rule: PathRule) -> Result<String, CanonicalError> {
    let normal = normalize(path);
    let path = match rule {
        PathRule::Strict if normal != path => return Err(CanonicalError::AmbiguousPath),
        PathRule::Strict | PathRule::Verbatim => Cow::Borrowed(path),
        PathRule::Normalize => normal,
    };
    Ok(percent_encode(path.as_bytes(), SEGMENTS).to_string())
}

/// Removes empty segments, `.`, and `..` with the segment before it (RFC 3986, 5.2.4).
fn normalize(path: &str) -> Cow<'_, str> {
    let is_normal = |segment: &str| !matches!(segment, "" | "." | "..");
    let inner = path.strip_prefix('/').unwrap_or_default();
    if path == "/" || (path.starts_with('/') && inner.strip_suffix('/').unwrap_or(inner).split('/').all(is_normal)) {
        return Cow::Borrowed(path);
    }
    let mut kept = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    let ends_in_folder = ["/", "/.", "/.."].iter().any(|ending| path.ends_with(ending));
    let mut normal = format!("/{}", kept.join("/"));
    if ends_in_folder && !kept.is_empty() {
        normal.push('/');
    }
    Cow::Owned(normal)
}

fn query(head: &RequestHead<'_>, without: Option<&str>) -> String {
    let mut parameters: Vec<(String, String)> = head
        .parameters()
        .iter()
        .filter(|(name, _)| without.is_none_or(|without| without.as_bytes() != &**name))
        .map(|(name, value)| {
            let encode = |text| percent_encode(text, STRICT).to_string();
            (encode(name), encode(value))
        })
        .collect();
    parameters.sort();
    let pairs: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// Appends a header's value without outer spaces, and with one space for several.
fn push_trimmed(value: &[u8], to: &mut Vec<u8>) {
    let mut words = value.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    if let Some(first) = words.next() {
        to.extend_from_slice(first);
    }
    for word in words {
        to.push(b' ');
        to.extend_from_slice(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalised_as_in_rfc_3986() {
        for (path, normal) in [
            ("/", "/"),
            ("/a", "/a"),
            ("/a/", "/a/"),
            ("//", "/"),
            ("//a//", "/a/"),
            ("/./", "/"),
            ("/a/./b", "/a/b"),
            ("/a/..", "/"),
            ("/a/b/..", "/a/"),
            ("/a/../../b", "/b"),
            ("/a/.b", "/a/.b"),
            ("", "/"),
            ("a", "/a"),
        ] {
            assert_eq!(normalize(path), normal, "{path}");
        }
    }

    #[test]
    fn a_strict_path_has_one_spelling() {
        for path_text in ["//", "/a//b", "/a/.", "/a/../b", "", "a"] {
            assert_eq!(
                path(path_text, PathRule::Strict),
                Err(CanonicalError::AmbiguousPath),
                "{path_text}"
            );
        }
        assert_eq!(path("/meshes/a%2Fb", PathRule::Strict).unwrap(), "/meshes/a%252Fb");
    }

    #[test]
    fn parameters_are_decoded_sorted_and_encoded() {
        let headers = HeaderMap::new();
        let query_of = |text| query(&RequestHead::new("GET", "/", Some(text), &headers), Some("X"));
        assert_eq!(query_of("b=2&a=1&a=0&&c"), "a=0&a=1&b=2&c=");
        assert_eq!(query_of("n=a+b&n=%2b&n=%zz"), "n=%25zz&n=%2B&n=a%20b");
        assert_eq!(query_of("X=1&x=2"), "x=2");
    }

    #[test]
    fn header_values_are_trimmed() {
        let trimmed = |value: &[u8]| {
            let mut to = Vec::new();
            push_trimmed(value, &mut to);
            to
        };
        assert_eq!(trimmed(b"  a   b c "), b"a b c");
        assert_eq!(trimmed(b"   "), b"");
        assert_eq!(trimmed(b"\xff"), b"\xff");
    }

    #[test]
    fn the_authority_stands_for_the_host() {
        let parts = http::Request::get("http://a.example:1/")
            .body(())
            .unwrap()
            .into_parts()
            .0;
        let head = RequestHead::from_parts(&parts);
        assert_eq!(head.values("host"), Some(vec![&b"a.example:1"[..]]));
        assert_eq!(head.values("other"), None);
    }
}
