//! The node in the names of a client certificate.
//!
//! A SPIFFE ID names its node by its path: `spiffe://DOMAIN/mesh/MESH/virtualNode/NAME`, `…/virtualGateway/NAME`,
//! `spiffe://DOMAIN/service/CLUSTER/SERVICE` or `spiffe://DOMAIN/loadBalancer/NAME`. The trust domain is not compared: the CA
//! file of the server has the CAs that may name nodes.

use server_tls::CertificateNames;

use super::grant::NodeGrant;

/// The node in the path of the SPIFFE ID. A certificate has one ID at most (SPIFFE X.509-SVID, 2, read 2026-12-01).
pub(super) fn spiffe_node(names: &CertificateNames) -> Option<NodeGrant> {
    let [uri] = names.uris.as_slice() else {
        return None;
    };
    let (domain, path) = uri.strip_prefix("spiffe://")?.split_once('/')?;
    if domain.is_empty() {
        return None;
    }
    NodeGrant::of_one_node(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node_of(uris: &[&str]) -> Option<String> {
        let mut names = CertificateNames::default();
        names.uris = uris.iter().map(|uri| (*uri).to_owned()).collect();
        spiffe_node(&names).map(|node| node.to_string())
    }

    #[test]
    fn a_spiffe_id_names_one_node() {
        for (uri, node) in [
            (
                "spiffe://example.com/mesh/m/virtualNode/blue",
                Some("mesh/m/virtualNode/blue"),
            ),
            ("spiffe://example.com/service/shop/blue", Some("service/shop/blue")),
            ("spiffe://example.com/loadBalancer/in", Some("loadBalancer/in")),
            ("spiffe://example.com/mesh/m/*", None),
            ("spiffe://example.com/*", None),
            ("spiffe:///mesh/m/virtualNode/blue", None),
            ("https://example.com/mesh/m/virtualNode/blue", None),
            ("spiffe://example.com/ns/default/sa/blue", None),
        ] {
            assert_eq!(node_of(&[uri]).as_deref(), node, "{uri}");
        }
        let two = ["spiffe://a/mesh/m/virtualNode/a", "spiffe://a/mesh/m/virtualNode/b"];
        assert_eq!(node_of(&two), None, "a certificate has one ID");
    }
}
