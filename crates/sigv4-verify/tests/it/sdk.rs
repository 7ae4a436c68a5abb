//! Requests signed by `aws-sigv4`, the signer of AWS's Rust SDK.

use sigv4_verify::{AccessKey, KeyRing, Secret};

use crate::fixture::{
    KEY_ID, SECRET, Signer, keys, now, read_request, seconds, verifier, verify, verify_with, write_request,
};

#[test]
fn signed_headers_and_presigned_urls_are_accepted() {
    for presigned in [None, Some(seconds(60))] {
        for content_sha256 in [false, true] {
            let signer = Signer {
                presigned,
                content_sha256,
                ..Signer::default()
            };
            for request in [write_request(), read_request()] {
                let verified = verify(&signer.sign(request)).unwrap_or_else(|error| panic!("{signer:?}: {error}"));
                assert_eq!(verified.access_key_id(), KEY_ID);
            }
        }
    }
}

#[test]
fn session_tokens_are_accepted_by_temporary_keys() {
    let temporary = || AccessKey::new(KEY_ID, Secret::new(SECRET.to_owned()));
    let expires = now() + seconds(10);
    let ring: KeyRing = [temporary().with_session(Secret::new("token+/=".to_owned()), expires)]
        .into_iter()
        .collect();
    for presigned in [None, Some(seconds(60))] {
        let signer = |session_token| Signer {
            presigned,
            session_token,
            ..Signer::default()
        };
        let at = |session_token, ring: &KeyRing, time| {
            let request = signer(session_token).sign(write_request());
            verify_with(&verifier(), ring, &request, time)
                .map(drop)
                .map_err(|error| error.code())
        };
        assert_eq!(at(Some("token+/="), &ring, now()), Ok(()));
        assert_eq!(at(Some("token+/="), &ring, expires), Err("ExpiredTokenException"));
        assert_eq!(at(Some("token"), &ring, now()), Err("UnrecognizedClientException"));
        assert_eq!(at(None, &ring, now()), Err("UnrecognizedClientException"));
        assert_eq!(at(Some("token+/="), &keys(), now()), Err("UnrecognizedClientException"));
    }
}
