//! The hosts file, which has precedence over DNS.
//!
//! ECS writes Service Connect's names to it, and without a DNS zone it can contain the mesh's. It may change while the service
//! runs, so each lookup checks its metadata, which takes about a microsecond.

mod table;

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use self::table::{Listed, Table};
use super::address_policy::AddressPolicy;
use super::addresses::Addresses;
use super::host_name::HostName;

/// The largest hosts file: four mebibytes, enough for 100 000 names.
const MAX_SIZE: u64 = 4 << 20;

/// A file that was modified more recently than this is read again. It could change again without a new modification time, whose
/// resolution is up to ten milliseconds on Linux and two seconds on the coarsest file systems.
const UNSETTLED_FOR: Duration = Duration::from_secs(2);

/// The hosts file at a path, read again when it changes.
#[derive(Debug)]
pub(crate) struct Hosts {
    path: PathBuf,
    policy: AddressPolicy,
    cached: Mutex<Option<Cached>>,
}

/// The content of the file, and its metadata just before it was read.
#[derive(Debug)]
struct Cached {
    stamp: Stamp,
    result: Result<Arc<Table>, Arc<str>>,
}

/// The metadata by which a change is detected; all `None` for a file that does not exist.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    size: Option<u64>,
    inode: Option<u64>,
}

/// Why the hosts file has no usable address for a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotListed {
    NoEntry,
    /// All addresses are IPv6, and this task has no IPv6 route.
    NoIpv6Route(IpAddr),
    Rejected {
        address: IpAddr,
        reason: &'static str,
    },
    Unreadable(Arc<str>),
}

impl fmt::Display for NotListed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEntry => f.write_str("no entry"),
            Self::NoIpv6Route(address) => write!(f, "only {address}, and this task has no IPv6 route"),
            Self::Rejected { address, reason } => write!(f, "{address} is {reason}"),
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
        }
    }
}

impl Hosts {
    pub(crate) fn new(path: PathBuf, policy: AddressPolicy) -> Self {
        Self {
            path,
            policy,
            cached: Mutex::new(None),
        }
    }

    pub(crate) fn policy(&self) -> AddressPolicy {
        self.policy
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// The addresses of `name` in the file. A file that does not exist counts as empty.
    pub(crate) fn find(&self, name: &HostName) -> Result<Arc<Addresses>, NotListed> {
        let table = self.table().map_err(NotListed::Unreadable)?;
        match table.find(name) {
            None => Err(NotListed::NoEntry),
            Some(Listed::Addresses(addresses)) => Ok(addresses.clone()),
            Some(Listed::NoIpv6Route(address)) => Err(NotListed::NoIpv6Route(*address)),
            Some(Listed::Rejected { address, reason }) => Err(NotListed::Rejected {
                address: *address,
                reason,
            }),
        }
    }

    /// The first address of Service Connect in the file: a sign that connections are redirected to a sidecar.
    pub(crate) fn service_connect(&self) -> Option<IpAddr> {
        self.table().ok()?.service_connect()
    }

    fn table(&self) -> Result<Arc<Table>, Arc<str>> {
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        // Before reading: a change in between is detected by the next lookup.
        let stamp = Stamp::of(std::fs::metadata(&self.path).ok().as_ref());
        if let Some(cached) = cached
            .as_ref()
            .filter(|cached| cached.stamp == stamp && stamp.is_settled())
        {
            return cached.result.clone();
        }
        let result = match self.read() {
            Ok(text) => Ok(Arc::new(Table::parse(&text, self.policy))),
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "the hosts file cannot be read");
                Err(error.to_string().into())
            }
        };
        cached.insert(Cached { stamp, result }).result.clone()
    }

    fn read(&self) -> io::Result<String> {
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
            file => file?,
        };
        let mut bytes = Vec::new();
        file.take(MAX_SIZE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_SIZE {
            return Err(io::Error::other(format!("it is larger than {MAX_SIZE} bytes")));
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Stamp {
    fn of(metadata: Option<&Metadata>) -> Self {
        Self {
            modified: metadata.and_then(|metadata| metadata.modified().ok()),
            size: metadata.map(Metadata::len),
            inode: metadata.and_then(inode),
        }
    }

    /// True if any later change would have another stamp.
    fn is_settled(&self) -> bool {
        self.modified.is_none_or(|modified| {
            // A time in the future is not reliable.
            modified.elapsed().is_ok_and(|age| age > UNSETTLED_FOR)
        })
    }
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    Some(metadata.ino())
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: AddressPolicy = AddressPolicy {
        ipv6: false,
        loopback_answers: false,
    };

    fn found(hosts: &Hosts) -> Result<Vec<String>, NotListed> {
        let name = HostName::parse("blue.appmesh").expect("a name");
        let addresses = hosts.find(&name)?;
        Ok(addresses.list().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_edit_is_detected_even_if_the_metadata_is_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts");
        let hosts = Hosts::new(path.clone(), POLICY);
        assert_eq!(found(&hosts), Err(NotListed::NoEntry), "the file does not exist");
        // The same size and modification time.
        let now = SystemTime::now();
        for last in [1, 2, 3, 4] {
            std::fs::write(&path, format!("10.0.0.{last} blue.appmesh\n")).unwrap();
            File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_modified(now)
                .unwrap();
            assert_eq!(found(&hosts), Ok(vec![format!("10.0.0.{last}")]));
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(found(&hosts), Err(NotListed::NoEntry));
    }

    #[test]
    fn a_settled_file_is_read_again_only_after_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts");
        let old = SystemTime::now() - Duration::from_secs(60);
        let write = |path: &std::path::Path, text: &str| {
            std::fs::write(path, text).unwrap();
            File::options()
                .write(true)
                .open(path)
                .unwrap()
                .set_modified(old)
                .unwrap();
        };
        write(&path, "10.0.0.1 blue.appmesh\n");
        let hosts = Hosts::new(path.clone(), POLICY);
        assert_eq!(found(&hosts), Ok(vec!["10.0.0.1".to_owned()]));
        let first = hosts.table().unwrap();
        assert!(Arc::ptr_eq(&first, &hosts.table().unwrap()));

        // Replaced by a rename: only the inode differs.
        let new = folder.path().join("hosts.new");
        write(&new, "10.0.0.2 blue.appmesh\n");
        std::fs::rename(&new, &path).unwrap();
        assert_eq!(found(&hosts), Ok(vec!["10.0.0.2".to_owned()]));
    }

    #[test]
    fn an_unreadable_file_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let hosts = Hosts::new(folder.path().to_owned(), POLICY);
        let Err(NotListed::Unreadable(reason)) = found(&hosts) else {
            panic!("a directory is not a hosts file");
        };
        assert!(reason.contains("directory"), "{reason}");

        let path = folder.path().join("hosts");
        let size = usize::try_from(MAX_SIZE).unwrap() + 1;
        std::fs::write(&path, vec![b'\n'; size]).unwrap();
        let Err(NotListed::Unreadable(reason)) = found(&Hosts::new(path, POLICY)) else {
            panic!("it is too large");
        };
        assert!(reason.contains("larger than 4194304 bytes"), "{reason}");
    }
}
