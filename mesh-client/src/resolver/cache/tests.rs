//! Cache: TTLs, stale addresses, partial answers, eviction.

use super::super::address_policy::AddressPolicy;
use super::super::dns_answer::ServerAnswer;
use super::*;

const POLICY: AddressPolicy = AddressPolicy {
    ipv6: true,
    loopback_answers: false,
};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn name(text: &str) -> HostName {
    HostName::parse(text).expect("a name")
}

/// IPv4 addresses and no IPv6 ones.
fn v4(lasts: impl IntoIterator<Item = u8>, ttl: u64) -> Result<DnsAnswer, ResolveError> {
    let addresses = lasts.into_iter().map(|last| IpAddr::from([10, 0, 0, last])).collect();
    let ttl = seconds(ttl);
    DnsAnswer::new(
        Some(ServerAnswer::Addresses { addresses, ttl }),
        Some(ServerAnswer::NoData { ttl: seconds(900) }),
        Vec::new(),
        POLICY,
    )
}

fn nx_domain(ttl: u64) -> Result<DnsAnswer, ResolveError> {
    let answer = Some(ServerAnswer::NxDomain { ttl: seconds(ttl) });
    DnsAnswer::new(answer.clone(), answer, Vec::new(), POLICY)
}

fn no_answer() -> Result<DnsAnswer, ResolveError> {
    DnsAnswer::new(None, None, Vec::new(), POLICY)
}

/// A cache with one name and its own clock.
struct Blue {
    cache: Cache,
    now: Instant,
}

impl Blue {
    fn new() -> Self {
        Self {
            cache: Cache::default(),
            now: Instant::now(),
        }
    }

    fn after(&mut self, time: Duration) -> &mut Self {
        self.now += time;
        self
    }

    fn store(&mut self, result: Result<DnsAnswer, ResolveError>) -> String {
        let result = self.cache.store(&name("blue.appmesh"), result, self.now);
        result.map_or_else(|error| format!("{:?}", error.kind), |addresses| lasts(&addresses))
    }

    fn get(&mut self) -> String {
        match self.cache.get(&name("blue.appmesh"), self.now) {
            CacheEntry::Fresh(addresses) => format!("fresh {}", lasts(&addresses)),
            CacheEntry::Stale(addresses) => format!("stale {}", lasts(&addresses)),
            CacheEntry::Negative(error) => format!("negative {:?}", error.kind),
            CacheEntry::Miss => "miss".to_owned(),
        }
    }
}

/// The last number of each address, sorted.
fn lasts(addresses: &Addresses) -> String {
    let mut lasts: Vec<u8> = addresses
        .list()
        .iter()
        .filter_map(|address| address.to_string().rsplit(['.', ':']).next()?.parse().ok())
        .collect();
    lasts.sort_unstable();
    let lasts: Vec<String> = lasts.iter().map(u8::to_string).collect();
    lasts.join(" ")
}

#[test]
fn an_answer_is_fresh_for_its_ttl_within_bounds() {
    for (ttl, fresh_for) in [(0, 1), (1, 1), (10, 10), (60, 60), (86400, 60)] {
        let mut blue = Blue::new();
        assert_eq!(blue.get(), "miss");
        assert_eq!(blue.store(v4([1, 2], ttl)), "1 2");
        let almost = seconds(fresh_for) - Duration::from_millis(1);
        assert_eq!(blue.after(almost).get(), "fresh 1 2", "{ttl}");
        assert_eq!(blue.after(Duration::from_millis(1)).get(), "stale 1 2", "{ttl}");
    }
}

#[test]
fn a_negative_answer_is_cached_for_seconds_and_not_for_the_zone_s_900() {
    for (ttl, negative_ttl) in [(900, 5), (3, 3), (0, 1)] {
        let mut blue = Blue::new();
        assert_eq!(blue.store(nx_domain(ttl)), "NoSuchName");
        let almost = seconds(negative_ttl) - Duration::from_millis(1);
        assert_eq!(blue.after(almost).get(), "negative NoSuchName", "{ttl}");
        assert_eq!(blue.after(Duration::from_millis(1)).get(), "miss", "{ttl}");
    }
}

#[test]
fn a_stale_answer_is_served_while_dns_is_down_up_to_ten_minutes() {
    let mut blue = Blue::new();
    blue.store(v4([1], 10));
    assert_eq!(blue.after(seconds(10)).get(), "stale 1");
    assert_eq!(blue.store(no_answer()), "1");
    assert_eq!(blue.get(), "fresh 1", "DNS is not queried again immediately");
    assert_eq!(blue.after(RETRY_PAUSE).get(), "stale 1");
    blue.after(STALE_FOR - seconds(10) - RETRY_PAUSE - seconds(1));
    assert_eq!(blue.store(no_answer()), "1");
    assert_eq!(
        blue.after(seconds(1)).get(),
        "miss",
        "ten minutes after the last answer"
    );
    assert_eq!(blue.store(no_answer()), "NoAnswer");
    assert_eq!(blue.get(), "negative NoAnswer");
    assert_eq!(blue.after(RETRY_PAUSE).get(), "miss");
    assert_eq!(blue.store(v4([2], 10)), "2");
}

#[test]
fn addresses_removed_from_dns_are_not_used() {
    let mut blue = Blue::new();
    blue.store(v4([1, 2], 10));
    assert_eq!(
        blue.store(v4([3], 10)),
        "3",
        "an answer of fewer than eight is complete"
    );
    assert_eq!(blue.store(nx_domain(900)), "NoSuchName");
    assert_eq!(blue.get(), "negative NoSuchName");
    assert_eq!(blue.store(no_answer()), "NoAnswer", "there are no stale addresses");

    blue.store(v4([1], 10));
    let link_local = ServerAnswer::Addresses {
        addresses: vec![IpAddr::from([169, 254, 169, 254])],
        ttl: seconds(10),
    };
    let rejected = blue.store(DnsAnswer::new(Some(link_local), None, Vec::new(), POLICY));
    assert!(rejected.starts_with("Rejected"), "{rejected}");
}

#[test]
fn addresses_beyond_route_53_s_eight_records_accumulate_until_they_expire() {
    let mut blue = Blue::new();
    assert_eq!(blue.store(v4(1..=8, 10)), "1 2 3 4 5 6 7 8");
    blue.after(seconds(10));
    assert_eq!(blue.store(v4(5..=12, 10)), "1 2 3 4 5 6 7 8 9 10 11 12");
    blue.after(seconds(39));
    assert_eq!(blue.store(v4(5..=12, 10)), "1 2 3 4 5 6 7 8 9 10 11 12");
    blue.after(seconds(1));
    assert_eq!(
        blue.store(v4(5..=12, 10)),
        "5 6 7 8 9 10 11 12",
        "five TTLs after they were last seen"
    );
    assert_eq!(blue.store(v4(1..=7, 10)), "1 2 3 4 5 6 7", "seven are all there are");
}

#[test]
fn a_family_without_an_answer_keeps_its_addresses() {
    let both = |v6: Option<ServerAnswer>| {
        let addresses = vec![IpAddr::from([10, 0, 0, 1])];
        let ttl = seconds(10);
        DnsAnswer::new(Some(ServerAnswer::Addresses { addresses, ttl }), v6, Vec::new(), POLICY)
    };
    let mut blue = Blue::new();
    let addresses = vec!["fd12::2".parse().unwrap()];
    let ttl = seconds(20);
    assert_eq!(
        blue.store(both(Some(ServerAnswer::Addresses { addresses, ttl }))),
        "1 2"
    );
    assert_eq!(blue.after(seconds(10)).get(), "stale 1 2", "the shorter TTL counts");
    assert_eq!(blue.store(both(None)), "1 2");
    blue.after(seconds(90));
    assert_eq!(blue.store(both(None)), "1", "it was seen five TTLs ago");
    blue.store(both(Some(ServerAnswer::NoData { ttl })));
    assert_eq!(blue.get(), "fresh 1");
}

#[test]
fn the_least_recently_used_name_is_evicted() {
    let mut cache = Cache::default();
    let mut now = Instant::now();
    let learn = |cache: &mut Cache, n: usize, now| {
        cache.store(&name(&format!("s{n}.appmesh")), v4([1], 60), now).unwrap();
    };
    for n in 0..MAX_NAMES {
        learn(&mut cache, n, now);
        now += Duration::from_millis(1);
    }
    // The first is used, so the second is evicted.
    cache.get(&name("s0.appmesh"), now);
    learn(&mut cache, MAX_NAMES, now);
    assert_eq!(cache.names.len(), MAX_NAMES);
    assert!(matches!(cache.get(&name("s0.appmesh"), now), CacheEntry::Fresh(_)));
    assert!(matches!(cache.get(&name("s1.appmesh"), now), CacheEntry::Miss));
}

#[test]
fn a_failed_lookup_keeps_its_attempts() {
    let mut cache = Cache::default();
    let error = ResolveError::no_answer(vec!["DNS server 10.0.0.2:53, A: timed out".to_owned()]);
    let result = cache.store(&name("blue.appmesh"), Err(error.clone()), Instant::now());
    assert_eq!(*result.unwrap_err(), error);
}
