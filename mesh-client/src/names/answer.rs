//! What DNS said about a name: both families together. No I/O.
//!
//! A name has IPv4 addresses (A), IPv6 addresses (AAAA), both or neither, and each is asked for by itself. That there
//! is none of one family (`NODATA`) says nothing of the other, and neither does `NXDOMAIN` from the servers that say
//! so for AAAA where they mean `NODATA`.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::failure::{Failure, Why};
use super::rules::{MAX_ADDRESSES, Rules};

/// What was said about one family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Records {
    /// Empty if there is none.
    pub(crate) addresses: Vec<IpAddr>,
    /// How long this may be remembered, as the zone has it.
    pub(crate) ttl: Duration,
}

/// What one server said about one family, in one word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Addresses {
        addresses: Vec<IpAddr>,
        ttl: Duration,
    },
    /// `NODATA`.
    NoAddress {
        ttl: Duration,
    },
    /// `NXDOMAIN`.
    NoSuchName {
        ttl: Duration,
    },
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addresses { addresses, .. } => write!(f, "{} addresses", addresses.len()),
            Self::NoAddress { .. } => f.write_str("no such address (NODATA)"),
            Self::NoSuchName { .. } => f.write_str("no such name (NXDOMAIN)"),
        }
    }
}

/// What was said about a name. A family is `None` if it was not asked for, or nobody answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) v4: Option<Records>,
    pub(crate) v6: Option<Records>,
    /// Whether the name exists, if it has no address.
    exists: bool,
    tried: Vec<String>,
}

impl Answer {
    /// Puts together what was said of both families, without the addresses that this task cannot or may not connect
    /// to. `None` for a family is no word about it.
    ///
    /// # Errors
    ///
    /// If there is no address and not all that was asked was answered; or if there are addresses, but none to
    /// connect to.
    pub(crate) fn new(v4: Option<Said>, v6: Option<Said>, tried: Vec<String>, rules: Rules) -> Result<Self, Failure> {
        let complete = v4.is_some() && (v6.is_some() || !rules.ipv6);
        let exists = [&v4, &v6]
            .iter()
            .any(|said| matches!(said, Some(Said::Addresses { .. } | Said::NoAddress { .. })));
        let mut refused = None;
        let mut records = |said: Option<Said>| said.map(|said| Records::new(said, rules, &mut refused));
        let answer = Self {
            v4: records(v4),
            v6: records(v6),
            exists,
            tried,
        };
        let families = [&answer.v4, &answer.v6];
        if families
            .into_iter()
            .flatten()
            .any(|records| !records.addresses.is_empty())
        {
            return Ok(answer);
        }
        if let Some((address, why)) = refused {
            return Err(Failure {
                why: Why::Refused { address, why },
                tried: answer.tried,
            });
        }
        if complete {
            return Ok(answer);
        }
        Err(Failure {
            why: Why::NoAnswer,
            tried: answer.tried,
        })
    }

    /// Why there is no address, if there is none.
    pub(crate) fn absence(&self) -> Failure {
        Failure {
            why: if self.exists { Why::NoAddress } else { Why::NoSuchName },
            tried: self.tried.clone(),
        }
    }

    /// How long it may be remembered that there is no address.
    pub(crate) fn absent_for(&self) -> Duration {
        let ttls = [&self.v4, &self.v6].into_iter().flatten().map(|records| records.ttl);
        ttls.min().unwrap_or_default()
    }
}

impl Records {
    fn new(said: Said, rules: Rules, refused: &mut Option<(IpAddr, &'static str)>) -> Self {
        let (addresses, ttl) = match said {
            Said::Addresses { addresses, ttl } => (addresses, ttl),
            Said::NoAddress { ttl } | Said::NoSuchName { ttl } => (Vec::new(), ttl),
        };
        let mut usable = Vec::new();
        for address in addresses {
            if let Some(why) = rules.refuses_answered(address) {
                tracing::warn!(%address, why, "DNS answered with an address that is never connected to");
                refused.get_or_insert((address, why));
            } else if usable.len() < MAX_ADDRESSES && !usable.contains(&address) {
                usable.push(address);
            }
        }
        Self { addresses: usable, ttl }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        ipv6: true,
        loopback_answers: false,
    };
    const TTL: Duration = Duration::from_secs(900);
    const NO_ADDRESS: Option<Said> = Some(Said::NoAddress { ttl: TTL });
    const NO_SUCH_NAME: Option<Said> = Some(Said::NoSuchName { ttl: TTL });

    fn addresses(list: &[&str]) -> Option<Said> {
        Some(Said::Addresses {
            addresses: list
                .iter()
                .map(|address| address.parse().expect("an address"))
                .collect(),
            ttl: TTL,
        })
    }

    /// The addresses, or why there is none.
    fn told(v4: Option<Said>, v6: Option<Said>, rules: Rules) -> String {
        match Answer::new(v4, v6, vec!["asked".to_owned()], rules) {
            Err(failure) => format!("{:?}", failure.why),
            Ok(answer) => {
                let all: Vec<String> = [&answer.v4, &answer.v6]
                    .into_iter()
                    .flatten()
                    .flat_map(|records| records.addresses.iter().map(ToString::to_string))
                    .collect();
                if all.is_empty() {
                    assert_eq!(answer.absent_for(), TTL);
                    format!("{:?}", answer.absence().why)
                } else {
                    all.join(" ")
                }
            }
        }
    }

    #[test]
    fn nodata_is_not_nxdomain() {
        let blue = || addresses(&["10.0.0.1"]);
        for (v4, v6, expected) in [
            (blue(), NO_ADDRESS, "10.0.0.1"),
            // As servers say that mean NODATA.
            (blue(), NO_SUCH_NAME, "10.0.0.1"),
            (NO_ADDRESS, addresses(&["fd12::1"]), "fd12::1"),
            (blue(), addresses(&["fd12::1"]), "10.0.0.1 fd12::1"),
            (NO_ADDRESS, NO_SUCH_NAME, "NoAddress"),
            (NO_SUCH_NAME, NO_ADDRESS, "NoAddress"),
            (NO_SUCH_NAME, NO_SUCH_NAME, "NoSuchName"),
        ] {
            assert_eq!(told(v4.clone(), v6.clone(), RULES), expected, "{v4:?} {v6:?}");
        }
    }

    #[test]
    fn half_an_answer_is_one_if_it_holds_an_address() {
        assert_eq!(told(addresses(&["10.0.0.1"]), None, RULES), "10.0.0.1");
        assert_eq!(told(None, addresses(&["fd12::1"]), RULES), "fd12::1");
        assert_eq!(told(None, NO_ADDRESS, RULES), "NoAnswer");
        assert_eq!(told(NO_SUCH_NAME, None, RULES), "NoAnswer");
        let v4_only = Rules { ipv6: false, ..RULES };
        assert_eq!(
            told(NO_SUCH_NAME, None, v4_only),
            "NoSuchName",
            "it was not asked for the other"
        );
    }

    #[test]
    fn a_dns_answer_that_points_at_link_local_is_refused() {
        for refused in ["169.254.169.254", "0.0.0.0", "127.0.0.1"] {
            let told_alone = told(addresses(&[refused]), NO_ADDRESS, RULES);
            assert!(
                told_alone.starts_with(&format!("Refused {{ address: {refused}")),
                "{told_alone}"
            );
            assert_eq!(told(addresses(&[refused, "10.0.0.1"]), NO_ADDRESS, RULES), "10.0.0.1");
        }
    }

    #[test]
    fn an_oversized_answer_is_cut() {
        let many: Vec<String> = (0..5000).map(|n| format!("10.0.{}.{}", n / 256, n % 256)).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let kept = told(addresses(&many), NO_ADDRESS, RULES);
        assert_eq!(kept.split(' ').count(), MAX_ADDRESSES);
    }
}
