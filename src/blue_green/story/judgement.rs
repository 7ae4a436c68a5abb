//! Whether the story went as it should: each deployment ended as it had to, and each version was served when it had to be.
//! Pure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bluegreen_state::{FinalStatus, Outcome};
use demo_service::traffic::Counters;

use super::super::Version;

/// A deployment, and when it was.
#[derive(Debug, Clone)]
pub(super) struct Chapter {
    pub(super) version: Version,
    /// Whether it was not taken back.
    pub(super) stays: bool,
    pub(super) began: Instant,
    pub(super) ended: Instant,
}

/// What was seen in an interval of calls.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// When it ended.
    at: Instant,
    /// How many answers came from each version.
    served: BTreeMap<Version, u64>,
}

impl Seen {
    /// What a tally says of the interval that ended `at`. Answers without a version are nobody's.
    pub(super) fn new(at: Instant, tally: &Counters) -> Self {
        let mut served = BTreeMap::new();
        for (_, key, count) in tally.answers() {
            if let Some(version) = key.rsplit(':').next().and_then(|version| version.parse().ok()) {
                *served.entry(version).or_default() += count;
            }
        }
        Self { at, served }
    }

    fn count(&self, is_meant: impl Fn(Version) -> bool) -> u64 {
        let meant = self.served.iter().filter(|(version, _)| is_meant(**version));
        meant.map(|(_, count)| count).sum()
    }
}

/// Whether the deployment of a version stayed or was taken back, as it should.
pub(super) fn ended_as_it_should(
    outcome: Option<&Outcome<Version>>,
    version: Version,
    stays: bool,
) -> Result<(), String> {
    match outcome.map(|outcome| &outcome.status) {
        Some(FinalStatus::Successful) if stays => Ok(()),
        Some(FinalStatus::RolledBack { .. }) if !stays => Ok(()),
        other => Err(format!(
            "version {version} should have {}, and ended with {}",
            if stays { "stayed" } else { "been taken back" },
            other.map_or("nothing", FinalStatus::as_str)
        )),
    }
}

/// Whether every version was served when it should be: never before its deployment, at all during it, and after one that
/// stayed no other version until the next. `seen` are intervals of this length; calls that were under way when something
/// changed are told in the interval after.
pub(super) fn judge(told: &[Chapter], seen: &[Seen], interval: Duration) -> Result<(), String> {
    for (index, chapter) in told.iter().enumerate() {
        let version = chapter.version;
        let next = told.get(index + 1).map(|next| next.began);
        let mut times = 0;
        for seen in seen {
            let own = seen.count(|other| other == version);
            times += own;
            if own > 0 && seen.at < chapter.began {
                return Err(format!(
                    "version {version} was served {own} times before it was deployed"
                ));
            }
            // The interval in which it ended has calls of before in it, and the next one those that were under way.
            let is_settled = seen.at > chapter.ended + 2 * interval && next.is_none_or(|next| seen.at < next);
            let wrong = if chapter.stays {
                seen.count(|other| other != version)
            } else {
                own
            };
            if is_settled && wrong > 0 {
                let what = if chapter.stays {
                    "another version"
                } else {
                    "the version that was taken back"
                };
                return Err(format!(
                    "{what} was served {wrong} times after the deployment of version {version}"
                ));
            }
        }
        if times == 0 {
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

    /// Version 2 stays, from second 10 to 20; version 3 is taken back, from second 30 to 40. `answers` are the seconds at
    /// which intervals ended, with what was served in them.
    fn judged(answers: &[(u32, &[(Version, u64)])]) -> Result<(), String> {
        let beginning = Instant::now();
        let at = |second: u32| beginning + second * SECOND;
        let told = [(2, true, 10), (3, false, 30)].map(|(version, stays, began)| Chapter {
            version,
            stays,
            began: at(began),
            ended: at(began + 10),
        });
        let seen: Vec<Seen> = answers
            .iter()
            .map(|(second, served)| Seen {
                at: at(*second),
                served: served.iter().copied().collect(),
            })
            .collect();
        judge(&told, &seen, SECOND)
    }

    #[test]
    fn a_story_is_well_in_which_each_version_has_its_time() {
        let well = [
            (9, &[(1, 200)][..]),
            (15, &[(1, 160), (2, 40)]),
            (21, &[(1, 5), (2, 195)]),
            (22, &[(1, 1), (2, 199)]),
            (25, &[(2, 200)]),
            (35, &[(2, 180), (3, 20)]),
            (41, &[(2, 190), (3, 10)]),
            (45, &[(2, 200)]),
        ];
        assert_eq!(judged(&well), Ok(()));
    }

    #[test]
    fn a_version_must_not_be_served_before_it_is_deployed() {
        let early = [(9, &[(1, 199), (2, 1)][..]), (15, &[(2, 200)]), (35, &[(3, 20)])];
        let expected = "version 2 was served 1 times before it was deployed";
        assert_eq!(judged(&early), Err(expected.to_owned()));
    }

    #[test]
    fn a_version_that_stays_is_alone_until_the_next() {
        let not_alone = [(15, &[(2, 40)][..]), (25, &[(1, 3), (2, 197)]), (35, &[(3, 20)])];
        let expected = "another version was served 3 times after the deployment of version 2";
        assert_eq!(judged(&not_alone), Err(expected.to_owned()));
    }

    #[test]
    fn a_version_that_was_taken_back_is_not_served_any_more() {
        let still = [
            (15, &[(2, 40)][..]),
            (35, &[(2, 180), (3, 20)]),
            (45, &[(2, 196), (3, 4)]),
        ];
        let expected = "the version that was taken back was served 4 times after the deployment of version 3";
        assert_eq!(judged(&still), Err(expected.to_owned()));
    }

    #[test]
    fn a_version_that_nobody_saw_was_never_served() {
        let unseen = [(15, &[(2, 40)][..]), (35, &[(2, 200)])];
        assert_eq!(judged(&unseen), Err("version 3 was never served".to_owned()));
    }

    #[test]
    fn a_deployment_has_to_end_as_it_was_told() {
        let outcome = |ended| Outcome {
            version: 2,
            ended_at: std::time::SystemTime::UNIX_EPOCH.into(),
            status: ended,
        };
        let stayed = outcome(FinalStatus::Successful);
        let returned = outcome(FinalStatus::RolledBack {
            reason: Reason::Aborted,
        });
        assert_eq!(ended_as_it_should(Some(&stayed), 2, true), Ok(()));
        assert_eq!(ended_as_it_should(Some(&returned), 2, false), Ok(()));
        for (outcome, stays, expected) in [
            (
                Some(&stayed),
                false,
                "version 2 should have been taken back, and ended with SUCCESSFUL",
            ),
            (
                Some(&returned),
                true,
                "version 2 should have stayed, and ended with ROLLBACK_SUCCESSFUL",
            ),
            (None, true, "version 2 should have stayed, and ended with nothing"),
        ] {
            assert_eq!(ended_as_it_should(outcome, 2, stays), Err(expected.to_owned()));
        }
    }
}
