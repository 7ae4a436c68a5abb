//! Target of calls.

use std::str::FromStr;

use reqwest::Url;
use thiserror::Error;

/// The URL to call: `127.0.0.1:8080`, `localhost:8080/split` or `http://127.0.0.1:8080/split`.
///
/// The default scheme is `http`, the default port 80, the default path `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target(Url);

/// Why a text is not a [`Target`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{reason}; allowed is host:port, or a URL such as http://127.0.0.1:8080/split")]
pub struct InvalidTarget {
    reason: String,
}

impl Target {
    pub(super) fn url(&self) -> &Url {
        &self.0
    }
}

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, InvalidTarget> {
        let invalid = |reason: String| Err(InvalidTarget { reason });
        let url = match text.split_once("://") {
            Some(("http", _)) => Url::parse(text),
            Some(("https", _)) => return invalid("TLS is not supported".to_owned()),
            Some((scheme, _)) => return invalid(format!("the scheme `{scheme}` is not supported")),
            None => Url::parse(&format!("http://{text}")),
        };
        match url {
            Ok(url) if url.port() == Some(0) => invalid("port 0 is not allowed".to_owned()),
            Ok(url) => Ok(Self(url)),
            Err(error) => invalid(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_an_address_or_a_url() {
        for (text, url) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("localhost:8080/split?a=b", "http://localhost:8080/split?a=b"),
            ("http://127.0.0.1:8080/split", "http://127.0.0.1:8080/split"),
            ("[::1]:3000", "http://[::1]:3000/"),
            ("blue.appmesh", "http://blue.appmesh/"),
        ] {
            assert_eq!(
                text.parse::<Target>().map(|target| target.0.to_string()),
                Ok(url.to_owned())
            );
        }
    }

    #[test]
    fn anything_else_is_rejected_with_a_reason() {
        for (text, reason) in [
            ("", "empty host"),
            (":8080", "empty host"),
            ("localhost:http", "invalid port number"),
            ("localhost:65536", "invalid port number"),
            ("localhost:0", "port 0 is not allowed"),
            ("https://localhost", "TLS is not supported"),
            ("ftp://localhost", "the scheme `ftp` is not supported"),
        ] {
            let error = text.parse::<Target>().unwrap_err().to_string();
            assert_eq!(
                error,
                format!("{reason}; allowed is host:port, or a URL such as http://127.0.0.1:8080/split")
            );
        }
    }
}
