//! Stack parameters of the addresses that may reach load balancers, from networks on the command line.

use ipnet::IpNet;
use mesh_infra::LoadBalancer;

use crate::cli::aws_args::{ipv4_cidr, ipv6_cidr};

/// Networks that the templates cannot allow.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AllowedError {
    #[error(
        "no stack has the parameter {}, so no address can be allowed",
        LoadBalancer::ALLOWED_CIDR
    )]
    NoPublicEndpoint,
    #[error(
        "no load balancer of the app has IPv6 addresses, so {0} cannot be allowed; allow IPv4 addresses, or add \
         LoadBalancer::with_dual_stack"
    )]
    NoIpv6Endpoint(IpNet),
    #[error(
        "--allow-ip has {given} {family} blocks; the templates take at most {max}: use larger blocks, or put them into a \
         managed prefix list and set --parameter {}=pl-…",
        LoadBalancer::ALLOWED_PREFIX_LIST
    )]
    TooMany {
        family: &'static str,
        given: usize,
        max: usize,
    },
}

/// The values of all parameters that the templates declare for allowed addresses. Those without a network are empty, so
/// that no block stays allowed that the command line does not contain. A prefix list is not one of them: it is managed
/// elsewhere.
pub(super) fn parameters(
    networks: &[IpNet],
    is_declared: impl Fn(&str) -> bool,
) -> Result<Vec<(String, String)>, AllowedError> {
    let declared = |names: [&'static str; 3]| names.into_iter().filter(|name| is_declared(name)).collect::<Vec<_>>();
    let (ipv4, ipv6) = (
        declared(LoadBalancer::ALLOWED_CIDRS),
        declared(LoadBalancer::ALLOWED_IPV6_CIDRS),
    );
    if ipv4.is_empty() && ipv6.is_empty() {
        return Err(AllowedError::NoPublicEndpoint);
    }
    // EC2 rejects a rule that a group has twice.
    let mut distinct: Vec<IpNet> = Vec::new();
    for network in networks {
        if !distinct.contains(network) {
            distinct.push(*network);
        }
    }
    let (of_ipv4, of_ipv6): (Vec<IpNet>, Vec<IpNet>) =
        distinct.into_iter().partition(|network| network.addr().is_ipv4());
    if let (Some(first), []) = (of_ipv6.first(), ipv6.as_slice()) {
        return Err(AllowedError::NoIpv6Endpoint(*first));
    }
    let mut parameters = assign("IPv4", &ipv4, &of_ipv4)?;
    parameters.extend(assign("IPv6", &ipv6, &of_ipv6)?);
    Ok(parameters)
}

fn assign(
    family: &'static str,
    names: &[&'static str],
    networks: &[IpNet],
) -> Result<Vec<(String, String)>, AllowedError> {
    if networks.len() > names.len() {
        return Err(AllowedError::TooMany {
            family,
            given: networks.len(),
            max: names.len(),
        });
    }
    let values = networks.iter().map(IpNet::to_string);
    let values = values.chain(std::iter::repeat(String::new()));
    Ok(names.iter().map(|name| (*name).to_owned()).zip(values).collect())
}

/// Checks the value of a parameter, if it is one of an allowed network.
pub(super) fn check_parameter(name: &str, value: &str) -> Result<(), String> {
    if value.is_empty() {
        return Ok(());
    }
    if LoadBalancer::ALLOWED_CIDRS.contains(&name) {
        return ipv4_cidr(value).map(drop);
    }
    match LoadBalancer::ALLOWED_IPV6_CIDRS.contains(&name) {
        true => ipv6_cidr(value).map(drop),
        false => Ok(()),
    }
}

/// The parameters that open load balancers to every address, from those that `value_of` returns.
pub(super) fn open_to_all<'a>(value_of: impl Fn(&str) -> Option<&'a str>) -> Vec<&'static str> {
    let names = LoadBalancer::ALLOWED_CIDRS.into_iter();
    let names = names.chain(LoadBalancer::ALLOWED_IPV6_CIDRS);
    names
        .filter(|name| value_of(name).is_some_and(|network| network.ends_with("/0")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assigned(networks: &[&str], declared: &[&str]) -> Result<Vec<(String, String)>, AllowedError> {
        let networks: Vec<IpNet> = networks
            .iter()
            .map(|network| network.parse().expect("a CIDR block"))
            .collect();
        parameters(&networks, |name| declared.contains(&name))
    }

    const IPV4: [&str; 3] = LoadBalancer::ALLOWED_CIDRS;

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn networks_replace_all_that_were_allowed() {
        assert_eq!(
            assigned(&["198.51.100.0/24"], &IPV4).unwrap(),
            owned(&[
                ("AllowedCidr", "198.51.100.0/24"),
                ("AllowedCidr2", ""),
                ("AllowedCidr3", "")
            ])
        );
        let both = [IPV4, LoadBalancer::ALLOWED_IPV6_CIDRS].concat();
        assert_eq!(
            assigned(&["2001:db8::/56", "10.0.0.0/8", "203.0.113.7/32", "10.0.0.0/8"], &both).unwrap(),
            owned(&[
                ("AllowedCidr", "10.0.0.0/8"),
                ("AllowedCidr2", "203.0.113.7/32"),
                ("AllowedCidr3", ""),
                ("AllowedIpv6Cidr", "2001:db8::/56"),
                ("AllowedIpv6Cidr2", ""),
                ("AllowedIpv6Cidr3", "")
            ])
        );
        // A template of an earlier version.
        assert_eq!(
            assigned(&["10.0.0.0/8"], &["AllowedCidr"]).unwrap(),
            owned(&[("AllowedCidr", "10.0.0.0/8")])
        );
    }

    #[test]
    fn networks_that_cannot_be_allowed_are_errors() {
        let four = ["10.0.0.0/32", "10.0.0.1/32", "10.0.0.2/32", "10.0.0.3/32"];
        for (networks, declared, expected) in [
            (
                &four[..1],
                &[][..],
                "no stack has the parameter AllowedCidr, so no address can be allowed",
            ),
            (
                &["2001:db8::/56"],
                &IPV4,
                "no load balancer of the app has IPv6 addresses, so 2001:db8::/56 cannot be allowed; allow IPv4 addresses, \
                 or add LoadBalancer::with_dual_stack",
            ),
            (
                &four,
                &IPV4,
                "--allow-ip has 4 IPv4 blocks; the templates take at most 3: use larger blocks, or put them into a managed \
                 prefix list and set --parameter AllowedPrefixList=pl-…",
            ),
        ] {
            assert_eq!(assigned(networks, declared).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn every_open_parameter_is_found() {
        let values = [
            ("AllowedCidr", "10.0.0.0/8"),
            ("AllowedCidr3", "0.0.0.0/0"),
            ("AllowedIpv6Cidr", "::/0"),
        ];
        let value_of = |name: &str| values.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
        assert_eq!(open_to_all(value_of), ["AllowedCidr3", "AllowedIpv6Cidr"]);
    }
}
