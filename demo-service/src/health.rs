//! Health check of the service by another process, for container health checks without curl.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::StatusCode;
use thiserror::Error;

/// A response takes less than a millisecond. Two seconds allow for a host that is starting ten tasks, and are less than ECS's
/// default timeout of a health check, five seconds.
const TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug, Error)]
pub(crate) enum Unhealthy {
    #[error("SERVICE_PORT is 0, so the port of the service is unknown; set it to the actual port")]
    PortUnknown,
    #[error("http://{address}/ responded with {status}")]
    Status { address: SocketAddr, status: StatusCode },
    #[error("http://{address}/ did not respond within {TIMEOUT:?}")]
    TimedOut { address: SocketAddr },
    #[error("http://{address}/ cannot be reached")]
    Unreachable {
        address: SocketAddr,
        source: reqwest::Error,
    },
}

/// Requests `/` from the service that listens on `listens_on`; healthy if the status is 200.
///
/// Cancelling it closes the connection.
pub(crate) async fn check(listens_on: SocketAddr) -> Result<(), Unhealthy> {
    let address = connect_address(listens_on);
    if address.port() == 0 {
        return Err(Unhealthy::PortUnknown);
    }
    let failed = |error: reqwest::Error| {
        if error.is_timeout() {
            Unhealthy::TimedOut { address }
        } else {
            let source = error.without_url();
            Unhealthy::Unreachable { address, source }
        }
    };
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIMEOUT)
        .build()
        .map_err(failed)?;
    let response = client.get(format!("http://{address}/")).send().await.map_err(failed)?;
    match response.status() {
        StatusCode::OK => Ok(()),
        status => Err(Unhealthy::Status { address, status }),
    }
}

/// The address to connect to: loopback for a service that listens on all addresses.
fn connect_address(listens_on: SocketAddr) -> SocketAddr {
    let ip = match listens_on.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listens_on.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unspecified_address_becomes_loopback() {
        for (listens_on, expected) in [
            ("127.0.0.1:3000", "127.0.0.1:3000"),
            ("0.0.0.0:3000", "127.0.0.1:3000"),
            ("[::]:80", "[::1]:80"),
            ("10.0.0.5:80", "10.0.0.5:80"),
        ] {
            let listens_on = listens_on.parse().expect("an address");
            assert_eq!(connect_address(listens_on).to_string(), expected);
        }
    }
}
