//! Envoy's version: parsing and the supported range.

use std::fmt;

/// The Envoy that is installed if none is found. `requirements.txt` contains its hashes.
pub const ENVOY_VERSION: Version = Version {
    major: 1,
    minor: 40,
    patch: 0,
};

/// The oldest supported Envoy.
///
/// The Envoy project maintains a release for twelve months, and this was the oldest maintained one when 1.40.0 was
/// pinned: 1.36 had ended on 2026-10-14. Source: `RELEASES.md` of envoyproxy/envoy (read 2026-11-23).
pub const OLDEST_ENVOY: Version = Version {
    major: 1,
    minor: 37,
    patch: 0,
};

/// A version of Envoy, such as 1.40.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// 1 in 1.40.0. Envoy has never had another.
    pub major: u32,
    /// 40 in 1.40.0. Incremented each quarter.
    pub minor: u32,
    /// 0 in 1.40.0.
    pub patch: u32,
}

impl Version {
    /// Parses the output of `envoy --version`: `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`.
    ///
    /// A suffix is dropped: `1.40.0-dev`, the version of builds between two releases, is 1.40.0.
    #[must_use]
    pub fn from_output(output: &str) -> Option<Self> {
        let build = output.lines().find_map(|line| line.split_once(" version: "))?.1;
        let version = build.split('/').nth(1)?;
        let mut numbers = version.split_once('-').map_or(version, |(core, _)| core).split('.');
        let mut number = || numbers.next()?.parse().ok();
        let version = Self {
            major: number()?,
            minor: number()?,
            patch: number()?,
        };
        numbers.next().is_none().then_some(version)
    }

    /// True from [`OLDEST_ENVOY`] to the pinned minor version, with any patch.
    ///
    /// Newer ones are not supported because Envoy removes deprecated fields, a year later at the earliest: whether
    /// they accept our configuration is known only once they are pinned. The workspace's tests run the pinned version.
    #[must_use]
    pub fn is_supported(self) -> bool {
        let newest = (ENVOY_VERSION.major, ENVOY_VERSION.minor);
        self >= OLDEST_ENVOY && (self.major, self.minor) <= newest
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The supported versions for messages: `1.37 to 1.40`.
pub(crate) fn supported_range() -> String {
    let minor = |version: Version| format!("{}.{}", version.major, version.minor);
    format!("{} to {}", minor(OLDEST_ENVOY), minor(ENVOY_VERSION))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(version: &str) -> Option<Version> {
        let commit = "9e5580933739775e8bce696a57a2e1bc99368f23";
        Version::from_output(&format!(
            "\n/usr/bin/envoy  version: {commit}/{version}/Clean/RELEASE/BoringSSL\n\n"
        ))
    }

    #[test]
    fn the_version_is_the_second_field_of_the_build_info() {
        assert_eq!(parse("1.40.0"), Some(ENVOY_VERSION));
        assert_eq!(parse("1.40.0-dev"), Some(ENVOY_VERSION));
        for other in ["1.40", "1.40.0.1", "main", "", "1.x.0"] {
            assert_eq!(parse(other), None, "{other}");
        }
        for other in [
            "",
            "Laravel Envoy 2.10.1",
            "envoy version: 1.40.0",
            "envoy 1.40.0/1.40.0",
        ] {
            assert_eq!(Version::from_output(other), None, "{other}");
        }
    }

    #[test]
    fn four_minor_versions_are_supported() {
        assert_eq!(supported_range(), "1.37 to 1.40");
        for version in ["1.37.0", "1.38.9", "1.40.0", "1.40.17"] {
            assert!(parse(version).unwrap().is_supported(), "{version}");
        }
        for version in ["1.36.13", "1.41.0", "2.38.0", "0.40.0"] {
            assert!(!parse(version).unwrap().is_supported(), "{version}");
        }
    }
}
