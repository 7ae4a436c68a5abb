//! The configuration of a mesh as a deploy tool has last read it, and when to read it again. Pure: time is passed in.
//!
//! | mesh | all parameters are read |
//! |---|---|
//! | without complete markers | each time |
//! | a marker has changed | at once |
//! | all replicas report the same configuration | after 60 s, for changes that move no marker |
//! | a replica reports another one | after 10 s: it is behind, or a parameter was deleted after the marker was written |

use std::time::{Duration, Instant};

use crate::config_hash::ConfigHash;
use crate::poll_budget::PollIntervals;
use crate::revision_markers::RevisionMarkers;

/// The maximum age while a replica reports another configuration, decided by us: a read of all parameters of 200 services is
/// 82 calls, and replicas need some seconds to notice a change.
const DISPUTED_FOR: Duration = Duration::from_secs(10);

/// The last read of all parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownConfiguration {
    hash: ConfigHash,
    /// As they were before all parameters were read, so that the parameters are at least as new.
    markers: RevisionMarkers,
    read: Instant,
}

impl KnownConfiguration {
    /// A configuration that was read after these markers, from `read` on.
    pub(crate) fn new(hash: ConfigHash, markers: RevisionMarkers, read: Instant) -> Self {
        Self { hash, markers, read }
    }

    /// Its hash.
    pub(crate) fn hash(&self) -> &ConfigHash {
        &self.hash
    }

    /// Whether it is still that of the mesh, as far as the markers show.
    pub(crate) fn is_current(&self, markers: &RevisionMarkers, now: Instant) -> bool {
        let age = now.saturating_duration_since(self.read);
        markers.are_complete() && self.markers == *markers && age < PollIntervals::default().unmarked_changes
    }

    /// Whether it is to be read again because a replica reports another one.
    pub(crate) fn is_disputed<'c>(&self, mut reported: impl Iterator<Item = &'c ConfigHash>, now: Instant) -> bool {
        let is_old = now.saturating_duration_since(self.read) >= DISPUTED_FOR;
        is_old && reported.any(|hash| *hash != self.hash)
    }
}

#[cfg(test)]
mod tests {
    use mesh_model::app_mesh::resource_path::UNVERSIONED;

    use super::*;
    use crate::parameter::Parameter;

    fn hash(version: i64) -> ConfigHash {
        ConfigHash::of(&[Parameter::text("/meshwright/demo", version, "{}")])
    }

    fn markers(value: &str) -> RevisionMarkers {
        RevisionMarkers::of(&[Parameter::text("/meshwright-revision/demo/shop", 1, value)])
    }

    #[test]
    fn it_is_current_until_a_marker_changes_or_a_minute_has_passed() {
        let start = Instant::now();
        let known = KnownConfiguration::new(hash(1), markers("a"), start);
        let minute = Duration::from_secs(60);
        assert!(known.is_current(&markers("a"), start + minute - Duration::from_millis(1)));
        assert!(!known.is_current(&markers("a"), start + minute));
        assert!(!known.is_current(&markers("b"), start));
    }

    #[test]
    fn without_complete_markers_it_is_never_current() {
        let start = Instant::now();
        for markers in [RevisionMarkers::of(&[]), markers(UNVERSIONED)] {
            let known = KnownConfiguration::new(hash(1), markers.clone(), start);
            assert!(!known.is_current(&markers, start), "{markers:?}");
        }
    }

    #[test]
    fn another_configuration_of_a_replica_is_a_reason_to_read_it_again_after_ten_seconds() {
        let start = Instant::now();
        let known = KnownConfiguration::new(hash(1), markers("a"), start);
        let (same, other) = ([hash(1), hash(1)], [hash(1), hash(2)]);
        assert!(!known.is_disputed(other.iter(), start + Duration::from_millis(9_999)));
        assert!(known.is_disputed(other.iter(), start + DISPUTED_FOR));
        assert!(!known.is_disputed(same.iter(), start + Duration::from_secs(3600)));
    }
}
