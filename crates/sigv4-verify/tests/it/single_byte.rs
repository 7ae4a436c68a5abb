//! Any single changed byte of a signed request makes it invalid.

use http::{HeaderName, HeaderValue, Method, Request, Uri};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::fixture::{Signer, seconds, verify};

/// A request whose every byte has a meaning: what a changed byte leaves unchanged is a mistake of the verifier.
fn request() -> impl Strategy<Value = Request<Vec<u8>>> {
    let name = "[a-zA-Z0-9_.~-]{1,20}|[a-z]{1,4}%20[a-z]|[a-z]{1,3}%2F[a-z]{1,3}";
    let names = proptest::collection::vec(
        name.prop_filter("dot segments", |name| name != "." && name != ".."),
        1..5,
    );
    let query = proptest::collection::vec(("[a-z]{1,8}", "[a-zA-Z0-9]{0,8}"), 0..3);
    let body = proptest::collection::vec(any::<u8>(), 0..60);
    let method = prop_oneof![Just(Method::GET), Just(Method::PUT), Just(Method::DELETE)];
    (method, names, query, body, "[a-zA-Z0-9:=-]{1,20}").prop_map(|(method, names, query, body, header)| {
        let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let uri = format!("http://mesh.example/v20190125/{}?{}", names.join("/"), query.join("&"));
        Request::builder()
            .method(method)
            .uri(uri.trim_end_matches('?'))
            .header("content-type", "application/json")
            .header("x-amz-target", header)
            .body(body)
            .expect("a request")
    })
}

/// The places where a byte can change.
#[derive(Debug, Clone, Copy)]
enum Place {
    Method,
    PathAndQuery,
    Body,
    Header(&'static str),
}

const PLACES: [Place; 9] = [
    Place::Method,
    Place::PathAndQuery,
    Place::PathAndQuery,
    Place::Body,
    Place::Header("authorization"),
    Place::Header("host"),
    Place::Header("content-type"),
    Place::Header("x-amz-date"),
    Place::Header("x-amz-target"),
];

/// Replaces one byte; `None` if there is none, or if the result is no request, or the same one to its recipient.
fn changed(request: &Request<Vec<u8>>, place: Place, at: Index, byte: u8) -> Option<Request<Vec<u8>>> {
    let replace = |bytes: &[u8]| -> Option<Vec<u8>> {
        let mut bytes = bytes.to_vec();
        if bytes.is_empty() {
            return None;
        }
        let at = at.index(bytes.len());
        let is_change = bytes[at] != byte;
        bytes[at] = byte;
        is_change.then_some(bytes)
    };
    let mut changed = request.clone();
    match place {
        Place::Method => {
            *changed.method_mut() = Method::from_bytes(&replace(request.method().as_str().as_bytes())?).ok()?;
        }
        Place::PathAndQuery => {
            let path_and_query = request.uri().path_and_query()?.as_str();
            let bytes = replace(path_and_query.as_bytes())?;
            let uri: Uri = std::str::from_utf8(&bytes).ok()?.parse().ok()?;
            // Nothing of a fragment is sent, and `%2F` and `%2f` are the same to every recipient.
            let is_whole = uri.path_and_query()?.as_str().len() == bytes.len();
            if !is_whole || meaning(&uri) == meaning(request.uri()) {
                return None;
            }
            *changed.uri_mut() = uri;
        }
        Place::Body => *changed.body_mut() = replace(request.body())?,
        Place::Header(name) => {
            let value = HeaderValue::from_bytes(&replace(request.headers().get(name)?.as_bytes())?).ok()?;
            // A separator of the header `Authorization`.
            if name == "authorization" && byte == b' ' {
                return None;
            }
            changed.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    Some(changed)
}

/// The path as sent, and the query's parameters as a recipient sees them.
fn meaning(uri: &Uri) -> (String, Vec<(String, String)>) {
    let query = uri.query().unwrap_or_default();
    let url = reqwest::Url::parse(&format!("http://x/?{query}")).expect("a URL");
    let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    // The order of parameters is not signed, but that of the values of one name is, as they are sorted.
    pairs.sort();
    (uri.path().to_owned(), pairs)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_byte_is_noticed(
        request in request(),
        presigned in any::<bool>(),
        content_sha256 in any::<bool>(),
        place in proptest::sample::select(PLACES.to_vec()),
        at in any::<Index>(),
        byte in any::<u8>(),
    ) {
        let presigned = presigned.then(|| seconds(60));
        let signed = Signer { presigned, content_sha256, ..Signer::default() }.sign(request);
        prop_assert!(verify(&signed).is_ok(), "{:?}", verify(&signed));
        if let Some(changed) = changed(&signed, place, at, byte) {
            prop_assert!(verify(&changed).is_err(), "{signed:?}\n{changed:?}");
        }
    }
}
