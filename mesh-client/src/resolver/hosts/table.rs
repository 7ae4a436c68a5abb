//! Parses a hosts file. No I/O.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::super::address_policy::{AddressPolicy, MAX_ADDRESSES, is_service_connect};
use super::super::addresses::{Addresses, Origin};
use super::super::host_name::HostName;

/// The usable addresses by name.
#[derive(Debug)]
pub(super) struct Table {
    names: HashMap<HostName, Listed>,
    service_connect: Option<IpAddr>,
}

#[derive(Debug)]
pub(super) enum Listed {
    Addresses(Arc<Addresses>),
    /// One of the addresses, which are all IPv6; this task has no IPv6 route.
    NoIpv6Route(IpAddr),
    Rejected {
        address: IpAddr,
        reason: &'static str,
    },
}

impl Table {
    /// Parses lines of an address and names; `#` starts a comment. Malformed lines are ignored, as by the C library.
    pub(super) fn parse(text: &str, policy: AddressPolicy) -> Self {
        let mut lists: HashMap<HostName, Vec<IpAddr>> = HashMap::new();
        let mut service_connect = None;
        for line in text.lines() {
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            let Some(address) = words.next().and_then(|word| word.parse().ok()) else {
                continue;
            };
            for name in words.filter_map(|word| HostName::parse(word).ok()) {
                if is_service_connect(address) {
                    service_connect.get_or_insert(address);
                }
                let list = lists.entry(name).or_default();
                if list.len() < MAX_ADDRESSES && !list.contains(&address) {
                    list.push(address);
                }
            }
        }
        let names = lists
            .into_iter()
            .filter_map(|(name, list)| Some((name, Listed::new(&list, policy)?)))
            .collect();
        Self { names, service_connect }
    }

    pub(super) fn find(&self, name: &HostName) -> Option<&Listed> {
        self.names.get(name)
    }

    pub(super) fn service_connect(&self) -> Option<IpAddr> {
        self.service_connect
    }
}

impl Listed {
    /// Filters the addresses of a name; `None` for an empty list.
    fn new(list: &[IpAddr], policy: AddressPolicy) -> Option<Self> {
        let mut usable = Vec::new();
        let mut unusable = None;
        for address in list.iter().copied() {
            if let Some(reason) = policy.reject_hosts_entry(address) {
                unusable = Some(Self::Rejected { address, reason });
            } else if policy.can_reach(address) {
                usable.push(address);
            } else {
                unusable.get_or_insert(Self::NoIpv6Route(address));
            }
        }
        match Addresses::new(usable, Origin::HostsFile) {
            Some(addresses) => Some(Self::Addresses(Arc::new(addresses))),
            None => unusable,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A hosts file of ECS, for a task without IPv6.
    const SERVICE_CONNECT: &str = "\
127.0.0.1\tlocalhost
10.0.1.7 ip-10-0-1-7.eu-west-1.compute.internal
127.255.0.1 assets
2600:f0f0:0:0:0:0:0:1 assets
127.255.0.2 catalog.serviceconnect
2600:f0f0:0:0:0:0:0:2 catalog.serviceconnect
";

    fn listed(text: &str, ipv6: bool, name: &str) -> String {
        let policy = AddressPolicy {
            ipv6,
            loopback_answers: false,
        };
        let table = Table::parse(text, policy);
        match table.find(&HostName::parse(name).expect("a name")) {
            None => "nothing".to_owned(),
            Some(Listed::Addresses(addresses)) => {
                let list: Vec<String> = addresses.list().iter().map(ToString::to_string).collect();
                list.join(" ")
            }
            Some(Listed::NoIpv6Route(address)) => format!("no route to {address}"),
            Some(Listed::Rejected { address, .. }) => format!("{address} is rejected"),
        }
    }

    #[test]
    fn service_connect_s_ipv6_addresses_are_ignored_without_an_ipv6_route() {
        assert_eq!(listed(SERVICE_CONNECT, false, "assets"), "127.255.0.1");
        assert_eq!(listed(SERVICE_CONNECT, true, "assets"), "127.255.0.1 2600:f0f0::1");
        assert_eq!(
            listed("2600:f0f0::3 ui", false, "ui"),
            "no route to 2600:f0f0::3",
            "in contrast to no entry"
        );
        let policy = AddressPolicy {
            ipv6: false,
            loopback_answers: false,
        };
        let address = |text| Table::parse(text, policy).service_connect();
        assert_eq!(address(SERVICE_CONNECT), "127.255.0.1".parse().ok());
        assert_eq!(
            address("127.255.0.1\n127.0.0.1 blue.appmesh"),
            None,
            "an address without a name is ignored"
        );
    }

    #[test]
    fn names_may_have_several_lines_and_lines_several_names() {
        let text = "10.0.0.1 Blue.AppMesh. green.appmesh # red.appmesh\n\n#10.0.0.9 blue.appmesh\n\
                    10.0.0.2\tblue.appmesh\r\n10.0.0.1 blue.appmesh\nnonsense blue.appmesh\nfe80::1%lo0 blue.appmesh";
        for (name, expected) in [
            ("blue.appmesh", "10.0.0.1 10.0.0.2"),
            ("green.appmesh", "10.0.0.1"),
            ("red.appmesh", "nothing"),
            ("appmesh", "nothing"),
        ] {
            assert_eq!(listed(text, false, name), expected, "{name}");
        }
    }

    #[test]
    fn an_entry_with_only_rejected_addresses_is_an_error() {
        assert_eq!(
            listed("0.0.0.0 ads.example", false, "ads.example"),
            "0.0.0.0 is rejected"
        );
        assert_eq!(
            listed(
                "169.254.169.254 blue.appmesh\n10.0.0.1 blue.appmesh",
                false,
                "blue.appmesh"
            ),
            "10.0.0.1"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_parsed(text in ".{0,200}") {
            Table::parse(&text, AddressPolicy { ipv6: true, loopback_answers: false });
        }
    }
}
