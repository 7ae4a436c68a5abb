//! Whether this machine lets every task have a network of its own, asked before anything is started.
//!
//! Whatever is missing is said at once, with what to do about it.

use std::fmt;

use super::{ENVOY, commands};

/// What is needed in the user namespace that this program runs in, by the bit in `/proc/self/status`.
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

/// Why tasks cannot have networks of their own here. Has at least one reason.
#[derive(Debug, PartialEq, Eq)]
pub struct NamespacesUnavailable(Vec<String>);

/// What a machine has to offer.
#[derive(Debug, Clone)]
struct Machine {
    /// `/proc/self/status`.
    status: String,
    /// `/proc/self/uid_map`.
    user_ids: String,
    /// `/proc/self/gid_map`.
    group_ids: String,
    /// Whether there is `ip`.
    has_ip: bool,
    /// Whether there is `iptables-restore`.
    has_restore: bool,
}

/// Whether tasks can have networks of their own here.
///
/// # Errors
///
/// All reasons why not.
pub(crate) fn check() -> Result<(), NamespacesUnavailable> {
    if !cfg!(target_os = "linux") {
        return Err(NamespacesUnavailable(vec![
            "only Linux has network namespaces; without them, tasks share this machine's network".to_owned(),
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
    .judge()
}

impl Machine {
    fn judge(&self) -> Result<(), NamespacesUnavailable> {
        let mut reasons = Vec::new();
        let missing = self.missing_capabilities();
        if !missing.is_empty() {
            reasons.push(format!(
                "this process has no {}: run it as root (in a container, one that is privileged), or put \
                 `unshare --map-root-user --map-auto` in front of the command, for which the package uidmap and a \
                 range of ids in /etc/subuid and /etc/subgid are needed",
                missing.join(", ")
            ));
        } else {
            // Without the capabilities, another user namespace is needed in any case.
            for (kind, id, map) in [
                ("user", ENVOY.id, &self.user_ids),
                ("group", ENVOY.group, &self.group_ids),
            ] {
                if !maps(map, id) {
                    reasons.push(format!(
                        "there is no {kind} {id}, which Envoy runs as, in this user namespace: make it with \
                         `unshare --map-root-user --map-auto`, and not with `--map-root-user` alone"
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
                "there is no program `{program}`: install the package {package}"
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

/// Whether a map of `/proc` has an id: lines of the first id here, the first id outside, and how many.
fn maps(map: &str, id: u32) -> bool {
    map.lines().any(|line| {
        let mut numbers = line.split_whitespace().map_while(|number| number.parse::<u64>().ok());
        let (first, count) = (numbers.next(), numbers.nth(1));
        matches!((first, count), (Some(first), Some(count)) if (first..first + count).contains(&u64::from(id)))
    })
}

impl fmt::Display for NamespacesUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tasks cannot have networks of their own here")?;
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
        machine.judge().expect_err("it is not fit").0
    }

    #[test]
    fn root_is_fit_here_and_in_a_namespace_with_enough_ids() {
        assert_eq!(fit().judge(), Ok(()));
        let everybody = "0 0 4294967295\n".to_owned();
        let root = Machine {
            user_ids: everybody.clone(),
            group_ids: everybody,
            ..fit()
        };
        assert_eq!(root.judge(), Ok(()));
    }

    #[test]
    fn a_namespace_with_only_root_in_it_has_nobody_to_run_envoy() {
        let only_root = "0 1000 1\n".to_owned();
        let machine = Machine {
            user_ids: only_root.clone(),
            group_ids: only_root,
            ..fit()
        };
        let reasons = reasons(&machine);
        assert_eq!(reasons.len(), 2);
        assert!(reasons[0].starts_with("there is no user 1337,"), "{reasons:?}");
        assert!(reasons[1].starts_with("there is no group 1337,"), "{reasons:?}");
    }

    #[test]
    fn everything_that_is_missing_is_said_with_a_remedy() {
        let machine = Machine {
            status: "CapEff:\t00000000a80425fb\n".to_owned(),
            has_ip: false,
            has_restore: false,
            ..fit()
        };
        let message = machine.judge().expect_err("it is not fit").to_string();
        for expected in [
            "\n- this process has no CAP_NET_ADMIN, CAP_SYS_ADMIN: run it as root",
            "`unshare --map-root-user --map-auto` in front of the command",
            "\n- there is no program `ip`: install the package iproute2",
            "\n- there is no program `iptables-restore`: install the package iptables",
        ] {
            assert!(message.contains(expected), "{message}");
        }
    }
}
