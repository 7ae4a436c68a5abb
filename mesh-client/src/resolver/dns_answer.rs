//! DNS answers for both address families of a name. No I/O.
//!
//! A and AAAA records are queried separately. `NODATA` for one family says nothing about the other, and neither does
//! `NXDOMAIN`: some servers send it for AAAA instead of `NODATA`.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::address_policy::{AddressPolicy, MAX_ADDRESSES};
use super::resolve_error::{ResolveError, ResolveErrorKind};

/// The records of one address family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Records {
    /// May be empty.
    pub(crate) addresses: Vec<IpAddr>,
    /// The TTL in the zone.
    pub(crate) ttl: Duration,
}

/// The answer of one server for one address family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ServerAnswer {
    Addresses {
        addresses: Vec<IpAddr>,
        ttl: Duration,
    },
    /// `NODATA`.
    NoData {
        ttl: Duration,
    },
    /// `NXDOMAIN`.
    NxDomain {
        ttl: Duration,
    },
}

impl fmt::Display for ServerAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addresses { addresses, .. } => write!(f, "{} addresses", addresses.len()),
            Self::NoData { .. } => f.write_str("no such address (NODATA)"),
            Self::NxDomain { .. } => f.write_str("no such name (NXDOMAIN)"),
        }
    }
}

/// The answer for a name. A family is `None` if it was not queried, or no server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DnsAnswer {
    pub(crate) v4: Option<Records>,
    pub(crate) v6: Option<Records>,
    /// Whether the name exists, for a name without an address.
    exists: bool,
    attempts: Vec<String>,
}

impl DnsAnswer {
    /// Combines the answers for both families, without the addresses that `policy` rejects. `None` for a family: not queried,
    /// or no answer.
    ///
    /// # Errors
    ///
    /// There is no address and a family was not answered, or all addresses are rejected.
    pub(crate) fn new(
        v4: Option<ServerAnswer>,
        v6: Option<ServerAnswer>,
        attempts: Vec<String>,
        policy: AddressPolicy,
    ) -> Result<Self, ResolveError> {
        let complete = v4.is_some() && (v6.is_some() || !policy.ipv6);
        let exists = [&v4, &v6].iter().any(|answer| {
            matches!(
                answer,
                Some(ServerAnswer::Addresses { .. } | ServerAnswer::NoData { .. })
            )
        });
        let mut rejected = None;
        let mut records =
            |answer: Option<ServerAnswer>| answer.map(|answer| Records::new(answer, policy, &mut rejected));
        let answer = Self {
            v4: records(v4),
            v6: records(v6),
            exists,
            attempts,
        };
        let families = [&answer.v4, &answer.v6];
        if families
            .into_iter()
            .flatten()
            .any(|records| !records.addresses.is_empty())
        {
            return Ok(answer);
        }
        if let Some((address, reason)) = rejected {
            return Err(ResolveError {
                kind: ResolveErrorKind::Rejected { address, reason },
                attempts: answer.attempts,
            });
        }
        if complete {
            return Ok(answer);
        }
        Err(ResolveError::no_answer(answer.attempts))
    }

    /// The error for an answer without addresses.
    pub(crate) fn negative(&self) -> ResolveError {
        ResolveError {
            kind: if self.exists {
                ResolveErrorKind::NoAddress
            } else {
                ResolveErrorKind::NoSuchName
            },
            attempts: self.attempts.clone(),
        }
    }

    /// The TTL of an answer without addresses.
    pub(crate) fn negative_ttl(&self) -> Duration {
        let ttls = [&self.v4, &self.v6].into_iter().flatten().map(|records| records.ttl);
        ttls.min().unwrap_or_default()
    }
}

impl Records {
    fn new(answer: ServerAnswer, policy: AddressPolicy, rejected: &mut Option<(IpAddr, &'static str)>) -> Self {
        let (addresses, ttl) = match answer {
            ServerAnswer::Addresses { addresses, ttl } => (addresses, ttl),
            ServerAnswer::NoData { ttl } | ServerAnswer::NxDomain { ttl } => (Vec::new(), ttl),
        };
        let mut usable = Vec::new();
        for address in addresses {
            if let Some(reason) = policy.reject_dns_answer(address) {
                tracing::warn!(%address, reason, "rejected an address from DNS");
                rejected.get_or_insert((address, reason));
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

    const POLICY: AddressPolicy = AddressPolicy {
        ipv6: true,
        loopback_answers: false,
    };
    const TTL: Duration = Duration::from_secs(900);
    const NO_DATA: Option<ServerAnswer> = Some(ServerAnswer::NoData { ttl: TTL });
    const NX_DOMAIN: Option<ServerAnswer> = Some(ServerAnswer::NxDomain { ttl: TTL });

    fn addresses(list: &[&str]) -> Option<ServerAnswer> {
        Some(ServerAnswer::Addresses {
            addresses: list
                .iter()
                .map(|address| address.parse().expect("an address"))
                .collect(),
            ttl: TTL,
        })
    }

    /// The addresses, or the kind of error.
    fn combine(v4: Option<ServerAnswer>, v6: Option<ServerAnswer>, policy: AddressPolicy) -> String {
        match DnsAnswer::new(v4, v6, vec!["queried".to_owned()], policy) {
            Err(error) => format!("{:?}", error.kind),
            Ok(answer) => {
                let all: Vec<String> = [&answer.v4, &answer.v6]
                    .into_iter()
                    .flatten()
                    .flat_map(|records| records.addresses.iter().map(ToString::to_string))
                    .collect();
                if all.is_empty() {
                    assert_eq!(answer.negative_ttl(), TTL);
                    format!("{:?}", answer.negative().kind)
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
            (blue(), NO_DATA, "10.0.0.1"),
            // NXDOMAIN from a server that means NODATA.
            (blue(), NX_DOMAIN, "10.0.0.1"),
            (NO_DATA, addresses(&["fd12::1"]), "fd12::1"),
            (blue(), addresses(&["fd12::1"]), "10.0.0.1 fd12::1"),
            (NO_DATA, NX_DOMAIN, "NoAddress"),
            (NX_DOMAIN, NO_DATA, "NoAddress"),
            (NX_DOMAIN, NX_DOMAIN, "NoSuchName"),
        ] {
            assert_eq!(combine(v4.clone(), v6.clone(), POLICY), expected, "{v4:?} {v6:?}");
        }
    }

    #[test]
    fn an_answer_for_one_family_suffices_if_it_contains_an_address() {
        assert_eq!(combine(addresses(&["10.0.0.1"]), None, POLICY), "10.0.0.1");
        assert_eq!(combine(None, addresses(&["fd12::1"]), POLICY), "fd12::1");
        assert_eq!(combine(None, NO_DATA, POLICY), "NoAnswer");
        assert_eq!(combine(NX_DOMAIN, None, POLICY), "NoAnswer");
        let v4_only = AddressPolicy { ipv6: false, ..POLICY };
        assert_eq!(
            combine(NX_DOMAIN, None, v4_only),
            "NoSuchName",
            "the other family is not queried"
        );
    }

    #[test]
    fn addresses_of_the_host_are_rejected() {
        for rejected in ["169.254.169.254", "0.0.0.0", "127.0.0.1"] {
            let alone = combine(addresses(&[rejected]), NO_DATA, POLICY);
            assert!(
                alone.starts_with(&format!("Rejected {{ address: {rejected}")),
                "{alone}"
            );
            assert_eq!(combine(addresses(&[rejected, "10.0.0.1"]), NO_DATA, POLICY), "10.0.0.1");
        }
    }

    #[test]
    fn an_oversized_answer_is_truncated() {
        let many: Vec<String> = (0..5000).map(|n| format!("10.0.{}.{}", n / 256, n % 256)).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let kept = combine(addresses(&many), NO_DATA, POLICY);
        assert_eq!(kept.split(' ').count(), MAX_ADDRESSES);
    }
}
