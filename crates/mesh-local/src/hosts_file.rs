//! The format of `/etc/hosts`.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// The addresses of each name in a hosts file, in its order. Names are in lower case; lines without an address are left
/// out, as the C library does.
#[must_use]
pub fn parse_hosts_file(text: &str) -> BTreeMap<String, Vec<IpAddr>> {
    let mut hosts: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let Some(address) = words.next().and_then(|word| word.parse().ok()) else {
            continue;
        };
        for name in words {
            hosts.entry(name.to_ascii_lowercase()).or_default().push(address);
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_all_of_their_addresses() {
        let hosts =
            parse_hosts_file("127.0.0.1 localhost # own\n# 10.0.0.1 not\n::1 Localhost vm\nfe80::1%eth0 no\n\n");
        let addresses = |all: &[&str]| {
            all.iter()
                .map(|one| one.parse().expect("an address"))
                .collect::<Vec<IpAddr>>()
        };
        assert_eq!(hosts["localhost"], addresses(&["127.0.0.1", "::1"]));
        assert_eq!(hosts["vm"], addresses(&["::1"]));
        assert_eq!(hosts.len(), 2);
    }
}
