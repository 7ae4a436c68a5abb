//! What is remembered, for how long, on a clock that the test turns.

use super::super::answer::Said;
use super::super::failure::Why;
use super::super::rules::Rules;
use super::*;

const RULES: Rules = Rules {
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
fn v4(lasts: impl IntoIterator<Item = u8>, ttl: u64) -> Result<Answer, Failure> {
    let addresses = lasts.into_iter().map(|last| IpAddr::from([10, 0, 0, last])).collect();
    let ttl = seconds(ttl);
    Answer::new(
        Some(Said::Addresses { addresses, ttl }),
        Some(Said::NoAddress { ttl: seconds(900) }),
        Vec::new(),
        RULES,
    )
}

fn no_such_name(ttl: u64) -> Result<Answer, Failure> {
    let said = Some(Said::NoSuchName { ttl: seconds(ttl) });
    Answer::new(said.clone(), said, Vec::new(), RULES)
}

fn silence() -> Result<Answer, Failure> {
    Answer::new(None, None, Vec::new(), RULES)
}

/// A memory of one name on a clock of its own.
struct Blue {
    memory: Memory,
    now: Instant,
}

impl Blue {
    fn new() -> Self {
        Self {
            memory: Memory::default(),
            now: Instant::now(),
        }
    }

    fn after(&mut self, time: Duration) -> &mut Self {
        self.now += time;
        self
    }

    fn learn(&mut self, outcome: Result<Answer, Failure>) -> String {
        let told = self.memory.learn(&name("blue.appmesh"), outcome, self.now);
        told.map_or_else(|failure| format!("{:?}", failure.why), |addresses| lasts(&addresses))
    }

    fn recall(&mut self) -> String {
        match self.memory.recall(&name("blue.appmesh"), self.now) {
            Recalled::Fresh(addresses) => format!("fresh {}", lasts(&addresses)),
            Recalled::Stale(addresses) => format!("stale {}", lasts(&addresses)),
            Recalled::Absent(failure) => format!("absent {:?}", failure.why),
            Recalled::Unknown => "unknown".to_owned(),
        }
    }
}

/// The last number of each address, in order.
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
        assert_eq!(blue.recall(), "unknown");
        assert_eq!(blue.learn(v4([1, 2], ttl)), "1 2");
        let almost = seconds(fresh_for) - Duration::from_millis(1);
        assert_eq!(blue.after(almost).recall(), "fresh 1 2", "{ttl}");
        assert_eq!(blue.after(Duration::from_millis(1)).recall(), "stale 1 2", "{ttl}");
    }
}

#[test]
fn a_negative_answer_is_remembered_for_seconds_and_not_for_the_zone_s_900() {
    for (ttl, absent_for) in [(900, 5), (3, 3), (0, 1)] {
        let mut blue = Blue::new();
        assert_eq!(blue.learn(no_such_name(ttl)), "NoSuchName");
        let almost = seconds(absent_for) - Duration::from_millis(1);
        assert_eq!(blue.after(almost).recall(), "absent NoSuchName", "{ttl}");
        assert_eq!(blue.after(Duration::from_millis(1)).recall(), "unknown", "{ttl}");
    }
}

#[test]
fn a_stale_answer_is_served_while_dns_is_down_up_to_ten_minutes() {
    let mut blue = Blue::new();
    blue.learn(v4([1], 10));
    assert_eq!(blue.after(seconds(10)).recall(), "stale 1");
    assert_eq!(blue.learn(silence()), "1");
    assert_eq!(blue.recall(), "fresh 1", "DNS is left alone for a moment");
    assert_eq!(blue.after(PAUSE).recall(), "stale 1");
    blue.after(STALE_FOR - seconds(10) - PAUSE - seconds(1));
    assert_eq!(blue.learn(silence()), "1");
    assert_eq!(
        blue.after(seconds(1)).recall(),
        "unknown",
        "ten minutes after DNS last said so"
    );
    assert_eq!(blue.learn(silence()), "NoAnswer");
    assert_eq!(blue.recall(), "absent NoAnswer");
    assert_eq!(blue.after(PAUSE).recall(), "unknown");
    assert_eq!(blue.learn(v4([2], 10)), "2");
}

#[test]
fn what_dns_takes_back_is_not_used_any_longer() {
    let mut blue = Blue::new();
    blue.learn(v4([1, 2], 10));
    assert_eq!(blue.learn(v4([3], 10)), "3", "an answer of fewer than eight is whole");
    assert_eq!(blue.learn(no_such_name(900)), "NoSuchName");
    assert_eq!(blue.recall(), "absent NoSuchName");
    assert_eq!(blue.learn(silence()), "NoAnswer", "there is nothing to fall back to");

    blue.learn(v4([1], 10));
    let link_local = Said::Addresses {
        addresses: vec![IpAddr::from([169, 254, 169, 254])],
        ttl: seconds(10),
    };
    let refused = blue.learn(Answer::new(Some(link_local), None, Vec::new(), RULES));
    assert!(refused.starts_with("Refused"), "{refused}");
}

#[test]
fn addresses_beyond_route_53_s_eight_records_accumulate_until_they_age_out() {
    let mut blue = Blue::new();
    assert_eq!(blue.learn(v4(1..=8, 10)), "1 2 3 4 5 6 7 8");
    blue.after(seconds(10));
    assert_eq!(blue.learn(v4(5..=12, 10)), "1 2 3 4 5 6 7 8 9 10 11 12");
    blue.after(seconds(39));
    assert_eq!(blue.learn(v4(5..=12, 10)), "1 2 3 4 5 6 7 8 9 10 11 12");
    blue.after(seconds(1));
    assert_eq!(
        blue.learn(v4(5..=12, 10)),
        "5 6 7 8 9 10 11 12",
        "five TTLs after they were last seen"
    );
    assert_eq!(blue.learn(v4(1..=7, 10)), "1 2 3 4 5 6 7", "seven are all there are");
}

#[test]
fn a_family_that_is_not_answered_for_keeps_what_was_seen_of_it() {
    let both = |v6: Option<Said>| {
        let addresses = vec![IpAddr::from([10, 0, 0, 1])];
        let ttl = seconds(10);
        Answer::new(Some(Said::Addresses { addresses, ttl }), v6, Vec::new(), RULES)
    };
    let mut blue = Blue::new();
    let addresses = vec!["fd12::2".parse().unwrap()];
    let ttl = seconds(20);
    assert_eq!(blue.learn(both(Some(Said::Addresses { addresses, ttl }))), "1 2");
    assert_eq!(blue.after(seconds(10)).recall(), "stale 1 2", "the shorter TTL counts");
    assert_eq!(blue.learn(both(None)), "1 2");
    blue.after(seconds(90));
    assert_eq!(blue.learn(both(None)), "1", "it was seen five TTLs ago");
    blue.learn(both(Some(Said::NoAddress { ttl })));
    assert_eq!(blue.recall(), "fresh 1");
}

#[test]
fn as_many_names_are_remembered_as_there_is_room_for() {
    let mut memory = Memory::default();
    let mut now = Instant::now();
    let learn = |memory: &mut Memory, n: usize, now| {
        memory.learn(&name(&format!("s{n}.appmesh")), v4([1], 60), now).unwrap();
    };
    for n in 0..MAX_NAMES {
        learn(&mut memory, n, now);
        now += Duration::from_millis(1);
    }
    // The first is used, so the second goes.
    memory.recall(&name("s0.appmesh"), now);
    learn(&mut memory, MAX_NAMES, now);
    assert_eq!(memory.names.len(), MAX_NAMES);
    assert!(matches!(memory.recall(&name("s0.appmesh"), now), Recalled::Fresh(_)));
    assert!(matches!(memory.recall(&name("s1.appmesh"), now), Recalled::Unknown));
}

#[test]
fn why_nothing_is_known_is_told_with_what_was_tried() {
    let mut memory = Memory::default();
    let tried = vec!["10.0.0.2:53 was asked for A: timed out".to_owned()];
    let failure = Failure {
        why: Why::NoAnswer,
        tried,
    };
    let told = memory.learn(&name("blue.appmesh"), Err(failure.clone()), Instant::now());
    assert_eq!(*told.unwrap_err(), failure);
}
