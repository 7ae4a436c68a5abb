//! TLS between Envoys, with certificates from files.

use serde_json::{Value, json};

use super::demo_mesh::{PORT, node};
use super::tls_fixture::{Authority, Blue, only};

#[tokio::test]
async fn the_server_certificate_is_verified() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let blue = Blue::with(&json!({"mode": "STRICT", "certificate": ours.issue("blue.demo")})).await;
    // The default name is that of service discovery.
    blue.assert_accepted(&json!({"validation": {"trust": ours.trust()}}))
        .await;
    let named = json!({"trust": ours.trust(), "subjectAlternativeNames": only(&["other.demo", "blue.demo"])});
    blue.assert_accepted(&json!({"validation": named})).await;
    // A listener that offers TLS is called with TLS.
    blue.assert_accepted(&Value::Null).await;
    assert_eq!(blue.handshakes().await, 3);

    blue.assert_unreachable(&json!({"validation": {"trust": theirs.trust()}}))
        .await;
    let misnamed = json!({"trust": ours.trust(), "subjectAlternativeNames": only(&["other.demo"])});
    blue.assert_unreachable(&json!({"validation": misnamed})).await;
    // There is no plaintext.
    let at = blue.blue.ingress(PORT);
    assert!(blue.blue.request(at, "blue.demo", "/").send().await.is_err());
}

#[tokio::test]
async fn a_permissive_listener_accepts_tls_and_plaintext() {
    let ours = Authority::new();
    let blue = Blue::with(&json!({"mode": "PERMISSIVE", "certificate": ours.issue("blue.demo")})).await;
    blue.assert_accepted(&json!({"validation": {"trust": ours.trust()}}))
        .await;
    assert_eq!(blue.handshakes().await, 1);
    assert_eq!(blue.blue.get_at(PORT, "blue.demo", "/").await.body, "blue");
    assert_eq!(blue.handshakes().await, 1);
}

#[tokio::test]
async fn the_client_certificate_is_verified_if_required() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let wanted = json!({"trust": ours.trust(), "subjectAlternativeNames": only(&["caller.demo"])});
    let blue = Blue::with(&json!({
        "mode": "STRICT", "certificate": ours.issue("blue.demo"), "validation": wanted,
    }))
    .await;
    let validation = json!({"trust": ours.trust()});
    let with = |certificate: Value| json!({"validation": validation, "certificate": certificate});
    blue.assert_accepted(&with(ours.issue("caller.demo"))).await;
    blue.assert_unreachable(&with(ours.issue("other.demo"))).await;
    blue.assert_unreachable(&with(theirs.issue("caller.demo"))).await;
    blue.assert_unreachable(&json!({"validation": validation})).await;
}

#[tokio::test]
async fn any_client_name_is_accepted_without_a_list() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let blue = Blue::with(&json!({
        "mode": "STRICT", "certificate": ours.issue("blue.demo"), "validation": {"trust": ours.trust()},
    }))
    .await;
    let validation = json!({"trust": ours.trust()});
    let with = |certificate: Value| json!({"validation": validation, "certificate": certificate});
    blue.assert_accepted(&with(ours.issue("client.demo"))).await;
    blue.assert_unreachable(&with(theirs.issue("client.demo"))).await;
    blue.assert_unreachable(&json!({"validation": validation})).await;
}

#[tokio::test]
async fn enforced_tls_has_no_plaintext_fallback() {
    let ours = Authority::new();
    let blue = Blue::with(&json!({"mode": "DISABLED", "certificate": ours.issue("blue.demo")})).await;
    blue.assert_accepted(&Value::Null).await;
    blue.assert_unreachable(&json!({"validation": {"trust": ours.trust()}}))
        .await;
    blue.assert_accepted(&json!({"enforce": false, "validation": {"trust": ours.trust()}}))
        .await;
    blue.demo.put(&[("virtualNode/blue", node("blue", "http"))]);
    blue.assert_unreachable(&json!({"validation": {"trust": ours.trust()}}))
        .await;
}

#[tokio::test]
async fn every_type_of_subject_alternative_name() {
    let ours = Authority::new();
    for name in ["blue.demo", "spiffe://demo/blue", "10.0.0.1", "2001:db8::1"] {
        let blue = Blue::with(&json!({"mode": "STRICT", "certificate": ours.issue(name)})).await;
        let named =
            |name: &str| json!({"validation": {"trust": ours.trust(), "subjectAlternativeNames": only(&[name])}});
        blue.assert_accepted(&named(name)).await;
        blue.assert_unreachable(&named("spiffe://demo/bl")).await;
    }
}
