//! TLS between Envoys, with certificates from files.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::demo::{Demo, PORT, by_node, marked, node, node_with};
use crate::harness::{Answer, Manner, Member, Upstream};

/// Who vouches for names, with files of certificates.
struct Authority {
    directory: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "authority");
        let certificate = params.self_signed(&key).expect("a certificate");
        let directory = tempfile::tempdir().expect("a temporary directory");
        fs::write(directory.path().join("ca.pem"), certificate.pem()).expect("a file");
        Self {
            directory,
            issuer: Issuer::new(params, key),
        }
    }

    /// Whom to trust.
    fn trust(&self) -> Value {
        json!({"file": {"certificateChain": path(&self.directory.path().join("ca.pem"))}})
    }

    /// A certificate for a name.
    fn vouch_for(&self, name: &str) -> Value {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let file = |kind: &str| self.directory.path().join(format!("{name}.{kind}.pem"));
        fs::write(file("chain"), certificate.pem()).expect("a file");
        fs::write(file("key"), key.serialize_pem()).expect("a file");
        json!({"file": {"certificateChain": path(&file("chain")), "privateKey": path(&file("key"))}})
    }
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

/// A virtual node `caller` with this client policy; none if it is null.
fn caller_with(policy: &Value) -> Value {
    let mut backend = json!({"virtualServiceName": "shop.demo"});
    if !policy.is_null() {
        backend["clientPolicy"] = json!({"tls": policy});
    }
    json!({"backends": [{"virtualService": backend}]})
}

fn only(names: &[&str]) -> Value {
    json!({"match": {"exact": names}})
}

/// The virtual node `blue` with TLS at its listener.
struct Blue {
    demo: Demo,
    blue: Member,
    application: Upstream,
}

impl Blue {
    async fn with(tls: &Value) -> Self {
        let demo = Demo::start(&[
            ("virtualNode/caller", caller_with(&Value::Null)),
            ("virtualNode/blue", node_with("blue", &json!({"tls": tls}))),
            ("virtualService/shop.demo", by_node("blue")),
        ])
        .await;
        let application = Upstream::start("blue", Manner::Name).await;
        let blue = Member::serving(&demo.mesh, "blue", &[(PORT, application.address)]).await;
        demo.serve("blue", &[blue.ingress(PORT)]);
        Self {
            demo,
            blue,
            application,
        }
    }

    /// The answer to somebody with this client policy.
    async fn answers(&self, policy: &Value) -> Answer {
        self.demo.describe(&[("virtualNode/caller", caller_with(policy))]);
        let caller = Member::calling(&self.demo.mesh, "caller").await;
        caller.get("shop.demo", "/").await
    }

    async fn takes(&self, policy: &Value) {
        let answer = self.answers(policy).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "blue"), "{policy}");
    }

    async fn is_not_reached_with(&self, policy: &Value) {
        let before = self.application.requests();
        assert_eq!(
            marked(&self.answers(policy).await),
            (503, Some("unreachable")),
            "{policy}"
        );
        assert_eq!(self.application.requests(), before);
    }

    async fn handshakes(&self) -> u64 {
        let stats = self.blue.envoy.stats(&["listener."]).await;
        let handshakes = stats
            .iter()
            .filter(|(name, _)| name.ends_with("_8080.ssl.handshake") || name.ends_with(".ssl.handshake"));
        handshakes.map(|(_, count)| *count).sum()
    }
}

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
