//! Validation of downstream addresses, so that this service is not an open proxy.
//!
//! A caller of this service chooses the name that it calls, in a network where a name may be a metadata endpoint with credentials
//! or a port on loopback. So this is an allow-list: plain host names of the mesh, on allowed ports, in characters that all later
//! parsers read in the same way. No I/O: rejected names are never resolved.

use std::fmt;

use sidecar_contract::MeshSuffixes;
use thiserror::Error;

use crate::settings::Ports;

/// The port of `http://` without one.
const DEFAULT_PORT: u16 = 80;
/// Limits of DNS: of a whole name, and of a label between two dots (RFC 1035, section 2.3.4).
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;
/// The most characters of a rejected name in an error message.
const MAX_SHOWN: usize = 80;

/// Names of this host or its cloud, rejected even if they have a suffix of the mesh: a namespace may be called `internal`.
const RESERVED: [&str; 4] = [
    "localhost",
    "metadata.google.internal",
    "instance-data",
    "instance-data.ec2.internal",
];

/// The address of a service. `Display` is its authority in a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    name: String,
    port: u16,
}

/// A rejected address.
#[derive(Debug, Error)]
#[error("`{name}` cannot be called: {reason}")]
pub(crate) struct InvalidAddress {
    name: String,
    reason: String,
}

impl Address {
    /// Parses `name` or `name:port` as received. Removes one trailing dot and converts to lower case. Without a mesh there are no
    /// suffixes to check.
    pub(super) fn parse(text: &str, suffixes: Option<&MeshSuffixes>, ports: &Ports) -> Result<Self, InvalidAddress> {
        check(text, suffixes, ports).map_err(|reason| InvalidAddress {
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

/// A name in a length suitable for messages.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn check(text: &str, suffixes: Option<&MeshSuffixes>, ports: &Ports) -> Result<Address, String> {
    // These would fail the grammar below as well; here they get a better reason.
    for (sign, reason) in [
        ('%', "percent-encoded characters are not allowed in a service name"),
        ('@', "credentials are not allowed before a service name"),
        ('[', "an IP address is not a service name"),
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
    if RESERVED.contains(&name.as_str()) || name.ends_with(".localhost") {
        return Err("it is a name of this host or its cloud".to_owned());
    }
    if let Some(suffixes) = suffixes.filter(|suffixes| !suffixes.contains(&name)) {
        return Err(format!(
            "it is outside the mesh; allowed are names that end in: {suffixes}"
        ));
    }
    if !ports.contains(port) {
        return Err(format!("port {port} is not allowed; allowed are: {ports}"));
    }
    Ok(Address { name, port })
}

fn parse_port(port: &str) -> Result<u16, String> {
    // `parse` alone would accept a sign.
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { port.parse().ok() } else { None };
    number
        .filter(|number| *number > 0)
        .ok_or_else(|| "the part after the colon is not a port".to_owned())
}

/// Host names of RFC 1123, and `_`, which ECS allows in discovery names.
fn check_grammar(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("the service name is missing".to_owned());
    }
    if name.len() > MAX_NAME {
        return Err(format!(
            "it has {} characters; allowed are up to {MAX_NAME}",
            name.len()
        ));
    }
    let mut last = "";
    for label in name.split('.') {
        check_label(label)?;
        last = label;
    }
    // Some parsers read a name that ends in a number as an IPv4 address: `127.1`, `2130706433`, `0x7f.1`, `0177.1`.
    // The rule is from the URL standard: <https://url.spec.whatwg.org/#ends-in-a-number-checker>.
    let hex = last.strip_prefix("0x").unwrap_or("-");
    if last.bytes().all(|byte| byte.is_ascii_digit()) || hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("an IP address is not a service name".to_owned());
    }
    Ok(())
}

fn check_label(label: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    if label.is_empty() || label.len() > MAX_LABEL {
        return Err(format!(
            "a label between two dots must have 1 to {MAX_LABEL} characters"
        ));
    }
    if !label.bytes().all(allowed) || label.starts_with('-') || label.ends_with('-') {
        return Err("allowed are letters, digits, _ and, between them, -".to_owned());
    }
    if label.starts_with("xn--") {
        return Err("an encoded name (xn--) is not allowed: parsers do not agree on it".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
