//! The lines that point clients of App Mesh's API, and Envoys, to this machine.

use std::fmt;
use std::net::SocketAddr;

use mesh_control::Addresses;

/// A server of the API.
pub(crate) struct Served {
    pub(crate) api: SocketAddr,
    pub(crate) addresses: Addresses,
    pub(crate) tls: ServedTls,
    /// Where the key pairs are that requests must be signed with.
    pub(crate) keys: Option<String>,
    /// The region of the ARNs, for which requests are signed.
    pub(crate) region: String,
    /// Where the meshes are.
    pub(crate) state: String,
    /// The number of resources in it.
    pub(crate) resources: usize,
}

/// Where TLS ends.
pub(crate) enum ServedTls {
    /// There is none.
    None,
    /// Here, with a certificate of these DNS names.
    Certificate(Vec<String>),
    /// At a load balancer, whose address is not known here.
    LoadBalancer,
}

/// What `serve` prints when it is ready.
pub(crate) fn of_serve(served: &Served) -> String {
    let Served {
        api,
        addresses,
        tls,
        keys,
        region,
        state,
        resources,
    } = served;
    let noun = if *resources == 1 { "resource" } else { "resources" };
    let scheme = match tls {
        ServedTls::Certificate(_) => "https",
        // An API on loopback is not behind a load balancer.
        ServedTls::LoadBalancer if !api.ip().is_loopback() => "https",
        _ => "http",
    };
    let mut lines = vec![
        format!("State: {state}, {resources} {noun}"),
        format!(
            "Status: http://{}/status    # ACKs and NACKs of each Envoy",
            addresses.status
        ),
        String::new(),
        "For the AWS CLI, SDKs and Terraform, and for Envoys:".to_owned(),
        tls.export(API_VARIABLE, &format!("{scheme}://"), *api),
        tls.export(XDS_VARIABLE, "", addresses.xds),
    ];
    match tls {
        ServedTls::None => lines.push(
            "  # without TLS; AWS's Envoy image needs --tls-certificate and --tls-key, or --behind-load-balancer".to_owned(),
        ),
        ServedTls::Certificate(_) => lines.push(
            "  # export AWS_CA_BUNDLE=FILE    # for a certificate that no public authority has issued: that of its authority"
                .to_owned(),
        ),
        ServedTls::LoadBalancer => {}
    }
    lines.push(match keys {
        Some(keys) => format!(
            "  {}    # a pair of {keys}, which must sign requests for this region\n  # export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…",
            region_exports(region)
        ),
        None => any_credentials(region),
    });
    lines.push("\nCtrl-C stops serving; the state stays.".to_owned());
    lines.join("\n")
}

/// The usage hints of `up --api`.
pub(crate) fn of_up(api: SocketAddr, xds: SocketAddr, region: &str) -> String {
    format!(
        "  {}    # App Mesh's API: aws appmesh list-meshes\n  \
         {}    # its Envoy endpoint, here without TLS\n\
         {}",
        Export(API_VARIABLE, &format!("http://{api}")),
        Export(XDS_VARIABLE, &xds.to_string()),
        any_credentials(region)
    )
}

/// The endpoint of one service in AWS's CLI and SDKs. Source: AWS SDKs and Tools reference guide, "Service-specific
/// endpoints" (read 2026-11-30).
const API_VARIABLE: &str = "AWS_ENDPOINT_URL_APP_MESH";

/// The control plane of AWS's Envoy image. Source: App Mesh user guide, "Envoy configuration variables" (read 2026-11-30).
const XDS_VARIABLE: &str = "APPMESH_XDS_ENDPOINT";

/// The AWS CLI 1 and boto3 read AWS_DEFAULT_REGION, the others AWS_REGION.
fn region_exports(region: &str) -> String {
    format!("export AWS_REGION={region} AWS_DEFAULT_REGION={region}")
}

/// Clients of AWS do not start without these, although nothing is verified on loopback.
fn any_credentials(region: &str) -> String {
    format!(
        "  {} AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local    # any credentials will do",
        region_exports(region)
    )
}

/// `export VARIABLE=VALUE`.
struct Export<'e>(&'static str, &'e str);

impl fmt::Display for Export<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "export {}={}", self.0, self.1)
    }
}

impl ServedTls {
    /// The line for the clients of an address. It is a comment if their address is not known.
    fn export(&self, variable: &'static str, scheme: &str, address: SocketAddr) -> String {
        let port = address.port();
        let is_loopback = address.ip().is_loopback();
        let (host, hint) = match self {
            Self::Certificate(names) => match certificate_name(names, is_loopback) {
                Some(name) => (format!("{name}:{port}"), None),
                None => (
                    format!("HOST:{port}"),
                    Some("HOST is a name in the certificate, which has no DNS name to print".to_owned()),
                ),
            },
            Self::LoadBalancer if !is_loopback => {
                let hint = format!("name and port of the load balancer, which forwards to {address}");
                ("HOST:PORT".to_owned(), Some(hint))
            }
            _ => (address.to_string(), None),
        };
        let export = Export(variable, &format!("{scheme}{host}")).to_string();
        match hint {
            None => format!("  {export}"),
            Some(hint) => format!("  # {export}    # {hint}"),
        }
    }
}

/// The name of a certificate by which clients connect: on loopback `localhost`, if it is there.
fn certificate_name(names: &[String], is_loopback: bool) -> Option<&str> {
    let mut complete = names.iter().map(String::as_str).filter(|name| !name.starts_with('*'));
    let local = names.iter().find(|name| is_loopback && *name == "localhost");
    local.map(String::as_str).or_else(|| complete.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(api: &str, tls: ServedTls, keys: Option<&str>) -> String {
        of_serve(&Served {
            api: api.parse().expect("an address"),
            addresses: Addresses {
                xds: ([0, 0, 0, 0], 18000).into(),
                status: ([127, 0, 0, 1], 18001).into(),
            },
            tls,
            keys: keys.map(str::to_owned),
            region: "eu-west-1".to_owned(),
            state: "/state/app-mesh.state".to_owned(),
            resources: 1,
        })
    }

    const LOOPBACK: &str = "127.0.0.1:18002";
    const ANY: &str = "0.0.0.0:18002";

    fn certificate(names: &[&str]) -> ServedTls {
        ServedTls::Certificate(names.iter().map(|name| (*name).to_owned()).collect())
    }

    fn assert_lines(text: &str, expected: &[&str]) {
        for line in expected {
            assert!(
                text.lines().any(|found| found.starts_with(line)),
                "no `{line}` in {text}"
            );
        }
    }

    #[test]
    fn lines_can_be_copied() {
        let plain = lines(LOOPBACK, ServedTls::None, None);
        assert_lines(
            &plain,
            &[
                "State: /state/app-mesh.state, 1 resource",
                "  export AWS_ENDPOINT_URL_APP_MESH=http://127.0.0.1:18002",
                "  export APPMESH_XDS_ENDPOINT=0.0.0.0:18000",
                "  # without TLS; ",
                "  export AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1 AWS_ACCESS_KEY_ID=local",
            ],
        );
        let tls = lines(
            LOOPBACK,
            certificate(&["*.example.com", "mesh.example.com", "localhost"]),
            None,
        );
        assert_lines(
            &tls,
            &[
                "  export AWS_ENDPOINT_URL_APP_MESH=https://localhost:18002",
                "  export APPMESH_XDS_ENDPOINT=mesh.example.com:18000",
                "  # export AWS_CA_BUNDLE=",
            ],
        );
    }

    #[test]
    fn what_is_not_known_is_a_comment() {
        let balanced = lines(ANY, ServedTls::LoadBalancer, Some("keys.json"));
        assert_lines(
            &balanced,
            &[
                "  # export AWS_ENDPOINT_URL_APP_MESH=https://HOST:PORT    # name and port of the load balancer",
                "  # export APPMESH_XDS_ENDPOINT=HOST:PORT    # name and port of the load balancer",
            ],
        );
        assert!(!balanced.contains("without TLS"), "{balanced}");
        let nameless = lines(ANY, certificate(&["*.example.com"]), None);
        assert_lines(
            &nameless,
            &["  # export APPMESH_XDS_ENDPOINT=HOST:18000    # HOST is a name in the"],
        );
    }

    #[test]
    fn with_key_pairs_no_other_credentials_are_suggested() {
        let signed = lines(LOOPBACK, ServedTls::None, Some("keys.json"));
        assert_lines(
            &signed,
            &["  export AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1    # a pair of keys.json, which must sign"],
        );
        assert!(
            !signed.contains("any credentials") && !signed.contains("=local"),
            "{signed}"
        );
    }
}
