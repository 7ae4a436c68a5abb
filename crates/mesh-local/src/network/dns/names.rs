//! The DNS names of a mesh and their resolution.
//!
//! Task names resolve equally for all clients. Virtual services resolve only for tasks with interception, to an address
//! of their own: an address of a task would bypass Envoy in that task, as the iptables rules exclude a task's own
//! address.
//!
//! Pure, apart from concurrent updates of the table.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Route 53's limit of addresses per response.
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-multivalue.html> (2026-11-23)
const MAX_ADDRESSES: usize = 8;

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
    entries: BTreeMap<String, Entry>,
}

/// The mesh of each client, and the virtual services of each mesh.
#[derive(Debug, Default)]
struct Clients {
    mesh_of: BTreeMap<IpAddr, String>,
    /// By mesh and name.
    virtual_services: BTreeMap<(String, String), Ipv4Addr>,
}

#[derive(Debug)]
struct Entry {
    addresses: Vec<Ipv4Addr>,
    queries: AtomicUsize,
}

/// The result of resolving a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DnsLookup {
    /// Up to eight addresses, rotated with each query. Never empty.
    Addresses(Vec<Ipv4Addr>),
    /// The name exists in a zone, but has no address: other names end in it.
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

    /// Resolves virtual services of `mesh` for queries from the address `client`.
    pub(crate) fn set_client(&self, client: Ipv4Addr, mesh: &str) {
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        clients.mesh_of.insert(IpAddr::V4(client), mesh.to_owned());
    }

    /// Replaces all virtual services of all meshes, given by mesh and name.
    pub(crate) fn set_virtual_services(&self, services: impl IntoIterator<Item = ((String, String), Ipv4Addr)>) {
        let services = services.into_iter();
        let services = services.map(|((mesh, name), address)| ((mesh, normal(&name)), address));
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        clients.virtual_services = services.collect();
    }

    /// Replaces all task names. Names without addresses do not exist. Names may be outside all zones.
    pub(crate) fn set_task_records(&self, entries: impl IntoIterator<Item = (impl AsRef<str>, Vec<Ipv4Addr>)>) {
        let entries = entries.into_iter().filter(|(_, addresses)| !addresses.is_empty());
        let entries = entries.map(|(name, addresses)| {
            let queries = AtomicUsize::new(0);
            (normal(name.as_ref()), Entry { addresses, queries })
        });
        let entries: BTreeMap<String, Entry> = entries.collect();
        let mut table = self.change();
        for (name, entry) in &entries {
            // Changes of other names must not affect the rotation.
            if let Some(before) = table.entries.get(name) {
                entry
                    .queries
                    .store(before.queries.load(Ordering::Relaxed), Ordering::Relaxed);
            }
        }
        table.entries = entries;
    }

    /// Resolves a name for the client with this address.
    pub(crate) fn resolve(&self, name: &str, client: IpAddr) -> DnsLookup {
        let name = normal(name);
        if let Some(address) = self.virtual_service(&name, client) {
            return DnsLookup::Addresses(vec![address]);
        }
        let table = self.read();
        if let Some(entry) = table.entries.get(&name) {
            return DnsLookup::Addresses(entry.next());
        }
        match table.zone_of(&name) {
            None => DnsLookup::OutOfZone,
            Some(zone) if zone == name || table.entries.keys().any(|other| is_below(other, &name)) => DnsLookup::NoData,
            Some(_) => DnsLookup::NxDomain,
        }
    }

    fn virtual_service(&self, name: &str, client: IpAddr) -> Option<Ipv4Addr> {
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        let mesh = clients.mesh_of.get(&client)?;
        let key = (mesh.clone(), name.to_owned());
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
    /// Rotates instead of shuffling like Route 53, so that a few calls already reach all tasks.
    fn next(&self) -> Vec<Ipv4Addr> {
        let first = self.queries.fetch_add(1, Ordering::Relaxed) % self.addresses.len();
        let all = self.addresses.iter().cycle().skip(first);
        all.take(self.addresses.len().min(MAX_ADDRESSES)).copied().collect()
    }
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

    fn resolved(names: &DnsNames, name: &str) -> Vec<u8> {
        match names.resolve(name, CLIENT) {
            DnsLookup::Addresses(addresses) => addresses.iter().map(|address| address.octets()[3]).collect(),
            other => panic!("{name} has no addresses: {other:?}"),
        }
    }

    #[test]
    fn names_are_resolved_by_zone() {
        let names = DnsNames::new(["mesh.local", "Deep.mesh.local."]);
        names.set_task_records([
            ("Blue.mesh.local.", vec![address(2)]),
            ("a.b.elsewhere.test", vec![address(3)]),
            ("x.y.mesh.local", vec![address(4)]),
        ]);
        assert_eq!(resolved(&names, "bLUE.mesh.LOCAL"), [2]);
        assert_eq!(resolved(&names, "a.b.elsewhere.test."), [3]);
        assert_eq!(names.resolve("mesh.local", CLIENT), DnsLookup::NoData);
        assert_eq!(names.resolve("y.mesh.local", CLIENT), DnsLookup::NoData);
        assert_eq!(names.resolve("green.mesh.local", CLIENT), DnsLookup::NxDomain);
        assert_eq!(names.resolve("b.elsewhere.test", CLIENT), DnsLookup::OutOfZone);
        assert_eq!(names.resolve("unmesh.local", CLIENT), DnsLookup::OutOfZone);
        assert_eq!(names.resolve("local", CLIENT), DnsLookup::OutOfZone);
        assert_eq!(names.zone_of("x.deep.mesh.local").as_deref(), Some("deep.mesh.local"));
    }

    #[test]
    fn removed_names_and_zones_do_not_resolve() {
        let names = DnsNames::new(["mesh.local"]);
        names.set_task_records([
            ("blue.mesh.local", vec![address(2)]),
            ("green.mesh.local", vec![address(3)]),
        ]);
        names.set_task_records([("blue.mesh.local", Vec::new()), ("red.other.local", vec![address(4)])]);
        for gone in ["blue.mesh.local", "green.mesh.local"] {
            assert_eq!(names.resolve(gone, CLIENT), DnsLookup::NxDomain);
        }
        assert_eq!(resolved(&names, "red.other.local"), [4]);

        assert_eq!(names.resolve("x.other.local", CLIENT), DnsLookup::OutOfZone);
        names.add_zones(["Other.local."]);
        assert_eq!(names.resolve("x.other.local", CLIENT), DnsLookup::NxDomain);
        assert_eq!(names.resolve("x.mesh.local", CLIENT), DnsLookup::NxDomain);
        names.retain_zones(["other.local", "never.local"]);
        assert_eq!(names.resolve("x.other.local", CLIENT), DnsLookup::NxDomain);
        for foreign in ["x.mesh.local", "x.never.local"] {
            assert_eq!(names.resolve(foreign, CLIENT), DnsLookup::OutOfZone);
        }
    }

    #[test]
    fn virtual_services_resolve_for_tasks_of_their_mesh() {
        let names = DnsNames::new(["mesh.local"]);
        names.set_task_records([("blue.mesh.local", vec![address(2)])]);
        names.set_client(address(2), "demo");
        let service = |mesh: &str, name: &str, last: u8| ((mesh.to_owned(), name.to_owned()), address(last));
        names.set_virtual_services([service("demo", "Blue.mesh.local", 7), service("other", "split", 8)]);
        let query = |name: &str, client: u8| names.resolve(name, IpAddr::V4(address(client)));
        assert_eq!(query("blue.mesh.local.", 2), DnsLookup::Addresses(vec![address(7)]));
        assert_eq!(query("blue.mesh.local.", 3), DnsLookup::Addresses(vec![address(2)]));
        assert_eq!(query("split", 2), DnsLookup::OutOfZone);
        names.set_virtual_services([]);
        assert_eq!(query("blue.mesh.local.", 2), DnsLookup::Addresses(vec![address(2)]));
    }

    #[test]
    fn addresses_rotate_and_are_limited_to_eight() {
        let names = DnsNames::new(["mesh.local"]);
        let two = ("two.mesh.local", vec![address(1), address(2)]);
        names.set_task_records([two.clone()]);
        let answers: Vec<Vec<u8>> = (0..3).map(|_| resolved(&names, "two.mesh.local")).collect();
        assert_eq!(answers, [[1, 2], [2, 1], [1, 2]]);

        names.set_task_records([two, ("ten.mesh.local", (1..=10).map(address).collect())]);
        assert_eq!(resolved(&names, "two.mesh.local"), [2, 1], "independent of other names");
        assert_eq!(resolved(&names, "ten.mesh.local"), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(resolved(&names, "ten.mesh.local"), [2, 3, 4, 5, 6, 7, 8, 9]);
        for _ in 0..7 {
            resolved(&names, "ten.mesh.local");
        }
        assert_eq!(resolved(&names, "ten.mesh.local"), [10, 1, 2, 3, 4, 5, 6, 7]);
    }
}
