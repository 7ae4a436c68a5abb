//! Tokens of nodes: JSON Web Tokens with HMAC SHA-256 (RFC 7519, RFC 7515: `HS256`). Pure: keys and clock are passed in.
//!
//! Only this algorithm is known, so the header decides nothing but the key.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::grant::NodeGrant;

/// Length of a token, in bytes. One with a hundred nodes has less.
const MAX_BYTES: usize = 8 << 10;

/// The `aud` claim. A token for something else that is signed with the same key is not one for this port.
const AUDIENCE: &str = "meshwright-xds";

/// Who has a token, as which nodes, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Its holder, for messages and logs.
    pub subject: String,
    /// The nodes as which the holder may act.
    pub nodes: Vec<NodeGrant>,
    /// The end, in whole seconds.
    pub expires: SystemTime,
}

impl Claims {
    /// From now on for this time. The subject is by default the first node. `None` for a time without end.
    #[must_use]
    pub fn valid_for(time: Duration, subject: Option<String>, nodes: Vec<NodeGrant>) -> Option<Self> {
        let first = nodes.first().map(ToString::to_string);
        Some(Self {
            subject: subject.or(first).unwrap_or_default(),
            nodes,
            expires: SystemTime::now().checked_add(time)?,
        })
    }
}

/// Why a token proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Another text, or one that was changed.
    #[error("the token is not one of this control plane")]
    Malformed,
    /// Its key is not in the key file, or is not the one that has signed it.
    #[error("the token is signed with another key")]
    Signature,
    /// It was valid.
    #[error("the token of {subject:?} has expired")]
    Expired {
        /// Its holder.
        subject: String,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    aud: String,
    sub: String,
    nodes: Vec<String>,
    exp: u64,
}

/// A key, and its id in tokens.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) id: String,
    pub(super) mac: Hmac<Sha256>,
}

impl Key {
    pub(super) fn new(secret: &[u8]) -> Self {
        let mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
        // What the key makes of a constant identifies it, and tells nothing about it.
        let id = mac.clone().chain_update(b"key id").finalize().into_bytes();
        Self {
            id: URL_SAFE_NO_PAD.encode(&id[..6]),
            mac,
        }
    }
}

/// Signs a token.
pub(super) fn sign(claims: &Claims, key: &Key) -> String {
    let header = Header {
        alg: "HS256".to_owned(),
        typ: "JWT".to_owned(),
        kid: key.id.clone(),
    };
    let since_epoch = claims
        .expires
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let payload = Payload {
        aud: AUDIENCE.to_owned(),
        sub: claims.subject.clone(),
        nodes: claims.nodes.iter().map(ToString::to_string).collect(),
        exp: since_epoch.as_secs(),
    };
    let encode = |part: serde_json::Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let (header, payload) = (serde_json::json!(header), serde_json::json!(payload));
    let signed = format!("{}.{}", encode(header), encode(payload));
    let signature = key.mac.clone().chain_update(&signed).finalize().into_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The claims of a token that one of the keys has signed, if it has not expired.
pub(super) fn verify(token: &str, keys: &[Key], now: SystemTime) -> Result<Claims, TokenError> {
    if token.len() > MAX_BYTES {
        return Err(TokenError::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
    let header: Header = decode(header)?;
    if header.alg != "HS256" {
        return Err(TokenError::Malformed);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Malformed)?;
    let key = keys
        .iter()
        .find(|key| key.id == header.kid)
        .ok_or(TokenError::Signature)?;
    let mac = key.mac.clone().chain_update(signed);
    // In constant time.
    mac.verify_slice(&signature).map_err(|_| TokenError::Signature)?;
    let payload: Payload = decode(payload)?;
    if payload.aud != AUDIENCE {
        return Err(TokenError::Malformed);
    }
    let nodes = payload.nodes.iter().map(|node| node.parse());
    let claims = Claims {
        nodes: nodes.collect::<Result<_, _>>().map_err(|_| TokenError::Malformed)?,
        expires: SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_secs(payload.exp))
            .ok_or(TokenError::Malformed)?,
        subject: payload.sub,
    };
    if claims.expires <= now {
        return Err(TokenError::Expired {
            subject: claims.subject,
        });
    }
    Ok(claims)
}

fn decode<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(expires: SystemTime) -> Claims {
        Claims {
            subject: "blue".to_owned(),
            nodes: vec![
                "mesh/m/virtualNode/blue".parse().expect("a node"),
                NodeGrant::Mesh("n".to_owned()),
            ],
            expires,
        }
    }

    /// A moment in whole seconds.
    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
    }

    #[test]
    fn a_signed_token_has_its_claims() {
        let (old, new) = (Key::new(&[1; 32]), Key::new(&[2; 32]));
        let token = sign(&claims(at(60)), &old);
        assert_eq!(verify(&token, &[new.clone(), old.clone()], at(0)), Ok(claims(at(60))));
        assert_eq!(verify(&token, &[new], at(0)), Err(TokenError::Signature));
        let expired = verify(&token, &[old], at(60)).expect_err("its end");
        assert_eq!(expired.to_string(), "the token of \"blue\" has expired");
    }

    #[test]
    fn each_changed_character_is_noticed() {
        let key = Key::new(&[1; 32]);
        let token = sign(&claims(at(60)), &key);
        for position in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            let error = verify(&changed, std::slice::from_ref(&key), at(0)).expect_err(&changed);
            assert!(
                matches!(error, TokenError::Malformed | TokenError::Signature),
                "{error}"
            );
        }
    }

    #[test]
    fn other_tokens_are_rejected() {
        let key = Key::new(&[1; 32]);
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let signed = |header: &str, payload: &str| {
            let signed = format!("{}.{}", encode(header), encode(payload));
            let signature = key.mac.clone().chain_update(&signed).finalize().into_bytes();
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
        };
        let header = |alg: &str| format!(r#"{{"alg":"{alg}","typ":"JWT","kid":"{}"}}"#, key.id);
        let payload =
            |aud: &str, node: &str| format!(r#"{{"aud":"{aud}","sub":"a","nodes":["{node}"],"exp":9000000000}}"#);
        let good = signed(&header("HS256"), &payload(AUDIENCE, "*"));
        verify(&good, std::slice::from_ref(&key), at(0)).expect("a good one");
        let unsigned = format!("{}.{}.", encode(&header("none")), encode(&payload(AUDIENCE, "*")));
        for token in [
            unsigned,
            signed(&header("none"), &payload(AUDIENCE, "*")),
            signed(&header("HS512"), &payload(AUDIENCE, "*")),
            signed(&header("HS256"), &payload("other", "*")),
            signed(&header("HS256"), &payload(AUDIENCE, "unknown")),
            signed(&header("HS256"), r#"{"aud":"meshwright-xds","sub":"a","nodes":["*"]}"#),
            String::new(),
            "a.b".to_owned(),
            "..".to_owned(),
            "x".repeat(MAX_BYTES + 1),
        ] {
            assert_eq!(
                verify(&token, std::slice::from_ref(&key), at(0)),
                Err(TokenError::Malformed),
                "{token}"
            );
        }
    }
}
