//! TLS between Envoys. The application beside an Envoy is called in plaintext.
//!
//! There is no fallback to plaintext: without the configured TLS, nothing is served or called.

use std::net::IpAddr;

use envoy_types::pb::envoy::config::core::v3::api_config_source::ApiType;
use envoy_types::pb::envoy::config::core::v3::config_source::ConfigSourceSpecifier;
use envoy_types::pb::envoy::config::core::v3::grpc_service::{EnvoyGrpc, TargetSpecifier};
use envoy_types::pb::envoy::config::core::v3::{
    ApiConfigSource, ApiVersion, ConfigSource, GrpcService, TransportSocket,
};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::common_tls_context::{
    CombinedCertificateValidationContext, ValidationContextType,
};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::subject_alt_name_matcher::SanType;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, CommonTlsContext, DownstreamTlsContext, SdsSecretConfig, SubjectAltNameMatcher,
    TlsCertificate, UpstreamTlsContext,
};
use envoy_types::pb::envoy::r#type::matcher::v3::StringMatcher;
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use envoy_types::pb::google::protobuf::BoolValue;
use mesh_model::app_mesh::Protocol;
use mesh_model::app_mesh::listener::Listener;
use mesh_model::app_mesh::tls::{
    ClientPolicyTls, ClientTlsCertificate, ClientTlsTrust, FileCertificate, ListenerTls, ListenerTlsCertificate,
    ListenerTlsTrust, SdsSecret, SubjectAlternativeNames, TlsMode,
};

use super::super::tls::{certificate, in_file, inline, socket};
use crate::certificates::Certificates;
use envoy_bootstrap::SDS_CLUSTER;

/// The TLS of a client.
pub(super) enum ClientTls {
    Plain,
    Tls(Box<TransportSocket>),
    /// TLS is required, and not possible.
    Impossible(String),
}

const ACM: &str = "certificates of AWS Certificate Manager cannot be exported; use files or SDS";

/// The TLS of a client to this listener. A policy holds if it names no ports or this one. A listener that offers TLS is
/// called with TLS even without a policy, but then the server is not verified. Source: App Mesh user guide, "Transport
/// Layer Security" (read 2026-11-23).
pub(super) fn of_client(
    policy: Option<&ClientPolicyTls>,
    listener: &Listener,
    discovery_name: &str,
    protocol: Protocol,
    certificates: &Certificates,
) -> ClientTls {
    let port = listener.port_mapping.port;
    let policy = policy.filter(|policy| policy.ports.is_empty() || policy.ports.contains(&port));
    let enforced = policy.is_some_and(|policy| policy.enforce.unwrap_or(true));
    let offered = listener.tls.as_ref().is_some_and(|tls| tls.mode != TlsMode::Disabled);
    if !enforced && !offered {
        return ClientTls::Plain;
    }
    let mut common = CommonTlsContext {
        alpn_protocols: alpn(protocol),
        ..Default::default()
    };
    if let Some(policy) = policy {
        match &policy.certificate {
            Some(ClientTlsCertificate::File(files)) => {
                common.tls_certificates.push(certificate_files(files, certificates));
            }
            Some(ClientTlsCertificate::Sds(secret)) => common.tls_certificate_sds_secret_configs.push(sds(secret)),
            None => {}
        }
        let names = match &policy.validation.subject_alternative_names {
            Some(names) => san_matchers(names),
            None => vec![san_matcher(discovery_name)],
        };
        let trust = match &policy.validation.trust {
            ClientTlsTrust::File(file) => file_trust(&file.certificate_chain, certificates),
            ClientTlsTrust::Sds(secret) => Trust::Sds(secret),
            ClientTlsTrust::Acm(acm) => {
                let arns = acm.certificate_authority_arns.iter().map(String::as_str);
                match certificates.bundle(arns) {
                    Some(bundle) => Trust::Bundle(bundle),
                    None => return ClientTls::Impossible(ACM.to_owned()),
                }
            }
        };
        common.validation_context_type = Some(validation(&trust, names));
    }
    ClientTls::Tls(Box::new(socket(&UpstreamTlsContext {
        common_tls_context: Some(common),
        sni: if discovery_name.parse::<IpAddr>().is_ok() {
            String::new()
        } else {
            discovery_name.to_owned()
        },
        ..Default::default()
    })))
}

/// The TLS of a listener, if any.
///
/// # Errors
///
/// If its certificate is not available here.
pub(super) fn of_listener(
    tls: &ListenerTls,
    protocol: Protocol,
    certificates: &Certificates,
) -> Result<Option<TransportSocket>, String> {
    if tls.mode == TlsMode::Disabled {
        return Ok(None);
    }
    let mut common = CommonTlsContext {
        alpn_protocols: alpn(protocol),
        ..Default::default()
    };
    match &tls.certificate {
        ListenerTlsCertificate::File(files) => common.tls_certificates.push(certificate_files(files, certificates)),
        ListenerTlsCertificate::Sds(secret) => common.tls_certificate_sds_secret_configs.push(sds(secret)),
        ListenerTlsCertificate::Acm(acm) => match certificates.identities.get(&acm.certificate_arn) {
            Some(known) => common.tls_certificates.push(certificate(known)),
            None => return Err(ACM.to_owned()),
        },
    }
    if let Some(wanted) = &tls.validation {
        let names = wanted.subject_alternative_names.as_ref().map(san_matchers);
        let trust = match &wanted.trust {
            ListenerTlsTrust::File(file) => file_trust(&file.certificate_chain, certificates),
            ListenerTlsTrust::Sds(secret) => Trust::Sds(secret),
        };
        common.validation_context_type = Some(validation(&trust, names.unwrap_or_default()));
    }
    Ok(Some(socket(&DownstreamTlsContext {
        common_tls_context: Some(common),
        require_client_certificate: tls.validation.is_some().then_some(BoolValue { value: true }),
        ..Default::default()
    })))
}

/// The trusted authorities of one side.
enum Trust<'a> {
    File(&'a str),
    Bundle(String),
    Sds(&'a SdsSecret),
}

/// The authorities in a file, or those that are known under its path.
fn file_trust<'a>(path: &'a str, certificates: &Certificates) -> Trust<'a> {
    certificates.bundle([path]).map_or(Trust::File(path), Trust::Bundle)
}

fn validation(trust: &Trust<'_>, names: Vec<SubjectAltNameMatcher>) -> ValidationContextType {
    let context = CertificateValidationContext {
        match_typed_subject_alt_names: names,
        ..Default::default()
    };
    match trust {
        Trust::File(file) => ValidationContextType::ValidationContext(CertificateValidationContext {
            trusted_ca: Some(in_file(file)),
            ..context
        }),
        Trust::Bundle(bundle) => ValidationContextType::ValidationContext(CertificateValidationContext {
            trusted_ca: Some(inline(bundle)),
            ..context
        }),
        Trust::Sds(secret) => ValidationContextType::CombinedValidationContext(CombinedCertificateValidationContext {
            default_validation_context: Some(context),
            validation_context_sds_secret_config: Some(sds(secret)),
            ..Default::default()
        }),
    }
}

fn san_matchers(names: &SubjectAlternativeNames) -> Vec<SubjectAltNameMatcher> {
    names.matching.exact.iter().map(|name| san_matcher(name)).collect()
}

/// Envoy requires the type of a subject alternative name; App Mesh did not.
fn san_matcher(name: &str) -> SubjectAltNameMatcher {
    let kind = if name.contains("://") {
        SanType::Uri
    } else if name.parse::<IpAddr>().is_ok() {
        SanType::IpAddress
    } else {
        SanType::Dns
    };
    SubjectAltNameMatcher {
        san_type: kind.into(),
        matcher: Some(StringMatcher {
            match_pattern: Some(MatchPattern::Exact(name.to_owned())),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn alpn(protocol: Protocol) -> Vec<String> {
    match protocol {
        Protocol::Http2 | Protocol::Grpc => vec!["h2".to_owned()],
        Protocol::Http => vec!["http/1.1".to_owned()],
        Protocol::Tcp => Vec::new(),
    }
}

/// The certificate in two files, or the one that is known under the path of its chain.
fn certificate_files(files: &FileCertificate, certificates: &Certificates) -> TlsCertificate {
    if let Some(known) = certificates.identities.get(&files.certificate_chain) {
        return certificate(known);
    }
    TlsCertificate {
        certificate_chain: Some(in_file(&files.certificate_chain)),
        private_key: Some(in_file(&files.private_key)),
        ..Default::default()
    }
}

/// A secret of the SDS server, which is a cluster in the bootstrap file.
fn sds(secret: &SdsSecret) -> SdsSecretConfig {
    SdsSecretConfig {
        name: secret.secret_name.clone(),
        sds_config: Some(ConfigSource {
            resource_api_version: ApiVersion::V3.into(),
            config_source_specifier: Some(ConfigSourceSpecifier::ApiConfigSource(ApiConfigSource {
                api_type: ApiType::Grpc.into(),
                transport_api_version: ApiVersion::V3.into(),
                grpc_services: vec![GrpcService {
                    target_specifier: Some(TargetSpecifier::EnvoyGrpc(EnvoyGrpc {
                        cluster_name: SDS_CLUSTER.to_owned(),
                        ..Default::default()
                    })),
                    ..Default::default()
                }],
                ..Default::default()
            })),
            ..Default::default()
        }),
    }
}
