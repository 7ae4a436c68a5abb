//! The rules of a valid signature, and its comparison. Pure: the caller passes the time and the body.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::authorization::{ALGORITHM, Authorization, Form, SIGNATURE_PARAMETER, Scope, hex, single_header, text_of};
use crate::canonical::{CanonicalError, PathRule, RequestHead, canonical_request};
use crate::error::VerifyError;
use crate::key::{AccessKey, Keys, SessionError};
use crate::timestamp::{Timestamp, in_words};

/// As AWS's front end: a signature is accepted five minutes before and after its time.
const CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);
/// How long a presigned URL is accepted at most, whatever its `X-Amz-Expires`.
const MAX_PRESIGNED: Duration = Duration::from_secs(15 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const CONTENT_SHA256: &str = "x-amz-content-sha256";
/// The values of `x-amz-content-sha256` for bodies that are not hashed as a whole.
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// Headers `x-amz-*` that need not be signed: the session token is compared with the key's, and the others have no
/// meaning for a service. SDKs leave the last two out of presigned URLs, and CloudFront adds the first.
const NEED_NOT_BE_SIGNED: [&str; 4] = [
    "x-amz-cf-id",
    "x-amz-security-token",
    "x-amz-checksum-mode",
    "x-amz-user-agent",
];

/// What to do with requests whose body is not signed (`UNSIGNED-PAYLOAD`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum UnsignedPayload {
    /// Reject them.
    #[default]
    Reject,
    /// Accept them: only TLS protects the body then.
    Accept,
}

/// The rules for one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    service: String,
    region: Option<String>,
    clock_skew: Duration,
    max_presigned: Duration,
    unsigned_payload: UnsignedPayload,
    path_rule: PathRule,
}

impl Verifier {
    /// Rules for a service with this signing name, such as `appmesh`, in any region.
    #[must_use]
    pub fn new(service: impl Into<String>) -> Self {
        Self {
            service: service.into(),
            region: None,
            clock_skew: CLOCK_SKEW,
            max_presigned: MAX_PRESIGNED,
            unsigned_payload: UnsignedPayload::default(),
            path_rule: PathRule::default(),
        }
    }

    /// Accepts signatures for this region only.
    #[must_use]
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// How far the time of a signature may be from the server's: up to a day. Default: 5 minutes, as AWS.
    #[must_use]
    pub fn with_clock_skew(mut self, clock_skew: Duration) -> Self {
        self.clock_skew = clock_skew.min(DAY);
        self
    }

    /// How long a presigned URL is accepted at most, up to a week; a longer `X-Amz-Expires` is shortened to this.
    /// Default: 15 minutes. This crate's choice: AWS documents a limit for S3 only (7 days).
    #[must_use]
    pub fn with_max_presigned(mut self, max_presigned: Duration) -> Self {
        self.max_presigned = max_presigned.min(7 * DAY);
        self
    }

    /// Whether the body may be unsigned. Default: rejected.
    #[must_use]
    pub fn with_unsigned_payload(mut self, unsigned_payload: UnsignedPayload) -> Self {
        self.unsigned_payload = unsigned_payload;
        self
    }

    /// How paths are canonicalised. Default: [`PathRule::Strict`].
    #[must_use]
    pub fn with_path_rule(mut self, path_rule: PathRule) -> Self {
        self.path_rule = path_rule;
        self
    }

    /// Checks everything that does not need the body, so that a server keeps only bodies of clients that state a known
    /// key and a current signature.
    ///
    /// # Errors
    ///
    /// All variants of [`VerifyError`] but those about the body, replays and the signature itself.
    pub fn check_head(
        &self,
        head: &RequestHead<'_>,
        keys: &dyn Keys,
        now: SystemTime,
    ) -> Result<PendingVerification, VerifyError> {
        let authorization = Authorization::read(head)?;
        let signed_headers: Vec<&str> = authorization.signed_headers.split(';').collect();
        check_signed_headers(head, &signed_headers)?;
        self.check_scope(&authorization.scope, authorization.signed_at)?;
        let valid_until = self.check_time(&authorization, now)?;
        let key = keys.find(&authorization.access_key_id).ok_or(VerifyError::UnknownKey)?;
        key.check_session(authorization.session_token.as_deref(), now)
            .map_err(|error| match error {
                SessionError::WrongToken => VerifyError::UnknownKey,
                SessionError::Expired => VerifyError::ExpiredToken,
            })?;
        let payload = self.payload(head)?;
        let without = match authorization.form {
            Form::Header => None,
            Form::Presigned { .. } => Some(SIGNATURE_PARAMETER),
        };
        let canonical =
            canonical_request(head, self.path_rule, &signed_headers, without).map_err(|error| match error {
                CanonicalError::AmbiguousPath => VerifyError::AmbiguousPath,
                CanonicalError::MissingHeader(name) => {
                    VerifyError::Incomplete(format!("The signed header '{name}' is not in the request."))
                }
            })?;
        Ok(PendingVerification {
            canonical,
            payload,
            scope: authorization.scope,
            signed_at: authorization.signed_at,
            signature: authorization.signature,
            key,
            valid_until,
        })
    }

    fn check_scope(&self, scope: &Scope, signed_at: Timestamp) -> Result<(), VerifyError> {
        let basic = signed_at.basic();
        let day = &basic[..8];
        let mut errors = Vec::new();
        if self.region.as_ref().is_some_and(|region| *region != scope.region) {
            errors.push(format!(
                "Credential should be scoped to a valid region, not '{}'.",
                scope.region
            ));
        }
        if scope.service != self.service {
            errors.push(format!(
                "Credential should be scoped to correct service: '{}'.",
                self.service
            ));
        }
        if scope.date != day {
            errors.push(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != \
                 '{day}', from '{basic}'.",
                scope.date
            ));
        }
        if errors.is_empty() {
            return Ok(());
        }
        Err(VerifyError::WrongScope(errors.join(" ")))
    }

    /// The moment after which the signature is not accepted any more.
    fn check_time(&self, authorization: &Authorization<'_>, now: SystemTime) -> Result<SystemTime, VerifyError> {
        let out_of_time = |what: &str, comparison: &str, limit: SystemTime, sign: char, by: Duration| {
            VerifyError::OutOfTime(format!(
                "{what}: {} is {comparison} {} ({} {sign} {})",
                authorization.signed_at.basic(),
                Timestamp::from_system(limit).basic(),
                Timestamp::from_system(now).basic(),
                in_words(by)
            ))
        };
        let signed_at = authorization.signed_at.system();
        let latest = now + self.clock_skew;
        if signed_at > latest {
            let what = "Signature not yet current";
            return Err(out_of_time(what, "still later than", latest, '+', self.clock_skew));
        }
        let validity = match authorization.form {
            Form::Header => self.clock_skew,
            Form::Presigned { expires } => expires.min(self.max_presigned),
        };
        let earliest = now.checked_sub(validity).unwrap_or(SystemTime::UNIX_EPOCH);
        if signed_at < earliest {
            return Err(out_of_time(
                "Signature expired",
                "now earlier than",
                earliest,
                '-',
                validity,
            ));
        }
        Ok(signed_at + validity)
    }

    fn payload(&self, head: &RequestHead<'_>) -> Result<Payload, VerifyError> {
        let Some(stated) = single_header(head, CONTENT_SHA256)? else {
            return Ok(Payload::NotStated);
        };
        let stated = text_of(CONTENT_SHA256, stated)?;
        match (stated, self.unsigned_payload) {
            (UNSIGNED_PAYLOAD, UnsignedPayload::Accept) => Ok(Payload::Unsigned),
            // Bodies that are signed in chunks (`STREAMING-…`) are a matter of S3.
            (UNSIGNED_PAYLOAD, UnsignedPayload::Reject) => Err(VerifyError::UnsignedPayload(stated.to_owned())),
            _ if stated.starts_with("STREAMING-") => Err(VerifyError::UnsignedPayload(stated.to_owned())),
            _ => hex(stated).map(Payload::Sha256).ok_or(VerifyError::PayloadMismatch),
        }
    }
}

/// The host and all headers `x-amz-*` have to be signed, or a man in the middle could alter them.
fn check_signed_headers(head: &RequestHead<'_>, signed: &[&str]) -> Result<(), VerifyError> {
    let must_be_signed = |name: &str| name.starts_with("x-amz-") && !NEED_NOT_BE_SIGNED.contains(&name);
    let unsigned = head
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .find(|name| must_be_signed(name) && !signed.contains(name));
    if let Some(name) = unsigned {
        return Err(VerifyError::Incomplete(format!(
            "'{name}' must be a 'SignedHeader' in the AWS Authorization."
        )));
    }
    if !signed.contains(&"host") {
        return Err(VerifyError::Incomplete(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.".to_owned(),
        ));
    }
    if signed.contains(&"authorization") {
        return Err(VerifyError::Incomplete(
            "'Authorization' cannot sign itself.".to_owned(),
        ));
    }
    Ok(())
}

/// What the client states about the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Payload {
    /// Nothing: the hash of the body is part of the canonical request.
    NotStated,
    Sha256([u8; 32]),
    Unsigned,
}

/// A request whose head is in order; its body is still to be verified.
#[must_use = "nothing is verified until `verify` has the body"]
pub struct PendingVerification {
    /// Without the hash of the payload.
    canonical: Vec<u8>,
    payload: Payload,
    scope: Scope,
    signed_at: Timestamp,
    signature: [u8; 32],
    key: Arc<AccessKey>,
    valid_until: SystemTime,
}

impl fmt::Debug for PendingVerification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The canonical request may contain a session token.
        f.debug_struct("PendingVerification")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl PendingVerification {
    /// Compares the signature, in constant time, and the hash of the body.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Mismatch`], [`VerifyError::PayloadMismatch`].
    pub fn verify(self, body: &[u8]) -> Result<Verified, VerifyError> {
        let actual: [u8; 32] = Sha256::digest(body).into();
        let payload_line = match self.payload {
            Payload::NotStated => to_hex(&actual),
            Payload::Sha256(stated) => to_hex(&stated),
            Payload::Unsigned => UNSIGNED_PAYLOAD.to_owned(),
        };
        let mut canonical = self.canonical;
        canonical.extend_from_slice(payload_line.as_bytes());
        let string_to_sign = format!(
            "{ALGORITHM}\n{}\n{}\n{}",
            self.signed_at.basic(),
            self.scope.text(),
            to_hex(&Sha256::digest(&canonical).into())
        );
        let signing_key = signing_key(self.key.secret().expose(), &self.scope);
        mac(&*signing_key, &string_to_sign)
            .verify_slice(&self.signature)
            .map_err(|_| VerifyError::Mismatch)?;
        // After the signature, so that only a holder of the key learns that it is valid.
        if matches!(self.payload, Payload::Sha256(stated) if stated != actual) {
            return Err(VerifyError::PayloadMismatch);
        }
        Ok(Verified {
            access_key_id: self.key.id().to_owned(),
            signature: self.signature,
            valid_until: self.valid_until,
        })
    }
}

/// Derives the key for one day, region and service.
fn signing_key(secret: &str, scope: &Scope) -> Zeroizing<[u8; 32]> {
    let secret = Zeroizing::new(format!("AWS4{secret}"));
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(&mac(secret.as_bytes(), &scope.date).finalize().into_bytes());
    for part in [&scope.region, &scope.service, "aws4_request"] {
        let next = mac(&*key, part).finalize().into_bytes();
        key.copy_from_slice(&next);
    }
    key
}

fn mac(key: &[u8], text: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac
}

fn to_hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Who signed a request. The verifying layer adds it to the request's extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    access_key_id: String,
    pub(crate) signature: [u8; 32],
    pub(crate) valid_until: SystemTime,
}

impl Verified {
    /// The id of the key that signed.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    #[cfg(test)]
    pub(crate) fn for_test(access_key_id: &str, signature: [u8; 32], valid_until: SystemTime) -> Self {
        Self {
            access_key_id: access_key_id.to_owned(),
            signature,
            valid_until,
        }
    }

    /// The last moment at which the signature is accepted.
    #[must_use]
    pub fn valid_until(&self) -> SystemTime {
        self.valid_until
    }
}
