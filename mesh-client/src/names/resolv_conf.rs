//! Which DNS servers a task asks: what `/etc/resolv.conf` says.
//!
//! Only what concerns an absolute name is read. `search`, `domain` and `ndots` are left aside on purpose: a name of
//! the mesh is whole, and a search list would ask for `blue.appmesh.eu-west-1.compute.internal` as well. No I/O.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Where DNS servers listen.
const PORT: u16 = 53;
/// As many as the C library asks (`MAXNS`, resolv.conf(5), read 2026-11-23).
const MAX_SERVERS: usize = 3;
/// How long one question waits for one server. The C library waits five seconds, which is most of a call's time; a
/// server in the same VPC answers within milliseconds.
const TIMEOUT: Duration = Duration::from_secs(2);
const LONGEST_TIMEOUT: u64 = 5;
/// How often each server is asked, as by the C library.
const ATTEMPTS: usize = 2;
const MOST_ATTEMPTS: usize = 5;

/// The servers to ask, in order, and how patiently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResolvConf {
    pub(crate) servers: Vec<SocketAddr>,
    /// For one question to one server. Two seconds, unless `options timeout:` says from one to five.
    pub(crate) timeout: Duration,
    /// Rounds through all servers. Two, unless `options attempts:` says from one to five.
    pub(crate) attempts: usize,
    /// Begin with another server each time: `options rotate`.
    pub(crate) rotate: bool,
}

impl ResolvConf {
    /// These servers, with the defaults for all else.
    pub(crate) fn of(servers: Vec<SocketAddr>) -> Self {
        Self {
            servers,
            timeout: TIMEOUT,
            attempts: ATTEMPTS,
            rotate: false,
        }
    }

    /// What the text of a file says. Lines that mean nothing here are passed over, as the C library does; without a
    /// `nameserver` there is none, where the C library would try this host.
    pub(crate) fn parse(text: &str) -> Self {
        let mut conf = Self::of(Vec::new());
        for line in text.lines() {
            let line = line.split(['#', ';']).next().unwrap_or_default();
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let server: Option<IpAddr> = words.next().and_then(|word| word.parse().ok());
                    conf.servers.extend(server.map(|ip| SocketAddr::new(ip, PORT)));
                }
                Some("options") => words.for_each(|option| conf.set(option)),
                _ => {}
            }
        }
        conf.servers.truncate(MAX_SERVERS);
        conf
    }

    fn set(&mut self, option: &str) {
        let (name, value) = option.split_once(':').unwrap_or((option, ""));
        match (name, value.parse::<u64>()) {
            ("rotate", _) => self.rotate = true,
            ("timeout", Ok(seconds)) => self.timeout = Duration::from_secs(seconds.clamp(1, LONGEST_TIMEOUT)),
            ("attempts", Ok(times)) => {
                self.attempts = usize::try_from(times).map_or(MOST_ATTEMPTS, |times| times.clamp(1, MOST_ATTEMPTS));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conf(servers: &[&str], timeout: u64, attempts: usize, rotate: bool) -> ResolvConf {
        ResolvConf {
            servers: servers
                .iter()
                .map(|server| server.parse().expect("an address"))
                .collect(),
            timeout: Duration::from_secs(timeout),
            attempts,
            rotate,
        }
    }

    #[test]
    fn the_servers_are_read_and_the_search_list_is_not() {
        let of_a_task = "# written by the agent\nsearch eu-west-1.compute.internal\nnameserver 10.0.0.2\n";
        assert_eq!(ResolvConf::parse(of_a_task), conf(&["10.0.0.2:53"], 2, 2, false));
        let many = "nameserver 10.0.0.2 # first\n\tnameserver\tfd00:ec2::253\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n\
                    options ndots:5 timeout:1 attempts:3 rotate edns0\n";
        let expected = conf(&["10.0.0.2:53", "[fd00:ec2::253]:53", "10.0.0.3:53"], 1, 3, true);
        assert_eq!(ResolvConf::parse(many), expected);
    }

    #[test]
    fn a_file_that_names_no_server_leads_to_none_and_never_to_a_public_one() {
        for text in [
            "",
            "search example.com",
            "nameserver",
            "nameserver dns.google",
            ";nameserver 10.0.0.2",
            "\0\u{fffd}",
        ] {
            assert_eq!(ResolvConf::parse(text), conf(&[], 2, 2, false), "{text:?}");
        }
    }

    #[test]
    fn patience_has_bounds() {
        for (options, timeout, attempts) in [
            ("timeout:0 attempts:0", 1, 1),
            ("timeout:30 attempts:100", 5, 5),
            ("timeout:99999999999999999999 attempts:x", 2, 2),
            ("timeout attempts", 2, 2),
        ] {
            let text = format!("nameserver 10.0.0.2\noptions {options}");
            assert_eq!(
                ResolvConf::parse(&text),
                conf(&["10.0.0.2:53"], timeout, attempts, false)
            );
        }
    }
}
