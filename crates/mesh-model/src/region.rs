//! Partitions of AWS's regions.
//!
//! Source: the endpoints document of AWS's SDKs, `partitions.json` of botocore 1.44.5 (read 2026-12-01). Names decide, so regions
//! that are newer than this have the partition of their neighbours.

/// Prefix of the region's name, partition, and suffix of host names.
const PARTITIONS: [(&str, &str, &str); 5] = [
    ("cn-", "aws-cn", "amazonaws.com.cn"),
    ("us-gov-", "aws-us-gov", "amazonaws.com"),
    ("us-isob-", "aws-iso-b", "sc2s.sgov.gov"),
    ("us-iso-", "aws-iso", "c2s.ic.gov"),
    ("eusc-", "aws-eusc", "amazonaws.eu"),
];

/// The partition of a region, as in ARNs: `aws` for eu-west-1, `aws-cn` for cn-north-1.
#[must_use]
pub fn partition(region: &str) -> &'static str {
    of(region).0
}

/// The suffix of the host names in a region, such as `amazonaws.com`.
#[must_use]
pub fn url_suffix(region: &str) -> &'static str {
    of(region).1
}

fn of(region: &str) -> (&'static str, &'static str) {
    let found = PARTITIONS.iter().find(|(prefix, ..)| region.starts_with(prefix));
    found.map_or(("aws", "amazonaws.com"), |(_, partition, suffix)| (partition, suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_decides() {
        assert_eq!(
            (partition("eu-west-1"), url_suffix("eu-west-1")),
            ("aws", "amazonaws.com")
        );
        assert_eq!(
            (partition("cn-north-1"), url_suffix("cn-north-1")),
            ("aws-cn", "amazonaws.com.cn")
        );
        assert_eq!(partition("us-gov-west-1"), "aws-us-gov");
        assert_eq!(partition("us-isob-east-1"), "aws-iso-b");
        assert_eq!(partition("us-iso-east-1"), "aws-iso");
    }
}
