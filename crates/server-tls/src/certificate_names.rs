//! The names in a certificate.

use tokio_rustls::rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

/// The subject alternative names of a certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateNames {
    /// DNS names, in their order; a name may begin with `*.`.
    pub dns: Vec<String>,
    /// URIs, such as SPIFFE IDs.
    pub uris: Vec<String>,
}

impl CertificateNames {
    /// Of a certificate in DER. `None` if it is not X.509.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Option<Self> {
        let certificate = CertificateDer::from(certificate);
        let parsed = EndEntityCert::try_from(&certificate).ok()?;
        Some(Self {
            dns: parsed.valid_dns_names().map(str::to_owned).collect(),
            uris: parsed.valid_uri_names().map(str::to_owned).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    #[test]
    fn the_names_are_those_of_the_certificate() {
        let dns = ["mesh.example.com".to_owned(), "localhost".to_owned()];
        let mut params = CertificateParams::new(dns.to_vec()).expect("names");
        let uri = "spiffe://example.com/a".try_into().expect("ASCII");
        params.subject_alt_names.push(SanType::URI(uri));
        let key = KeyPair::generate().expect("a key");
        let made = params.self_signed(&key).expect("a certificate");
        let expected = CertificateNames {
            dns: dns.to_vec(),
            uris: vec!["spiffe://example.com/a".to_owned()],
        };
        assert_eq!(CertificateNames::of(made.der()), Some(expected));
        assert_eq!(CertificateNames::of(&[1, 2]), None);
    }
}
