//! What a hosts file says, name by name. No I/O.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::super::addresses::{Addresses, Origin};
use super::super::host_name::HostName;
use super::super::rules::{MAX_ADDRESSES, Rules, is_service_connect};

/// Where names lead, as far as this task can and may go there.
#[derive(Debug)]
pub(super) struct Table {
    names: HashMap<HostName, Listed>,
    service_connect: Option<IpAddr>,
}

#[derive(Debug)]
pub(super) enum Listed {
    Addresses(Arc<Addresses>),
    /// One of the addresses, all of which are of a family that this task has no way to.
    NoWayTo(IpAddr),
    Refused {
        address: IpAddr,
        why: &'static str,
    },
}

impl Table {
    /// Reads lines of an address and names, `#` beginning a comment. What is no such line is passed over, as the C
    /// library does.
    pub(super) fn parse(text: &str, rules: Rules) -> Self {
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
            .filter_map(|(name, list)| Some((name, Listed::new(&list, rules)?)))
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
    /// What `list` comes to; `None` if it is empty.
    fn new(list: &[IpAddr], rules: Rules) -> Option<Self> {
        let mut usable = Vec::new();
        let mut unusable = None;
        for address in list.iter().copied() {
            if let Some(why) = rules.refuses_listed(address) {
                unusable = Some(Self::Refused { address, why });
            } else if rules.can_reach(address) {
                usable.push(address);
            } else {
                unusable.get_or_insert(Self::NoWayTo(address));
            }
        }
        match Addresses::new(usable, Origin::Hosts) {
            Some(addresses) => Some(Self::Addresses(Arc::new(addresses))),
            None => unusable,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As ECS writes it, for a task without IPv6.
    const OF_SERVICE_CONNECT: &str = "\
127.0.0.1\tlocalhost
10.0.1.7 ip-10-0-1-7.eu-west-1.compute.internal
127.255.0.1 assets
2600:f0f0:0:0:0:0:0:1 assets
127.255.0.2 catalog.serviceconnect
2600:f0f0:0:0:0:0:0:2 catalog.serviceconnect
";

    fn listed(text: &str, ipv6: bool, name: &str) -> String {
        let rules = Rules {
            ipv6,
            loopback_answers: false,
        };
        let table = Table::parse(text, rules);
        match table.find(&HostName::parse(name).expect("a name")) {
            None => "nothing".to_owned(),
            Some(Listed::Addresses(addresses)) => {
                let list: Vec<String> = addresses.list().iter().map(ToString::to_string).collect();
                list.join(" ")
            }
            Some(Listed::NoWayTo(address)) => format!("no way to {address}"),
            Some(Listed::Refused { address, .. }) => format!("{address} is refused"),
        }
    }

    #[test]
    fn service_connect_s_ipv6_addresses_are_left_aside_where_the_task_has_no_ipv6() {
        assert_eq!(listed(OF_SERVICE_CONNECT, false, "assets"), "127.255.0.1");
        assert_eq!(listed(OF_SERVICE_CONNECT, true, "assets"), "127.255.0.1 2600:f0f0::1");
        assert_eq!(
            listed("2600:f0f0::3 ui", false, "ui"),
            "no way to 2600:f0f0::3",
            "which is not the same as no entry"
        );
        let rules = Rules {
            ipv6: false,
            loopback_answers: false,
        };
        let address = |text| Table::parse(text, rules).service_connect();
        assert_eq!(address(OF_SERVICE_CONNECT), "127.255.0.1".parse().ok());
        assert_eq!(
            address("127.255.0.1\n127.0.0.1 blue.appmesh"),
            None,
            "an address without a name is none"
        );
    }

    #[test]
    fn a_name_has_all_its_lines_and_a_line_all_its_names() {
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
    fn an_entry_that_leads_nowhere_is_an_answer_all_the_same() {
        assert_eq!(
            listed("0.0.0.0 ads.example", false, "ads.example"),
            "0.0.0.0 is refused"
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
        fn any_bytes_are_a_hosts_file(text in ".{0,200}") {
            Table::parse(&text, Rules { ipv6: true, loopback_answers: false });
        }
    }
}
