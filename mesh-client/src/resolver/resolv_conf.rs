//! Parses `/etc/resolv.conf`. No I/O.
//!
//! `search`, `domain` and `ndots` are ignored: names of the mesh are absolute, and a search list would also query
//! `blue.appmesh.eu-west-1.compute.internal`.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The port of DNS servers.
const PORT: u16 = 53;
/// The most servers, as in the C library (`MAXNS`, resolv.conf(5), read 2026-11-23).
const MAX_SERVERS: usize = 3;
/// The timeout of one query to one server. The C library waits five seconds, a large part of a call's timeout; a server in the
/// same VPC answers within milliseconds.
const TIMEOUT: Duration = Duration::from_secs(2);
const MAX_TIMEOUT: u64 = 5;
/// The number of queries to each server, as in the C library.
const ATTEMPTS: usize = 2;
const MAX_ATTEMPTS: usize = 5;

/// The DNS servers, in order, and their timeouts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResolvConf {
    pub(crate) servers: Vec<SocketAddr>,
    /// For one query to one server. Two seconds, or from one to five by `options timeout:`.
    pub(crate) timeout: Duration,
    /// Rounds over all servers. Two, or from one to five by `options attempts:`.
    pub(crate) attempts: usize,
    /// Start with another server for each lookup: `options rotate`.
    pub(crate) rotate: bool,
}

impl ResolvConf {
    /// A configuration with these servers and the defaults.
    pub(crate) fn with_servers(servers: Vec<SocketAddr>) -> Self {
        Self {
            servers,
            timeout: TIMEOUT,
            attempts: ATTEMPTS,
            rotate: false,
        }
    }

    /// Parses the text of a file. Unknown lines are ignored, as by the C library. Without a `nameserver` there is no server; the
    /// C library would use this host.
    pub(crate) fn parse(text: &str) -> Self {
        let mut conf = Self::with_servers(Vec::new());
        for line in text.lines() {
            let line = line.split(['#', ';']).next().unwrap_or_default();
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let server: Option<IpAddr> = words.next().and_then(|word| word.parse().ok());
                    conf.servers.extend(server.map(|ip| SocketAddr::new(ip, PORT)));
                }
                Some("options") => words.for_each(|option| conf.set_option(option)),
                _ => {}
            }
        }
        conf.servers.truncate(MAX_SERVERS);
        conf
    }

    fn set_option(&mut self, option: &str) {
        let (name, value) = option.split_once(':').unwrap_or((option, ""));
        match (name, value.parse::<u64>()) {
            ("rotate", _) => self.rotate = true,
            ("timeout", Ok(seconds)) => self.timeout = Duration::from_secs(seconds.clamp(1, MAX_TIMEOUT)),
            ("attempts", Ok(times)) => {
                self.attempts = usize::try_from(times).map_or(MAX_ATTEMPTS, |times| times.clamp(1, MAX_ATTEMPTS));
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
    fn servers_are_parsed_and_the_search_list_is_ignored() {
        let of_a_task = "# written by the agent\nsearch eu-west-1.compute.internal\nnameserver 10.0.0.2\n";
        assert_eq!(ResolvConf::parse(of_a_task), conf(&["10.0.0.2:53"], 2, 2, false));
        let many = "nameserver 10.0.0.2 # first\n\tnameserver\tfd00:ec2::253\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n\
                    options ndots:5 timeout:1 attempts:3 rotate edns0\n";
        let expected = conf(&["10.0.0.2:53", "[fd00:ec2::253]:53", "10.0.0.3:53"], 1, 3, true);
        assert_eq!(ResolvConf::parse(many), expected);
    }

    #[test]
    fn without_a_nameserver_there_is_no_fallback() {
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
    fn options_are_clamped() {
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
