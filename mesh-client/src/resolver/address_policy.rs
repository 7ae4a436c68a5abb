//! Addresses that are never connected to, and the limit of addresses per name.
//!
//! DNS is not trusted: with a record for the metadata service of the host or for a port of the task itself, an attacker who can
//! write DNS records could use the service's credentials and bypass its sidecar. No I/O.

use std::net::IpAddr;

use sidecar_contract::endpoint_address;

/// The most addresses of one name: Cloud Map returns up to 1000 instances of a service (`DiscoverInstances`, botocore
/// `servicediscovery/2017-03-14`, read 2026-11-23), and a caller needs few of them.
pub(crate) const MAX_ADDRESSES: usize = 256;

/// Service Connect's virtual addresses: 127.255.0.0/16, as in the tests of ECS's own network plugin
/// (aws/amazon-vpc-cni-plugins, `plugins/ecs-serviceconnect`, read 2026-11-23), and 2600:f0f0:0:0:0:0::/96, whose length
/// is not documented: they are allocated from 2600:f0f0::1 on.
pub(crate) fn is_service_connect(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => matches!(v4.octets(), [127, 255, ..]),
        IpAddr::V6(v6) => matches!(v6.segments(), [0x2600, 0xf0f0, 0, 0, 0, 0, ..]),
    }
}

/// The addresses that this task can and may connect to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AddressPolicy {
    /// Whether there is a route to IPv6 addresses of other hosts.
    pub(crate) ipv6: bool,
    /// Whether loopback addresses from DNS are allowed.
    pub(crate) loopback_answers: bool,
}

impl AddressPolicy {
    /// The reason to reject an address from DNS, as in "it is …"; `None` if it is allowed.
    ///
    /// Loopback addresses are rejected unless allowed: only the task itself and its sidecar listen on its loopback. Those in
    /// the hosts file are allowed: see [`AddressPolicy::reject_hosts_entry`].
    pub(crate) fn reject_dns_answer(&self, address: IpAddr) -> Option<&'static str> {
        if !self.loopback_answers && endpoint_address::is_loopback(address) {
            return Some("an address of this host, not of another service");
        }
        self.reject_hosts_entry(address)
    }

    /// The same for an address from the hosts file, which is trusted and may contain loopback addresses, such as Service
    /// Connect's.
    pub(crate) fn reject_hosts_entry(&self, address: IpAddr) -> Option<&'static str> {
        endpoint_address::unusable(address)
    }

    /// True if the task has a route to addresses of this family.
    pub(crate) fn can_reach(&self, address: IpAddr) -> bool {
        self.ipv6 || address.to_canonical().is_ipv4() || address.is_loopback()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: AddressPolicy = AddressPolicy {
        ipv6: true,
        loopback_answers: false,
    };

    fn address(text: &str) -> IpAddr {
        text.parse().expect("it is an address")
    }

    #[test]
    fn addresses_of_tasks_are_allowed() {
        for text in [
            "10.0.0.1",
            "172.31.255.254",
            "192.168.0.1",
            "100.64.0.1",
            "8.8.8.8",
            "fd12::1",
            "2600:1f::1",
        ] {
            assert_eq!(DEFAULT.reject_dns_answer(address(text)), None, "{text}");
        }
    }

    #[test]
    fn link_local_unspecified_and_multicast_addresses_are_rejected_from_any_source() {
        for text in [
            "169.254.169.254",
            "169.254.170.2",
            "fe80::1",
            "febf::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::1",
            "::169.254.169.254",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "224.0.0.1",
            "255.255.255.255",
            "ff02::1",
        ] {
            assert!(DEFAULT.reject_dns_answer(address(text)).is_some(), "{text}");
            assert!(DEFAULT.reject_hosts_entry(address(text)).is_some(), "{text}");
        }
    }

    #[test]
    fn loopback_is_allowed_in_the_hosts_file_and_not_in_dns() {
        for text in ["127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1"] {
            assert!(DEFAULT.reject_dns_answer(address(text)).is_some(), "{text}");
            assert_eq!(DEFAULT.reject_hosts_entry(address(text)), None, "{text}");
            let allowing = AddressPolicy {
                loopback_answers: true,
                ..DEFAULT
            };
            assert_eq!(allowing.reject_dns_answer(address(text)), None, "{text}");
        }
    }

    #[test]
    fn without_ipv6_only_ipv4_can_be_reached() {
        let v4_only = AddressPolicy { ipv6: false, ..DEFAULT };
        for (text, expected) in [
            ("10.0.0.1", true),
            ("::1", true),
            ("2600:f0f0::1", false),
            ("fd12::1", false),
        ] {
            assert_eq!(v4_only.can_reach(address(text)), expected, "{text}");
            assert!(DEFAULT.can_reach(address(text)), "{text}");
        }
    }

    #[test]
    fn service_connect_is_recognised_by_its_addresses() {
        for (text, expected) in [
            ("127.255.0.1", true),
            ("127.255.255.1", true),
            ("2600:f0f0:0:0:0:0:0:1", true),
            ("2600:f0f0:1::1", false),
            ("127.0.0.1", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(is_service_connect(address(text)), expected, "{text}");
        }
    }
}
