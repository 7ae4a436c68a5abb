//! Access to the xDS port, with the real Envoy: tokens that are renewed, client certificates, and what is rejected.

mod fixture;
mod statistics;

use std::time::{Duration, SystemTime};

use mesh_control::{NodeGrant, TrustedCa, XdsAuthenticator, XdsSecurity, XdsTls};

use self::fixture::{BLUE, Fixture, GREEN};
use crate::harness::eventually;

#[tokio::test]
async fn an_envoy_connects_with_a_token_and_keeps_it_secret() {
    let fixture = Fixture::start(XdsAuthenticator::with_tokens).await;
    let token = fixture.token(&[BLUE], Duration::from_secs(3600));
    let envoy = fixture.envoy(BLUE, fixture.with_token(&token)).await;
    fixture.wait_for_node(BLUE).await;
    let dump = envoy.page("/config_dump?include_eds").await;
    assert!(dump.contains("credential_injector"), "{dump}");
    let bootstrap = std::fs::read_to_string(envoy.directory().join("envoy.json")).expect("the bootstrap");
    let secrets = envoy.page("/config_dump?resource=dynamic_active_secrets").await;
    for (place, text) in [
        ("config_dump", dump),
        ("secrets", secrets),
        ("the log", envoy.log()),
        ("ps", envoy.command_line()),
        ("the bootstrap", bootstrap),
    ] {
        assert!(!text.contains(&token), "{place} has the token: {text}");
        assert!(
            !text.contains(&token[..20]),
            "{place} has the beginning of the token: {text}"
        );
    }
}

#[tokio::test]
async fn a_renewed_token_file_is_used_without_a_restart() {
    let fixture = Fixture::start(XdsAuthenticator::with_tokens).await;
    let first = fixture.token(&[BLUE], Duration::from_secs(4));
    let envoy = fixture.envoy(BLUE, fixture.with_token(&first)).await;
    fixture.wait_for_node(BLUE).await;
    let ends = SystemTime::now() + Duration::from_secs(4);
    fixture.replace_token(&fixture.token(&[BLUE], Duration::from_secs(3600)));
    // The stream ends with its token, and Envoy opens another one with the next.
    envoy.wait_for_stat_at_least("cluster.xds.upstream_rq_total", 2).await;
    fixture.wait_for_node(BLUE).await;
    eventually("the first token has expired", async || match SystemTime::now() > ends {
        true => Ok(()),
        false => Err("not yet".to_owned()),
    })
    .await;
    fixture.change_cluster();
    fixture.wait_for_node(BLUE).await;
    envoy
        .wait_for_stat_at_least("cluster_manager.cluster_modified", 1)
        .await;
}

#[tokio::test]
async fn an_envoy_connects_with_a_client_certificate() {
    let fixture = Fixture::start(|authenticator, _| {
        let green: NodeGrant = GREEN.parse().expect("a grant");
        authenticator
            .with_client_certificates()
            .allow("green.example.com", [green])
    })
    .await;
    let blue = fixture.client_certificate("blue", &[&format!("spiffe://example.com/{BLUE}")], &[]);
    let _blue = fixture.envoy(BLUE, fixture.with_certificate(blue)).await;
    fixture.wait_for_node(BLUE).await;
    let green = fixture.client_certificate("green", &[], &["green.example.com"]);
    let _green = fixture.envoy(GREEN, fixture.with_certificate(green)).await;
    fixture.wait_for_node(GREEN).await;
}

#[tokio::test]
async fn an_envoy_is_told_why_it_gets_nothing() {
    let fixture =
        Fixture::start(|authenticator, keys| authenticator.with_tokens(keys).with_client_certificates()).await;
    let token = fixture.token(&[BLUE], Duration::from_secs(3600));
    let certificate = |name: &str, uris: &[&str]| fixture.client_certificate(name, uris, &[]);
    for (security, expected) in [
        (
            fixture.with_token(&token),
            r#"the token of "test" may not act as node "mesh/m/virtualNode/green""#,
        ),
        (
            fixture.with_token("nonsense"),
            r#"node "mesh/m/virtualNode/green" is not authenticated: the token is not one of this control plane"#,
        ),
        (
            fixture.without_credentials(),
            r#"node "mesh/m/virtualNode/green" is not authenticated: no token and no client certificate"#,
        ),
        (
            fixture.with_certificate(certificate("other", &["spiffe://example.com/mesh/m/virtualNode/blue"])),
            r#"the certificate of "spiffe://example.com/mesh/m/virtualNode/blue" may not act as node "mesh/m/virtualNode/green""#,
        ),
        (
            fixture.with_certificate(certificate("foreign", &["spiffe://example.com/ns/default/sa/blue"])),
            r#"no node is allowed for the client certificate of "spiffe://example.com/ns/default/sa/blue""#,
        ),
    ] {
        let envoy = fixture.spawn_envoy(GREEN, security);
        eventually(expected, async || {
            let log = envoy.log();
            if log.contains(expected) { Ok(()) } else { Err(log) }
        })
        .await;
        assert!(fixture.nodes().is_empty(), "{:?}", fixture.nodes());
    }
}

#[tokio::test]
async fn the_ca_may_be_part_of_the_bootstrap() {
    let fixture = Fixture::start(XdsAuthenticator::with_tokens).await;
    let token = fixture.token(&[BLUE], Duration::from_secs(3600));
    let security = fixture.with_token(&token);
    let tls = security.tls.clone().expect("TLS");
    let TrustedCa::File(file) = &tls.trusted_ca else {
        panic!("{tls:?}");
    };
    let text = std::fs::read_to_string(file).expect("the CA");
    let tls = XdsTls {
        trusted_ca: TrustedCa::Pem(text),
        ..tls
    };
    let security = XdsSecurity {
        tls: Some(tls),
        ..security
    };
    let _blue = fixture.envoy(BLUE, security).await;
    fixture.wait_for_node(BLUE).await;
}

#[tokio::test]
async fn an_envoy_trusts_no_other_server() {
    let fixture = Fixture::start(XdsAuthenticator::with_tokens).await;
    let token = fixture.token(&[BLUE], Duration::from_secs(3600));
    let security = fixture.with_token(&token);
    let tls = security.tls.clone().expect("TLS");
    for tls in [
        XdsTls {
            server_name: "another.example.com".to_owned(),
            ..tls.clone()
        },
        XdsTls {
            trusted_ca: fixture.another_ca().into(),
            ..tls
        },
    ] {
        let envoy = fixture.spawn_envoy(
            BLUE,
            XdsSecurity {
                tls: Some(tls),
                ..security.clone()
            },
        );
        envoy.wait_for_admin().await;
        eventually("the handshake fails", async || {
            let failed = envoy.stats(&["cluster.xds.ssl.fail_verify"]).await;
            if failed.values().any(|count| *count > 0) {
                Ok(())
            } else {
                Err(format!("{failed:?}"))
            }
        })
        .await;
        assert!(fixture.nodes().is_empty());
    }
    let _trusting = fixture.envoy(BLUE, security).await;
    fixture.wait_for_node(BLUE).await;
}
