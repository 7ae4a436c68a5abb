//! Reads the certificates of `--certificate`.

use std::fs;

use mesh_local::GivenCertificates;
use server_tls::CertificateFiles;

use super::TemplateFileError;
use crate::console::chain;

/// The certificates by ARN or path: a chain and its key, or an authority alone. All that cannot be used are reported.
pub(super) fn read(given: &[(String, String)]) -> Result<GivenCertificates, TemplateFileError> {
    let mut certificates = GivenCertificates::default();
    let mut failures = Vec::new();
    for (name, files) in given {
        let mut failed = |reason: String| failures.push(format!("--certificate {name}={files}: {reason}"));
        let read = |file: &str| fs::read_to_string(file).map_err(|error| format!("cannot read {file}: {error}"));
        match files.split_once(',') {
            Some((certificate, key)) => {
                let pair = CertificateFiles::new(certificate, key)
                    .check()
                    .map_err(|error| chain(&error))
                    .and_then(|()| Ok((read(certificate)?, read(key)?)));
                match pair {
                    Ok(pair) => drop(certificates.identities.insert(name.clone(), pair)),
                    Err(reason) => failed(reason),
                }
            }
            None => match read(files) {
                Ok(pem) if pem.contains("-----BEGIN CERTIFICATE-----") => {
                    certificates.authorities.insert(name.clone(), pem);
                }
                Ok(_) => failed(format!(
                    "{files} has no certificate; expected -----BEGIN CERTIFICATE-----"
                )),
                Err(reason) => failed(reason),
            },
        }
    }
    if failures.is_empty() {
        Ok(certificates)
    } else {
        Err(TemplateFileError::Certificates(failures))
    }
}
