//! Tokens: presigned URLs of `GetCallerIdentity`. Pure: the clock is passed in.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::PrimitiveDateTime;
use time::macros::format_description;
use url::Url;

use super::sts::StsEndpoint;

/// How tokens begin. The rest is the URL in Base64.
pub const TOKEN_PREFIX: &str = "meshwright-sts-v1.";

/// The header with the name of the control plane.
pub(super) const AUDIENCE_HEADER: &str = "x-meshwright-control-plane";

/// Age of a signature. STS accepts them for as long (STS API reference, "Presigned URLs", read 2026-12-01).
pub(super) const MAX_AGE: Duration = Duration::from_secs(15 * 60);

/// Difference of clocks. STS accepts as much.
const MAX_SKEW: Duration = Duration::from_secs(5 * 60);

/// Length of a token in bytes. Security tokens of roles have up to 2 kB.
const MAX_BYTES: usize = 8 << 10;

/// The parameters of such a URL, each once.
const PARAMETERS: [&str; 9] = [
    "Action",
    "Version",
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
];

/// Why a token is not sent to STS, or cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PresignedError {
    /// Another text.
    #[error("the role token is not a presigned URL of GetCallerIdentity: {0}")]
    Malformed(String),
    /// It is for another host than STS.
    #[error("the role token is for {0}, which is not the STS of this control plane")]
    Host(String),
    /// Its signature is too old, or of the future.
    #[error("the role token was signed at {0}; it is good for 15 minutes")]
    Age(String),
    /// The credentials cannot sign.
    #[error("cannot sign with these credentials: {0}")]
    Sign(String),
}

fn malformed(reason: impl Into<String>) -> PresignedError {
    PresignedError::Malformed(reason.into())
}

/// Signs a token for the control plane of this name.
pub(super) fn token(
    credentials: Credentials,
    endpoint: &StsEndpoint,
    audience: &str,
    now: SystemTime,
) -> Result<String, PresignedError> {
    let failed = |error: &dyn std::error::Error| PresignedError::Sign(error.to_string());
    let mut url = endpoint.url().clone();
    url.set_query(Some("Action=GetCallerIdentity&Version=2011-06-15"));
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(MAX_AGE);
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(endpoint.region())
        .name("sts")
        .time(now)
        .settings(settings)
        .build()
        .map_err(|error| failed(&error))?
        .into();
    let headers = [(AUDIENCE_HEADER, audience)].into_iter();
    let request = SignableRequest::new("GET", url.as_str(), headers, SignableBody::Bytes(&[]));
    let signed = sign(request.map_err(|error| failed(&error))?, &params).map_err(|error| failed(&error))?;
    let (instructions, _) = signed.into_parts();
    url.query_pairs_mut().extend_pairs(
        instructions
            .params()
            .iter()
            .map(|(name, value)| (*name, value.as_ref())),
    );
    Ok(format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(url.as_str())))
}

/// The URL of a token, and until when its signature is good. Everything but the signature is checked: STS alone can do that.
pub(super) fn parse(token: &str, endpoint: &StsEndpoint, now: SystemTime) -> Result<(Url, SystemTime), PresignedError> {
    let encoded = token.strip_prefix(TOKEN_PREFIX).filter(|_| token.len() <= MAX_BYTES);
    let decoded = encoded.and_then(|encoded| URL_SAFE_NO_PAD.decode(encoded).ok());
    let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    let url = text
        .and_then(|text| Url::parse(&text).ok())
        .ok_or_else(|| malformed("no URL"))?;
    if !endpoint.is_of(&url) {
        let host = url.host_str().unwrap_or_default();
        return Err(PresignedError::Host(host.chars().take(100).collect()));
    }
    if url.path() != "/" || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(malformed("it has a path or a user"));
    }
    let mut parameters = BTreeMap::new();
    for (name, value) in url.query_pairs() {
        if !PARAMETERS.contains(&name.as_ref()) {
            return Err(malformed("an unknown parameter"));
        }
        if parameters.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(malformed("a parameter twice"));
        }
    }
    let value = |name: &str| parameters.get(name).map(String::as_str).unwrap_or_default();
    for (name, expected) in [
        ("Action", "GetCallerIdentity"),
        ("Version", "2011-06-15"),
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
    ] {
        if value(name) != expected {
            return Err(malformed(format!("{name} is not {expected}")));
        }
    }
    if value("X-Amz-SignedHeaders") != format!("host;{AUDIENCE_HEADER}") {
        return Err(malformed(format!(
            "the signature does not cover {AUDIENCE_HEADER} and host alone"
        )));
    }
    let expires = value("X-Amz-Expires").parse().map(Duration::from_secs);
    let expires = expires.ok().filter(|expires| *expires <= MAX_AGE);
    let expires = expires.ok_or_else(|| malformed("X-Amz-Expires is over 15 minutes"))?;
    let signed = signed_at(value("X-Amz-Date")).ok_or_else(|| malformed("X-Amz-Date is not a time"))?;
    let end = signed + expires;
    if end <= now || signed > now + MAX_SKEW {
        return Err(PresignedError::Age(value("X-Amz-Date").to_owned()));
    }
    Ok((url, end))
}

/// A time such as `20261201T093000Z`.
fn signed_at(text: &str) -> Option<SystemTime> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    let time = PrimitiveDateTime::parse(text, format).ok()?;
    Some(time.assume_utc().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + 60 * minutes)
    }

    fn endpoint() -> StsEndpoint {
        StsEndpoint::of_region("eu-west-1")
    }

    fn signed() -> String {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", Some("se/ss+ion=".to_owned()), None, "test");
        token(credentials, &endpoint(), "shop", at(10)).expect("signed")
    }

    /// The token with another URL.
    fn changed(from: &str, to: &str) -> String {
        let token = signed();
        let url = URL_SAFE_NO_PAD.decode(&token[TOKEN_PREFIX.len()..]).expect("Base64");
        let url = String::from_utf8(url).expect("a URL");
        assert!(url.contains(from), "{from} is not in {url}");
        format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(url.replacen(from, to, 1)))
    }

    #[test]
    fn a_token_is_a_url_of_sts() {
        let (url, end) = parse(&signed(), &endpoint(), at(10)).expect("valid");
        assert_eq!(end, at(25));
        let text = url.as_str();
        assert!(text.starts_with("https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&"));
        assert!(
            text.contains("X-Amz-SignedHeaders=host%3Bx-meshwright-control-plane&"),
            "{text}"
        );
        assert!(!text.contains("shop"), "the name is not in the token: {text}");
    }

    #[test]
    fn a_signature_is_good_for_fifteen_minutes() {
        for (now, is_good) in [(4, false), (5, true), (24, true), (25, false)] {
            let parsed = parse(&signed(), &endpoint(), at(now));
            assert_eq!(parsed.is_ok(), is_good, "{now}");
            if let Err(error) = parsed {
                assert!(
                    error.to_string().starts_with("the role token was signed at 20270115T"),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn other_urls_are_not_called() {
        for (from, to, expected) in [
            (
                "https://sts.eu-west-1.amazonaws.com",
                "https://attacker.example.com",
                "which is not the STS",
            ),
            (
                "https://sts.eu-west-1.amazonaws.com",
                "https://sts.eu-west-1.amazonaws.com.example.com",
                "which is not the STS",
            ),
            (
                "https://sts.eu-west-1.amazonaws.com",
                "https://sts.eu-west-1.amazonaws.com:8443",
                "which is not the STS",
            ),
            ("https://", "http://", "which is not the STS"),
            ("https://", "https://user@", "a path or a user"),
            ("amazonaws.com/?", "amazonaws.com/other?", "a path or a user"),
            (
                "GetCallerIdentity",
                "GetSessionToken",
                "Action is not GetCallerIdentity",
            ),
            ("Version=2011-06-15", "Version=2011-06-16", "Version is not"),
            ("?", "?Action=GetCallerIdentity&", "a parameter twice"),
            ("?", "?RoleArn=a&", "an unknown parameter"),
            ("host%3Bx-meshwright-control-plane", "host", "does not cover"),
            (
                "host%3Bx-meshwright-control-plane",
                "host%3Bx-k8s-aws-id",
                "does not cover",
            ),
            ("X-Amz-Expires=900", "X-Amz-Expires=901", "over 15 minutes"),
            ("X-Amz-Date=2027", "X-Amz-Date=x", "is not a time"),
        ] {
            let error = parse(&changed(from, to), &endpoint(), at(10))
                .expect_err(to)
                .to_string();
            assert!(error.contains(expected), "{to}: {error}");
        }
        for token in [
            "",
            TOKEN_PREFIX,
            "other",
            &format!("{TOKEN_PREFIX}{}", "A".repeat(9000)),
        ] {
            let error = parse(token, &endpoint(), at(10)).expect_err("no URL").to_string();
            assert!(error.ends_with(": no URL"), "{error}");
        }
    }
}
