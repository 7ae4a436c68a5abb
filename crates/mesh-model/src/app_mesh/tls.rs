//! TLS of listeners and of clients.

use super::schema::{MANY, keywords, list_of, structure, text, union};

structure! {
    /// TLS of a listener.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ListenerTls {
        /// Whether callers must use TLS.
        mode: TlsMode = required("mode"),
        /// The listener's certificate.
        certificate: ListenerTlsCertificate = required("certificate"),
        /// Validation of the callers' certificates, for mutual TLS. Default: none.
        validation: Option<ListenerTlsValidation> = optional("validation"),
    }
}

keywords! {
    /// Whether callers must use TLS.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum TlsMode {
        /// TLS only.
        Strict = "STRICT",
        /// TLS or plaintext.
        Permissive = "PERMISSIVE",
        /// Plaintext only.
        Disabled = "DISABLED",
    }
}

union! {
    /// Source of a listener's certificate.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum ListenerTlsCertificate {
        /// AWS Certificate Manager.
        Acm(AcmCertificate) = "acm",
        /// Files on Envoy's host.
        File(FileCertificate) = "file",
        /// Envoy's secret discovery service.
        Sds(SdsSecret) = "sds",
    }
}

structure! {
    /// A certificate in AWS Certificate Manager.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct AcmCertificate {
        /// Its ARN.
        certificate_arn: String = required("certificateArn"),
    }
}

structure! {
    /// A certificate in files.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct FileCertificate {
        /// Path of the chain, 1 to 255 characters.
        certificate_chain: String = required("certificateChain", text(1, 255)),
        /// Path of the private key, 1 to 255 characters.
        private_key: String = required("privateKey", text(1, 255)),
    }
}

structure! {
    /// A secret of Envoy's secret discovery service.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct SdsSecret {
        /// Its name.
        secret_name: String = required("secretName"),
    }
}

structure! {
    /// Validation of the callers' certificates.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ListenerTlsValidation {
        /// Trusted certificate authorities.
        trust: ListenerTlsTrust = required("trust"),
        /// Allowed subject alternative names. Default: all.
        subject_alternative_names: Option<SubjectAlternativeNames> = optional("subjectAlternativeNames"),
    }
}

union! {
    /// Certificate authorities that a listener trusts.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum ListenerTlsTrust {
        /// A file.
        File(FileTrust) = "file",
        /// Envoy's secret discovery service.
        Sds(SdsSecret) = "sds",
    }
}

structure! {
    /// Certificate authorities in a file.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct FileTrust {
        /// Path of the file, 1 to 255 characters.
        certificate_chain: String = required("certificateChain", text(1, 255)),
    }
}

structure! {
    /// Allowed subject alternative names of a certificate.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct SubjectAlternativeNames {
        /// How they are compared.
        matching: SubjectAlternativeNameMatchers = required("match"),
    }
}

structure! {
    /// How subject alternative names are compared.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct SubjectAlternativeNameMatchers {
        /// Equals one of these; 1 to 254 characters each.
        exact: Vec<String> = required("exact", list_of(&text(1, 254), 0, MANY)),
    }
}

structure! {
    /// TLS of a client.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ClientPolicyTls {
        /// Whether plaintext is rejected. Default, decided by App Mesh: yes.
        enforce: Option<bool> = optional("enforce"),
        /// Ports to which it applies. Default: all.
        ports: Vec<u16> = optional("ports"),
        /// The client's certificate, for mutual TLS. Default: none.
        certificate: Option<ClientTlsCertificate> = optional("certificate"),
        /// Validation of the server's certificate.
        validation: ClientTlsValidation = required("validation"),
    }
}

union! {
    /// Source of a client's certificate. ACM is not supported.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum ClientTlsCertificate {
        /// Files on Envoy's host.
        File(FileCertificate) = "file",
        /// Envoy's secret discovery service.
        Sds(SdsSecret) = "sds",
    }
}

structure! {
    /// Validation of the server's certificate.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ClientTlsValidation {
        /// Trusted certificate authorities.
        trust: ClientTlsTrust = required("trust"),
        /// Allowed subject alternative names. Default, decided by App Mesh: the virtual node's service discovery name.
        subject_alternative_names: Option<SubjectAlternativeNames> = optional("subjectAlternativeNames"),
    }
}

union! {
    /// Certificate authorities that a client trusts.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum ClientTlsTrust {
        /// AWS Private CA.
        Acm(AcmTrust) = "acm",
        /// A file.
        File(FileTrust) = "file",
        /// Envoy's secret discovery service.
        Sds(SdsSecret) = "sds",
    }
}

structure! {
    /// Certificate authorities of AWS Private CA.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct AcmTrust {
        /// Their ARNs, 1 to 3.
        certificate_authority_arns: Vec<String> = required(
            "certificateAuthorityArns",
            list_of(&text(0, MANY), 1, 3)
        ),
    }
}
