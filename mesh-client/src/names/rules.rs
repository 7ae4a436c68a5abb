//! Which addresses may be connected to, and how many of them are kept.
//!
//! An answer of DNS is somebody else's word. If it led a service to the metadata service of its host, or to a port
//! of its own task, whoever can write a DNS record could speak with the service's credentials and past its sidecar.
//! No I/O.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// As many addresses of one name as are kept: the most instances that Cloud Map returns for a service are 1000
/// (`DiscoverInstances`, botocore `servicediscovery/2017-03-14`, read 2026-11-23), and a caller needs few of them.
pub(crate) const MAX_ADDRESSES: usize = 256;

/// Service Connect's virtual addresses: 127.255.0.0/16, as in the tests of ECS's own network plugin
/// (aws/amazon-vpc-cni-plugins, `plugins/ecs-serviceconnect`, read 2026-11-23), and 2600:f0f0:0:0:0:0::/96, whose length
/// is not documented: they are given out from 2600:f0f0::1 on.
pub(crate) fn is_service_connect(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => matches!(v4.octets(), [127, 255, ..]),
        IpAddr::V6(v6) => matches!(v6.segments(), [0x2600, 0xf0f0, 0, 0, 0, 0, ..]),
    }
}

/// What this task can and may connect to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Whether there is a way to IPv6 addresses of other hosts.
    pub(crate) ipv6: bool,
    /// Whether DNS may answer with addresses of this host.
    pub(crate) loopback_answers: bool,
}

impl Rules {
    /// Why an address that a DNS server answered with is never connected to; `None` if it may be.
    ///
    /// A loopback address is refused unless allowed: the ports of a task's own loopback are its sidecar's and its
    /// own, and none of them is another service. (The hosts file may say loopback: see [`Rules::refuses_listed`].)
    pub(crate) fn refuses_answered(&self, address: IpAddr) -> Option<&'static str> {
        if !self.loopback_answers && address.to_canonical().is_loopback() {
            return Some("an address of this host, where no other service is");
        }
        self.refuses_listed(address)
    }

    /// The same for an address from the hosts file, which belongs to the task and may say loopback: Service
    /// Connect's addresses are.
    pub(crate) fn refuses_listed(&self, address: IpAddr) -> Option<&'static str> {
        // An IPv4 address in the clothes of an IPv6 one is still the same address.
        match address.to_canonical() {
            IpAddr::V4(v4) => refuses_v4(v4),
            IpAddr::V6(v6) => refuses_v6(v6),
        }
    }

    /// True if the task has a way to addresses of this family.
    pub(crate) fn can_reach(&self, address: IpAddr) -> bool {
        self.ipv6 || address.to_canonical().is_ipv4() || address.is_loopback()
    }
}

fn refuses_v4(address: Ipv4Addr) -> Option<&'static str> {
    if address.octets()[0] == 0 {
        Some("no address: Linux takes it for this host")
    } else if address.is_link_local() {
        Some("link-local, where the metadata services of the host and the task are")
    } else if address.is_multicast() || address.octets()[0] >= 240 {
        Some("no single host's address")
    } else {
        None
    }
}

fn refuses_v6(address: Ipv6Addr) -> Option<&'static str> {
    /// Amazon's own services on every host: the metadata service is `fd00:ec2::254`, the resolver `fd00:ec2::253`
    /// (EC2 user guide, "Access instance metadata", read 2026-11-23).
    const OF_THE_HOST: [u16; 2] = [0xfd00, 0xec2];
    let segments = address.segments();
    if address.is_unspecified() {
        Some("no address: Linux takes it for this host")
    } else if address.is_unicast_link_local() || segments[..2] == OF_THE_HOST {
        Some("link-local, where the metadata services of the host and the task are")
    } else if address.is_multicast() {
        Some("no single host's address")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Rules = Rules {
        ipv6: true,
        loopback_answers: false,
    };

    fn address(text: &str) -> IpAddr {
        text.parse().expect("it is an address")
    }

    #[test]
    fn addresses_of_tasks_may_be_connected_to() {
        for text in [
            "10.0.0.1",
            "172.31.255.254",
            "192.168.0.1",
            "100.64.0.1",
            "8.8.8.8",
            "fd12::1",
            "2600:1f::1",
        ] {
            assert_eq!(USUAL.refuses_answered(address(text)), None, "{text}");
        }
    }

    #[test]
    fn link_local_and_unspecified_and_multicast_addresses_are_refused_wherever_they_come_from() {
        for text in [
            "169.254.169.254",
            "169.254.170.2",
            "fe80::1",
            "febf::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "224.0.0.1",
            "255.255.255.255",
            "ff02::1",
        ] {
            assert!(USUAL.refuses_answered(address(text)).is_some(), "{text}");
            assert!(USUAL.refuses_listed(address(text)).is_some(), "{text}");
        }
    }

    #[test]
    fn loopback_is_for_the_hosts_file_to_say_and_not_for_dns() {
        for text in ["127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1"] {
            assert!(USUAL.refuses_answered(address(text)).is_some(), "{text}");
            assert_eq!(USUAL.refuses_listed(address(text)), None, "{text}");
            let allowing = Rules {
                loopback_answers: true,
                ..USUAL
            };
            assert_eq!(allowing.refuses_answered(address(text)), None, "{text}");
        }
    }

    #[test]
    fn without_ipv6_only_ipv4_can_be_reached() {
        let v4_only = Rules { ipv6: false, ..USUAL };
        for (text, expected) in [
            ("10.0.0.1", true),
            ("::1", true),
            ("2600:f0f0::1", false),
            ("fd12::1", false),
        ] {
            assert_eq!(v4_only.can_reach(address(text)), expected, "{text}");
            assert!(USUAL.can_reach(address(text)), "{text}");
        }
    }

    #[test]
    fn service_connect_is_told_by_its_addresses() {
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
