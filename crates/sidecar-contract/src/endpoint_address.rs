//! Addresses that no task can have.
//!
//! An endpoint at the metadata service of a host would hand its credentials to every caller, so `mesh-client` rejects
//! such an address from DNS and hosts files, and the control plane from Cloud Map. Envoy's own DNS resolver checks
//! nothing: a virtual node with a DNS host name that Cloud Map does not have reaches whatever the name resolves to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address that a connection to `address` ends at: an IPv4 address that an IPv6 address embeds, or the address
/// itself.
///
/// Forms: IPv4-mapped (`::ffff:0:0/96`), IPv4-compatible (`::/96`, RFC 4291), NAT64 (`64:ff9b::/96`, RFC 6052, and
/// `64:ff9b:1::/48`, RFC 8215, with the IPv4 address in the last 32 bits), 6to4 (`2002::/16`, RFC 3056).
#[must_use]
pub fn canonical(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    embedded_ipv4(v6).map_or(address, IpAddr::V4)
}

fn embedded_ipv4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let ipv4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        // Unspecified and loopback are addresses of their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [0x2002, high, low, ..] => Some(ipv4(high, low)),
        _ => None,
    }
}

/// Why no task can have this address, as in "it is …"; `None` if one can. Loopback addresses are not judged: see
/// [`is_loopback`].
#[must_use]
pub fn unusable(address: IpAddr) -> Option<&'static str> {
    match canonical(address) {
        IpAddr::V4(v4) => unusable_v4(v4),
        IpAddr::V6(v6) => unusable_v6(v6),
    }
}

/// Whether a connection to `address` ends on the same host.
#[must_use]
pub fn is_loopback(address: IpAddr) -> bool {
    canonical(address).is_loopback()
}

fn unusable_v4(address: Ipv4Addr) -> Option<&'static str> {
    if address.octets()[0] == 0 {
        Some("unspecified: Linux treats it as this host")
    } else if address.is_link_local() {
        Some("link-local, where the metadata services of the host and the task are")
    } else if address.is_multicast() || address.octets()[0] >= 240 {
        Some("not a unicast address")
    } else {
        None
    }
}

fn unusable_v6(address: Ipv6Addr) -> Option<&'static str> {
    /// Amazon's services on every host: the metadata service is `fd00:ec2::254`, the resolver `fd00:ec2::253`
    /// (EC2 user guide, "Access instance metadata", read 2026-11-23).
    const OF_THE_HOST: [u16; 2] = [0xfd00, 0xec2];
    if address.is_unspecified() {
        Some("unspecified: Linux treats it as this host")
    } else if address.is_unicast_link_local() || address.segments()[..2] == OF_THE_HOST {
        Some("link-local, where the metadata services of the host and the task are")
    } else if address.is_multicast() {
        Some("not a unicast address")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn addresses_of_tasks_are_usable() {
        for text in [
            "10.0.0.1",
            "100.64.0.1",
            "8.8.8.8",
            "fd12::1",
            "2600:1f::1",
            "64:ff9b::10.0.0.1",
            "2002:a00:1::1",
            "::10.0.0.1",
        ] {
            assert_eq!(unusable(address(text)), None, "{text}");
            assert!(!is_loopback(address(text)), "{text}");
        }
    }

    #[test]
    fn an_embedded_ipv4_address_decides() {
        for text in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::169.254.169.254",
            "64:ff9b:1:fffe:1:2:169.254.170.2",
            "2002:a9fe:a9fe::1",
            "64:ff9b::224.0.0.1",
            "64:ff9b::0.0.0.0",
            "fe80::1",
            "fd00:ec2::254",
            "::",
            "0.1.2.3",
            "255.255.255.255",
            "ff02::1",
        ] {
            assert!(unusable(address(text)).is_some(), "{text}");
        }
        for text in [
            "127.0.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "2002:7f00:1::",
            "::127.0.0.1",
        ] {
            assert!(is_loopback(address(text)), "{text}");
        }
    }
}
