//! Parses the environment variables of [`sidecar_contract::environment`].
//!
//! The variables come from a function, so that tests need not set the variables of the process.

use std::ffi::OsString;
use std::net::SocketAddr;

use sidecar_contract::environment::{
    EGRESS, EXPLICIT_PROXY, NO_PROXY, READY, SUFFIXES, TCP_EGRESS, TRAFFIC_MODE, TRANSPARENT_PROXY,
};
use sidecar_contract::{Diagnostics, MeshSuffixes};

use crate::config::{ConfigError, check_egress, check_suffixes};
use crate::ready::Sidecar;
use crate::tcp_egress::TcpEgress;
use crate::traffic_mode::{DetectedBy, TrafficMode};

/// The configuration in the environment variables.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Environment {
    /// `None` if it has to be detected.
    pub(crate) traffic_mode: Option<TrafficMode>,
    /// Never `None` in explicit-proxy mode.
    pub(crate) suffixes: Option<MeshSuffixes>,
    /// How to check the readiness of the sidecar. `None` if that follows from the traffic mode.
    pub(crate) sidecar: Option<Sidecar>,
    /// The listeners for TCP services, in explicit-proxy mode.
    pub(crate) tcp: TcpEgress,
}

/// Parses the variables from `lookup`.
///
/// An empty variable is an error: a template that failed to fill it in must not silently take its service out of the mesh.
pub(crate) fn parse(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Environment, ConfigError> {
    let mut diagnostics = Diagnostics::new();
    let mut text = |name: &str| {
        let value = lookup(name)?;
        let text = value.into_string().map_err(|value| {
            diagnostics.add(name, format!("is `{}`, which is not UTF-8", value.display()));
        });
        Some(text)
    };
    let (mode, egress, suffixes, page) = (text(TRAFFIC_MODE), text(EGRESS), text(SUFFIXES), text(READY));
    let tcp = text(TCP_EGRESS);
    let egress = egress.map(|egress| egress.and_then(|value| parse_egress(&value, &mut diagnostics)));
    let mode = mode.map_or(Ok(None), |mode| {
        mode.and_then(|value| parse_mode(&value, &mut diagnostics))
    });

    let traffic_mode = match (mode, egress) {
        (Err(()), _) | (_, Some(Err(()))) => None,
        (Ok(None), None) => None,
        (Ok(None), Some(Ok(egress))) => Some(TrafficMode::explicit_proxy(
            egress,
            DetectedBy::EnvironmentVariable(EGRESS),
        )),
        (Ok(Some(EXPLICIT_PROXY)), Some(Ok(egress))) => Some(TrafficMode::explicit_proxy(
            egress,
            DetectedBy::EnvironmentVariable(TRAFFIC_MODE),
        )),
        (Ok(Some(EXPLICIT_PROXY)), None) => {
            diagnostics.add(
                EGRESS,
                "is not set; allowed is the address of the sidecar's egress listener, such as 127.0.0.1:15001",
            );
            None
        }
        (Ok(Some(mode)), Some(Ok(egress))) => {
            diagnostics.add(
                TRAFFIC_MODE,
                format!("is `{mode}`, but {EGRESS} is `{egress}`, which implies {EXPLICIT_PROXY}; set one of them"),
            );
            None
        }
        (Ok(Some(TRANSPARENT_PROXY)), None) => Some(TrafficMode::transparent_proxy(DetectedBy::EnvironmentVariable(
            TRAFFIC_MODE,
        ))),
        (Ok(Some(_)), None) => Some(TrafficMode::no_proxy(DetectedBy::EnvironmentVariable(TRAFFIC_MODE))),
    };
    let is_explicit = matches!(traffic_mode, Some(TrafficMode::ExplicitProxy { .. }));
    let suffixes = match suffixes {
        None if is_explicit => {
            diagnostics.add(
                SUFFIXES,
                "is not set; allowed are suffixes of host names, such as serviceconnect,appmesh",
            );
            None
        }
        None | Some(Err(())) => None,
        Some(Ok(value)) => {
            let suffixes = MeshSuffixes::from_list(&value);
            check_suffixes(SUFFIXES, &suffixes, &mut diagnostics);
            Some(suffixes)
        }
    };
    let sidecar = page
        .and_then(Result::ok)
        .and_then(|page| Sidecar::parse_url(READY, page.trim(), &mut diagnostics));
    let tcp = tcp.and_then(Result::ok);
    if tcp.is_some() && traffic_mode.is_some() && !is_explicit {
        diagnostics.add(TCP_EGRESS, format!("requires {TRAFFIC_MODE} `{EXPLICIT_PROXY}`"));
    }
    let tcp = tcp.map(|list| TcpEgress::parse(&list, &mut diagnostics));
    if diagnostics.is_empty() {
        Ok(Environment {
            traffic_mode,
            suffixes,
            sidecar,
            tcp: tcp.unwrap_or_default(),
        })
    } else {
        Err(ConfigError::new(diagnostics))
    }
}

/// Parses a value of [`TRAFFIC_MODE`].
fn parse_mode(value: &str, diagnostics: &mut Diagnostics) -> Result<Option<&'static str>, ()> {
    let modes = [EXPLICIT_PROXY, TRANSPARENT_PROXY, NO_PROXY];
    let known = modes.into_iter().find(|mode| *mode == value.trim());
    known.map(Some).ok_or_else(|| {
        diagnostics.add(
            TRAFFIC_MODE,
            format!("is `{value}`; allowed are {EXPLICIT_PROXY}, {TRANSPARENT_PROXY} and {NO_PROXY}"),
        );
    })
}

fn parse_egress(value: &str, diagnostics: &mut Diagnostics) -> Result<SocketAddr, ()> {
    let Ok(address) = value.trim().parse() else {
        diagnostics.add(
            EGRESS,
            format!("is `{value}`; allowed is an IP address with a port, such as 127.0.0.1:15001"),
        );
        return Err(());
    };
    check_egress(EGRESS, address, diagnostics);
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_from(variables: &[(&str, &str)]) -> Result<Environment, ConfigError> {
        parse(|name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| OsString::from(value))
        })
    }

    fn mode(variables: &[(&str, &str)]) -> String {
        let mode = parse_from(variables).unwrap().traffic_mode;
        mode.map_or_else(|| "to be detected".to_owned(), |mode| mode.to_string())
    }

    #[test]
    fn an_egress_address_implies_explicit_proxy() {
        for (address, expected) in [("127.0.0.1:15001", "127.0.0.1:15001"), (" [::1]:80 ", "[::1]:80")] {
            let environment = parse_from(&[(EGRESS, address), (SUFFIXES, "serviceconnect,appmesh")]).unwrap();
            let expected =
                TrafficMode::explicit_proxy(expected.parse().unwrap(), DetectedBy::EnvironmentVariable(EGRESS));
            assert_eq!(environment.traffic_mode, Some(expected));
            assert_eq!(environment.suffixes.unwrap().to_string(), "appmesh,serviceconnect");
        }
    }

    #[test]
    fn the_traffic_mode_can_be_set() {
        let egress = (EGRESS, "127.0.0.1:1");
        assert_eq!(
            mode(&[(TRAFFIC_MODE, "explicit"), egress, (SUFFIXES, "appmesh")]),
            "explicit proxy, through the egress listener at 127.0.0.1:1 (MESHWRIGHT_WIRING is set)"
        );
        assert!(mode(&[(TRAFFIC_MODE, "intercepted")]).starts_with("transparent proxy"));
        assert!(mode(&[(TRAFFIC_MODE, " direct "), (SUFFIXES, "appmesh")]).starts_with("no proxy"));
        for (variables, expected) in [
            (
                vec![(TRAFFIC_MODE, "sidecar")],
                "MESHWRIGHT_WIRING: is `sidecar`; allowed are explicit, intercepted and direct",
            ),
            (vec![(TRAFFIC_MODE, "")], "MESHWRIGHT_WIRING: is ``; allowed are"),
            (
                vec![(TRAFFIC_MODE, "explicit")],
                "MESHWRIGHT_EGRESS: is not set; allowed is",
            ),
            (
                vec![(TRAFFIC_MODE, "direct"), egress],
                "MESHWRIGHT_WIRING: is `direct`, but MESHWRIGHT_EGRESS is `127.0.0.1:1`, which implies explicit; set one",
            ),
        ] {
            let error = parse_from(&variables).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{variables:?}: {error}");
        }
    }

    #[test]
    fn without_variables_the_traffic_mode_is_detected() {
        assert_eq!(mode(&[]), "to be detected");
        assert_eq!(mode(&[(SUFFIXES, "appmesh")]), "to be detected");
        assert_eq!(parse_from(&[]).unwrap().suffixes, None);
    }

    #[test]
    fn the_readiness_url_can_be_set() {
        let page = "http://127.0.0.1:9901/ready";
        let environment = parse_from(&[(TRAFFIC_MODE, "intercepted"), (READY, page)]).unwrap();
        assert_eq!(environment.sidecar, Some(Sidecar::health_page(page).unwrap()));
        assert_eq!(parse_from(&[]).unwrap().sidecar, None);
        let error = parse_from(&[(READY, "127.0.0.1:9901")]).unwrap_err().to_string();
        assert!(
            error.starts_with("MESHWRIGHT_READY: is `127.0.0.1:9901`; allowed is a URL such as"),
            "{error}"
        );
    }

    #[test]
    fn tcp_services_have_listeners_of_their_own() {
        let db = (TCP_EGRESS, "db.appmesh:5432=127.0.0.1:41234");
        let explicit = [(EGRESS, "127.0.0.1:1"), (SUFFIXES, "appmesh"), db];
        assert!(!parse_from(&explicit).unwrap().tcp.is_empty());
        assert!(parse_from(&explicit[..2]).unwrap().tcp.is_empty());
        let error = parse_from(&[(TRAFFIC_MODE, "intercepted"), db])
            .unwrap_err()
            .to_string();
        assert_eq!(error, "MESHWRIGHT_TCP_EGRESS: requires MESHWRIGHT_WIRING `explicit`");
        let error = parse_from(&[(TCP_EGRESS, "db")]).unwrap_err().to_string();
        assert!(
            error.starts_with("MESHWRIGHT_TCP_EGRESS: contains `db`; allowed is"),
            "{error}"
        );
    }

    #[test]
    fn all_errors_are_reported() {
        let variables = [
            (TRAFFIC_MODE, "none"),
            (EGRESS, "localhost:15001"),
            (SUFFIXES, "appmesh,*.com,a..b"),
        ];
        assert_eq!(
            parse_from(&variables).unwrap_err().to_string(),
            "MESHWRIGHT_EGRESS: is `localhost:15001`; allowed is an IP address with a port, such as 127.0.0.1:15001\n\
             MESHWRIGHT_WIRING: is `none`; allowed are explicit, intercepted and direct\n\
             MESHWRIGHT_SUFFIXES: contains `*.com`; allowed are 1 to 253 of a-z, 0-9, _ and -, in labels separated by dots\n\
             MESHWRIGHT_SUFFIXES: contains `a..b`; allowed are 1 to 253 of a-z, 0-9, _ and -, in labels separated by dots"
        );
    }

    #[test]
    fn an_incomplete_configuration_is_an_error() {
        for (variables, expected) in [
            (vec![(EGRESS, "127.0.0.1:1")], "MESHWRIGHT_SUFFIXES: is not set"),
            (vec![(EGRESS, ""), (SUFFIXES, "appmesh")], "MESHWRIGHT_EGRESS: is ``"),
            (
                vec![(EGRESS, "127.0.0.1:0"), (SUFFIXES, "appmesh")],
                "allowed is a port from 1 to 65535",
            ),
            (
                vec![(EGRESS, "127.0.0.1:1"), (SUFFIXES, " ,.")],
                "MESHWRIGHT_SUFFIXES: contains no suffix",
            ),
        ] {
            let error = parse_from(&variables).unwrap_err();
            assert!(error.to_string().contains(expected), "{variables:?}: {error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn invalid_utf_8_is_shown_lossily() {
        use std::os::unix::ffi::OsStringExt as _;

        let error = parse(|name| (name == EGRESS).then(|| OsString::from_vec(b"\xff:1".to_vec()))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "MESHWRIGHT_EGRESS: is `\u{fffd}:1`, which is not UTF-8"
        );
    }
}
