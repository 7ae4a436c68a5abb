//! TLS between Envoys, with certificates from files.

use serde_json::{Value, json};

use super::demo::{PORT, node};
use super::secured::{Authority, Blue, only};

#[tokio::test]
async fn who_answers_is_checked() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let blue = Blue::with(&json!({"mode": "STRICT", "certificate": ours.vouch_for("blue.demo")})).await;
    // By default the name is the one by which the node is found.
    blue.takes(&json!({"validation": {"trust": ours.trust()}})).await;
    let named = json!({"trust": ours.trust(), "subjectAlternativeNames": only(&["other.demo", "blue.demo"])});
    blue.takes(&json!({"validation": named})).await;
    // A listener that offers TLS is spoken to with TLS.
    blue.takes(&Value::Null).await;
    assert_eq!(blue.handshakes().await, 3);

    blue.is_not_reached_with(&json!({"validation": {"trust": theirs.trust()}}))
        .await;
    let misnamed = json!({"trust": ours.trust(), "subjectAlternativeNames": only(&["other.demo"])});
    blue.is_not_reached_with(&json!({"validation": misnamed})).await;
    // And nobody speaks plaintext there.
    let at = blue.blue.ingress(PORT);
    assert!(blue.blue.request(at, "blue.demo", "/").send().await.is_err());
}

#[tokio::test]
async fn a_permissive_listener_takes_both() {
    let ours = Authority::new();
    let blue = Blue::with(&json!({"mode": "PERMISSIVE", "certificate": ours.vouch_for("blue.demo")})).await;
    blue.takes(&json!({"validation": {"trust": ours.trust()}})).await;
    assert_eq!(blue.handshakes().await, 1);
    assert_eq!(blue.blue.get_at(PORT, "blue.demo", "/").await.body, "blue");
    assert_eq!(blue.handshakes().await, 1);
}

#[tokio::test]
async fn who_calls_is_checked_if_the_listener_wants_it() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let wanted = json!({"trust": ours.trust(), "subjectAlternativeNames": only(&["caller.demo"])});
    let blue = Blue::with(&json!({
        "mode": "STRICT", "certificate": ours.vouch_for("blue.demo"), "validation": wanted,
    }))
    .await;
    let validation = json!({"trust": ours.trust()});
    let with = |certificate: Value| json!({"validation": validation, "certificate": certificate});
    blue.takes(&with(ours.vouch_for("caller.demo"))).await;
    blue.is_not_reached_with(&with(ours.vouch_for("other.demo"))).await;
    blue.is_not_reached_with(&with(theirs.vouch_for("caller.demo"))).await;
    blue.is_not_reached_with(&json!({"validation": validation})).await;
}

#[tokio::test]
async fn who_calls_may_have_any_name_if_the_listener_names_none() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let blue = Blue::with(&json!({
        "mode": "STRICT", "certificate": ours.vouch_for("blue.demo"), "validation": {"trust": ours.trust()},
    }))
    .await;
    let validation = json!({"trust": ours.trust()});
    let with = |certificate: Value| json!({"validation": validation, "certificate": certificate});
    blue.takes(&with(ours.vouch_for("whoever.demo"))).await;
    blue.is_not_reached_with(&with(theirs.vouch_for("whoever.demo"))).await;
    blue.is_not_reached_with(&json!({"validation": validation})).await;
}

#[tokio::test]
async fn nobody_who_must_speak_tls_speaks_plaintext() {
    let ours = Authority::new();
    let blue = Blue::with(&json!({"mode": "DISABLED", "certificate": ours.vouch_for("blue.demo")})).await;
    blue.takes(&Value::Null).await;
    blue.is_not_reached_with(&json!({"validation": {"trust": ours.trust()}}))
        .await;
    blue.takes(&json!({"enforce": false, "validation": {"trust": ours.trust()}}))
        .await;
    blue.demo.describe(&[("virtualNode/blue", node("blue", "http"))]);
    blue.is_not_reached_with(&json!({"validation": {"trust": ours.trust()}}))
        .await;
}

#[tokio::test]
async fn names_are_of_every_kind() {
    let ours = Authority::new();
    for name in ["blue.demo", "spiffe://demo/blue", "10.0.0.1", "2001:db8::1"] {
        let blue = Blue::with(&json!({"mode": "STRICT", "certificate": ours.vouch_for(name)})).await;
        let named =
            |name: &str| json!({"validation": {"trust": ours.trust(), "subjectAlternativeNames": only(&[name])}});
        blue.takes(&named(name)).await;
        blue.is_not_reached_with(&named("spiffe://demo/bl")).await;
    }
}
