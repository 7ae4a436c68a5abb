//! Certificates for the Envoys of a mesh: those that were given, and those of the local development authority.
//!
//! A certificate that the templates name by ARN is on AWS, with its key. One in a file may be in the image of an Envoy that
//! does not run here. Certificates of the development authority stand in for both. Without a stand-in nothing would be
//! served, since a listener with TLS is never served without it.

mod development_authority;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use mesh_control::{Certificates, ServerCertificate};

use self::development_authority::DevelopmentAuthority;
use crate::plan::{CertificateUse, GivenCertificates, Plan, Source};

/// The certificates of a mesh. Certificates that were made stay the same while their names do.
#[derive(Debug, Default)]
pub(crate) struct CertificateStore {
    authority: Option<DevelopmentAuthority>,
    made: BTreeMap<String, (CertificateUse, ServerCertificate)>,
}

/// A note about a stand-in, as (what has it, note).
type Note = (String, String);

impl CertificateStore {
    /// The certificates of a plan, and notes about stand-ins that are new. Creates the authority on its first use.
    ///
    /// # Errors
    ///
    /// If the authority cannot be created or read, or a name is not valid in a certificate.
    pub(crate) fn provide(&mut self, plan: &Plan) -> io::Result<(Certificates, Vec<Note>)> {
        let uses = plan.certificate_uses();
        let mut provided = Certificates::default();
        let mut notes = Vec::new();
        let GivenCertificates {
            identities,
            authorities,
        } = &plan.given_certificates;
        for (name, wanted) in &uses.certificates {
            if let Some((chain, key)) = identities.get(name) {
                let (chain, key) = (chain.clone(), key.clone());
                provided
                    .identities
                    .insert(name.clone(), ServerCertificate { chain, key });
                continue;
            }
            if is_here(name, wanted.source) {
                continue;
            }
            let known = self.made.get(name).filter(|(made_for, _)| made_for == wanted);
            let certificate = match known {
                Some((_, certificate)) => certificate.clone(),
                None => {
                    let authority = self.authority()?;
                    let certificate = authority.issue(&wanted.host_names)?;
                    notes.push((wanted.owner.clone(), note(name, wanted, authority.file())));
                    self.made.insert(name.clone(), (wanted.clone(), certificate.clone()));
                    certificate
                }
            };
            provided.identities.insert(name.clone(), certificate);
        }
        for (name, source) in &uses.authorities {
            let bundle = match authorities.get(name) {
                Some(given) => given.clone(),
                None if is_here(name, *source) => continue,
                None => self.authority()?.certificate().to_owned(),
            };
            provided.authorities.insert(name.clone(), bundle);
        }
        Ok((provided, notes))
    }

    /// The certificate of the development authority, if certificates of its own are used.
    pub(crate) fn authority_file(&self) -> Option<&Path> {
        self.authority.as_ref().map(DevelopmentAuthority::file)
    }

    fn authority(&mut self) -> io::Result<&DevelopmentAuthority> {
        let authority = match self.authority.take() {
            Some(authority) => authority,
            None => DevelopmentAuthority::open(&state_dir()?)?,
        };
        Ok(self.authority.insert(authority))
    }
}

/// Whether this machine has the file.
fn is_here(name: &str, source: Source) -> bool {
    source == Source::File && Path::new(name).is_file()
}

fn note(name: &str, wanted: &CertificateUse, authority: &Path) -> String {
    let missing = match wanted.source {
        Source::Arn => format!("the certificate `{name}` is on AWS"),
        Source::File => format!("the file `{name}` is not on this machine"),
    };
    let names: Vec<&str> = wanted.host_names.iter().map(String::as_str).collect();
    format!(
        "{missing}; a development certificate for {} stands in: trust {}, or give a real one with --certificate \
         '{name}=CERT.pem,KEY.pem'",
        names.join(", "),
        authority.display()
    )
}

/// The directory for what outlives a mesh, of this user.
fn state_dir() -> io::Result<PathBuf> {
    let absolute = |variable: &str| {
        let path = PathBuf::from(std::env::var_os(variable)?);
        path.is_absolute().then_some(path)
    };
    let home = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    let home = home.ok_or_else(|| {
        let message = "no directory for the development certificate authority: neither XDG_STATE_HOME nor HOME is an \
                       absolute path";
        io::Error::other(message)
    })?;
    Ok(home.join("meshwright"))
}
