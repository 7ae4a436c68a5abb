//! Singleflight with scripted DNS answers, on the paused clock.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::super::address_policy::AddressPolicy;
use super::super::addresses::Origin;
use super::super::dns_answer::ServerAnswer;
use super::*;

/// How long an answer takes, and the last number of its address; `Err` for no answer.
type Step = (Duration, Result<u8, ()>);

/// Answers with one step after the other, and records the queries.
#[derive(Debug, Default)]
struct Script {
    steps: Mutex<VecDeque<Step>>,
    queries: Mutex<Vec<String>>,
}

impl Query for Arc<Script> {
    async fn query(&self, name: &HostName) -> Result<DnsAnswer, ResolveError> {
        self.queries.lock().unwrap().push(name.to_string());
        let step = self.steps.lock().unwrap().pop_front();
        let (time, answer) = step.expect("the script has a step for this query");
        tokio::time::sleep(time).await;
        let answer = answer.ok().map(|last| ServerAnswer::Addresses {
            addresses: vec![IpAddr::from([10, 0, 0, last])],
            ttl: Duration::from_secs(10),
        });
        let policy = AddressPolicy {
            ipv6: false,
            loopback_answers: false,
        };
        DnsAnswer::new(answer, None, vec!["queried".to_owned()], policy)
    }
}

struct Test {
    script: Arc<Script>,
    lookups: Singleflight<Arc<Script>>,
}

impl Test {
    fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        let script = Arc::new(Script {
            steps: Mutex::new(steps.into_iter().collect()),
            queries: Mutex::default(),
        });
        Self {
            lookups: Singleflight::new(script.clone()),
            script,
        }
    }

    async fn find(&self, name: &str) -> String {
        let result = self.lookups.find(&HostName::parse(name).unwrap(), None).await;
        result.map_or_else(
            |error| error.attempts.join(" "),
            |addresses| addresses.list()[0].to_string(),
        )
    }

    fn queries(&self) -> usize {
        self.script.queries.lock().unwrap().len()
    }
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[tokio::test(start_paused = true)]
async fn concurrent_calls_share_one_lookup_per_name() {
    let test = Test::new([(ms(100), Ok(1)), (ms(100), Ok(2))]);
    let mut calls: Vec<_> = (0..20).map(|_| Box::pin(test.find("blue.appmesh"))).collect();
    calls.push(Box::pin(test.find("green.appmesh")));
    let started = Instant::now();
    let found = futures_util::future::join_all(calls).await;
    assert_eq!(started.elapsed(), ms(100));
    assert!(found[..20].iter().all(|found| found == "10.0.0.1"), "{found:?}");
    assert_eq!(found[20], "10.0.0.2");
    assert_eq!(*test.script.queries.lock().unwrap(), ["blue.appmesh", "green.appmesh"]);
    assert_eq!(test.find("blue.appmesh").await, "10.0.0.1", "from the cache");
    assert_eq!(test.queries(), 2);
}

#[tokio::test(start_paused = true)]
async fn cancelling_the_call_that_started_a_lookup_does_not_cancel_it() {
    let test = Test::new([(ms(100), Ok(1))]);
    let first = tokio::time::timeout(ms(50), test.find("blue.appmesh")).await;
    assert!(first.is_err());
    assert_eq!(test.find("blue.appmesh").await, "10.0.0.1");
    assert_eq!(test.queries(), 1);
}

#[tokio::test(start_paused = true)]
async fn stale_addresses_are_used_while_dns_is_slow() {
    let slow = ms(5000);
    let test = Test::new([(ms(1), Ok(1)), (slow, Err(())), (slow, Ok(2))]);
    test.find("blue.appmesh").await;
    tokio::time::advance(Duration::from_secs(10)).await;

    let started = Instant::now();
    assert_eq!(test.find("blue.appmesh").await, "10.0.0.1");
    assert_eq!(started.elapsed(), MAX_WAIT);
    // Later calls do not wait longer than the first.
    assert_eq!(test.find("blue.appmesh").await, "10.0.0.1");
    assert_eq!((started.elapsed(), test.queries()), (MAX_WAIT, 2));

    // DNS did not answer, and is not queried again for two seconds.
    tokio::time::sleep(slow).await;
    assert_eq!(test.find("blue.appmesh").await, "10.0.0.1");
    assert_eq!(test.queries(), 2);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(test.find("blue.appmesh").await, "10.0.0.1");
    tokio::time::sleep(slow).await;
    assert_eq!(
        test.find("blue.appmesh").await,
        "10.0.0.2",
        "the answer came while no call waited"
    );
    assert_eq!(test.queries(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_time_replaces_stale_addresses() {
    let test = Test::new([(ms(1), Ok(1)), (ms(100), Ok(2))]);
    test.find("blue.appmesh").await;
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(test.find("blue.appmesh").await, "10.0.0.2");
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_all_waiting_calls_get_the_attempts() {
    let test = Test::new([(ms(100), Err(()))]);
    let (first, second) = futures_util::future::join(test.find("blue.appmesh"), test.find("blue.appmesh")).await;
    assert_eq!(
        (first.as_str(), second.as_str(), test.queries()),
        ("queried", "queried", 1)
    );
}

#[tokio::test(start_paused = true)]
async fn lookups_are_bounded() {
    let test = Test::new((0..=MAX_LOOKUPS).map(|_| (ms(100), Ok(1))));
    let names: Vec<String> = (0..=MAX_LOOKUPS).map(|n| format!("s{n}.appmesh")).collect();
    let mut found = futures_util::future::join_all(names.iter().map(|name| test.find(name))).await;
    assert_eq!(found.pop().as_deref(), Some("64 other names are being looked up"));
    assert!(found.iter().all(|found| found == "10.0.0.1"), "{found:?}");
    // After them it is.
    assert_eq!(test.find(&names[MAX_LOOKUPS]).await, "10.0.0.1");
}

#[tokio::test(start_paused = true)]
async fn an_aborted_lookup_is_started_again_by_the_next_call() {
    // The script has no step for the first query, so its task panics.
    let test = Test::new([]);
    assert_eq!(test.find("blue.appmesh").await, "the lookup was aborted");
    test.script.steps.lock().unwrap().push_back((ms(1), Ok(1)));
    assert_eq!(test.find("blue.appmesh").await, "10.0.0.1");
}

#[tokio::test(start_paused = true)]
async fn the_fallback_is_used_while_dns_is_slow() {
    let test = Test::new([(ms(5000), Ok(1))]);
    let vip = Addresses::new([IpAddr::from([10, 10, 10, 10])], Origin::SyntheticVip).map(Arc::new);
    let started = Instant::now();
    let name = HostName::parse("blue.appmesh").unwrap();
    let found = test.lookups.find(&name, vip.as_ref()).await.unwrap();
    assert_eq!((found.origin(), started.elapsed()), (Origin::SyntheticVip, MAX_WAIT));
    assert_eq!(test.find("blue.appmesh").await, "10.0.0.1");
}
