//! Who may reach the ports of `serve`: where it may listen, and what stands in front of the API.
//!
//! [`check`] decides whether an address may be opened, and [`protected`] puts layers in front of the API. The port for Envoys
//! has checks of its own: `mesh_control::access::XdsProtection`.

use std::net::SocketAddr;

use app_mesh_api::Authentication;
use app_mesh_api::auth::loopback_only;
use axum::Router;
use mesh_control::Addresses;

/// What protects connections from other machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exposure {
    /// Certificate files were given.
    pub(crate) has_tls: bool,
    /// A load balancer in front terminates TLS.
    pub(crate) is_behind_load_balancer: bool,
    /// Requests of the API must be signed with a known key pair.
    pub(crate) has_keys: bool,
}

impl Exposure {
    fn is_encrypted(&self) -> bool {
        self.has_tls || self.is_behind_load_balancer
    }
}

/// An address that is reachable from other machines without protection, or is given twice.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AccessError {
    #[error("cannot serve the API at {0} without authentication; give --keys, or a loopback address such as --api 127.0.0.1:{port}", port = .0.port())]
    ApiWithoutKeys(SocketAddr),
    #[error(
        "cannot serve the API at {0} without TLS; give --tls-certificate and --tls-key, or --behind-load-balancer if a load \
         balancer in front terminates TLS"
    )]
    ApiWithoutTls(SocketAddr),
    #[error(
        "cannot serve the status page at {0}: it has neither TLS nor authentication; use a loopback address, such as \
         --status 127.0.0.1:{port}",
        port = .0.port()
    )]
    Status(SocketAddr),
    #[error("{0} and {1} are the same address, {2}; give each a port of its own")]
    Same(&'static str, &'static str, SocketAddr),
}

/// Checks that other machines reach nothing that is not protected. Loopback addresses need no protection.
pub(crate) fn check(api: SocketAddr, addresses: Addresses, exposure: &Exposure) -> Result<(), AccessError> {
    let Addresses { xds, status } = addresses;
    let given = [("--api", api), ("--xds", xds), ("--status", status)];
    for (first, second) in [(0, 1), (0, 2), (1, 2)] {
        let ((first, one), (second, another)) = (given[first], given[second]);
        if collide(one, another) {
            return Err(AccessError::Same(first, second, another));
        }
    }
    if !api.ip().is_loopback() && !exposure.has_keys {
        return Err(AccessError::ApiWithoutKeys(api));
    }
    if !api.ip().is_loopback() && !exposure.is_encrypted() {
        return Err(AccessError::ApiWithoutTls(api));
    }
    if !status.ip().is_loopback() {
        return Err(AccessError::Status(status));
    }
    Ok(())
}

/// Whether two addresses cannot be listened on at the same time. The operating system picks ports for 0.
fn collide(one: SocketAddr, another: SocketAddr) -> bool {
    let is_any = one.ip().is_unspecified() || another.ip().is_unspecified();
    one.port() == another.port() && one.port() != 0 && (one.ip() == another.ip() || is_any)
}

/// The API behind its authentication. Without key pairs there is none: [`check`] accepts only loopback addresses, and requests
/// must be for one.
pub(crate) fn protected(api: Router, authentication: Option<&Authentication>) -> Router {
    match authentication {
        Some(authentication) => authentication.protect(api),
        None => loopback_only(api),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Several of them do not collide.
    const LOOPBACK: &str = "127.0.0.1:0";
    const ANY: &str = "0.0.0.0:0";

    fn checked(api: &str, xds: &str, status: &str, exposure: Exposure) -> Result<(), AccessError> {
        let address = |text: &str| text.parse().expect("an address");
        let addresses = Addresses {
            xds: address(xds),
            status: address(status),
        };
        check(address(api), addresses, &exposure)
    }

    #[test]
    fn each_address_has_a_port_of_its_own() {
        let none = Exposure {
            has_tls: false,
            is_behind_load_balancer: false,
            has_keys: false,
        };
        let same =
            |api: &str, xds: &str, status: &str| checked(api, xds, status, none).map_err(|error| error.to_string());
        assert_eq!(
            same("127.0.0.1:1", "127.0.0.1:1", "127.0.0.1:2"),
            Err("--api and --xds are the same address, 127.0.0.1:1; give each a port of its own".to_owned())
        );
        let any = same("127.0.0.1:1", "127.0.0.1:2", "0.0.0.0:2").expect_err("the same port");
        assert!(any.starts_with("--xds and --status"), "{any}");
        assert_eq!(same("127.0.0.1:1", "127.0.0.2:1", "127.0.0.1:2"), Ok(()));
    }

    #[test]
    fn only_loopback_needs_no_protection() {
        let none = Exposure {
            has_tls: false,
            is_behind_load_balancer: false,
            has_keys: false,
        };
        let any: SocketAddr = ANY.parse().expect("an address");
        assert_eq!(checked(LOOPBACK, "[::1]:0", LOOPBACK, none), Ok(()));
        assert_eq!(checked(LOOPBACK, LOOPBACK, ANY, none), Err(AccessError::Status(any)));
        let tls = Exposure { has_tls: true, ..none };
        let balancer = Exposure {
            is_behind_load_balancer: true,
            ..none
        };
        for exposure in [none, tls, balancer] {
            let without_keys = Err(AccessError::ApiWithoutKeys(any));
            assert_eq!(checked(ANY, LOOPBACK, LOOPBACK, exposure), without_keys);
        }
        for exposure in [tls, balancer] {
            let with_keys = Exposure {
                has_keys: true,
                ..exposure
            };
            assert_eq!(checked(ANY, ANY, LOOPBACK, with_keys), Ok(()));
        }
        let keys = Exposure { has_keys: true, ..none };
        let without_tls = Err(AccessError::ApiWithoutTls(any));
        assert_eq!(checked(ANY, LOOPBACK, LOOPBACK, keys), without_tls);
    }
}
