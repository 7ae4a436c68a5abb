//! Who has which addresses, and what there is to say about a name.
//!
//! DnsNames of tasks are the same for everybody who asks. Those of virtual services are for tasks whose connections are led
//! to their Envoy, and lead to no task: a name that led a task to itself would lead it past its Envoy, as the rules leave
//! alone what a task sends to its own address.
//!
//! Pure, but for the table itself being changed while it is read.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Route 53 gives out as many of a name's addresses at a time.
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-multivalue.html> (2026-11-23)
const AT_A_TIME: usize = 8;

/// The names of a mesh, without regard to case and a dot at the end. Clones are the same table.
#[derive(Debug, Clone)]
pub(crate) struct DnsNames {
    table: Arc<RwLock<Table>>,
    callers: Arc<RwLock<Callers>>,
}

/// What is the same for everybody who asks.
#[derive(Debug, Default)]
struct Table {
    /// The names under which nobody else has any.
    zones: BTreeSet<String>,
    entries: BTreeMap<String, Entry>,
}

/// Who asks as a member of which mesh, and what that mesh's virtual services are called.
#[derive(Debug, Default)]
struct Callers {
    mesh_of: BTreeMap<IpAddr, String>,
    /// By mesh and name.
    virtual_services: BTreeMap<(String, String), Ipv4Addr>,
}

#[derive(Debug)]
struct Entry {
    addresses: Vec<Ipv4Addr>,
    asked: AtomicUsize,
}

/// What there is to say about a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DnsLookup {
    /// Its addresses, or eight of them, the next one first each time. Never empty.
    Addresses(Vec<Ipv4Addr>),
    /// It lies in a zone and exists, but has no address of its own: others end in it.
    NoData,
    /// It lies in a zone and does not exist.
    NxDomain,
    /// Nothing is known of it: it is no name of the mesh.
    OutOfZone,
}

impl DnsNames {
    /// A table for these zones, which a private hosted zone or a namespace of Cloud Map would have on AWS.
    pub(crate) fn new(zones: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let names = Self {
            table: Arc::default(),
            callers: Arc::default(),
        };
        names.add_zones(zones);
        names
    }

    /// From now on these are zones, too.
    pub(crate) fn add_zones(&self, zones: impl IntoIterator<Item = impl AsRef<str>>) {
        let zones = zones.into_iter().map(|zone| normal(zone.as_ref()));
        self.change().zones.extend(zones);
    }

    /// From now on there are no other zones than these.
    pub(crate) fn keep_zones(&self, zones: impl IntoIterator<Item = impl AsRef<str>>) {
        let kept: BTreeSet<String> = zones.into_iter().map(|zone| normal(zone.as_ref())).collect();
        self.change().zones.retain(|zone| kept.contains(zone));
    }

    /// From now on whoever asks from this address is told of this mesh's virtual services.
    pub(crate) fn set_caller(&self, caller: Ipv4Addr, mesh: &str) {
        let mut callers = self.callers.write().unwrap_or_else(PoisonError::into_inner);
        callers.mesh_of.insert(IpAddr::V4(caller), mesh.to_owned());
    }

    /// From now on these are all virtual services of all meshes, by mesh and name.
    pub(crate) fn set_virtual_services(&self, services: impl IntoIterator<Item = ((String, String), Ipv4Addr)>) {
        let services = services.into_iter();
        let services = services.map(|((mesh, name), address)| ((mesh, normal(&name)), address));
        let mut callers = self.callers.write().unwrap_or_else(PoisonError::into_inner);
        callers.virtual_services = services.collect();
    }

    /// From now on these are all names of tasks, with their addresses; one without any does not exist. They may lie outside
    /// all zones.
    pub(crate) fn replace(&self, entries: impl IntoIterator<Item = (impl AsRef<str>, Vec<Ipv4Addr>)>) {
        let entries = entries.into_iter().filter(|(_, addresses)| !addresses.is_empty());
        let entries = entries.map(|(name, addresses)| {
            let asked = AtomicUsize::new(0);
            (normal(name.as_ref()), Entry { addresses, asked })
        });
        let entries: BTreeMap<String, Entry> = entries.collect();
        let mut table = self.change();
        for (name, entry) in &entries {
            // Whose turn it is does not change with what happens to others.
            if let Some(before) = table.entries.get(name) {
                entry
                    .asked
                    .store(before.asked.load(Ordering::Relaxed), Ordering::Relaxed);
            }
        }
        table.entries = entries;
    }

    pub(crate) fn find(&self, name: &str, asker: IpAddr) -> DnsLookup {
        let name = normal(name);
        if let Some(address) = self.virtual_service(&name, asker) {
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

    fn virtual_service(&self, name: &str, asker: IpAddr) -> Option<Ipv4Addr> {
        let callers = self.callers.read().unwrap_or_else(PoisonError::into_inner);
        let mesh = callers.mesh_of.get(&asker)?;
        let key = (mesh.clone(), name.to_owned());
        callers.virtual_services.get(&key).copied()
    }

    /// The longest zone that a name lies in, itself included.
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
    /// In turn rather than at random as Route 53 does, so that a few calls already reach everybody.
    fn next(&self) -> Vec<Ipv4Addr> {
        let first = self.asked.fetch_add(1, Ordering::Relaxed) % self.addresses.len();
        let all = self.addresses.iter().cycle().skip(first);
        all.take(self.addresses.len().min(AT_A_TIME)).copied().collect()
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

    const SOMEBODY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 9, 9));

    fn address(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 0, last)
    }

    fn found(names: &DnsNames, name: &str) -> Vec<u8> {
        match names.find(name, SOMEBODY) {
            DnsLookup::Addresses(addresses) => addresses.iter().map(|address| address.octets()[3]).collect(),
            other => panic!("{name} has no addresses but is {other:?}"),
        }
    }

    #[test]
    fn a_name_is_known_foreign_or_known_not_to_exist() {
        let names = DnsNames::new(["mesh.local", "Deep.mesh.local."]);
        names.replace([
            ("Blue.mesh.local.", vec![address(2)]),
            ("a.b.elsewhere.test", vec![address(3)]),
            ("x.y.mesh.local", vec![address(4)]),
        ]);
        assert_eq!(found(&names, "bLUE.mesh.LOCAL"), [2]);
        assert_eq!(found(&names, "a.b.elsewhere.test."), [3]);
        assert_eq!(names.find("mesh.local", SOMEBODY), DnsLookup::NoData);
        assert_eq!(names.find("y.mesh.local", SOMEBODY), DnsLookup::NoData);
        assert_eq!(names.find("green.mesh.local", SOMEBODY), DnsLookup::NxDomain);
        assert_eq!(names.find("b.elsewhere.test", SOMEBODY), DnsLookup::OutOfZone);
        assert_eq!(names.find("unmesh.local", SOMEBODY), DnsLookup::OutOfZone);
        assert_eq!(names.find("local", SOMEBODY), DnsLookup::OutOfZone);
        assert_eq!(names.zone_of("x.deep.mesh.local").as_deref(), Some("deep.mesh.local"));
    }

    #[test]
    fn names_and_zones_that_are_gone_are_not_known_any_more() {
        let names = DnsNames::new(["mesh.local"]);
        names.replace([
            ("blue.mesh.local", vec![address(2)]),
            ("green.mesh.local", vec![address(3)]),
        ]);
        names.replace([("blue.mesh.local", Vec::new()), ("red.other.local", vec![address(4)])]);
        for gone in ["blue.mesh.local", "green.mesh.local"] {
            assert_eq!(names.find(gone, SOMEBODY), DnsLookup::NxDomain);
        }
        assert_eq!(found(&names, "red.other.local"), [4]);

        assert_eq!(names.find("x.other.local", SOMEBODY), DnsLookup::OutOfZone);
        names.add_zones(["Other.local."]);
        assert_eq!(names.find("x.other.local", SOMEBODY), DnsLookup::NxDomain);
        assert_eq!(names.find("x.mesh.local", SOMEBODY), DnsLookup::NxDomain);
        names.keep_zones(["other.local", "never.local"]);
        assert_eq!(names.find("x.other.local", SOMEBODY), DnsLookup::NxDomain);
        for foreign in ["x.mesh.local", "x.never.local"] {
            assert_eq!(names.find(foreign, SOMEBODY), DnsLookup::OutOfZone);
        }
    }

    #[test]
    fn virtual_services_are_told_to_members_of_their_mesh() {
        let names = DnsNames::new(["mesh.local"]);
        names.replace([("blue.mesh.local", vec![address(2)])]);
        names.set_caller(address(2), "demo");
        let service = |mesh: &str, name: &str, last: u8| ((mesh.to_owned(), name.to_owned()), address(last));
        names.set_virtual_services([service("demo", "Blue.mesh.local", 7), service("other", "split", 8)]);
        let asked = |name: &str, asker: u8| names.find(name, IpAddr::V4(address(asker)));
        assert_eq!(asked("blue.mesh.local.", 2), DnsLookup::Addresses(vec![address(7)]));
        assert_eq!(asked("blue.mesh.local.", 3), DnsLookup::Addresses(vec![address(2)]));
        assert_eq!(asked("split", 2), DnsLookup::OutOfZone);
        names.set_virtual_services([]);
        assert_eq!(asked("blue.mesh.local.", 2), DnsLookup::Addresses(vec![address(2)]));
    }

    #[test]
    fn everybody_comes_first_in_turn_and_eight_are_told_at_a_time() {
        let names = DnsNames::new(["mesh.local"]);
        let two = ("two.mesh.local", vec![address(1), address(2)]);
        names.replace([two.clone()]);
        let answers: Vec<Vec<u8>> = (0..3).map(|_| found(&names, "two.mesh.local")).collect();
        assert_eq!(answers, [[1, 2], [2, 1], [1, 2]]);

        names.replace([two, ("ten.mesh.local", (1..=10).map(address).collect())]);
        assert_eq!(found(&names, "two.mesh.local"), [2, 1], "another name changes no turn");
        assert_eq!(found(&names, "ten.mesh.local"), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(found(&names, "ten.mesh.local"), [2, 3, 4, 5, 6, 7, 8, 9]);
        for _ in 0..7 {
            found(&names, "ten.mesh.local");
        }
        assert_eq!(found(&names, "ten.mesh.local"), [10, 1, 2, 3, 4, 5, 6, 7]);
    }
}
