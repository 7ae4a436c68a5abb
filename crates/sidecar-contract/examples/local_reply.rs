//! Reads the head of an HTTP response and prints whether the service or its sidecar generated it.
//!
//! ```text
//! curl -si -H 'Host: blue.appmesh' http://127.0.0.1:15001/ | cargo run -p sidecar-contract --example local_reply
//! printf 'HTTP/1.1 503 Service Unavailable\r\nx-meshwright-fault: no-healthy-endpoint\r\n\r\n' \
//!     | cargo run -p sidecar-contract --example local_reply
//! ```

use std::io::{self, BufRead};

use sidecar_contract::{LocalReply, local_reply};

fn main() -> io::Result<()> {
    let mut reason = None;
    for line in io::stdin().lock().lines() {
        let line = line?;
        if line.is_empty() {
            break; // The body follows.
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case(local_reply::HEADER)
        {
            reason = Some(value.trim().to_owned());
        }
    }
    match reason.as_deref().map(|value| (LocalReply::from_header(value), value)) {
        None => println!("response of the service"),
        Some((None, value)) => println!("local reply of the sidecar, with the unknown reason `{value}`"),
        Some((Some(reason), _)) => println!("local reply of the sidecar: {}", explain(reason)),
    }
    Ok(())
}

fn explain(reason: LocalReply) -> &'static str {
    match reason {
        LocalReply::UnknownService => "no service has the name in the Host header",
        LocalReply::NoRoute => "no route of the service matches the request",
        LocalReply::NoHealthyEndpoint => "the service has no healthy endpoint",
        LocalReply::Unreachable => "the connection to the endpoint failed or broke",
        LocalReply::TimedOut => "the response did not arrive within the mesh's timeout",
        // Reasons may be added.
        _ => reason.as_str(),
    }
}
