//! Target of a call: service, path and query of a URL.
//!
//! Validates the URL before anything is sent. No I/O.

use std::borrow::Cow;
use std::sync::Arc;

use http::HeaderValue;
use sidecar_contract::MeshSuffixes;
use url::{Host, Url};

use crate::error::Error;
use crate::resolver::HostName;

/// The names that can be called.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AllowedNames<'a> {
    /// Those with a suffix of the mesh: the sidecar knows no others.
    WithSuffix(&'a MeshSuffixes),
    /// All names, but no IP addresses. Names of the mesh have these suffixes.
    Any(&'a MeshSuffixes),
}

/// A service, and the path and query to request.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// As in the Host header: without a trailing dot, with the port unless it is 80.
    service: Arc<str>,
    name: HostName,
    url: Url,
}

impl Target {
    /// Parses a URL.
    ///
    /// Names are compared and sent in lower case, because DNS ignores case.
    pub(crate) fn parse(url: &str, allowed: AllowedNames<'_>) -> Result<Self, Error> {
        // The URL standard removes line breaks and tabs silently.
        if url.contains(|c: char| c.is_control()) {
            let reason = format!("`{}` contains a control character", url.escape_debug());
            return Err(Error::builder(None, reason));
        }
        let parsed = Url::parse(url).map_err(|source| {
            Error::builder(None, format!("`{}` is not a URL", url.escape_debug())).with_source(source)
        })?;
        let invalid = |reason: &str| Error::builder(None, format!("`{}` {reason}", without_credentials(&parsed)));
        if parsed.scheme() != "http" {
            return Err(invalid("is not an http:// URL; other schemes are not supported"));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(invalid(
                "contained a user or a password; use an Authorization header instead",
            ));
        }
        let host = match parsed.host() {
            Some(Host::Domain(name)) => Cow::Borrowed(name.strip_suffix('.').unwrap_or(name)),
            Some(address) => Cow::Owned(address.to_string()),
            None => Cow::Borrowed(""),
        };
        if host.is_empty() {
            return Err(invalid("contains no host name"));
        }
        let with_port = parsed.port().map(|port| format!("{host}:{port}"));
        let (suffixes, is_callable) = match allowed {
            // IP addresses never have a suffix.
            AllowedNames::WithSuffix(suffixes) => (suffixes, suffixes.contains(&host)),
            AllowedNames::Any(suffixes) => (suffixes, parsed.domain().is_some()),
        };
        if !is_callable {
            return Err(Error::outside_mesh(with_port.unwrap_or(host.into_owned()), suffixes));
        }
        let name = HostName::parse(&host)
            .map_err(|reason| Error::builder(None, format!("the name `{}` {reason}", host.escape_debug())))?;
        Ok(Self {
            service: with_port.map_or_else(|| name.shared(), Arc::from),
            name,
            url: parsed,
        })
    }

    /// The name of the service, without a port.
    pub(crate) fn name(&self) -> &HostName {
        &self.name
    }

    /// True if a Host header with the value `host` is equivalent to this target.
    pub(crate) fn matches_host(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let (name, port) = host.split_once(':').unwrap_or((&host, "80"));
        name.strip_suffix('.').unwrap_or(name) == self.name.as_str() && port.parse() == Ok(self.port())
    }

    /// The port: 80 unless the URL contains another.
    pub(crate) fn port(&self) -> u16 {
        self.url.port().unwrap_or(80)
    }

    /// The path, without the query.
    #[cfg(feature = "telemetry")]
    pub(crate) fn path(&self) -> &str {
        self.url.path()
    }

    /// The service as in the Host header.
    pub(crate) fn service(&self) -> &Arc<str> {
        &self.service
    }

    /// The URL for a connection to the address of `base`, and the Host header with the name of the service.
    pub(crate) fn via(&self, mut base: Url) -> Result<(Url, HeaderValue), Error> {
        let host = HeaderValue::from_str(&self.service).map_err(|source| {
            Error::builder(Some(&self.service), "its name is not valid in a Host header").with_source(source)
        })?;
        base.set_path(self.url.path());
        base.set_query(self.url.query());
        Ok((base, host))
    }
}

/// The URL without credentials, for messages and logs.
fn without_credentials(url: &Url) -> Url {
    let mut url = url.clone();
    // Both fail only for URLs that cannot contain credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Position;

    use super::*;

    fn parse(url: &str) -> Result<Target, Error> {
        Target::parse(
            url,
            AllowedNames::WithSuffix(&MeshSuffixes::from_list("appmesh,serviceconnect")),
        )
    }

    fn base(url: &str) -> Url {
        Url::parse(url).unwrap()
    }

    proptest! {
        /// Path and query are neither normalised nor re-encoded.
        #[test]
        fn path_and_query_are_unchanged(path in "([/?#][ -~é]{0,12}){0,4}") {
            let url = format!("http://blue.appmesh{path}");
            let target = parse(&url);
            prop_assume!(target.is_ok());
            let (rewritten, _) = target.unwrap().via(base("http://127.0.0.1:15001/")).unwrap();
            let original = Url::parse(&url).unwrap();
            prop_assert_eq!(
                &rewritten[Position::BeforePath..],
                &original[Position::BeforePath..Position::AfterQuery]
            );
        }
    }

    fn parse_any(url: &str) -> Result<Target, Error> {
        Target::parse(url, AllowedNames::Any(&MeshSuffixes::from_list("appmesh")))
    }

    #[test]
    fn the_host_header_contains_the_name_and_the_url_the_egress_address() {
        for (url, host, connects_to) in [
            ("http://blue.appmesh", "blue.appmesh", "http://127.0.0.1:15001/"),
            (
                "http://blue.appmesh:80/a?b=c#d",
                "blue.appmesh",
                "http://127.0.0.1:15001/a?b=c",
            ),
            (
                "http://blue.appmesh:8080/",
                "blue.appmesh:8080",
                "http://127.0.0.1:15001/",
            ),
            (
                "HTTP://Blue.AppMesh./%41%2f",
                "blue.appmesh",
                "http://127.0.0.1:15001/%41%2f",
            ),
            (
                "http://a_b.serviceconnect.:81",
                "a_b.serviceconnect:81",
                "http://127.0.0.1:15001/",
            ),
        ] {
            let target = parse(url).unwrap();
            assert_eq!(&**target.service(), host, "{url}");
            let (rewritten, header) = target.via(base("http://127.0.0.1:15001")).unwrap();
            assert_eq!(
                (rewritten.as_str(), header.as_bytes()),
                (connects_to, host.as_bytes()),
                "{url}"
            );
        }
        let (rewritten, _) = parse("http://blue.appmesh/")
            .unwrap()
            .via(base("http://[::1]"))
            .unwrap();
        assert_eq!(rewritten.as_str(), "http://[::1]/");
    }

    #[test]
    fn errors_for_names_outside_the_mesh_list_its_suffixes() {
        for (url, service) in [
            ("http://example.com/", "example.com"),
            ("http://appmesh.example.com:81/", "appmesh.example.com:81"),
            ("http://127.0.0.1:3000/", "127.0.0.1:3000"),
            ("http://2130706433/", "127.0.0.1"),
            ("http://[::1]/", "[::1]"),
        ] {
            let error = parse(url).unwrap_err();
            assert!(error.is_outside_mesh(), "{url}: {error}");
            assert_eq!(
                error.to_string(),
                format!("`{service}` is outside the mesh; allowed are names that end in `appmesh` or `serviceconnect`")
            );
        }
    }

    #[test]
    fn without_an_egress_listener_any_name_is_allowed_but_no_address() {
        let target = parse_any("http://Blue.example.com.:8080/a").unwrap();
        assert_eq!(
            (&**target.service(), target.name().as_str(), target.port()),
            ("blue.example.com:8080", "blue.example.com", 8080)
        );
        assert_eq!(parse_any("http://blue/").unwrap().port(), 80);
        for url in ["http://169.254.169.254/", "http://0x7f.1/", "http://[::1]:80/"] {
            assert!(parse_any(url).unwrap_err().is_outside_mesh(), "{url}");
        }
    }

    #[test]
    fn an_equivalent_host_header_is_accepted() {
        let target = parse("http://blue.appmesh/").unwrap();
        for (host, expected) in [
            ("blue.appmesh", true),
            ("Blue.AppMesh.", true),
            ("blue.appmesh:80", true),
            ("blue.appmesh:8080", false),
            ("blue.appmesh:x", false),
            ("green.appmesh", false),
            ("", false),
        ] {
            assert_eq!(target.matches_host(host), expected, "{host}");
        }
    }

    #[test]
    fn invalid_names_are_rejected() {
        let long = format!("http://{}.appmesh/", "a".repeat(64));
        let longer = format!("http://{}appmesh/", "a.".repeat(130));
        for (url, why) in [
            (long.as_str(), "has a label of 64 characters; allowed are 1 to 63"),
            (&longer, "has 267 characters; allowed are 1 to 253"),
            ("http://a!b.appmesh/", "contains `!`; allowed are a-z"),
            ("http://blue..appmesh/", "has an empty label"),
            ("http://blue.appmesh/\r\nx-a: b", "contains a control character"),
            (
                "http://blue.app\tmesh/",
                "`http://blue.app\\tmesh/` contains a control character",
            ),
        ] {
            for error in [parse(url).unwrap_err(), parse_any(url).unwrap_err()] {
                assert!(error.is_builder() && error.to_string().contains(why), "{url}: {error}");
            }
        }
        assert_eq!(
            &**parse_any("http://bücher.appmesh/").unwrap().service(),
            "xn--bcher-kva.appmesh"
        );
    }

    #[test]
    fn invalid_urls_are_rejected_with_a_reason() {
        for (url, why) in [
            ("blue.appmesh", "`blue.appmesh` is not a URL"),
            ("", "`` is not a URL"),
            ("http://", "`http://` is not a URL"),
            ("http://bl ue.appmesh/", "`http://bl ue.appmesh/` is not a URL"),
            ("http://./", "`http://./` contains no host name"),
            ("https://blue.appmesh/", "`https://blue.appmesh/` is not an http:// URL"),
            ("mailto:blue@appmesh", "`mailto:blue@appmesh` is not an http:// URL"),
            (
                "http://me:secret@blue.appmesh/",
                "`http://blue.appmesh/` contained a user or a password",
            ),
        ] {
            let error = parse(url).unwrap_err();
            assert!(error.is_builder(), "{url}: {error}");
            assert!(error.to_string().contains(why), "{url}: {error}");
        }
    }
}
