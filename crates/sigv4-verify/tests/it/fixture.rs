//! Requests that the official library signs, and a verifier for them.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::identity::Identity;
use http::Request;
use sigv4_verify::{AccessKey, KeyRing, RequestHead, Secret, Verified, Verifier, VerifyError};

pub(crate) const KEY_ID: &str = "AKIDEXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// 2026-11-30T22:00:00Z.
pub(crate) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_796_076_000)
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn verifier() -> Verifier {
    Verifier::new("appmesh").with_region("eu-west-1")
}

pub(crate) fn keys() -> KeyRing {
    [AccessKey::new(KEY_ID, Secret::new(SECRET.to_owned()))]
        .into_iter()
        .collect()
}

/// How a request is signed.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    pub(crate) secret: &'static str,
    pub(crate) session_token: Option<&'static str>,
    pub(crate) region: &'static str,
    pub(crate) service: &'static str,
    pub(crate) time: SystemTime,
    /// A presigned URL, valid for so long.
    pub(crate) presigned: Option<Duration>,
    pub(crate) unsigned_payload: bool,
    pub content_sha256: bool,
}

impl Default for Signer {
    fn default() -> Self {
        Self {
            secret: SECRET,
            session_token: None,
            region: "eu-west-1",
            service: "appmesh",
            time: now(),
            presigned: None,
            unsigned_payload: false,
            content_sha256: false,
        }
    }
}

impl Signer {
    pub(crate) fn sign(&self, mut request: Request<Vec<u8>>) -> Request<Vec<u8>> {
        let identity: Identity =
            Credentials::new(KEY_ID, self.secret, self.session_token.map(str::to_owned), None, "test").into();
        let mut settings = SigningSettings::default();
        settings.expires_in = self.presigned;
        if self.presigned.is_some() {
            settings.signature_location = SignatureLocation::QueryParams;
        }
        if self.content_sha256 {
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        let params = SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(self.time)
            .settings(settings)
            .build()
            .expect("all parameters")
            .into();
        let headers: Vec<(String, String)> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
            .collect();
        let body = if self.unsigned_payload {
            SignableBody::UnsignedPayload
        } else {
            SignableBody::Bytes(request.body())
        };
        let signable = SignableRequest::new(
            request.method().as_str(),
            request.uri().to_string(),
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())),
            body,
        )
        .expect("a request that can be signed");
        let (instructions, _) = sign(signable, &params).expect("signed").into_parts();
        instructions.apply_to_request_http1x(&mut request);
        if !request.headers().contains_key("host") {
            let host = request
                .uri()
                .authority()
                .expect("a host")
                .as_str()
                .parse()
                .expect("a host");
            request.headers_mut().insert("host", host);
        }
        request
    }
}

/// A write as App Mesh has it.
pub(crate) fn write_request() -> Request<Vec<u8>> {
    Request::put("http://mesh.example/v20190125/meshes/a%20b/virtualNodes?meshOwner=123456789012&x=a%2Fb")
        .header("content-type", "application/json")
        .header("amz-sdk-invocation-id", "2b7c5d6f")
        .body(br#"{"virtualNodeName":"blue","spec":{}}"#.to_vec())
        .expect("a request")
}

pub(crate) fn read_request() -> Request<Vec<u8>> {
    Request::get("http://mesh.example/v20190125/meshes?limit=1")
        .body(Vec::new())
        .expect("a request")
}

pub(crate) fn verify_with(
    verifier: &Verifier,
    keys: &KeyRing,
    request: &Request<Vec<u8>>,
    now: SystemTime,
) -> Result<Verified, VerifyError> {
    let head = RequestHead::new(
        request.method().as_str(),
        request.uri().path(),
        request.uri().query(),
        request.headers(),
    );
    verifier.check_head(&head, keys, now)?.verify(request.body())
}

pub(crate) fn verify(request: &Request<Vec<u8>>) -> Result<Verified, VerifyError> {
    verify_with(&verifier(), &keys(), request, now())
}
