//! DNS records of registered tasks.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::network::{DnsLookup, DnsRecord, DnsType};
use crate::plan::DnsRecords;

const BLUE: &str = "blue.demo.local";
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 0, 9));

async fn map() -> (CloudMap, ControlPlane, DnsNames) {
    let (control, _serving) = ControlPlane::builder().bind().await.expect("loopback has ports");
    let names = DnsNames::new(["demo.local"]);
    (CloudMap::new(control.clone(), Some(names.clone())), control, names)
}

fn of_blue(last: u8) -> Registration {
    let address = Ipv4Addr::new(10, 77, 0, last);
    Registration::Service {
        service: CloudMapService {
            namespace: "demo.local".to_owned(),
            service: "blue".to_owned(),
            dns: Some(DnsRecords::addresses(10)),
        },
        instance: NodeEndpoint {
            id: format!("blue/{last}"),
            addresses: vec![IpAddr::V4(address)],
            attributes: BTreeMap::new(),
            ingress: BTreeMap::new(),
        },
    }
}

#[tokio::test]
async fn dns_has_the_registered_tasks() {
    let (map, _control, names) = map().await;
    let first = map.register("blue/2", &[of_blue(2)]);
    let second = map.register("blue/3", &[of_blue(3)]);
    drop(first);
    let addresses = DnsLookup::Records {
        ttl: 1,
        records: vec![DnsRecord::A(Ipv4Addr::new(10, 77, 0, 3))],
    };
    assert_eq!(names.resolve(BLUE, DnsType::A, CLIENT), addresses);
    drop(second);
    assert_eq!(names.resolve(BLUE, DnsType::A, CLIENT), DnsLookup::NxDomain);
}

#[tokio::test]
async fn dns_drops_removed_services_before_their_tasks_end() {
    let (map, control, names) = map().await;
    let registered = map.register("blue/2", &[of_blue(2)]);
    control.update(|state| state.dns_endpoints.clear());
    map.publish_now();
    assert_eq!(names.resolve(BLUE, DnsType::A, CLIENT), DnsLookup::NxDomain);
    drop(registered);
    assert_eq!(names.resolve(BLUE, DnsType::A, CLIENT), DnsLookup::NxDomain);
}
