//! The DNS names of a mesh and their resolution.
//!
//! Names of Cloud Map services resolve equally for all clients, to the records that the service has. Virtual services
//! resolve only for tasks with interception, to an address of their own: an address of a task would bypass Envoy in that
//! task, as the iptables rules exclude a task's own address. So does the name of a task itself, unless the task has it as
//! a backend: it resolves to the task's own address.
//!
//! Pure, apart from concurrent updates of the table.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::plan::DnsRecords;

/// Route 53's limit of records per response.
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-multivalue.html> (2026-11-23)
const MAX_RECORDS: usize = 8;
/// The time to live of records without one of their own, and of negative responses: started and stopped tasks must be
/// noticed quickly. Not 0, which Envoy treats as a missing TTL, with a refresh only after its own five seconds
/// (`source/extensions/clusters/strict_dns/strict_dns_cluster.cc`, read 2026-11-23).
pub(crate) const MIN_TTL: u32 = 1;
/// The longest time to live that is served, decided here: as long as replaced tasks keep serving.
pub(crate) const MAX_TTL: u32 = 60;

/// The names of a mesh, case-insensitive and with or without a trailing dot. Clones share the table.
#[derive(Debug, Clone)]
pub(crate) struct DnsNames {
    table: Arc<RwLock<Table>>,
    clients: Arc<RwLock<Clients>>,
}

/// Records that are the same for all clients.
#[derive(Debug, Default)]
struct Table {
    /// The zones that are authoritative.
    zones: BTreeSet<String>,
    /// The records of Cloud Map services, by host name. Other names have addresses.
    services: BTreeMap<String, DnsRecords>,
    entries: BTreeMap<String, Entry>,
}

/// The virtual node of each client, and the virtual services of each mesh.
#[derive(Debug, Default)]
struct Clients {
    /// Mesh and virtual node.
    node_of: BTreeMap<Ipv4Addr, (String, String)>,
    /// By mesh and name.
    virtual_services: BTreeMap<(String, String), Ipv4Addr>,
    /// The host names of virtual nodes that do not have them as backends, by mesh and virtual node.
    own_names: BTreeMap<(String, String), String>,
}

/// An instance of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DnsInstance {
    /// Its id, of which its own host name is made.
    pub(crate) id: String,
    pub(crate) addresses: Vec<IpAddr>,
    /// The port of `SRV` records.
    pub(crate) port: Option<u16>,
    /// The target of `CNAME` records.
    pub(crate) cname: Option<String>,
}

#[derive(Debug)]
struct Entry {
    records: DnsRecords,
    instances: Vec<DnsInstance>,
    queries: AtomicUsize,
}

/// A type of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DnsType {
    A,
    Aaaa,
    Srv,
    /// All others, which no name has.
    Other,
}

/// The data of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DnsRecord {
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    Srv { port: u16, target: String },
    Cname(String),
}

/// The result of resolving a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DnsLookup {
    /// Up to eight records, rotated with each query. Never empty.
    Records { ttl: u32, records: Vec<DnsRecord> },
    /// The name exists in a zone, but has no record of this type, or none at all: other names end in it.
    NoData,
    /// The name is in a zone and does not exist.
    NxDomain,
    /// The name is outside all zones.
    OutOfZone,
}

impl DnsNames {
    /// A table for these zones: private hosted zones or Cloud Map namespaces on AWS.
    pub(crate) fn new(zones: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let names = Self {
            table: Arc::default(),
            clients: Arc::default(),
        };
        names.add_zones(zones);
        names
    }

    /// Adds zones.
    pub(crate) fn add_zones(&self, zones: impl IntoIterator<Item = impl AsRef<str>>) {
        let zones = zones.into_iter().map(|zone| normal(zone.as_ref()));
        self.change().zones.extend(zones);
    }

    /// Removes all zones except these.
    pub(crate) fn retain_zones(&self, zones: impl IntoIterator<Item = impl AsRef<str>>) {
        let kept: BTreeSet<String> = zones.into_iter().map(|zone| normal(zone.as_ref())).collect();
        self.change().zones.retain(|zone| kept.contains(zone));
    }

    /// Sets the records of Cloud Map services, by host name. [`DnsNames::set_instances`] applies them.
    pub(crate) fn set_services(&self, services: impl IntoIterator<Item = (impl AsRef<str>, DnsRecords)>) {
        let services = services.into_iter();
        self.change().services = services
            .map(|(name, records)| (normal(name.as_ref()), records))
            .collect();
    }

    /// Resolves virtual services of `mesh` for queries from the address `client` of this virtual node.
    pub(crate) fn set_client(&self, client: Ipv4Addr, mesh: &str, node: &str) {
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        clients.node_of.insert(client, (mesh.to_owned(), node.to_owned()));
    }

    /// Replaces the host names of all virtual nodes that do not have them as backends, given by mesh and node.
    pub(crate) fn set_own_names(&self, names: impl IntoIterator<Item = ((String, String), String)>) {
        let names = names.into_iter().map(|(node, name)| (node, normal(&name)));
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        clients.own_names = names.collect();
    }

    /// Replaces all virtual services of all meshes, given by mesh and name.
    pub(crate) fn set_virtual_services(&self, services: impl IntoIterator<Item = ((String, String), Ipv4Addr)>) {
        let services = services.into_iter();
        let services = services.map(|((mesh, name), address)| ((mesh, normal(&name)), address));
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        clients.virtual_services = services.collect();
    }

    /// Replaces all instances, by host name. Names without instances do not exist. Names may be outside all zones.
    pub(crate) fn set_instances(&self, entries: impl IntoIterator<Item = (impl AsRef<str>, Vec<DnsInstance>)>) {
        let mut table = self.change();
        let mut new = BTreeMap::new();
        for (name, instances) in entries {
            let name = normal(name.as_ref());
            if instances.is_empty() {
                continue;
            }
            let records = table.services.get(&name).copied();
            let records = records.unwrap_or_else(|| DnsRecords::addresses(MIN_TTL));
            if let Some(ttl) = records.srv {
                for instance in &instances {
                    let own = Entry::new(DnsRecords::addresses(ttl), vec![instance.clone()]);
                    new.insert(instance_name(instance, &name), own);
                }
            }
            new.insert(name, Entry::new(records, instances));
        }
        for (name, entry) in &new {
            // Changes of other names must not affect the rotation.
            if let Some(before) = table.entries.get(name) {
                let queries = before.queries.load(Ordering::Relaxed);
                entry.queries.store(queries, Ordering::Relaxed);
            }
        }
        table.entries = new;
    }

    /// Resolves a name for the client with this address.
    pub(crate) fn resolve(&self, name: &str, kind: DnsType, client: IpAddr) -> DnsLookup {
        let name = normal(name);
        if let Some(address) = self.address_for(&name, client) {
            return match kind {
                DnsType::A => DnsLookup::Records {
                    ttl: MIN_TTL,
                    records: vec![DnsRecord::A(address)],
                },
                // With `NXDOMAIN`, resolvers that query both families would ignore the other.
                _ => DnsLookup::NoData,
            };
        }
        let table = self.read();
        if let Some(entry) = table.entries.get(&name) {
            return entry.lookup(&name, kind);
        }
        match table.zone_of(&name) {
            None => DnsLookup::OutOfZone,
            Some(zone) if zone == name || table.entries.keys().any(|other| is_below(other, &name)) => DnsLookup::NoData,
            Some(_) => DnsLookup::NxDomain,
        }
    }

    /// The address of a name for one client alone: its own, or that of a virtual service.
    fn address_for(&self, name: &str, client: IpAddr) -> Option<Ipv4Addr> {
        let IpAddr::V4(client) = client else { return None };
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        let node = clients.node_of.get(&client)?;
        if clients.own_names.get(node).is_some_and(|own| own == name) {
            return Some(client);
        }
        let key = (node.0.clone(), name.to_owned());
        clients.virtual_services.get(&key).copied()
    }

    /// The longest zone that contains a name.
    pub(super) fn zone_of(&self, name: &str) -> Option<String> {
        self.read().zone_of(&normal(name)).map(str::to_owned)
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn zone_of(&self, name: &str) -> Option<&str> {
        let above = self.zones.iter().filter(|zone| *zone == name || is_below(name, zone));
        above.max_by_key(|zone| zone.len()).map(String::as_str)
    }
}

impl Entry {
    fn new(records: DnsRecords, instances: Vec<DnsInstance>) -> Self {
        Self {
            records,
            instances,
            queries: AtomicUsize::new(0),
        }
    }

    fn lookup(&self, name: &str, kind: DnsType) -> DnsLookup {
        let DnsRecords {
            a, aaaa, srv, cname, ..
        } = self.records;
        let ttl = match kind {
            DnsType::A => a,
            DnsType::Aaaa => aaaa,
            DnsType::Srv => srv,
            DnsType::Other => None,
        };
        // A name with a CNAME record has no other records.
        let (ttl, kind) = match (cname, ttl) {
            (Some(ttl), _) => (ttl, None),
            (None, Some(ttl)) => (ttl, Some(kind)),
            (None, None) => return DnsLookup::NoData,
        };
        let records: Vec<DnsRecord> = self
            .instances
            .iter()
            .flat_map(|instance| instance.records(kind, name))
            .collect();
        if records.is_empty() {
            return DnsLookup::NoData;
        }
        let most = if self.records.is_weighted { 1 } else { MAX_RECORDS };
        DnsLookup::Records {
            ttl: ttl.clamp(MIN_TTL, MAX_TTL),
            records: self.rotated(&records, most),
        }
    }

    /// Rotates instead of choosing at random like Route 53, so that a few calls already reach all tasks.
    fn rotated(&self, records: &[DnsRecord], most: usize) -> Vec<DnsRecord> {
        let first = self.queries.fetch_add(1, Ordering::Relaxed) % records.len();
        let all = records.iter().cycle().skip(first);
        all.take(records.len().min(most)).cloned().collect()
    }
}

impl DnsInstance {
    /// The records of this type; `CNAME` without one.
    fn records(&self, kind: Option<DnsType>, name: &str) -> Vec<DnsRecord> {
        let addresses = self.addresses.iter();
        match kind {
            Some(DnsType::A) => addresses
                .filter_map(|address| match address {
                    IpAddr::V4(address) => Some(DnsRecord::A(*address)),
                    IpAddr::V6(_) => None,
                })
                .collect(),
            Some(DnsType::Aaaa) => addresses
                .filter_map(|address| match address {
                    IpAddr::V6(address) => Some(DnsRecord::Aaaa(*address)),
                    IpAddr::V4(_) => None,
                })
                .collect(),
            Some(DnsType::Srv) => {
                let target = instance_name(self, name);
                let port = self.port.map(|port| DnsRecord::Srv { port, target });
                port.into_iter().collect()
            }
            Some(DnsType::Other) => Vec::new(),
            None => self.cname.clone().map(DnsRecord::Cname).into_iter().collect(),
        }
    }
}

/// The name of one instance, the target of its `SRV` record: its id, then the name of the service. Source: Cloud Map API
/// reference, `DnsRecord` (read 2026-12-01).
fn instance_name(instance: &DnsInstance, service: &str) -> String {
    let id = instance.id.rsplit(':').next().unwrap_or_default();
    let label = id.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_', "-");
    format!("{}.{service}", label.to_ascii_lowercase())
}

fn normal(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

fn is_below(name: &str, other: &str) -> bool {
    name.strip_suffix(other).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 9, 9));

    fn address(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 0, last)
    }

    fn instance(last: u8) -> DnsInstance {
        DnsInstance {
            id: format!("web/{last}"),
            addresses: vec![IpAddr::V4(address(last))],
            port: Some(7800),
            cname: None,
        }
    }

    fn set(names: &DnsNames, entries: &[(&str, &[u8])]) {
        names.set_instances(
            entries
                .iter()
                .map(|(name, all)| (name, all.iter().copied().map(instance).collect())),
        );
    }

    fn a(names: &DnsNames, name: &str) -> DnsLookup {
        names.resolve(name, DnsType::A, CLIENT)
    }

    fn resolved(names: &DnsNames, name: &str) -> Vec<u8> {
        last_bytes(a(names, name))
    }

    fn last_bytes(found: DnsLookup) -> Vec<u8> {
        let DnsLookup::Records { records, .. } = found else {
            panic!("no records: {found:?}");
        };
        let last = |record: &DnsRecord| match record {
            DnsRecord::A(address) => address.octets()[3],
            other => panic!("{other:?}"),
        };
        records.iter().map(last).collect()
    }

    #[test]
    fn names_are_resolved_by_zone() {
        let names = DnsNames::new(["mesh.local", "Deep.mesh.local."]);
        set(
            &names,
            &[
                ("Blue.mesh.local.", &[2]),
                ("a.b.elsewhere.test", &[3]),
                ("x.y.mesh.local", &[4]),
            ],
        );
        assert_eq!(resolved(&names, "bLUE.mesh.LOCAL"), [2]);
        assert_eq!(resolved(&names, "a.b.elsewhere.test."), [3]);
        assert_eq!(a(&names, "mesh.local"), DnsLookup::NoData);
        assert_eq!(a(&names, "y.mesh.local"), DnsLookup::NoData);
        assert_eq!(a(&names, "green.mesh.local"), DnsLookup::NxDomain);
        assert_eq!(a(&names, "b.elsewhere.test"), DnsLookup::OutOfZone);
        assert_eq!(a(&names, "unmesh.local"), DnsLookup::OutOfZone);
        assert_eq!(a(&names, "local"), DnsLookup::OutOfZone);
        assert_eq!(names.zone_of("x.deep.mesh.local").as_deref(), Some("deep.mesh.local"));
    }

    #[test]
    fn removed_names_and_zones_do_not_resolve() {
        let names = DnsNames::new(["mesh.local"]);
        set(&names, &[("blue.mesh.local", &[2]), ("green.mesh.local", &[3])]);
        set(&names, &[("blue.mesh.local", &[]), ("red.other.local", &[4])]);
        for gone in ["blue.mesh.local", "green.mesh.local"] {
            assert_eq!(a(&names, gone), DnsLookup::NxDomain);
        }
        assert_eq!(resolved(&names, "red.other.local"), [4]);

        assert_eq!(a(&names, "x.other.local"), DnsLookup::OutOfZone);
        names.add_zones(["Other.local."]);
        assert_eq!(a(&names, "x.other.local"), DnsLookup::NxDomain);
        assert_eq!(a(&names, "x.mesh.local"), DnsLookup::NxDomain);
        names.retain_zones(["other.local", "never.local"]);
        assert_eq!(a(&names, "x.other.local"), DnsLookup::NxDomain);
        for foreign in ["x.mesh.local", "x.never.local"] {
            assert_eq!(a(&names, foreign), DnsLookup::OutOfZone);
        }
    }

    #[test]
    fn virtual_services_resolve_for_tasks_of_their_mesh() {
        let names = DnsNames::new(["mesh.local"]);
        set(&names, &[("blue.mesh.local", &[2])]);
        names.set_client(address(2), "demo", "blue");
        let service = |mesh: &str, name: &str, last: u8| ((mesh.to_owned(), name.to_owned()), address(last));
        names.set_virtual_services([service("demo", "Blue.mesh.local", 7), service("other", "split", 8)]);
        let query = |name: &str, client: u8| names.resolve(name, DnsType::A, IpAddr::V4(address(client)));
        assert_eq!(last_bytes(query("blue.mesh.local.", 2)), [7]);
        assert_eq!(last_bytes(query("blue.mesh.local.", 3)), [2]);
        assert_eq!(query("split", 2), DnsLookup::OutOfZone);
        let aaaa = names.resolve("blue.mesh.local", DnsType::Aaaa, IpAddr::V4(address(2)));
        assert_eq!(aaaa, DnsLookup::NoData);
        names.set_virtual_services([]);
        assert_eq!(last_bytes(query("blue.mesh.local.", 2)), [2]);
    }

    #[test]
    fn the_own_name_of_a_task_is_its_own_address() {
        let names = DnsNames::new(["mesh.local"]);
        set(&names, &[("blue.mesh.local", &[2, 3])]);
        let blue = || ("demo".to_owned(), "blue".to_owned());
        names.set_client(address(3), "demo", "blue");
        names.set_client(address(4), "demo", "green");
        names.set_virtual_services([(("demo".to_owned(), "blue.mesh.local".to_owned()), address(7))]);
        names.set_own_names([(blue(), "Blue.mesh.local.".to_owned())]);
        let query = |client: u8| last_bytes(names.resolve("blue.mesh.local", DnsType::A, IpAddr::V4(address(client))));
        assert_eq!((query(3), query(4)), (vec![3], vec![7]));
        names.set_own_names([]);
        assert_eq!(query(3), [7]);
    }

    #[test]
    fn a_service_has_the_records_of_its_registry() {
        let only_srv = DnsRecords {
            is_weighted: false,
            a: None,
            aaaa: None,
            srv: Some(10),
            cname: None,
        };
        let names = DnsNames::new(["mesh.local"]);
        names.set_services([
            ("_app._tcp.mesh.local", only_srv),
            (
                "one.mesh.local",
                DnsRecords {
                    is_weighted: true,
                    ..DnsRecords::addresses(86_400)
                },
            ),
            (
                "other.mesh.local",
                DnsRecords {
                    srv: None,
                    cname: Some(0),
                    ..only_srv
                },
            ),
        ]);
        let elsewhere = DnsInstance {
            cname: Some("example.com".to_owned()),
            ..instance(3)
        };
        names.set_instances([
            ("_app._tcp.mesh.local", vec![instance(1), instance(2)]),
            ("one.mesh.local", vec![instance(1), instance(2)]),
            ("other.mesh.local", vec![elsewhere]),
        ]);
        let srv = |last: u8| DnsRecord::Srv {
            port: 7800,
            target: format!("web-{last}._app._tcp.mesh.local"),
        };
        let query = |name: &str, kind: DnsType| names.resolve(name, kind, CLIENT);
        assert_eq!(
            query("_app._tcp.mesh.local", DnsType::Srv),
            DnsLookup::Records {
                ttl: 10,
                records: vec![srv(1), srv(2)]
            }
        );
        assert_eq!(query("_app._tcp.mesh.local", DnsType::A), DnsLookup::NoData);
        assert_eq!(
            query("web-2._app._tcp.mesh.local", DnsType::A),
            DnsLookup::Records {
                ttl: 10,
                records: vec![DnsRecord::A(address(2))]
            }
        );
        // One instance at a time, and no longer than replaced tasks serve.
        for last in [1, 2, 1] {
            assert_eq!(
                query("one.mesh.local", DnsType::A),
                DnsLookup::Records {
                    ttl: MAX_TTL,
                    records: vec![DnsRecord::A(address(last))]
                }
            );
        }
        assert_eq!(query("one.mesh.local", DnsType::Srv), DnsLookup::NoData);
        assert_eq!(
            query("other.mesh.local", DnsType::A),
            DnsLookup::Records {
                ttl: MIN_TTL,
                records: vec![DnsRecord::Cname("example.com".to_owned())]
            }
        );
    }

    #[test]
    fn addresses_rotate_and_are_limited_to_eight() {
        let names = DnsNames::new(["mesh.local"]);
        set(&names, &[("two.mesh.local", &[1, 2])]);
        let answers: Vec<Vec<u8>> = (0..3).map(|_| resolved(&names, "two.mesh.local")).collect();
        assert_eq!(answers, [[1, 2], [2, 1], [1, 2]]);

        let ten: Vec<u8> = (1..=10).collect();
        set(&names, &[("two.mesh.local", &[1, 2]), ("ten.mesh.local", &ten)]);
        assert_eq!(resolved(&names, "two.mesh.local"), [2, 1], "independent of other names");
        assert_eq!(resolved(&names, "ten.mesh.local"), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(resolved(&names, "ten.mesh.local"), [2, 3, 4, 5, 6, 7, 8, 9]);
        for _ in 0..7 {
            resolved(&names, "ten.mesh.local");
        }
        assert_eq!(resolved(&names, "ten.mesh.local"), [10, 1, 2, 3, 4, 5, 6, 7]);
    }
}
