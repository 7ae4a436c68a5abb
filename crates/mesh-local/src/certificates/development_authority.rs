//! The local development certificate authority: made on its first use, and kept for this user, so that browsers and other
//! clients can trust it once.
//!
//! Its key never leaves this machine and is readable by its user alone. Certificates are made for each mesh, and are valid
//! for about a year.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use mesh_control::ServerCertificate;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};

/// The name of its directory.
const DIR: &str = "development-ca";
/// Its certificate.
const CERTIFICATE: &str = "ca.pem";
/// Its private key.
const KEY: &str = "ca.key";
/// Its name, which is that of the issuer in its certificates.
const NAME: &str = "Meshwright development CA";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The authority.
pub(super) struct DevelopmentAuthority {
    file: PathBuf,
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl DevelopmentAuthority {
    /// The authority in this directory. It is made if there is none, also by another process at the same time.
    pub(super) fn open(state_dir: &Path) -> io::Result<Self> {
        let dir = state_dir.join(DIR);
        if !dir.join(KEY).exists() {
            create(state_dir, &dir).map_err(|error| named(&dir, &error))?;
        }
        let read = |name: &str| {
            let file = dir.join(name);
            fs::read_to_string(&file).map_err(|error| named(&file, &error))
        };
        let (certificate, key) = (read(CERTIFICATE)?, read(KEY)?);
        let key = KeyPair::from_pem(&key).map_err(|error| {
            let message = format!(
                "{}: {error}; remove the directory, and it is made anew",
                dir.join(KEY).display()
            );
            io::Error::other(message)
        })?;
        Ok(Self {
            file: dir.join(CERTIFICATE),
            certificate,
            issuer: Issuer::new(parameters(), key),
        })
    }

    /// The file of its certificate.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Its certificate, in PEM.
    pub(super) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Makes a certificate for these names and for this machine.
    ///
    /// # Errors
    ///
    /// If a name cannot be in a certificate.
    pub(super) fn issue(&self, names: &BTreeSet<String>) -> io::Result<ServerCertificate> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params = CertificateParams::default();
        let own = ["localhost".to_owned()];
        let names: BTreeSet<&String> = names.iter().chain(&own).collect();
        for name in &names {
            params.subject_alt_names.push(subject(name)?);
        }
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        params.subject_alt_names.extend(loopback.map(SanType::IpAddress));
        let common_name = names.iter().find(|name| name.len() <= 64);
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(
            DnType::CommonName,
            common_name.map_or("localhost", |name| name.as_str()),
        );
        let now = SystemTime::now();
        // A clock that is behind ours must not reject it.
        params.not_before = (now - DAY).into();
        // Browsers reject longer ones.
        params.not_after = (now + DAY * 396).into();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer).map_err(io::Error::other)?;
        Ok(ServerCertificate {
            chain: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

fn subject(name: &str) -> io::Result<SanType> {
    let invalid = |error: rcgen::Error| io::Error::other(format!("`{name}` cannot be in a certificate: {error}"));
    if name.contains("://") {
        return Ok(SanType::URI(name.try_into().map_err(invalid)?));
    }
    match name.parse() {
        Ok(address) => Ok(SanType::IpAddress(address)),
        Err(_) => Ok(SanType::DnsName(name.try_into().map_err(invalid)?)),
    }
}

/// The parameters of the authority's own certificate.
fn parameters() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, NAME);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// Creates the directory with both files, whole or not at all.
fn create(parent: &Path, dir: &Path) -> io::Result<()> {
    fs::create_dir_all(parent)?;
    let partial = tempfile::Builder::new().prefix(".partial-").tempdir_in(parent)?;
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let mut params = parameters();
    let now = SystemTime::now();
    params.not_before = (now - DAY).into();
    params.not_after = (now + DAY * 3650).into();
    let certificate = params.self_signed(&key).map_err(io::Error::other)?;
    let files = partial.path().join(DIR);
    DirBuilder::new().mode(0o700).create(&files)?;
    let write = |name: &str, mode: u32, text: &str| {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(mode).open(files.join(name))?;
        file.write_all(text.as_bytes())
    };
    write(KEY, 0o600, &key.serialize_pem())?;
    write(CERTIFICATE, 0o644, &certificate.pem())?;
    match fs::rename(&files, dir) {
        // Another process was faster.
        Err(_) if dir.join(KEY).exists() => Ok(()),
        renamed => renamed,
    }
}

fn named(file: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", file.display()))
}

impl std::fmt::Debug for DevelopmentAuthority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DevelopmentAuthority")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_authority_is_made_once_and_its_key_is_private() {
        let state = tempfile::tempdir().expect("a directory");
        let first = DevelopmentAuthority::open(state.path()).expect("an authority");
        let mode = |name: &str| {
            let file = state.path().join(DIR).join(name);
            file.metadata().expect("a file").permissions().mode() & 0o777
        };
        assert_eq!((mode(KEY), mode(".")), (0o600, 0o700));
        let again = DevelopmentAuthority::open(state.path()).expect("the same authority");
        assert_eq!(first.certificate(), again.certificate());
        let entries = fs::read_dir(state.path()).expect("a directory").count();
        assert_eq!(entries, 1, "nothing else is left");
    }

    #[test]
    fn a_damaged_key_is_named() {
        let state = tempfile::tempdir().expect("a directory");
        DevelopmentAuthority::open(state.path()).expect("an authority");
        fs::write(state.path().join(DIR).join(KEY), "no key").expect("it is ours");
        let error = DevelopmentAuthority::open(state.path())
            .expect_err("no key")
            .to_string();
        assert!(
            error.contains("ca.key: ") && error.contains("it is made anew"),
            "{error}"
        );
    }
}
