//! Which services may be called: the gate that keeps this service from being an open proxy.
//!
//! Whoever can reach this service chooses the name it calls, from a network where that name may stand for more
//! than it does outside: a metadata endpoint that hands out credentials, a port on loopback. So a name is not
//! searched for what is bad about it. It has to be a plain host name, of the mesh, on an allowed port, written in
//! characters that every parser behind this one reads alike. No I/O: what is refused here is never looked up.

use std::fmt;

use sidecar_contract::MeshSuffixes;
use thiserror::Error;

use crate::settings::Ports;

/// The port of `http://` without one.
const DEFAULT_PORT: u16 = 80;
/// Limits of DNS: of a whole name, and of a label between two dots (RFC 1035, section 2.3.4).
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;
/// As much of a refused name as goes into a message.
const MAX_SHOWN: usize = 80;

/// Names that mean this host or its cloud, refused even where a mesh's suffix covers them: a namespace may well be
/// called `internal`.
const NEVER: [&str; 4] = [
    "localhost",
    "metadata.google.internal",
    "instance-data",
    "instance-data.ec2.internal",
];

/// A service that may be called. `Display` is its place in a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    name: String,
    port: u16,
}

/// Why a name is not called.
#[derive(Debug, Error)]
#[error("`{name}` is not called: {reason}")]
pub(crate) struct Refusal {
    name: String,
    reason: String,
}

impl Address {
    /// The service that `text` names: `name` or `name:port`, as it was on the wire. One trailing dot is dropped,
    /// and letters become lower case. Without a mesh there are no suffixes to judge by.
    pub(super) fn parse(text: &str, suffixes: Option<&MeshSuffixes>, ports: &Ports) -> Result<Self, Refusal> {
        check(text, suffixes, ports).map_err(|reason| Refusal {
            name: shortened(text),
            reason,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            DEFAULT_PORT => f.write_str(&self.name),
            port => write!(f, "{}:{port}", self.name),
        }
    }
}

/// As much of a name as may stand in a message.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn check(text: &str, suffixes: Option<&MeshSuffixes>, ports: &Ports) -> Result<Address, String> {
    // These would fail the grammar below as well. Here they get a reason that says what was seen.
    for (sign, reason) in [
        ('%', "percent-encoded characters do not belong in a service's name"),
        ('@', "credentials do not belong before a service's name"),
        ('[', "an IP address is not a service's name"),
    ] {
        if text.contains(sign) {
            return Err(reason.to_owned());
        }
    }
    let (name, port) = match text.split_once(':') {
        Some((name, port)) => (name, parse_port(port)?),
        None => (text, DEFAULT_PORT),
    };
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    check_grammar(&name)?;
    if NEVER.contains(&name.as_str()) || name.ends_with(".localhost") {
        return Err("it means this host or its cloud, never a service of the mesh".to_owned());
    }
    if let Some(suffixes) = suffixes.filter(|suffixes| !suffixes.contains(&name)) {
        return Err(format!("it is outside the mesh, whose names end in: {suffixes}"));
    }
    if !ports.contains(port) {
        return Err(format!("port {port} is not among the allowed ones: {ports}"));
    }
    Ok(Address { name, port })
}

fn parse_port(port: &str) -> Result<u16, String> {
    // `parse` alone would take a sign.
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { port.parse().ok() } else { None };
    number
        .filter(|number| *number > 0)
        .ok_or_else(|| "what follows the colon is not a port".to_owned())
}

/// Host names as RFC 1123 has them, and `_`, which ECS allows in discovery names.
fn check_grammar(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("no service is named".to_owned());
    }
    if name.len() > MAX_NAME {
        return Err(format!("it has {} characters; allowed are {MAX_NAME}", name.len()));
    }
    let mut last = "";
    for label in name.split('.') {
        check_label(label)?;
        last = label;
    }
    // What ends in a number is an IPv4 address to some parser or other: `127.1`, `2130706433`, `0x7f.1`, `0177.1`.
    // The rule is the URL standard's: <https://url.spec.whatwg.org/#ends-in-a-number-checker>.
    let hex = last.strip_prefix("0x").unwrap_or("-");
    if last.bytes().all(|byte| byte.is_ascii_digit()) || hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("an IP address is not a service's name".to_owned());
    }
    Ok(())
}

fn check_label(label: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    if label.is_empty() || label.len() > MAX_LABEL {
        return Err(format!("between two dots there are 1 to {MAX_LABEL} characters"));
    }
    if !label.bytes().all(allowed) || label.starts_with('-') || label.ends_with('-') {
        return Err("a host name has letters, digits, _ and, between them, -".to_owned());
    }
    if label.starts_with("xn--") {
        return Err("an encoded name (xn--) is not a service's name: it is not read alike everywhere".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
