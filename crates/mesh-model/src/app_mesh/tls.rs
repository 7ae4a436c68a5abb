//! TLS: what listeners offer and what clients demand.

use serde::{Deserialize, Serialize};

/// What a listener offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerTls {
    /// Whether callers must use TLS.
    pub mode: TlsMode,
    /// What the listener shows them.
    pub certificate: ListenerTlsCertificate,
    /// What they must show, for mutual TLS. Default: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<ListenerTlsValidation>,
}

/// Whether callers must use TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TlsMode {
    /// They must.
    Strict,
    /// They may.
    Permissive,
    /// They must not.
    Disabled,
}

/// Where a listener's certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ListenerTlsCertificate {
    /// AWS Certificate Manager.
    Acm(AcmCertificate),
    /// Files beside the Envoy.
    File(FileCertificate),
    /// Envoy's secret discovery service.
    Sds(SdsSecret),
}

/// A certificate in AWS Certificate Manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AcmCertificate {
    /// Its ARN.
    pub certificate_arn: String,
}

/// A certificate in files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileCertificate {
    /// The chain's file, 1 to 255 characters.
    pub certificate_chain: String,
    /// The private key's file, 1 to 255 characters.
    pub private_key: String,
}

/// A secret of Envoy's secret discovery service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SdsSecret {
    /// Its name.
    pub secret_name: String,
}

/// What callers must show a listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListenerTlsValidation {
    /// Who must have signed it.
    pub trust: ListenerTlsTrust,
    /// Which names it must have. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_alternative_names: Option<SubjectAlternativeNames>,
}

/// Whom a listener trusts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ListenerTlsTrust {
    /// Authorities in a file.
    File(FileTrust),
    /// Authorities from Envoy's secret discovery service.
    Sds(SdsSecret),
}

/// Authorities in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileTrust {
    /// The file, 1 to 255 characters.
    pub certificate_chain: String,
}

/// Names in a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectAlternativeNames {
    /// How they are compared.
    #[serde(rename = "match")]
    pub matching: SubjectAlternativeNameMatchers,
}

/// How names in a certificate are compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectAlternativeNameMatchers {
    /// One of these, exactly; 1 to 254 characters each.
    pub exact: Vec<String>,
}

/// What a client demands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientPolicyTls {
    /// Whether to refuse to speak without TLS. Default, decided by App Mesh: yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforce: Option<bool>,
    /// For which ports. Default: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<u16>,
    /// What the client shows, for mutual TLS. Default: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<ClientTlsCertificate>,
    /// What the other side must show.
    pub validation: ClientTlsValidation,
}

/// Where a client's certificate comes from. ACM is no choice here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClientTlsCertificate {
    /// Files beside the Envoy.
    File(FileCertificate),
    /// Envoy's secret discovery service.
    Sds(SdsSecret),
}

/// What the other side must show a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientTlsValidation {
    /// Who must have signed it.
    pub trust: ClientTlsTrust,
    /// Which names it must have. Default, decided by App Mesh: the name by which the virtual node is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_alternative_names: Option<SubjectAlternativeNames>,
}

/// Whom a client trusts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClientTlsTrust {
    /// Authorities of AWS Private CA.
    Acm(AcmTrust),
    /// Authorities in a file.
    File(FileTrust),
    /// Authorities from Envoy's secret discovery service.
    Sds(SdsSecret),
}

/// Authorities of AWS Private CA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AcmTrust {
    /// Their ARNs, 1 to 3.
    pub certificate_authority_arns: Vec<String>,
}
