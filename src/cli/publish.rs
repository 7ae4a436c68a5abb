//! `--publish`, of every program that runs a mesh.

use clap::Args;
use mesh_local::PublishedPort;

/// `--publish`.
#[derive(Debug, Args)]
pub(crate) struct PublishArguments {
    /// Port of this machine for a service, which stays the same while its tasks are replaced, or for a load balancer
    /// (repeatable): gateway=8080, gateway:9080=8080; without =LOCAL, any free port
    #[arg(long = "publish", value_name = "NAME[:PORT][=LOCAL]", value_parser = parse)]
    pub(crate) ports: Vec<PublishedPort>,
}

fn parse(text: &str) -> Result<PublishedPort, String> {
    let (name, local) = match text.rsplit_once('=') {
        Some((name, local)) => (name, Some(port(local)?)),
        None => (text, None),
    };
    let (name, own) = match name.rsplit_once(':') {
        Some((name, own)) => (name, Some(port(own)?)),
        None => (name, None),
    };
    if name.is_empty() {
        return Err("expected NAME[:PORT][=LOCAL], as in gateway:9080=8080".to_owned());
    }
    Ok(PublishedPort {
        name: name.to_owned(),
        port: own,
        local_port: local,
    })
}

fn port(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|port| *port > 0);
    port.ok_or_else(|| format!("`{text}` is no port; allowed is 1 to 65535"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_parsed() {
        let published = |name: &str, port, local_port| PublishedPort {
            name: name.to_owned(),
            port,
            local_port,
        };
        assert_eq!(parse("gateway"), Ok(published("gateway", None, None)));
        assert_eq!(parse("gateway=8080"), Ok(published("gateway", None, Some(8080))));
        assert_eq!(
            parse("gateway:9080=8080"),
            Ok(published("gateway", Some(9080), Some(8080)))
        );
        for wrong in ["", "=80", "gateway=x", "gateway:0=80", ":80"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
