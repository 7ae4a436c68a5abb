//! The hosts file: names that the task was given, which come before DNS.
//!
//! ECS writes Service Connect's names there, and whoever has no DNS zone writes the mesh's. It may change while the
//! service runs, so each lookup asks the file system whether it has, which takes about a microsecond.

mod table;

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use self::table::{Listed, Table};
use super::addresses::Addresses;
use super::host_name::HostName;
use super::rules::Rules;

/// As much of a hosts file as is read: four mebibytes, room for 100 000 names.
const MAX_SIZE: u64 = 4 << 20;

/// A file whose last change is younger than this is read again. It could change once more without its time of change
/// showing it, which moves in steps of up to ten milliseconds on Linux and of two seconds on the coarsest file systems.
const UNSETTLED_FOR: Duration = Duration::from_secs(2);

/// The hosts file at a path, as it is now.
#[derive(Debug)]
pub(crate) struct Hosts {
    path: PathBuf,
    rules: Rules,
    read: Mutex<Option<Reading>>,
}

/// What was read, and what the file looked like just before.
#[derive(Debug)]
struct Reading {
    stamp: Stamp,
    outcome: Result<Arc<Table>, Arc<str>>,
}

/// What shows that a file has changed. A file that is not there has none of it.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    size: Option<u64>,
    inode: Option<u64>,
}

/// Why the hosts file does not say where a name leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotListed {
    NoEntry,
    /// The only addresses are of a family that this task has no way to.
    NoWayTo(IpAddr),
    Refused {
        address: IpAddr,
        why: &'static str,
    },
    Unreadable(Arc<str>),
}

impl fmt::Display for NotListed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEntry => f.write_str("no entry"),
            Self::NoWayTo(address) => write!(f, "only {address}, and this task has no IPv6"),
            Self::Refused { address, why } => write!(f, "{address} is {why}"),
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
        }
    }
}

impl Hosts {
    pub(crate) fn new(path: PathBuf, rules: Rules) -> Self {
        Self {
            path,
            rules,
            read: Mutex::new(None),
        }
    }

    pub(crate) fn rules(&self) -> Rules {
        self.rules
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// The addresses that the file lists for `name`. A file that is not there lists nothing.
    pub(crate) fn find(&self, name: &HostName) -> Result<Arc<Addresses>, NotListed> {
        let table = self.table().map_err(NotListed::Unreadable)?;
        match table.find(name) {
            None => Err(NotListed::NoEntry),
            Some(Listed::Addresses(addresses)) => Ok(addresses.clone()),
            Some(Listed::NoWayTo(address)) => Err(NotListed::NoWayTo(*address)),
            Some(Listed::Refused { address, why }) => Err(NotListed::Refused { address: *address, why }),
        }
    }

    /// An address of Service Connect in the file, if there is one: then a sidecar takes what is sent there.
    pub(crate) fn service_connect(&self) -> Option<IpAddr> {
        self.table().ok()?.service_connect()
    }

    fn table(&self) -> Result<Arc<Table>, Arc<str>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        // Before reading: what changes in between is noticed at the next lookup.
        let stamp = Stamp::of(std::fs::metadata(&self.path).ok().as_ref());
        if let Some(reading) = read
            .as_ref()
            .filter(|reading| reading.stamp == stamp && stamp.is_settled())
        {
            return reading.outcome.clone();
        }
        let outcome = match self.text() {
            Ok(text) => Ok(Arc::new(Table::parse(&text, self.rules))),
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "the hosts file cannot be read");
                Err(error.to_string().into())
            }
        };
        read.insert(Reading { stamp, outcome }).outcome.clone()
    }

    fn text(&self) -> io::Result<String> {
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

    /// True if a change that was still to come would show in another stamp.
    fn is_settled(&self) -> bool {
        self.modified.is_none_or(|modified| {
            // A time in the future tells nothing.
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

    const RULES: Rules = Rules {
        ipv6: false,
        loopback_answers: false,
    };

    fn found(hosts: &Hosts) -> Result<Vec<String>, NotListed> {
        let name = HostName::parse("blue.appmesh").expect("a name");
        let addresses = hosts.find(&name)?;
        Ok(addresses.list().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_edit_is_seen_at_the_next_lookup_even_if_nothing_but_the_bytes_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts");
        let hosts = Hosts::new(path.clone(), RULES);
        assert_eq!(found(&hosts), Err(NotListed::NoEntry), "there is no file");
        // The same length in the same file within one step of its clock.
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
    fn a_file_that_has_settled_is_read_once_until_it_is_another_one() {
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
        let hosts = Hosts::new(path.clone(), RULES);
        assert_eq!(found(&hosts), Ok(vec!["10.0.0.1".to_owned()]));
        let first = hosts.table().unwrap();
        assert!(Arc::ptr_eq(&first, &hosts.table().unwrap()));

        // As tools that replace a file do: only its inode is another.
        let beside = folder.path().join("hosts.new");
        write(&beside, "10.0.0.2 blue.appmesh\n");
        std::fs::rename(&beside, &path).unwrap();
        assert_eq!(found(&hosts), Ok(vec!["10.0.0.2".to_owned()]));
    }

    #[test]
    fn a_file_that_cannot_be_read_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let hosts = Hosts::new(folder.path().to_owned(), RULES);
        let Err(NotListed::Unreadable(why)) = found(&hosts) else {
            panic!("a folder is no hosts file");
        };
        assert!(why.contains("directory"), "{why}");

        let path = folder.path().join("hosts");
        let size = usize::try_from(MAX_SIZE).unwrap() + 1;
        std::fs::write(&path, vec![b'\n'; size]).unwrap();
        let Err(NotListed::Unreadable(why)) = found(&Hosts::new(path, RULES)) else {
            panic!("it is too large");
        };
        assert!(why.contains("larger than 4194304 bytes"), "{why}");
    }
}
