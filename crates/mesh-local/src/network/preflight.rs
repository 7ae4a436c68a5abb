//! Checks the prerequisites of network namespaces before anything is started.
//!
//! Reports everything that is missing at once, with instructions.

use std::fmt;

use super::{ENVOY, commands};

/// Required capabilities in the user namespace of this process, by their bit in `/proc/self/status`.
/// <https://man7.org/linux/man-pages/man7/capabilities.7.html> (2026-11-23)
const CAPABILITIES: [(u32, &str); 8] = [
    (0, "CAP_CHOWN"),
    (1, "CAP_DAC_OVERRIDE"),
    (5, "CAP_KILL"),
    (6, "CAP_SETGID"),
    (7, "CAP_SETUID"),
    (10, "CAP_NET_BIND_SERVICE"),
    (12, "CAP_NET_ADMIN"),
    (21, "CAP_SYS_ADMIN"),
];

/// Why network namespaces are not available. Contains at least one reason.
#[derive(Debug, PartialEq, Eq)]
pub struct NamespacesUnavailable(Vec<String>);

/// The relevant properties of a machine.
#[derive(Debug, Clone)]
struct Machine {
    /// `/proc/self/status`.
    status: String,
    /// `/proc/self/uid_map`.
    user_ids: String,
    /// `/proc/self/gid_map`.
    group_ids: String,
    /// Whether `ip` is installed.
    has_ip: bool,
    /// Whether `iptables-restore` is installed.
    has_restore: bool,
}

/// Checks whether network namespaces are available.
///
/// # Errors
///
/// All reasons why they are not.
pub(crate) fn check() -> Result<(), NamespacesUnavailable> {
    if !cfg!(target_os = "linux") {
        return Err(NamespacesUnavailable(vec![
            "they are only supported on Linux; use the shared network instead".to_owned(),
        ]));
    }
    let path = std::env::var_os("PATH");
    let read = |name: &str| std::fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    Machine {
        status: read("status"),
        user_ids: read("uid_map"),
        group_ids: read("gid_map"),
        has_ip: commands::find(commands::IP, path.as_deref()).is_some(),
        has_restore: commands::find(commands::RESTORE, path.as_deref()).is_some(),
    }
    .verify()
}

impl Machine {
    fn verify(&self) -> Result<(), NamespacesUnavailable> {
        let mut reasons = Vec::new();
        let missing = self.missing_capabilities();
        if !missing.is_empty() {
            reasons.push(format!(
                "this process has no {}: run it as root (in a container, a privileged one), or prefix the command with \
                 `unshare --map-root-user --map-auto`, which needs the package uidmap and ranges of ids in /etc/subuid and \
                 /etc/subgid",
                missing.join(", ")
            ));
        } else {
            // Without the capabilities, a new user namespace is needed in any case.
            for (kind, id, map) in [
                ("user", ENVOY.id, &self.user_ids),
                ("group", ENVOY.group, &self.group_ids),
            ] {
                if !maps(map, id) {
                    reasons.push(format!(
                        "this user namespace has no {kind} {id}, which Envoy needs: create it with \
                         `unshare --map-root-user --map-auto` instead of `--map-root-user` alone"
                    ));
                }
            }
        }
        let programs = [
            (self.has_ip, commands::IP, "iproute2 (Fedora: iproute)"),
            (self.has_restore, commands::RESTORE, "iptables (Fedora: iptables-nft)"),
        ];
        for (_, program, package) in programs.iter().filter(|(there, ..)| !there) {
            reasons.push(format!(
                "the program `{program}` is missing: install the package {package}"
            ));
        }
        if reasons.is_empty() {
            Ok(())
        } else {
            Err(NamespacesUnavailable(reasons))
        }
    }

    fn missing_capabilities(&self) -> Vec<&'static str> {
        let effective = self.status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        let effective = effective
            .and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok())
            .unwrap_or(0);
        let missing = CAPABILITIES.iter().filter(|(bit, _)| effective & (1 << bit) == 0);
        missing.map(|(_, name)| *name).collect()
    }
}

/// Whether an id map of `/proc` contains an id. Its lines have the first id inside, the first id outside, and a count.
fn maps(map: &str, id: u32) -> bool {
    map.lines().any(|line| {
        let mut numbers = line.split_whitespace().map_while(|number| number.parse::<u64>().ok());
        let (first, count) = (numbers.next(), numbers.nth(1));
        matches!((first, count), (Some(first), Some(count)) if (first..first + count).contains(&u64::from(id)))
    })
}

impl fmt::Display for NamespacesUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("network namespaces for tasks are not available")?;
        self.0.iter().try_for_each(|reason| write!(f, "\n- {reason}"))
    }
}

impl std::error::Error for NamespacesUnavailable {}

#[cfg(test)]
mod tests {
    use super::*;

    /// As seen by the root of a user namespace that `unshare --map-root-user --map-auto` made.
    fn fit() -> Machine {
        let ids = "         0      65534          1\n         1     100000      65535\n";
        Machine {
            status: "Name:\tcat\nCapPrm:\t000001ffffffffff\nCapEff:\t000001ffffffffff\n".to_owned(),
            user_ids: ids.to_owned(),
            group_ids: ids.to_owned(),
            has_ip: true,
            has_restore: true,
        }
    }

    fn reasons(machine: &Machine) -> Vec<String> {
        machine.verify().expect_err("something is missing").0
    }

    #[test]
    fn root_with_enough_ids_passes() {
        assert_eq!(fit().verify(), Ok(()));
        let all_ids = "0 0 4294967295\n".to_owned();
        let root = Machine {
            user_ids: all_ids.clone(),
            group_ids: all_ids,
            ..fit()
        };
        assert_eq!(root.verify(), Ok(()));
    }

    #[test]
    fn a_user_namespace_without_envoys_ids_fails() {
        let only_root = "0 1000 1\n".to_owned();
        let machine = Machine {
            user_ids: only_root.clone(),
            group_ids: only_root,
            ..fit()
        };
        let reasons = reasons(&machine);
        assert_eq!(reasons.len(), 2);
        assert!(
            reasons[0].starts_with("this user namespace has no user 1337,"),
            "{reasons:?}"
        );
        assert!(
            reasons[1].starts_with("this user namespace has no group 1337,"),
            "{reasons:?}"
        );
    }

    #[test]
    fn all_missing_prerequisites_are_reported_with_instructions() {
        let machine = Machine {
            status: "CapEff:\t00000000a80425fb\n".to_owned(),
            has_ip: false,
            has_restore: false,
            ..fit()
        };
        let message = machine.verify().expect_err("something is missing").to_string();
        for expected in [
            "\n- this process has no CAP_NET_ADMIN, CAP_SYS_ADMIN: run it as root",
            "prefix the command with `unshare --map-root-user --map-auto`",
            "\n- the program `ip` is missing: install the package iproute2",
            "\n- the program `iptables-restore` is missing: install the package iptables",
        ] {
            assert!(message.contains(expected), "{message}");
        }
    }
}
