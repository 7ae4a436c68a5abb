//! Requests that must be rejected, and the error of each.

use http::Request;
use sigv4_verify::{PathRule, UnsignedPayload, Verifier, VerifyError};

use crate::fixture::{Signer, keys, now, read_request, seconds, verifier, verify, verify_with, write_request};

/// The code and the message of the error.
#[track_caller]
fn rejected(result: Result<sigv4_verify::Verified, VerifyError>) -> (&'static str, String) {
    let error = result.expect_err("a rejected request");
    (error.code(), error.to_string())
}

#[test]
fn a_wrong_secret_does_not_match() {
    let signer = Signer {
        secret: "another",
        ..Signer::default()
    };
    let (code, message) = rejected(verify(&signer.sign(read_request())));
    assert_eq!(code, "InvalidSignatureException");
    assert!(
        message.starts_with("The request signature we calculated does not match"),
        "{message}"
    );
}

#[test]
fn an_unknown_key_is_unrecognized() {
    let request = Signer::default().sign(read_request());
    let (code, message) = rejected(verify_with(
        &verifier(),
        &sigv4_verify::KeyRing::default(),
        &request,
        now(),
    ));
    assert_eq!(
        (code, &*message),
        (
            "UnrecognizedClientException",
            "The security token included in the request is invalid."
        )
    );
}

#[test]
fn an_unsigned_request_misses_its_token() {
    let (code, message) = rejected(verify(&read_request()));
    assert_eq!(
        (code, &*message),
        ("MissingAuthenticationTokenException", "Missing Authentication Token")
    );
}

#[test]
fn a_signature_for_another_region_or_service_is_out_of_scope() {
    let request = |region, service| {
        Signer {
            region,
            service,
            ..Signer::default()
        }
        .sign(read_request())
    };
    let (code, message) = rejected(verify(&request("us-east-1", "appmesh")));
    assert_eq!(code, "InvalidSignatureException");
    assert_eq!(
        message,
        "Credential should be scoped to a valid region, not 'us-east-1'."
    );
    let (code, message) = rejected(verify(&request("eu-west-1", "s3")));
    assert_eq!(code, "InvalidSignatureException");
    assert_eq!(message, "Credential should be scoped to correct service: 'appmesh'.");
    // Without a region in the rules, any is right.
    assert!(
        verify_with(
            &Verifier::new("appmesh"),
            &keys(),
            &request("us-east-1", "appmesh"),
            now()
        )
        .is_ok()
    );
}

#[test]
fn the_date_of_the_scope_must_be_that_of_the_request() {
    let mut request = Signer::default().sign(read_request());
    let header = request.headers()["authorization"]
        .to_str()
        .unwrap()
        .replace("/20261130/", "/20261129/");
    request.headers_mut().insert("authorization", header.parse().unwrap());
    let (code, message) = rejected(verify(&request));
    assert_eq!(code, "InvalidSignatureException");
    assert!(message.contains("'20261129' != '20261130'"), "{message}");
}

#[test]
fn a_signature_is_valid_for_five_minutes_before_and_after_its_time() {
    let request = Signer::default().sign(read_request());
    let at = |time| verify_with(&verifier(), &keys(), &request, time);
    assert!(at(now() + seconds(300)).is_ok());
    assert!(at(now() - seconds(300)).is_ok());
    let (code, message) = rejected(at(now() + seconds(301)));
    assert_eq!(code, "InvalidSignatureException");
    assert_eq!(
        message,
        "Signature expired: 20261130T220000Z is now earlier than 20261130T220001Z (20261130T220501Z - 5 min.)"
    );
    let (_, message) = rejected(at(now() - seconds(301)));
    assert_eq!(
        message,
        "Signature not yet current: 20261130T220000Z is still later than 20261130T215959Z (20261130T215459Z + 5 min.)"
    );
}

#[test]
fn a_presigned_url_is_valid_until_it_expires_and_for_a_quarter_of_an_hour_at_most() {
    let at = |expires, time| {
        let request = Signer {
            presigned: Some(seconds(expires)),
            ..Signer::default()
        }
        .sign(read_request());
        verify_with(&verifier(), &keys(), &request, time)
    };
    assert!(at(60, now() + seconds(60)).is_ok());
    assert!(rejected(at(60, now() + seconds(61))).1.starts_with("Signature expired"));
    assert!(
        rejected(at(60, now() - seconds(301)))
            .1
            .starts_with("Signature not yet current")
    );
    // boto3's default is an hour.
    assert!(at(3600, now() + seconds(900)).is_ok());
    assert!(rejected(at(3600, now() + seconds(901))).1.ends_with("- 15 min.)"));
}

#[test]
fn an_altered_body_is_rejected_in_each_form() {
    for presigned in [None, Some(seconds(60))] {
        for content_sha256 in [false, true] {
            let mut request = Signer {
                presigned,
                content_sha256,
                ..Signer::default()
            }
            .sign(write_request());
            request.body_mut().push(b' ');
            assert_eq!(rejected(verify(&request)).0, "InvalidSignatureException");
        }
    }
}

#[test]
fn an_unsigned_payload_needs_permission() {
    let signed = Signer {
        unsigned_payload: true,
        content_sha256: true,
        ..Signer::default()
    }
    .sign(write_request());
    let (code, message) = rejected(verify(&signed));
    assert_eq!(code, "InvalidSignatureException");
    assert!(message.contains("UNSIGNED-PAYLOAD"), "{message}");
    let lenient = verifier().with_unsigned_payload(UnsignedPayload::Accept);
    assert!(verify_with(&lenient, &keys(), &signed, now()).is_ok());

    // A header that says so does not make a signed payload unsigned.
    let mut altered = Signer {
        content_sha256: true,
        ..Signer::default()
    }
    .sign(write_request());
    altered
        .headers_mut()
        .insert("x-amz-content-sha256", "UNSIGNED-PAYLOAD".parse().unwrap());
    altered.body_mut().push(b' ');
    assert_eq!(
        rejected(verify_with(&lenient, &keys(), &altered, now())).0,
        "InvalidSignatureException"
    );

    let mut chunked = Signer {
        content_sha256: true,
        ..Signer::default()
    }
    .sign(write_request());
    chunked.headers_mut().insert(
        "x-amz-content-sha256",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD".parse().unwrap(),
    );
    assert_eq!(
        rejected(verify_with(&lenient, &keys(), &chunked, now())).0,
        "InvalidSignatureException"
    );
}

#[test]
fn headers_that_matter_must_be_signed() {
    let mut request = Signer::default().sign(read_request());
    request.headers_mut().insert("x-amz-target", "Other".parse().unwrap());
    let (code, message) = rejected(verify(&request));
    assert_eq!(code, "IncompleteSignatureException");
    assert!(message.contains("'x-amz-target' must be a 'SignedHeader'"), "{message}");

    let mut request = Signer::default().sign(read_request());
    let without_host = request.headers()["authorization"]
        .to_str()
        .unwrap()
        .replace("host;", "");
    request
        .headers_mut()
        .insert("authorization", without_host.parse().unwrap());
    let (code, message) = rejected(verify(&request));
    assert_eq!(code, "IncompleteSignatureException");
    assert!(message.contains("'Host' or ':authority'"), "{message}");

    let mut request = Signer::default().sign(write_request());
    request.headers_mut().remove("content-type");
    let (code, message) = rejected(verify(&request));
    assert_eq!(code, "IncompleteSignatureException");
    assert!(message.contains("'content-type' is not in the request"), "{message}");
}

#[test]
fn a_second_form_or_a_second_header_is_ambiguous() {
    let mut request = Signer {
        presigned: Some(seconds(60)),
        ..Signer::default()
    }
    .sign(read_request());
    let header = Signer::default().sign(read_request()).headers()["authorization"].clone();
    request.headers_mut().insert("authorization", header.clone());
    assert_eq!(rejected(verify(&request)).0, "IncompleteSignatureException");

    let mut request = Signer::default().sign(read_request());
    request.headers_mut().append("authorization", header);
    assert_eq!(rejected(verify(&request)).0, "IncompleteSignatureException");
}

#[test]
fn a_path_that_is_not_normal_is_rejected_by_default() {
    let sent = || {
        Request::get("http://mesh.example/v20190125//meshes/a/../b")
            .body(Vec::new())
            .unwrap()
    };
    let request = Signer::default().sign(sent());
    assert_eq!(rejected(verify(&request)).1, VerifyError::AmbiguousPath.to_string());
    let normalizing = verifier().with_path_rule(PathRule::Normalize);
    assert!(verify_with(&normalizing, &keys(), &request, now()).is_ok());
}
