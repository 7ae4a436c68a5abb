//! IP preference: the address family of a virtual node or gateway. Source: the walkthrough "howto-ipv6" among App
//! Mesh's public examples (read 2026-11-23).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use envoy_types::pb::envoy::config::cluster::v3::cluster::DnsLookupFamily;
use mesh_model::app_mesh::IpPreference;
use mesh_model::app_mesh::virtual_node::ServiceDiscovery;
use mesh_model::app_mesh::{MeshSpec, VirtualNodeSpec};

/// The IP preference of a virtual node: its own, else the mesh's.
pub(super) fn of_node(mesh: &MeshSpec, node: &VirtualNodeSpec) -> Option<IpPreference> {
    let own = match &node.service_discovery {
        Some(ServiceDiscovery::Dns(dns)) => dns.ip_preference,
        Some(ServiceDiscovery::AwsCloudMap(cloud_map)) => cloud_map.ip_preference,
        None => None,
    };
    own.or_else(|| of_mesh(mesh))
}

/// The IP preference of the mesh and its virtual gateways.
pub(super) fn of_mesh(mesh: &MeshSpec) -> Option<IpPreference> {
    mesh.service_discovery?.ip_preference
}

/// The DNS lookup family.
pub(super) fn lookup(preference: Option<IpPreference>) -> DnsLookupFamily {
    match preference {
        // Envoy's name for: IPv6 if there is one, else IPv4.
        None | Some(IpPreference::Ipv6Preferred) => DnsLookupFamily::Auto,
        Some(IpPreference::Ipv4Preferred) => DnsLookupFamily::V4Preferred,
        Some(IpPreference::Ipv4Only) => DnsLookupFamily::V4Only,
        Some(IpPreference::Ipv6Only) => DnsLookupFamily::V6Only,
    }
}

/// Selects one of a task's addresses.
pub(super) fn pick(preference: Option<IpPreference>, addresses: &[IpAddr]) -> Option<IpAddr> {
    let v4 = addresses.iter().find(|address| address.is_ipv4()).copied();
    let v6 = addresses.iter().find(|address| address.is_ipv6()).copied();
    match preference {
        None | Some(IpPreference::Ipv4Preferred) => v4.or(v6),
        Some(IpPreference::Ipv6Preferred) => v6.or(v4),
        Some(IpPreference::Ipv4Only) => v4,
        Some(IpPreference::Ipv6Only) => v6,
    }
}

/// The listen address of a transparent proxy.
pub(super) fn bind(preference: Option<IpPreference>) -> IpAddr {
    match preference {
        None => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        // With `ipv4_compat`: both families.
        Some(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

/// The address of the application beside the Envoy.
pub(super) fn application(preference: Option<IpPreference>) -> IpAddr {
    match preference {
        None | Some(IpPreference::Ipv4Preferred | IpPreference::Ipv4Only) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Some(IpPreference::Ipv6Preferred | IpPreference::Ipv6Only) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_fall_back_and_restrictions_do_not() {
        let (v4, v6) = (IpAddr::from([192, 0, 2, 1]), "2001:db8::1".parse::<IpAddr>().unwrap());
        let both = [v6, v4];
        for (preference, of_both, of_v4, of_v6) in [
            (None, Some(v4), Some(v4), Some(v6)),
            (Some(IpPreference::Ipv4Preferred), Some(v4), Some(v4), Some(v6)),
            (Some(IpPreference::Ipv6Preferred), Some(v6), Some(v4), Some(v6)),
            (Some(IpPreference::Ipv4Only), Some(v4), Some(v4), None),
            (Some(IpPreference::Ipv6Only), Some(v6), None, Some(v6)),
        ] {
            assert_eq!(pick(preference, &both), of_both, "{preference:?}");
            assert_eq!(pick(preference, &[v4]), of_v4, "{preference:?}");
            assert_eq!(pick(preference, &[v6]), of_v6, "{preference:?}");
        }
    }
}
