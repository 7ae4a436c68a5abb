//! The environment variables that tell a service of its sidecar, read in this one place.
//!
//! Their names and meanings are [`sidecar_contract::environment`]'s. Reading is kept apart from the process's real
//! environment, so that tests can say what is set without setting it for everyone.

use std::ffi::OsString;
use std::net::SocketAddr;

use sidecar_contract::environment::{DIRECT, EGRESS, EXPLICIT, INTERCEPTED, READY, SUFFIXES, TCP_EGRESS, WIRING};
use sidecar_contract::{Diagnostics, MeshSuffixes};

use crate::config::{ConfigError, check_egress, check_suffixes};
use crate::ready::Sidecar;
use crate::tcp::TcpEgress;
use crate::wiring::{Evidence, Wiring};

/// What the environment says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Environment {
    /// `None` if it has to be found out.
    pub(crate) wiring: Option<Wiring>,
    /// Always there in explicit wiring.
    pub(crate) suffixes: Option<MeshSuffixes>,
    /// The page that says whether the sidecar takes calls. `None` if the wiring says what to wait for.
    pub(crate) sidecar: Option<Sidecar>,
    /// Where TCP services are, in explicit wiring.
    pub(crate) tcp: TcpEgress,
}

/// Reads the variables through `lookup`.
///
/// A variable that is set to nothing is a mistake and not the same as one that is not set: a template that
/// meant to fill it in should not quietly take its service out of the mesh.
pub(crate) fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Environment, ConfigError> {
    let mut diagnostics = Diagnostics::new();
    let mut text = |name: &str| {
        let value = lookup(name)?;
        let text = value.into_string().map_err(|value| {
            diagnostics.add(name, format!("is `{}`, which is not UTF-8", value.display()));
        });
        Some(text)
    };
    let (stated, egress, suffixes, page) = (text(WIRING), text(EGRESS), text(SUFFIXES), text(READY));
    let tcp = text(TCP_EGRESS);
    let egress = egress.map(|egress| egress.and_then(|value| address(&value, &mut diagnostics)));
    let wiring = stated.map_or(Ok(None), |stated| {
        stated.and_then(|value| word(&value, &mut diagnostics))
    });

    let wiring = match (wiring, egress) {
        (Err(()), _) | (_, Some(Err(()))) => None,
        (Ok(None), None) => None,
        (Ok(None), Some(Ok(egress))) => Some(Wiring::explicit(egress, Evidence::Variable(EGRESS))),
        (Ok(Some(EXPLICIT)), Some(Ok(egress))) => Some(Wiring::explicit(egress, Evidence::Variable(WIRING))),
        (Ok(Some(EXPLICIT)), None) => {
            diagnostics.add(
                EGRESS,
                "is not set; expected is the sidecar's egress address, such as 127.0.0.1:15001",
            );
            None
        }
        (Ok(Some(word)), Some(Ok(egress))) => {
            diagnostics.add(
                WIRING,
                format!("is `{word}`, but {EGRESS} is `{egress}`, which means {EXPLICIT}; set one of them"),
            );
            None
        }
        (Ok(Some(INTERCEPTED)), None) => Some(Wiring::intercepted(Evidence::Variable(WIRING))),
        (Ok(Some(_)), None) => Some(Wiring::direct(Evidence::Variable(WIRING))),
    };
    let is_explicit = matches!(wiring, Some(Wiring::Explicit { .. }));
    let suffixes = match suffixes {
        None if is_explicit => {
            diagnostics.add(
                SUFFIXES,
                "is not set; expected are the mesh's name suffixes, such as serviceconnect,appmesh",
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
        .and_then(|page| Sidecar::page_named(READY, page.trim(), &mut diagnostics));
    let tcp = tcp.and_then(Result::ok);
    if tcp.is_some() && wiring.is_some() && !is_explicit {
        diagnostics.add(
            TCP_EGRESS,
            format!("is for {EXPLICIT} wiring, and {WIRING} says otherwise"),
        );
    }
    let tcp = tcp.map(|list| TcpEgress::parse(&list, &mut diagnostics));
    if diagnostics.is_empty() {
        Ok(Environment {
            wiring,
            suffixes,
            sidecar,
            tcp: tcp.unwrap_or_default(),
        })
    } else {
        Err(ConfigError::new(diagnostics))
    }
}

/// One of the words that [`WIRING`] may be.
fn word(value: &str, diagnostics: &mut Diagnostics) -> Result<Option<&'static str>, ()> {
    let words = [EXPLICIT, INTERCEPTED, DIRECT];
    let known = words.into_iter().find(|word| *word == value.trim());
    known.map(Some).ok_or_else(|| {
        diagnostics.add(
            WIRING,
            format!("is `{value}`; allowed are {EXPLICIT}, {INTERCEPTED} and {DIRECT}"),
        );
    })
}

fn address(value: &str, diagnostics: &mut Diagnostics) -> Result<SocketAddr, ()> {
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

    fn read_from(variables: &[(&str, &str)]) -> Result<Environment, ConfigError> {
        read(|name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| OsString::from(value))
        })
    }

    fn wiring(variables: &[(&str, &str)]) -> String {
        let wiring = read_from(variables).unwrap().wiring;
        wiring.map_or_else(|| "to be found out".to_owned(), |wiring| wiring.to_string())
    }

    #[test]
    fn an_egress_address_makes_an_explicit_wiring() {
        for (address, expected) in [("127.0.0.1:15001", "127.0.0.1:15001"), (" [::1]:80 ", "[::1]:80")] {
            let environment = read_from(&[(EGRESS, address), (SUFFIXES, "serviceconnect,appmesh")]).unwrap();
            let expected = Wiring::explicit(expected.parse().unwrap(), Evidence::Variable(EGRESS));
            assert_eq!(environment.wiring, Some(expected));
            assert_eq!(environment.suffixes.unwrap().to_string(), "appmesh,serviceconnect");
        }
    }

    #[test]
    fn the_wiring_can_be_said_in_a_word() {
        let egress = (EGRESS, "127.0.0.1:1");
        assert_eq!(
            wiring(&[(WIRING, "explicit"), egress, (SUFFIXES, "appmesh")]),
            "explicit, through the egress listener at 127.0.0.1:1 (MESHWRIGHT_WIRING is set)"
        );
        assert!(wiring(&[(WIRING, "intercepted")]).starts_with("intercepted"));
        assert!(wiring(&[(WIRING, " direct "), (SUFFIXES, "appmesh")]).starts_with("direct"));
        for (variables, expected) in [
            (
                vec![(WIRING, "sidecar")],
                "MESHWRIGHT_WIRING: is `sidecar`; allowed are explicit, intercepted and direct",
            ),
            (vec![(WIRING, "")], "MESHWRIGHT_WIRING: is ``; allowed are"),
            (vec![(WIRING, "explicit")], "MESHWRIGHT_EGRESS: is not set; expected is"),
            (
                vec![(WIRING, "direct"), egress],
                "MESHWRIGHT_WIRING: is `direct`, but MESHWRIGHT_EGRESS is `127.0.0.1:1`, which means explicit; set one",
            ),
        ] {
            let error = read_from(&variables).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{variables:?}: {error}");
        }
    }

    #[test]
    fn without_variables_the_wiring_is_to_be_found_out() {
        assert_eq!(wiring(&[]), "to be found out");
        assert_eq!(wiring(&[(SUFFIXES, "appmesh")]), "to be found out");
        assert_eq!(read_from(&[]).unwrap().suffixes, None);
    }

    #[test]
    fn a_page_can_say_whether_the_sidecar_is_ready() {
        let page = "http://127.0.0.1:9901/ready";
        let environment = read_from(&[(WIRING, "intercepted"), (READY, page)]).unwrap();
        assert_eq!(environment.sidecar, Some(Sidecar::page(page).unwrap()));
        assert_eq!(read_from(&[]).unwrap().sidecar, None);
        let error = read_from(&[(READY, "127.0.0.1:9901")]).unwrap_err().to_string();
        assert!(
            error.starts_with("MESHWRIGHT_READY: is `127.0.0.1:9901`; allowed is a page such as"),
            "{error}"
        );
    }

    #[test]
    fn tcp_services_have_listeners_of_their_own() {
        let db = (TCP_EGRESS, "db.appmesh:5432=127.0.0.1:41234");
        let explicit = [(EGRESS, "127.0.0.1:1"), (SUFFIXES, "appmesh"), db];
        assert!(!read_from(&explicit).unwrap().tcp.is_empty());
        assert!(read_from(&explicit[..2]).unwrap().tcp.is_empty());
        let error = read_from(&[(WIRING, "intercepted"), db]).unwrap_err().to_string();
        assert_eq!(
            error,
            "MESHWRIGHT_TCP_EGRESS: is for explicit wiring, and MESHWRIGHT_WIRING says otherwise"
        );
        let error = read_from(&[(TCP_EGRESS, "db")]).unwrap_err().to_string();
        assert!(
            error.starts_with("MESHWRIGHT_TCP_EGRESS: holds `db`; allowed is"),
            "{error}"
        );
    }

    #[test]
    fn every_mistake_is_reported() {
        let variables = [
            (WIRING, "none"),
            (EGRESS, "localhost:15001"),
            (SUFFIXES, "appmesh,*.com,a..b"),
        ];
        assert_eq!(
            read_from(&variables).unwrap_err().to_string(),
            "MESHWRIGHT_EGRESS: is `localhost:15001`; allowed is an IP address with a port, such as 127.0.0.1:15001\n\
             MESHWRIGHT_WIRING: is `none`; allowed are explicit, intercepted and direct\n\
             MESHWRIGHT_SUFFIXES: holds `*.com`; allowed are 1 to 253 of a-z, 0-9, _ and -, in labels separated by dots\n\
             MESHWRIGHT_SUFFIXES: holds `a..b`; allowed are 1 to 253 of a-z, 0-9, _ and -, in labels separated by dots"
        );
    }

    #[test]
    fn half_a_configuration_is_a_mistake() {
        for (variables, expected) in [
            (vec![(EGRESS, "127.0.0.1:1")], "MESHWRIGHT_SUFFIXES: is not set"),
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
            assert!(error.to_string().contains(expected), "{variables:?}: {error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_are_shown_as_far_as_they_can_be() {
        use std::os::unix::ffi::OsStringExt as _;

        let error = read(|name| (name == EGRESS).then(|| OsString::from_vec(b"\xff:1".to_vec()))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "MESHWRIGHT_EGRESS: is `\u{fffd}:1`, which is not UTF-8"
        );
    }
}
