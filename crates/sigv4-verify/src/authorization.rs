//! What a client states about its signature: in the header `Authorization`, or in the query string of a presigned URL.

use std::borrow::Cow;
use std::str;
use std::time::Duration;

use http::header::{AUTHORIZATION, DATE};

use crate::canonical::{Parameter, RequestHead};
use crate::error::VerifyError;
use crate::timestamp::Timestamp;

pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The parameter of a presigned URL that is not signed.
pub(crate) const SIGNATURE_PARAMETER: &str = "X-Amz-Signature";
/// Seconds of a week: the limit of S3, the only one that AWS documents.
const MAX_EXPIRES: u64 = 7 * 24 * 60 * 60;
const TERMINATOR: &str = "aws4_request";
const BYTES_OF_SIGNATURE: usize = 32;

/// Where the signature was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Header,
    /// A presigned URL, valid for so long from the time of its signature.
    Presigned {
        expires: Duration,
    },
}

/// The statements, read but not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authorization<'a> {
    pub(crate) form: Form,
    pub(crate) access_key_id: String,
    pub(crate) scope: Scope,
    /// In lower case, sorted, without duplicates.
    pub(crate) signed_headers: String,
    pub(crate) signature: [u8; BYTES_OF_SIGNATURE],
    pub(crate) signed_at: Timestamp,
    pub(crate) session_token: Option<Cow<'a, [u8]>>,
}

/// To what the signing key is limited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) date: String,
    pub(crate) region: String,
    pub(crate) service: String,
}

impl Scope {
    pub(crate) fn text(&self) -> String {
        format!("{}/{}/{}/{TERMINATOR}", self.date, self.region, self.service)
    }
}

impl<'a> Authorization<'a> {
    /// Reads the statements of a request.
    pub(crate) fn read(head: &RequestHead<'a>) -> Result<Self, VerifyError> {
        let mut headers = head.headers.get_all(AUTHORIZATION).iter();
        let parameters = head.parameters();
        let is_presigned = parameters
            .iter()
            .any(|(name, _)| &**name == b"X-Amz-Algorithm" || &**name == SIGNATURE_PARAMETER.as_bytes());
        match (headers.next(), headers.next()) {
            (None, _) if is_presigned => Self::from_parameters(&parameters),
            (None, _) => Err(VerifyError::Unsigned),
            (Some(_), None) if is_presigned => Err(incomplete(
                "The request has both an Authorization header and the query parameters of a presigned URL.",
            )),
            (Some(header), None) => {
                let text = str::from_utf8(header.as_bytes())
                    .map_err(|_| incomplete("The Authorization header is not UTF-8."))?;
                Self::from_header(head, text)
            }
            (Some(_), Some(_)) => Err(incomplete("The request has several Authorization headers.")),
        }
    }

    fn from_header(head: &RequestHead<'a>, text: &str) -> Result<Self, VerifyError> {
        let (algorithm, rest) = text.split_once(' ').unwrap_or((text, ""));
        check_algorithm(algorithm)?;
        let mut stated = Stated::default();
        for part in rest.split(',') {
            let part = part.trim_matches(' ');
            let (name, value) = part.split_once('=').ok_or_else(|| {
                incomplete("The Authorization header must consist of NAME=VALUE, separated by commas.")
            })?;
            let place = match name {
                "Credential" => &mut stated.credential,
                "SignedHeaders" => &mut stated.signed_headers,
                "Signature" => &mut stated.signature,
                _ => return Err(incomplete("The Authorization header has an unknown parameter.")),
            };
            put(place, name, Cow::Borrowed(value))?;
        }
        stated.read(Form::Header, date_header(head)?, session_header(head)?)
    }

    fn from_parameters(parameters: &[Parameter<'a>]) -> Result<Self, VerifyError> {
        let mut stated = Stated::default();
        let (mut algorithm, mut date, mut expires, mut token) = (None, None, None, None);
        for (name, value) in parameters {
            let place = match &**name {
                b"X-Amz-Algorithm" => &mut algorithm,
                b"X-Amz-Credential" => &mut stated.credential,
                b"X-Amz-Date" => &mut date,
                b"X-Amz-Expires" => &mut expires,
                b"X-Amz-SignedHeaders" => &mut stated.signed_headers,
                b"X-Amz-Signature" => &mut stated.signature,
                b"X-Amz-Security-Token" => {
                    if token.replace(value.clone()).is_some() {
                        return Err(incomplete("'X-Amz-Security-Token' appears twice."));
                    }
                    continue;
                }
                _ => continue,
            };
            let name = String::from_utf8_lossy(name);
            let value = str::from_utf8(value).map_err(|_| incomplete(format!("'{name}' is not UTF-8.")))?;
            put(place, &name, Cow::Owned(value.to_owned()))?;
        }
        check_algorithm(&required(algorithm, "X-Amz-Algorithm")?)?;
        let date = required(date, "X-Amz-Date")?;
        let signed_at = Timestamp::from_basic(&date).ok_or_else(|| wrong_date(&date))?;
        let expires = required(expires, "X-Amz-Expires")?;
        let seconds: u64 = Some(&*expires)
            .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|text| text.parse().ok())
            .filter(|seconds| *seconds <= MAX_EXPIRES)
            .ok_or_else(|| {
                incomplete(format!(
                    "'X-Amz-Expires' must be a number of seconds up to {MAX_EXPIRES}, not '{expires}'."
                ))
            })?;
        let expires = Duration::from_secs(seconds);
        stated.read(Form::Presigned { expires }, signed_at, token)
    }
}

/// The texts that both forms have.
#[derive(Debug, Default)]
struct Stated<'a> {
    credential: Option<Cow<'a, str>>,
    signed_headers: Option<Cow<'a, str>>,
    signature: Option<Cow<'a, str>>,
}

impl Stated<'_> {
    fn read<'a>(
        self,
        form: Form,
        signed_at: Timestamp,
        session_token: Option<Cow<'a, [u8]>>,
    ) -> Result<Authorization<'a>, VerifyError> {
        let (access_key_id, scope) = credential(&required(self.credential, "Credential")?)?;
        let signed_headers = required(self.signed_headers, "SignedHeaders")?.into_owned();
        let names: Vec<&str> = signed_headers.split(';').collect();
        let is_lower_case = names
            .iter()
            .all(|name| !name.is_empty() && !name.contains(|c: char| c.is_uppercase()));
        if !is_lower_case || !names.is_sorted_by(|a, b| a < b) {
            return Err(incomplete(
                "'SignedHeaders' must be distinct names in lower case, sorted, separated by ';'.",
            ));
        }
        Ok(Authorization {
            form,
            access_key_id,
            scope,
            signature: signature(&required(self.signature, "Signature")?)?,
            signed_headers,
            signed_at,
            session_token,
        })
    }
}

fn incomplete(message: impl Into<String>) -> VerifyError {
    VerifyError::Incomplete(message.into())
}

fn put<'a>(place: &mut Option<Cow<'a, str>>, name: &str, value: Cow<'a, str>) -> Result<(), VerifyError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(incomplete(format!("'{name}' appears twice."))),
    }
}

fn required<'a>(value: Option<Cow<'a, str>>, name: &str) -> Result<Cow<'a, str>, VerifyError> {
    value
        .filter(|value| !value.is_empty())
        .ok_or_else(|| incomplete(format!("Authorization header requires '{name}' parameter.")))
}

fn check_algorithm(algorithm: &str) -> Result<(), VerifyError> {
    if algorithm == ALGORITHM {
        return Ok(());
    }
    // The text may be a credential of another scheme, so it is not repeated.
    Err(incomplete(format!(
        "Unsupported AWS 'algorithm': this server accepts {ALGORITHM} only."
    )))
}

/// Reads `KEY/20150830/us-east-1/service/aws4_request`. A key id may contain slashes.
fn credential(text: &str) -> Result<(String, Scope), VerifyError> {
    let malformed = || {
        incomplete(format!(
            "Credential must be KEY/YYYYMMDD/REGION/SERVICE/{TERMINATOR}, not '{text}'."
        ))
    };
    let mut parts = text.rsplitn(5, '/');
    let mut next = || parts.next().filter(|part| !part.is_empty()).ok_or_else(malformed);
    let (terminator, service, region, date, key) = (next()?, next()?, next()?, next()?, next()?);
    if terminator != TERMINATOR {
        return Err(VerifyError::WrongScope(format!(
            "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'."
        )));
    }
    let scope = Scope {
        date: date.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
    };
    Ok((key.to_owned(), scope))
}

/// Reads 64 hexadecimal digits in lower case: one spelling for each signature.
fn signature(text: &str) -> Result<[u8; BYTES_OF_SIGNATURE], VerifyError> {
    // A signature of another form matches nothing; AWS makes no difference either.
    hex(text).ok_or(VerifyError::Mismatch)
}

/// The bytes of 64 hexadecimal digits in lower case.
pub(crate) fn hex(text: &str) -> Option<[u8; BYTES_OF_SIGNATURE]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let text: &[u8; 2 * BYTES_OF_SIGNATURE] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; BYTES_OF_SIGNATURE];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// The time in `X-Amz-Date`, or else in `Date`.
fn date_header(head: &RequestHead<'_>) -> Result<Timestamp, VerifyError> {
    let text = |name: &str| single_header(head, name)?.map(|bytes| text_of(name, bytes)).transpose();
    if let Some(date) = text("x-amz-date")? {
        return Timestamp::from_basic(date).ok_or_else(|| wrong_date(date));
    }
    match text(DATE.as_str())? {
        Some(date) => Timestamp::from_basic(date)
            .or_else(|| Timestamp::from_http_date(date))
            .ok_or_else(|| wrong_date(date)),
        None => Err(incomplete(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        )),
    }
}

fn session_header<'a>(head: &RequestHead<'a>) -> Result<Option<Cow<'a, [u8]>>, VerifyError> {
    Ok(single_header(head, "x-amz-security-token")?.map(Cow::Borrowed))
}

/// The value of a header that may appear once.
pub(crate) fn single_header<'a>(head: &RequestHead<'a>, name: &str) -> Result<Option<&'a [u8]>, VerifyError> {
    let mut values = head.headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value.map(http::HeaderValue::as_bytes)),
        (_, Some(_)) => Err(incomplete(format!("The header '{name}' appears twice."))),
    }
}

pub(crate) fn text_of<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, VerifyError> {
    str::from_utf8(bytes).map_err(|_| incomplete(format!("The header '{name}' is not UTF-8.")))
}

fn wrong_date(date: &str) -> VerifyError {
    incomplete(format!("Date must be in ISO-8601 'basic format'. Got '{date}'."))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    const SIGNATURE: &str = "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8";

    fn header_map(headers: &[(&'static str, &str)]) -> HeaderMap {
        headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    fn read_header(authorization: &str) -> Result<Authorization<'static>, VerifyError> {
        let headers = header_map(&[("authorization", authorization), ("x-amz-date", "20150830T123600Z")]);
        let head = RequestHead::new("GET", "/", None, &headers);
        Authorization::read(&head).map(|read| Authorization {
            session_token: None,
            ..read
        })
    }

    fn message(error: Result<Authorization<'_>, VerifyError>) -> String {
        error.unwrap_err().to_string()
    }

    #[test]
    fn a_header_is_read() {
        for separator in [", ", ","] {
            let parts = [
                "AWS4-HMAC-SHA256 Credential=AK/ID/20150830/us-east-1/service/aws4_request",
                "SignedHeaders=host;x-amz-date",
                &format!("Signature={SIGNATURE}"),
            ];
            let read = read_header(&parts.join(separator)).unwrap();
            assert_eq!(read.access_key_id, "AK/ID");
            assert_eq!(read.scope.text(), "20150830/us-east-1/service/aws4_request");
            assert_eq!(read.signed_headers, "host;x-amz-date");
            assert_eq!(read.signature[..3], [0x07, 0xec, 0x16]);
            assert_eq!(read.form, Form::Header);
        }
    }

    #[test]
    fn defects_of_a_header_are_named() {
        let credential = "Credential=A/20150830/r/s/aws4_request";
        let signature = format!("Signature={SIGNATURE}");
        for (header, expected) in [
            ("Bearer abcdef".to_owned(), "Unsupported AWS 'algorithm'"),
            ("AWS4-ECDSA-P256-SHA256 x".to_owned(), "Unsupported AWS 'algorithm'"),
            ("AWS4-HMAC-SHA256".to_owned(), "NAME=VALUE"),
            (format!("AWS4-HMAC-SHA256 {credential}, {signature}"), "'SignedHeaders'"),
            (
                format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host"),
                "'Signature'",
            ),
            (
                format!("AWS4-HMAC-SHA256 SignedHeaders=host, {signature}"),
                "'Credential'",
            ),
            (
                format!("AWS4-HMAC-SHA256 {credential}, {credential}"),
                "'Credential' appears twice",
            ),
            (format!("AWS4-HMAC-SHA256 {credential}, Other=1"), "unknown parameter"),
            (
                format!("AWS4-HMAC-SHA256 Credential=A/r/s/aws4_request, SignedHeaders=host, {signature}"),
                "Credential must be",
            ),
            (
                format!("AWS4-HMAC-SHA256 Credential=A/d/r/s/aws5, SignedHeaders=host, {signature}"),
                "valid terminator",
            ),
            (
                format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=b;a, {signature}"),
                "sorted",
            ),
            (
                format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=a;a, {signature}"),
                "sorted",
            ),
            (
                format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=Host, {signature}"),
                "lower case",
            ),
            (
                format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host;, {signature}"),
                "separated by ';'",
            ),
            (
                format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=abc"),
                "does not match",
            ),
            (
                format!(
                    "AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature={}",
                    SIGNATURE.to_uppercase()
                ),
                "does not match",
            ),
        ] {
            let message = message(read_header(&header));
            assert!(message.contains(expected), "{header}: {message}");
        }
        assert!(!message(read_header("Bearer abcdef")).contains("abcdef"));
    }

    #[test]
    fn the_date_is_in_one_of_two_headers() {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request, SignedHeaders=date;host, Signature={SIGNATURE}"
        );
        let date = |headers: &[(&'static str, &str)]| {
            let mut headers = header_map(headers);
            headers.insert(AUTHORIZATION, authorization.parse().unwrap());
            let head = RequestHead::new("GET", "/", None, &headers);
            Authorization::read(&head)
                .map(|read| read.signed_at.basic())
                .map_err(|error| error.to_string())
        };
        assert_eq!(
            date(&[("date", "Sun, 30 Aug 2015 12:36:00 GMT")]).unwrap(),
            "20150830T123600Z"
        );
        assert_eq!(
            date(&[
                ("date", "Sun, 30 Aug 2015 12:36:00 GMT"),
                ("x-amz-date", "20150830T123601Z")
            ])
            .unwrap(),
            "20150830T123601Z"
        );
        assert!(date(&[]).unwrap_err().contains("requires existence of either"));
        assert!(
            date(&[("x-amz-date", "yesterday")])
                .unwrap_err()
                .contains("Got 'yesterday'")
        );
    }

    #[test]
    fn an_unsigned_request_has_an_error_of_its_own() {
        let headers = HeaderMap::new();
        let read = |query| Authorization::read(&RequestHead::new("GET", "/", query, &headers)).unwrap_err();
        assert_eq!(read(None), VerifyError::Unsigned);
        assert_eq!(read(Some("limit=1")), VerifyError::Unsigned);
        assert_eq!(read(Some("X-Amz-Signature=1")).code(), "IncompleteSignatureException");
    }

    #[test]
    fn a_presigned_url_is_read() {
        let query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20150830%2Fr%2Fs%2Faws4_request\
             &X-Amz-Date=20150830T123600Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-a&X-Amz-Signature={SIGNATURE}\
             &X-Amz-Security-Token=a%2Bb"
        );
        let headers = HeaderMap::new();
        let read = |query: &str| {
            let head = RequestHead::new("GET", "/", Some(query), &headers);
            Authorization::read(&head).map(|read| {
                let token = read.session_token.map(Cow::into_owned);
                (read.form, read.signed_headers, token)
            })
        };
        let expires = Duration::from_secs(60);
        assert_eq!(
            read(&query).unwrap(),
            (
                Form::Presigned { expires },
                "host;x-a".to_owned(),
                Some(b"a+b".to_vec())
            )
        );
        for (from, to) in [
            ("X-Amz-Expires=60", "X-Amz-Expires=-60"),
            ("X-Amz-Expires=60", "X-Amz-Expires=%2B60"),
            ("X-Amz-Expires=60", "X-Amz-Expires=604801"),
            ("X-Amz-Expires=60&", ""),
            ("X-Amz-Date=", "X-Amz-Day="),
            ("X-Amz-Algorithm=AWS4-HMAC-SHA256&", ""),
            ("X-Amz-Expires=60", "X-Amz-Expires=60&X-Amz-Expires=60"),
        ] {
            let error = read(&query.replace(from, to)).unwrap_err();
            assert_eq!(error.code(), "IncompleteSignatureException", "{to}: {error}");
        }
    }
}
