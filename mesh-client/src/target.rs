//! What a URL asks for: a service of the mesh, and something of it.
//!
//! Everything that can be wrong with a URL is found here, before any connection. No I/O.

use std::borrow::Cow;
use std::sync::Arc;

use http::HeaderValue;
use sidecar_contract::MeshSuffixes;
use url::{Host, Url};

use crate::error::Error;
use crate::names::HostName;

/// Which names can be called.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Callable<'a> {
    /// Those with the mesh's suffixes: the sidecar knows no others.
    Within(&'a MeshSuffixes),
    /// Any, the mesh's (which have these suffixes) among them. An address is none.
    AnyName(&'a MeshSuffixes),
}

/// A service, and what is wanted of it.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The service as the Host header names it: without a trailing dot, with its port unless that is 80.
    service: Arc<str>,
    name: HostName,
    url: Url,
}

impl Target {
    /// The target that `url` names.
    ///
    /// Names are compared and sent in lower case, whatever was written: case makes no difference in DNS.
    pub(crate) fn parse(url: &str, callable: Callable<'_>) -> Result<Self, Error> {
        // The URL standard leaves line breaks and tabs out as if they had not been there.
        if url.contains(|c: char| c.is_control()) {
            let why = format!("`{}` holds a control character", url.escape_debug());
            return Err(Error::builder(None, why));
        }
        let parsed = Url::parse(url).map_err(|source| {
            Error::builder(None, format!("`{}` is not a URL", url.escape_debug())).with_source(source)
        })?;
        let refuse = |why: &str| Error::builder(None, format!("`{}` {why}", without_credentials(&parsed)));
        if parsed.scheme() != "http" {
            return Err(refuse(
                "is not an http:// URL, which is all that is called through the mesh",
            ));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(refuse(
                "carried a user or a password; say them in an Authorization header",
            ));
        }
        let host = match parsed.host() {
            Some(Host::Domain(name)) => Cow::Borrowed(name.strip_suffix('.').unwrap_or(name)),
            Some(address) => Cow::Owned(address.to_string()),
            None => Cow::Borrowed(""),
        };
        if host.is_empty() {
            return Err(refuse("names no service"));
        }
        let with_port = parsed.port().map(|port| format!("{host}:{port}"));
        let (suffixes, is_callable) = match callable {
            // An address is outside too: no suffix ends in one.
            Callable::Within(suffixes) => (suffixes, suffixes.contains(&host)),
            Callable::AnyName(suffixes) => (suffixes, parsed.domain().is_some()),
        };
        if !is_callable {
            return Err(Error::outside_mesh(with_port.unwrap_or(host.into_owned()), suffixes));
        }
        let name = HostName::parse(&host)
            .map_err(|why| Error::builder(None, format!("the name `{}` {why}", host.escape_debug())))?;
        Ok(Self {
            service: with_port.map_or_else(|| name.shared(), Arc::from),
            name,
            url: parsed,
        })
    }

    /// The service's name alone.
    pub(crate) fn name(&self) -> &HostName {
        &self.name
    }

    /// True if a Host header of `host` means the same.
    pub(crate) fn is_named(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let (name, port) = host.split_once(':').unwrap_or((&host, "80"));
        name.strip_suffix('.').unwrap_or(name) == self.name.as_str() && port.parse() == Ok(self.port())
    }

    /// The port that is called: 80 unless the URL says another.
    pub(crate) fn port(&self) -> u16 {
        self.url.port().unwrap_or(80)
    }

    /// What is called of the service, without the query.
    #[cfg(feature = "telemetry")]
    pub(crate) fn path(&self) -> &str {
        self.url.path()
    }

    /// The service as the Host header names it.
    pub(crate) fn service(&self) -> &Arc<str> {
        &self.service
    }

    /// The URL that makes the HTTP client connect to the address that `base` is the URL of, and the Host header that keeps
    /// the service's name.
    pub(crate) fn via(&self, mut base: Url) -> Result<(Url, HeaderValue), Error> {
        let host = HeaderValue::from_str(&self.service).map_err(|source| {
            Error::builder(Some(&self.service), "its name does not fit into a Host header").with_source(source)
        })?;
        base.set_path(self.url.path());
        base.set_query(self.url.query());
        Ok((base, host))
    }
}

/// The URL as it may stand in a message, and so in a log.
fn without_credentials(url: &Url) -> Url {
    let mut url = url.clone();
    // Both refuse only for URLs that cannot carry credentials in the first place.
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
            Callable::Within(&MeshSuffixes::from_list("appmesh,serviceconnect")),
        )
    }

    fn base(url: &str) -> Url {
        Url::parse(url).unwrap()
    }

    proptest! {
        /// However it is written: what is asked for is neither read nor written anew on the way.
        #[test]
        fn what_is_wanted_stays_as_it_is(wanted in "([/?#][ -~é]{0,12}){0,4}") {
            let url = format!("http://blue.appmesh{wanted}");
            let target = parse(&url);
            prop_assume!(target.is_ok());
            let (rewritten, _) = target.unwrap().via(base("http://127.0.0.1:15001/")).unwrap();
            let asked = Url::parse(&url).unwrap();
            prop_assert_eq!(
                &rewritten[Position::BeforePath..],
                &asked[Position::BeforePath..Position::AfterQuery]
            );
        }
    }

    fn parse_any(url: &str) -> Result<Target, Error> {
        Target::parse(url, Callable::AnyName(&MeshSuffixes::from_list("appmesh")))
    }

    #[test]
    fn the_host_header_keeps_the_name_and_the_connection_goes_to_the_sidecar() {
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
    fn names_outside_the_mesh_are_named_with_its_suffixes() {
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
                format!("`{service}` is outside the mesh, whose names end in `appmesh` or `serviceconnect`")
            );
        }
    }

    #[test]
    fn without_an_egress_listener_any_name_can_be_called_and_no_address() {
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
    fn a_host_header_may_repeat_the_url() {
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
            assert_eq!(target.is_named(host), expected, "{host}");
        }
    }

    #[test]
    fn absurd_names_are_refused() {
        let long = format!("http://{}.appmesh/", "a".repeat(64));
        let longer = format!("http://{}appmesh/", "a.".repeat(130));
        for (url, why) in [
            (long.as_str(), "has a label of 64 characters; allowed are 1 to 63"),
            (&longer, "has 267 characters; allowed are 1 to 253"),
            ("http://a!b.appmesh/", "holds `!`; allowed are a-z"),
            ("http://blue..appmesh/", "has a label without characters"),
            ("http://blue.appmesh/\r\nx-a: b", "holds a control character"),
            (
                "http://blue.app\tmesh/",
                "`http://blue.app\\tmesh/` holds a control character",
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
    fn urls_that_cannot_be_called_say_why() {
        for (url, why) in [
            ("blue.appmesh", "`blue.appmesh` is not a URL"),
            ("", "`` is not a URL"),
            ("http://", "`http://` is not a URL"),
            ("http://bl ue.appmesh/", "`http://bl ue.appmesh/` is not a URL"),
            ("http://./", "`http://./` names no service"),
            ("https://blue.appmesh/", "`https://blue.appmesh/` is not an http:// URL"),
            ("mailto:blue@appmesh", "`mailto:blue@appmesh` is not an http:// URL"),
            (
                "http://me:secret@blue.appmesh/",
                "`http://blue.appmesh/` carried a user or a password",
            ),
        ] {
            let error = parse(url).unwrap_err();
            assert!(error.is_builder(), "{url}: {error}");
            assert!(error.to_string().contains(why), "{url}: {error}");
        }
    }
}
