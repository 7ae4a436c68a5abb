//! The environment variables that tell a service of its sidecar, read in this one place.
//!
//! Their names and meanings are [`mesh_model::environment`]'s. Reading is kept apart from the process's real
//! environment, so that tests can say what is set without setting it for everyone.

use std::ffi::OsString;
use std::net::SocketAddr;

use mesh_model::environment::{EGRESS, SUFFIXES};
use mesh_model::{MeshSuffixes, Problems};

use crate::config::{ConfigError, check_egress, check_suffixes};

/// What the environment says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Environment {
    pub(crate) egress: SocketAddr,
    pub(crate) suffixes: MeshSuffixes,
}

/// Reads the variables through `lookup`.
///
/// A variable that is set to nothing is a mistake and not the same as one that is not set: a template that
/// meant to fill it in should not quietly take its service out of the mesh.
pub(crate) fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Environment, ConfigError> {
    let mut wrong = Problems::none();
    let mut missing = Problems::none();
    let egress = match text(&lookup, EGRESS, &mut wrong) {
        Text::Missing => {
            missing.add(
                EGRESS,
                "is not set; expected is the sidecar's egress address, such as 127.0.0.1:15001",
            );
            None
        }
        Text::Unreadable => None,
        Text::Is(value) => address(&value, &mut wrong),
    };
    let suffixes = match text(&lookup, SUFFIXES, &mut wrong) {
        Text::Missing => {
            missing.add(
                SUFFIXES,
                "is not set; expected are the mesh's name suffixes, such as serviceconnect,appmesh",
            );
            None
        }
        Text::Unreadable => None,
        Text::Is(value) => {
            let suffixes = MeshSuffixes::from_list(&value);
            check_suffixes(SUFFIXES, &suffixes, &mut wrong);
            Some(suffixes)
        }
    };
    match (egress, suffixes) {
        (Some(egress), Some(suffixes)) if wrong.is_empty() => Ok(Environment { egress, suffixes }),
        // With an egress address, missing suffixes are half a configuration: a mistake like any other.
        (None, _) if wrong.is_empty() => Err(ConfigError::unwired(missing)),
        _ => {
            wrong.extend(missing);
            Err(ConfigError::wrong(wrong))
        }
    }
}

enum Text {
    Missing,
    Unreadable,
    Is(String),
}

fn text(lookup: impl Fn(&str) -> Option<OsString>, name: &str, problems: &mut Problems) -> Text {
    let Some(value) = lookup(name) else {
        return Text::Missing;
    };
    value.into_string().map_or_else(
        |value| {
            problems.add(name, format!("is `{}`, which is not UTF-8", value.display()));
            Text::Unreadable
        },
        Text::Is,
    )
}

fn address(value: &str, problems: &mut Problems) -> Option<SocketAddr> {
    let Ok(address) = value.trim().parse() else {
        problems.add(
            EGRESS,
            format!("is `{value}`; allowed is an IP address with a port, such as 127.0.0.1:15001"),
        );
        return None;
    };
    check_egress(EGRESS, address, problems);
    Some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_from(variables: &[(&str, &str)]) -> Result<Environment, ConfigError> {
        read(|name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn both_variables_make_a_wiring() {
        for (address, expected) in [("127.0.0.1:15001", "127.0.0.1:15001"), (" [::1]:80 ", "[::1]:80")] {
            let environment = read_from(&[(EGRESS, address), (SUFFIXES, "serviceconnect,appmesh")]).unwrap();
            assert_eq!(environment.egress.to_string(), expected);
            assert_eq!(environment.suffixes.to_string(), "appmesh,serviceconnect");
        }
    }

    #[test]
    fn a_process_outside_of_a_mesh_is_unwired() {
        let error = read_from(&[]).unwrap_err();
        assert!(error.is_unwired());
        assert_eq!(
            error.to_string(),
            "MESHWRIGHT_EGRESS: is not set; expected is the sidecar's egress address, such as 127.0.0.1:15001\n\
             MESHWRIGHT_SUFFIXES: is not set; expected are the mesh's name suffixes, such as serviceconnect,appmesh"
        );
        assert!(read_from(&[(SUFFIXES, "appmesh")]).unwrap_err().is_unwired());
    }

    #[test]
    fn every_mistake_is_reported() {
        let error = read_from(&[(EGRESS, "localhost:15001"), (SUFFIXES, "appmesh,*.com,a..b")]).unwrap_err();
        assert!(!error.is_unwired());
        assert_eq!(
            error.to_string(),
            "MESHWRIGHT_EGRESS: is `localhost:15001`; allowed is an IP address with a port, such as 127.0.0.1:15001\n\
             MESHWRIGHT_SUFFIXES: holds `*.com`; allowed are 1 to 253 of a-z, 0-9, _ and -, in labels separated by dots\n\
             MESHWRIGHT_SUFFIXES: holds `a..b`; allowed are 1 to 253 of a-z, 0-9, _ and -, in labels separated by dots"
        );
    }

    #[test]
    fn half_a_configuration_is_a_mistake() {
        for (variables, expected) in [
            (vec![(EGRESS, "127.0.0.1:1")], "MESHWRIGHT_SUFFIXES: is not set"),
            (vec![(SUFFIXES, "*")], "MESHWRIGHT_EGRESS: is not set"),
            (vec![(EGRESS, ""), (SUFFIXES, "appmesh")], "MESHWRIGHT_EGRESS: is ``"),
            (
                vec![(EGRESS, "127.0.0.1:0"), (SUFFIXES, "appmesh")],
                "allowed is a port from 1 to 65535",
            ),
            (
                vec![(EGRESS, "127.0.0.1:1"), (SUFFIXES, " ,.")],
                "MESHWRIGHT_SUFFIXES: names no suffix",
            ),
        ] {
            let error = read_from(&variables).unwrap_err();
            assert!(!error.is_unwired(), "{variables:?}");
            assert!(error.to_string().contains(expected), "{variables:?}: {error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_are_shown_as_far_as_they_can_be() {
        use std::os::unix::ffi::OsStringExt as _;

        let error = read(|name| (name == EGRESS).then(|| OsString::from_vec(b"\xff:1".to_vec()))).unwrap_err();
        assert!(!error.is_unwired());
        assert!(
            error
                .to_string()
                .starts_with("MESHWRIGHT_EGRESS: is `\u{fffd}:1`, which is not UTF-8"),
            "{error}"
        );
    }
}
