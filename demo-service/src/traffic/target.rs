//! What is called, as people write it.

use std::str::FromStr;

use reqwest::Url;
use thiserror::Error;

/// What every call asks for: `127.0.0.1:8080`, `localhost:8080/split` or `http://127.0.0.1:8080/split`.
///
/// Without a scheme it is `http`, without a port 80, without a path `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target(Url);

/// Why a text is no [`Target`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{reason}; expected is host:port, or a URL such as http://127.0.0.1:8080/split")]
pub struct NoTarget {
    reason: String,
}

impl Target {
    pub(super) fn url(&self) -> &Url {
        &self.0
    }
}

impl FromStr for Target {
    type Err = NoTarget;

    fn from_str(text: &str) -> Result<Self, NoTarget> {
        let wrong = |reason: String| Err(NoTarget { reason });
        let url = match text.split_once("://") {
            Some(("http", _)) => Url::parse(text),
            Some(("https", _)) => return wrong("TLS is not supported".to_owned()),
            Some((scheme, _)) => return wrong(format!("`{scheme}` is no scheme to call with")),
            None => Url::parse(&format!("http://{text}")),
        };
        match url {
            Ok(url) if url.port() == Some(0) => wrong("nothing listens on port 0".to_owned()),
            Ok(url) => Ok(Self(url)),
            Err(error) => wrong(error.to_string()),
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
    fn anything_else_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "empty host"),
            (":8080", "empty host"),
            ("localhost:http", "invalid port number"),
            ("localhost:65536", "invalid port number"),
            ("localhost:0", "nothing listens on port 0"),
            ("https://localhost", "TLS is not supported"),
            ("ftp://localhost", "`ftp` is no scheme to call with"),
        ] {
            let error = text.parse::<Target>().unwrap_err().to_string();
            assert_eq!(
                error,
                format!("{reason}; expected is host:port, or a URL such as http://127.0.0.1:8080/split")
            );
        }
    }
}
