//! The limit of open files of this process, which each connection takes one of.

/// Files that are kept for other things than xDS connections: the status page, handshakes, AWS, logs.
const RESERVED: u64 = 384;

/// Raises the limit of open files as far as this user may, for a program that serves many Envoys. Child processes inherit it.
/// Returns the limit; `None` without one, and where there is no such thing.
#[must_use]
pub fn raise_open_file_limit() -> Option<u64> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => limit.maximum,
            Err(error) => {
                tracing::warn!("cannot raise the limit of open files: {error}");
                limit.current
            }
        }
    }
    #[cfg(not(unix))]
    None
}

/// As many xDS connections as `wanted`, or as the limit of open files allows.
pub(crate) fn connections_within(wanted: usize) -> usize {
    match open_file_limit() {
        Some(files) => {
            let left = usize::try_from(files.saturating_sub(RESERVED)).unwrap_or(usize::MAX);
            // A low limit is shared.
            let least = usize::try_from(files / 4).unwrap_or(usize::MAX);
            wanted.min(left.max(least))
        }
        None => wanted,
    }
}

fn open_file_limit() -> Option<u64> {
    #[cfg(unix)]
    return rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    return None;
}
