//! Client tokens: repetitions of a request are answered, not applied again.
//!
//! A resource remembers the last [`MAX_USES`] tokens of its creation and updates for [`MAX_AGE_MILLIS`]. The same token
//! with the same request gets the same response; with another one it is an error. Creation and updates have separate
//! tokens. How long App Mesh itself remembered a token is not documented.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Uses that a resource remembers. Clients send one token for each request and repeat it at once.
const MAX_USES: usize = 8;
/// One day.
const MAX_AGE_MILLIS: u64 = 24 * 60 * 60 * 1000;

/// A request that carried a client token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientToken {
    pub(crate) token: String,
    pub(crate) verb: Verb,
    /// Hash of the request's content.
    pub(crate) request: String,
}

/// The operation of a request with a client token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Verb {
    Create,
    Update,
}

/// The use of a client token, and the response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TokenUse {
    token: String,
    verb: Verb,
    request: String,
    /// The version of the resource in the response.
    pub(crate) version: u64,
    /// `lastUpdatedAt` of the resource in the response.
    pub(crate) at: u64,
}

/// Result of looking up a token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lookup<'a> {
    /// It was not used.
    New,
    /// The same request was applied.
    Repeated(&'a TokenUse),
    /// It was used for another request.
    Misused,
}

impl ClientToken {
    /// `spec` and `tags` are the content of the request.
    pub(crate) fn new(token: String, verb: Verb, spec: &Value, tags: &BTreeMap<String, String>) -> Self {
        let mut hash = Sha256::new();
        hash_value(spec, &mut hash);
        for (key, value) in tags {
            hash_text(key, &mut hash);
            hash_text(value, &mut hash);
        }
        let request = hash
            .finalize()
            .iter()
            .take(16)
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        Self { token, verb, request }
    }

    /// Looks for an earlier use.
    pub(crate) fn look_up<'a>(&self, uses: &'a [TokenUse], now: u64) -> Lookup<'a> {
        let is_it = |used: &&TokenUse| used.token == self.token && used.verb == self.verb && is_recent(used, now);
        match uses.iter().rev().find(is_it) {
            None => Lookup::New,
            Some(used) if used.request == self.request => Lookup::Repeated(used),
            Some(_) => Lookup::Misused,
        }
    }

    /// Adds a use, and forgets old ones.
    pub(crate) fn remember(self, uses: &mut Vec<TokenUse>, version: u64, now: u64) {
        uses.retain(|used| is_recent(used, now));
        if uses.len() >= MAX_USES {
            uses.drain(..=uses.len() - MAX_USES);
        }
        let Self { token, verb, request } = self;
        uses.push(TokenUse {
            token,
            verb,
            request,
            version,
            at: now,
        });
    }
}

fn is_recent(used: &TokenUse, now: u64) -> bool {
    used.at.saturating_add(MAX_AGE_MILLIS) > now
}

/// Hashes a document. The order of keys does not matter.
fn hash_value(value: &Value, hash: &mut Sha256) {
    match value {
        Value::Object(object) => {
            hash.update(b"{");
            let sorted: BTreeMap<&String, &Value> = object.iter().collect();
            for (key, value) in sorted {
                hash_text(key, hash);
                hash_value(value, hash);
            }
            hash.update(b"}");
        }
        Value::Array(items) => {
            hash.update(b"[");
            for item in items {
                hash_value(item, hash);
            }
            hash.update(b"]");
        }
        Value::String(text) => hash_text(text, hash),
        scalar => hash_text(&format!("#{scalar}"), hash),
    }
}

fn hash_text(text: &str, hash: &mut Sha256) {
    hash.update(text.len().to_be_bytes());
    hash.update(text);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(name: &str, verb: Verb, spec: &Value) -> ClientToken {
        ClientToken::new(name.to_owned(), verb, spec, &BTreeMap::new())
    }

    #[test]
    fn a_token_is_for_one_request() {
        let mut uses = Vec::new();
        let spec = json!({"a": 1, "b": [2]});
        token("t", Verb::Update, &spec).remember(&mut uses, 5, 1000);
        let reordered = json!({"b": [2], "a": 1});
        assert!(matches!(
            token("t", Verb::Update, &reordered).look_up(&uses, 2000),
            Lookup::Repeated(TokenUse {
                version: 5,
                at: 1000,
                ..
            })
        ));
        let other = json!({"a": 1, "b": [3]});
        assert_eq!(token("t", Verb::Update, &other).look_up(&uses, 2000), Lookup::Misused);
        assert_eq!(token("t", Verb::Create, &other).look_up(&uses, 2000), Lookup::New);
        assert_eq!(token("u", Verb::Update, &other).look_up(&uses, 2000), Lookup::New);
        let next_day = 1000 + MAX_AGE_MILLIS;
        assert_eq!(token("t", Verb::Update, &other).look_up(&uses, next_day), Lookup::New);
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut uses = Vec::new();
        for version in 0..20 {
            token(&version.to_string(), Verb::Update, &json!({})).remember(&mut uses, version, 0);
        }
        assert_eq!(uses.len(), MAX_USES);
        assert_eq!(uses[0].version, 12);
    }

    #[test]
    fn documents_of_equal_text_differ() {
        let hashed = |spec: &Value| token("t", Verb::Create, spec).request;
        assert_ne!(hashed(&json!({"a": "1"})), hashed(&json!({"a": 1})));
        assert_ne!(hashed(&json!(["ab", "c"])), hashed(&json!(["a", "bc"])));
        assert_ne!(hashed(&json!([["a"], "b"])), hashed(&json!([["a", "b"]])));
    }
}
