//! Assertions of the demo scenario: outcomes of deployments, and the versions served in each interval. Pure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bluegreen_deploy::Version;
use bluegreen_state::{FinalStatus, Outcome};
use demo_service::traffic::Counters;

/// A deployment of the scenario.
#[derive(Debug, Clone)]
pub(super) struct Deployment {
    pub(super) version: Version,
    /// False if it is rolled back.
    pub(super) succeeds: bool,
    pub(super) start: Instant,
    pub(super) end: Instant,
}

/// The number of responses of each version in an interval.
#[derive(Debug, Clone)]
pub(super) struct ServedVersions {
    /// The end of the interval.
    end: Instant,
    responses: BTreeMap<Version, u64>,
}

impl ServedVersions {
    /// The responses of a tally by version. Responses without a version are ignored.
    pub(super) fn new(end: Instant, tally: &Counters) -> Self {
        let mut responses = BTreeMap::new();
        for (_, key, count) in tally.responses() {
            if let Some(version) = key.rsplit(':').next().and_then(|version| version.parse().ok()) {
                *responses.entry(version).or_default() += count;
            }
        }
        Self { end, responses }
    }

    fn count(&self, matches: impl Fn(Version) -> bool) -> u64 {
        let matching = self.responses.iter().filter(|(version, _)| matches(**version));
        matching.map(|(_, count)| count).sum()
    }
}

/// Asserts that the deployment of a version succeeded or was rolled back, as expected.
pub(super) fn assert_deployment_outcome(
    outcome: Option<&Outcome<Version>>,
    version: Version,
    succeeds: bool,
) -> Result<(), String> {
    match outcome.map(|outcome| &outcome.status) {
        Some(FinalStatus::Successful) if succeeds => Ok(()),
        Some(FinalStatus::RolledBack { .. }) if !succeeds => Ok(()),
        other => Err(format!(
            "the deployment of version {version} should {}, and ended with {}",
            if succeeds { "succeed" } else { "be rolled back" },
            other.map_or("no outcome", FinalStatus::as_str)
        )),
    }
}

/// Asserts that each version was served when it should: never before its deployment, at least once during it, and
/// exclusively after a successful one until the next. Each of `served` covers `interval`; requests in flight during a
/// change count in the next interval.
pub(super) fn assert_served_versions(
    deployments: &[Deployment],
    served: &[ServedVersions],
    interval: Duration,
) -> Result<(), String> {
    for (index, deployment) in deployments.iter().enumerate() {
        let version = deployment.version;
        let next_start = deployments.get(index + 1).map(|next| next.start);
        let mut total = 0;
        for served in served {
            let own = served.count(|other| other == version);
            total += own;
            if own > 0 && served.end < deployment.start {
                return Err(format!(
                    "version {version} was served {own} times before its deployment"
                ));
            }
            // The interval in which the deployment ended has earlier requests, the next one has those in flight.
            let is_settled =
                served.end > deployment.end + 2 * interval && next_start.is_none_or(|start| served.end < start);
            let unexpected = if deployment.succeeds {
                served.count(|other| other != version)
            } else {
                own
            };
            if is_settled && unexpected > 0 {
                let what = if deployment.succeeds {
                    "another version"
                } else {
                    "the withdrawn version"
                };
                return Err(format!(
                    "{what} was served {unexpected} times after the deployment of version {version}"
                ));
            }
        }
        if total == 0 {
            return Err(format!("version {version} was never served"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bluegreen_state::Reason;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Version 2 succeeds, from second 10 to 20; version 3 is rolled back, from second 30 to 40. `served` has the ends of
    /// intervals, in seconds, with the responses by version.
    fn check(served: &[(u32, &[(Version, u64)])]) -> Result<(), String> {
        let origin = Instant::now();
        let at = |second: u32| origin + second * SECOND;
        let deployments = [(2, true, 10), (3, false, 30)].map(|(version, succeeds, start)| Deployment {
            version,
            succeeds,
            start: at(start),
            end: at(start + 10),
        });
        let served: Vec<ServedVersions> = served
            .iter()
            .map(|(second, responses)| ServedVersions {
                end: at(*second),
                responses: responses.iter().copied().collect(),
            })
            .collect();
        assert_served_versions(&deployments, &served, SECOND)
    }

    #[test]
    fn expected_scenario_passes() {
        let served = [
            (9, &[(1, 200)][..]),
            (15, &[(1, 160), (2, 40)]),
            (21, &[(1, 5), (2, 195)]),
            (22, &[(1, 1), (2, 199)]),
            (25, &[(2, 200)]),
            (35, &[(2, 180), (3, 20)]),
            (41, &[(2, 190), (3, 10)]),
            (45, &[(2, 200)]),
        ];
        assert_eq!(check(&served), Ok(()));
    }

    #[test]
    fn version_served_before_its_deployment_fails() {
        let early = [(9, &[(1, 199), (2, 1)][..]), (15, &[(2, 200)]), (35, &[(3, 20)])];
        let expected = "version 2 was served 1 times before its deployment";
        assert_eq!(check(&early), Err(expected.to_owned()));
    }

    #[test]
    fn other_version_after_a_successful_deployment_fails() {
        let mixed = [(15, &[(2, 40)][..]), (25, &[(1, 3), (2, 197)]), (35, &[(3, 20)])];
        let expected = "another version was served 3 times after the deployment of version 2";
        assert_eq!(check(&mixed), Err(expected.to_owned()));
    }

    #[test]
    fn withdrawn_version_after_its_rollback_fails() {
        let still_served = [
            (15, &[(2, 40)][..]),
            (35, &[(2, 180), (3, 20)]),
            (45, &[(2, 196), (3, 4)]),
        ];
        let expected = "the withdrawn version was served 4 times after the deployment of version 3";
        assert_eq!(check(&still_served), Err(expected.to_owned()));
    }

    #[test]
    fn version_that_was_never_served_fails() {
        let unserved = [(15, &[(2, 40)][..]), (35, &[(2, 200)])];
        assert_eq!(check(&unserved), Err("version 3 was never served".to_owned()));
    }

    #[test]
    fn outcome_must_be_the_expected_one() {
        let outcome = |status| Outcome {
            version: 2,
            ended_at: std::time::SystemTime::UNIX_EPOCH.into(),
            status,
        };
        let successful = outcome(FinalStatus::Successful);
        let rolled_back = outcome(FinalStatus::RolledBack {
            reason: Reason::Aborted,
        });
        assert_eq!(assert_deployment_outcome(Some(&successful), 2, true), Ok(()));
        assert_eq!(assert_deployment_outcome(Some(&rolled_back), 2, false), Ok(()));
        for (outcome, succeeds, expected) in [
            (Some(&successful), false, "be rolled back, and ended with SUCCESSFUL"),
            (Some(&rolled_back), true, "succeed, and ended with ROLLBACK_SUCCESSFUL"),
            (None, true, "succeed, and ended with no outcome"),
        ] {
            let expected = format!("the deployment of version 2 should {expected}");
            assert_eq!(assert_deployment_outcome(outcome, 2, succeeds), Err(expected));
        }
    }
}
