//! The lines that point clients of App Mesh's API, and Envoys, to this machine.

use std::net::SocketAddr;

use mesh_control::Addresses;

/// A server of the API.
pub(crate) struct Served {
    pub(crate) api: SocketAddr,
    pub(crate) addresses: Addresses,
    pub(crate) has_tls: bool,
    /// Where the meshes are.
    pub(crate) state: String,
    /// The number of resources in it.
    pub(crate) resources: usize,
}

/// What `serve` prints when it is ready.
pub(crate) fn of_serve(served: &Served) -> String {
    let Served {
        api,
        addresses,
        has_tls,
        state,
        resources,
    } = served;
    let host = |address: SocketAddr| host(address, *has_tls);
    let (scheme, xds_note) = if *has_tls {
        ("https", "")
    } else {
        (
            "http",
            "    # without TLS; AWS's Envoy image needs --tls-certificate and --tls-key",
        )
    };
    let noun = if *resources == 1 { "resource" } else { "resources" };
    format!(
        "State: {}, {resources} {noun}\n\
         Status: http://{}/status    # ACKs and NACKs of each Envoy\n\
         \n\
         For the AWS CLI, SDKs and Terraform, and for Envoys:\n\
         \x20 {}={scheme}://{}\n\
         \x20 {}={}{xds_note}\n\
         \n\
         {CREDENTIALS}\n\
         Ctrl-C stops serving; the state stays.",
        state,
        addresses.status,
        export(API_VARIABLE),
        host(*api),
        export(XDS_VARIABLE),
        host(addresses.xds),
    )
}

/// The usage hints of `up --api`.
pub(crate) fn of_up(api: SocketAddr, xds: SocketAddr) -> String {
    format!(
        "  {}=http://{api}    # App Mesh's API: aws appmesh list-meshes\n  \
         {}={xds}    # its Envoy endpoint, here without TLS\n  # {CREDENTIALS}",
        export(API_VARIABLE),
        export(XDS_VARIABLE),
    )
}

/// The endpoint of one service in AWS's CLI and SDKs. Source: AWS SDKs and Tools reference guide, "Service-specific
/// endpoints" (read 2026-11-30).
const API_VARIABLE: &str = "AWS_ENDPOINT_URL_APP_MESH";

/// The control plane of AWS's Envoy image. Source: App Mesh user guide, "Envoy configuration variables" (read 2026-11-30).
const XDS_VARIABLE: &str = "APPMESH_XDS_ENDPOINT";

/// Clients of AWS do not start without these, although nothing is verified on loopback.
///
/// The AWS CLI 1 and boto3 read AWS_DEFAULT_REGION, the others AWS_REGION.
const CREDENTIALS: &str = "On loopback any region and credentials will do, such as AWS_REGION=us-east-1 \
                           AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local";

fn export(variable: &str) -> String {
    format!("export {variable}")
}

/// The host and port for clients: with TLS a name, as certificates have names.
fn host(address: SocketAddr, has_tls: bool) -> String {
    let port = address.port();
    match (has_tls, address.ip().is_loopback()) {
        (false, _) => address.to_string(),
        (true, true) => format!("localhost:{port}"),
        (true, false) => format!("NAME-IN-THE-CERTIFICATE:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(has_tls: bool) -> String {
        of_serve(&Served {
            api: ([127, 0, 0, 1], 18002).into(),
            addresses: Addresses {
                xds: ([0, 0, 0, 0], 18000).into(),
                status: ([127, 0, 0, 1], 18001).into(),
            },
            has_tls,
            state: "/state/app-mesh.state".to_owned(),
            resources: 1,
        })
    }

    #[test]
    fn lines_can_be_copied() {
        let plain = lines(false);
        assert!(
            plain.starts_with("State: /state/app-mesh.state, 1 resource\n"),
            "{plain}"
        );
        assert!(
            plain.contains("\n  export AWS_ENDPOINT_URL_APP_MESH=http://127.0.0.1:18002\n"),
            "{plain}"
        );
        assert!(
            plain.contains("\n  export APPMESH_XDS_ENDPOINT=0.0.0.0:18000    # without TLS;"),
            "{plain}"
        );
        let tls = lines(true);
        assert!(
            tls.contains("\n  export AWS_ENDPOINT_URL_APP_MESH=https://localhost:18002\n"),
            "{tls}"
        );
        assert!(
            tls.contains("\n  export APPMESH_XDS_ENDPOINT=NAME-IN-THE-CERTIFICATE:18000\n"),
            "{tls}"
        );
    }
}
