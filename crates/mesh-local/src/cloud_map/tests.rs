//! What DNS is told of tasks that come and go.

use std::collections::BTreeMap;

use super::*;
use crate::network::DnsLookup;

const BLUE: &str = "blue.demo.local";
const ASKER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 0, 9));

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
            has_dns: true,
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
async fn dns_has_the_tasks_that_are_registered() {
    let (map, _control, names) = map().await;
    let first = map.register("blue/2", &[of_blue(2)]);
    let second = map.register("blue/3", &[of_blue(3)]);
    drop(first);
    let addresses = DnsLookup::Addresses(vec![Ipv4Addr::new(10, 77, 0, 3)]);
    assert_eq!(names.find(BLUE, ASKER), addresses);
    drop(second);
    assert_eq!(names.find(BLUE, ASKER), DnsLookup::NxDomain);
}

#[tokio::test]
async fn dns_forgets_a_service_that_is_gone_before_its_tasks_are() {
    let (map, control, names) = map().await;
    let registered = map.register("blue/2", &[of_blue(2)]);
    control.update(|world| world.dns_endpoints.clear());
    map.publish_now();
    assert_eq!(names.find(BLUE, ASKER), DnsLookup::NxDomain);
    drop(registered);
    assert_eq!(names.find(BLUE, ASKER), DnsLookup::NxDomain);
}
