//! Addresses that endpoints from Cloud Map may have.

use std::net::IpAddr;

use ipnet::IpNet;
use sidecar_contract::endpoint_address;

/// The addresses that endpoints may have. Default: all but those that no task can have, see
/// [`sidecar_contract::endpoint_address`], and loopback.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointPolicy {
    networks: Vec<IpNet>,
}

impl EndpointPolicy {
    /// Only addresses within these networks, such as those of a VPC. A loopback network has to be given to be used.
    #[must_use]
    pub fn within(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self {
            networks: networks.into_iter().collect(),
        }
    }

    /// Why an endpoint may not have this address, as in "it is …".
    pub(crate) fn reject(&self, address: IpAddr) -> Option<&'static str> {
        let is_listed = |address: IpAddr| self.networks.iter().any(|network| network.contains(&address));
        if let Some(reason) = endpoint_address::unusable(address) {
            return Some(reason);
        }
        // A network of IPv4 addresses includes their IPv6 forms.
        if is_listed(address) || is_listed(endpoint_address::canonical(address)) {
            return None;
        }
        if endpoint_address::is_loopback(address) {
            return Some("a loopback address, of the caller itself");
        }
        (!self.networks.is_empty()).then_some("outside of the networks for endpoints")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reject(networks: &[&str], address: &str) -> Option<&'static str> {
        let networks = networks.iter().map(|network| network.parse().expect("a network"));
        EndpointPolicy::within(networks).reject(address.parse().expect("an address"))
    }

    #[test]
    fn without_networks_only_impossible_addresses_are_rejected() {
        assert_eq!(reject(&[], "10.0.0.1"), None);
        assert_eq!(
            reject(&[], "127.0.0.1"),
            Some("a loopback address, of the caller itself")
        );
        assert_eq!(
            reject(&[], "64:ff9b::127.0.0.1"),
            Some("a loopback address, of the caller itself")
        );
        assert!(reject(&[], "169.254.170.2").is_some());
    }

    #[test]
    fn networks_limit_addresses_and_allow_loopback_but_never_the_metadata_service() {
        let networks = ["10.0.0.0/16", "fd12::/16", "127.0.0.0/8"];
        for address in ["10.0.3.4", "fd12::1", "127.0.0.2", "::ffff:10.0.0.1"] {
            assert_eq!(reject(&networks, address), None, "{address}");
        }
        for address in ["10.1.0.1", "192.0.2.1", "fd13::1"] {
            assert_eq!(
                reject(&networks, address),
                Some("outside of the networks for endpoints"),
                "{address}"
            );
        }
        let everything = ["0.0.0.0/0", "::/0"];
        for address in [
            "169.254.169.254",
            "fd00:ec2::254",
            "64:ff9b::169.254.169.254",
            "0.0.0.0",
            "224.0.0.1",
        ] {
            assert!(reject(&everything, address).is_some(), "{address}");
        }
    }
}
