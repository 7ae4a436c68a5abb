//! The service's health as another process sees it: a container health check that needs no curl in the image.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::StatusCode;
use thiserror::Error;

/// The answer takes well under a millisecond. Two seconds forgive a host that is starting ten tasks, and are less
/// than the five that ECS waits for a health check by default.
const TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug, Error)]
pub(crate) enum Unhealthy {
    #[error("SERVICE_PORT is 0, so the OS chose the port and it is not known here; set it to the real one")]
    PortUnknown,
    #[error("http://{address}/ answered {status}")]
    Status { address: SocketAddr, status: StatusCode },
    #[error("http://{address}/ did not answer within {TIMEOUT:?}")]
    TimedOut { address: SocketAddr },
    #[error("http://{address}/ cannot be reached")]
    Unreachable {
        address: SocketAddr,
        source: reqwest::Error,
    },
}

/// Asks the service that listens on `listens_on` for `/`, and is content with a 200.
///
/// Cancelling it gives up on the answer.
pub(crate) async fn check(listens_on: SocketAddr) -> Result<(), Unhealthy> {
    let address = to_connect_to(listens_on);
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

/// A service that listens everywhere is asked on loopback.
fn to_connect_to(listens_on: SocketAddr) -> SocketAddr {
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
    fn a_service_is_asked_where_it_listens() {
        for (listens_on, asked) in [
            ("127.0.0.1:3000", "127.0.0.1:3000"),
            ("0.0.0.0:3000", "127.0.0.1:3000"),
            ("[::]:80", "[::1]:80"),
            ("10.0.0.5:80", "10.0.0.5:80"),
        ] {
            let listens_on = listens_on.parse().expect("it is an address");
            assert_eq!(to_connect_to(listens_on).to_string(), asked);
        }
    }
}
