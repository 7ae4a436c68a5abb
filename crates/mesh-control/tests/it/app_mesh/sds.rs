//! TLS with certificates by SDS.

use serde_json::{Value, json};

use super::tls_fixture::{Authority, Blue, only};
use crate::harness::{Sds, Servers, eventually};

fn secret(name: &str) -> Value {
    json!({"sds": {"secretName": name}})
}

fn servers(sds: &Sds) -> Servers {
    Servers {
        sds: Some(sds.socket()),
        ..Servers::default()
    }
}

#[tokio::test]
async fn both_sides_get_certificates_and_trust_by_sds() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let sds = Sds::start().await;
    sds.give_certificate("blue", ours.certify("blue.demo"));
    sds.give_certificate("caller", ours.certify("spiffe://demo/caller"));
    sds.give_certificate("other", ours.certify("spiffe://demo/other"));
    sds.give_certificate("stranger", theirs.certify("spiffe://demo/caller"));
    sds.give_trust("ours", ours.certificate());
    sds.give_trust("theirs", theirs.certificate());
    let blue = Blue::with_servers(
        servers(&sds),
        &json!({
            "mode": "STRICT",
            "certificate": secret("blue"),
            "validation": {"trust": secret("ours"), "subjectAlternativeNames": only(&["spiffe://demo/caller"])},
        }),
    )
    .await;
    let with = |certificate: &str, trust: &str| json!({"certificate": secret(certificate), "validation": {"trust": secret(trust)}});
    blue.assert_accepted(&with("caller", "ours")).await;
    for (certificate, trust) in [("other", "ours"), ("stranger", "ours"), ("caller", "theirs")] {
        blue.assert_unreachable(&with(certificate, trust)).await;
    }
    blue.assert_unreachable(&json!({"validation": {"trust": secret("ours")}}))
        .await;
    let mut misnamed = with("caller", "ours");
    misnamed["validation"]["subjectAlternativeNames"] = only(&["other.demo"]);
    blue.assert_unreachable(&misnamed).await;
    // Files and secrets can be combined.
    blue.assert_accepted(&json!({
        "certificate": ours.issue("spiffe://demo/caller"),
        "validation": {"trust": ours.trust()},
    }))
    .await;
}

#[tokio::test]
async fn a_replaced_certificate_is_used_for_new_connections() {
    let (old, new) = (Authority::new(), Authority::new());
    let sds = Sds::start().await;
    sds.give_certificate("blue", old.certify("blue.demo"));
    let blue = Blue::with_servers(servers(&sds), &json!({"mode": "STRICT", "certificate": secret("blue")})).await;
    let trusting = |authority: &Authority| json!({"validation": {"trust": authority.trust()}});
    blue.assert_accepted(&trusting(&old)).await;
    blue.assert_unreachable(&trusting(&new)).await;

    let before = contexts(&blue).await;
    sds.give_certificate("blue", new.certify("blue.demo"));
    eventually("the new certificate arrives", async || match contexts(&blue).await {
        now if now > before => Ok(()),
        now => Err(now.to_string()),
    })
    .await;
    blue.assert_accepted(&trusting(&new)).await;
    blue.assert_unreachable(&trusting(&old)).await;
}

/// The number of certificate updates at the listener of `blue`.
async fn contexts(blue: &Blue) -> u64 {
    let stats = blue.blue.envoy.stats(&["listener."]).await;
    let updates = stats
        .iter()
        .filter(|(name, _)| name.ends_with(".ssl_context_update_by_sds"));
    updates.map(|(_, count)| *count).sum()
}
