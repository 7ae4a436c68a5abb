//! Lookups against a DNS that the test answers for, on paused time.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::super::addresses::Origin;
use super::super::answer::Said;
use super::super::rules::Rules;
use super::*;

/// How long an answer takes, and which it is: the last number of an address, or none.
type Turn = (Duration, Result<u8, ()>);

/// Answers as told, one turn after the other, and counts the questions.
#[derive(Debug, Default)]
struct Script {
    turns: Mutex<VecDeque<Turn>>,
    asked: Mutex<Vec<String>>,
}

impl Ask for Arc<Script> {
    async fn ask(&self, name: &HostName) -> Result<Answer, Failure> {
        self.asked.lock().unwrap().push(name.to_string());
        let turn = self.turns.lock().unwrap().pop_front();
        let (time, answer) = turn.expect("the test expects this question");
        tokio::time::sleep(time).await;
        let said = answer.ok().map(|last| Said::Addresses {
            addresses: vec![IpAddr::from([10, 0, 0, last])],
            ttl: Duration::from_secs(10),
        });
        let rules = Rules {
            ipv6: false,
            loopback_answers: false,
        };
        Answer::new(said, None, vec!["asked".to_owned()], rules)
    }
}

struct Test {
    script: Arc<Script>,
    lookups: Lookups<Arc<Script>>,
}

impl Test {
    fn new(turns: impl IntoIterator<Item = Turn>) -> Self {
        let script = Arc::new(Script {
            turns: Mutex::new(turns.into_iter().collect()),
            asked: Mutex::default(),
        });
        Self {
            lookups: Lookups::new(script.clone()),
            script,
        }
    }

    async fn find(&self, name: &str) -> String {
        let outcome = self.lookups.find(&HostName::parse(name).unwrap(), None).await;
        outcome.map_or_else(
            |failure| failure.tried.join(" "),
            |addresses| addresses.list()[0].to_string(),
        )
    }

    fn questions(&self) -> usize {
        self.script.asked.lock().unwrap().len()
    }
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[tokio::test(start_paused = true)]
async fn one_lookup_is_in_flight_per_name() {
    let test = Test::new([(ms(100), Ok(1)), (ms(100), Ok(2))]);
    let mut calls: Vec<_> = (0..20).map(|_| Box::pin(test.find("blue.appmesh"))).collect();
    calls.push(Box::pin(test.find("green.appmesh")));
    let began = Instant::now();
    let found = futures_util::future::join_all(calls).await;
    assert_eq!(began.elapsed(), ms(100));
    assert!(found[..20].iter().all(|found| found == "10.0.0.1"), "{found:?}");
    assert_eq!(found[20], "10.0.0.2");
    assert_eq!(*test.script.asked.lock().unwrap(), ["blue.appmesh", "green.appmesh"]);
    assert_eq!(test.find("blue.appmesh").await, "10.0.0.1", "from memory");
    assert_eq!(test.questions(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_began_a_lookup_may_leave_without_taking_it_along() {
    let test = Test::new([(ms(100), Ok(1))]);
    let first = tokio::time::timeout(ms(50), test.find("blue.appmesh")).await;
    assert!(first.is_err());
    assert_eq!(test.find("blue.appmesh").await, "10.0.0.1");
    assert_eq!(test.questions(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_is_served_after_a_moment_while_dns_is_slow() {
    let slow = ms(5000);
    let test = Test::new([(ms(1), Ok(1)), (slow, Err(())), (slow, Ok(2))]);
    test.find("blue.appmesh").await;
    tokio::time::advance(Duration::from_secs(10)).await;

    let began = Instant::now();
    assert_eq!(test.find("blue.appmesh").await, "10.0.0.1");
    assert_eq!(began.elapsed(), PATIENCE);
    // Who comes later waits no longer than the first.
    assert_eq!(test.find("blue.appmesh").await, "10.0.0.1");
    assert_eq!((began.elapsed(), test.questions()), (PATIENCE, 2));

    // DNS did not answer, and is left alone for two seconds.
    tokio::time::sleep(slow).await;
    assert_eq!(test.find("blue.appmesh").await, "10.0.0.1");
    assert_eq!(test.questions(), 2);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(test.find("blue.appmesh").await, "10.0.0.1");
    tokio::time::sleep(slow).await;
    assert_eq!(
        test.find("blue.appmesh").await,
        "10.0.0.2",
        "the answer came while nobody waited"
    );
    assert_eq!(test.questions(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_time_replaces_a_stale_one() {
    let test = Test::new([(ms(1), Ok(1)), (ms(100), Ok(2))]);
    test.find("blue.appmesh").await;
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(test.find("blue.appmesh").await, "10.0.0.2");
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_everyone_is_told_what_was_tried() {
    let test = Test::new([(ms(100), Err(()))]);
    let (first, second) = futures_util::future::join(test.find("blue.appmesh"), test.find("blue.appmesh")).await;
    assert_eq!(
        (first.as_str(), second.as_str(), test.questions()),
        ("asked", "asked", 1)
    );
}

#[tokio::test(start_paused = true)]
async fn lookups_are_bounded() {
    let test = Test::new((0..=MAX_LOOKUPS).map(|_| (ms(100), Ok(1))));
    let names: Vec<String> = (0..=MAX_LOOKUPS).map(|n| format!("s{n}.appmesh")).collect();
    let mut found = futures_util::future::join_all(names.iter().map(|name| test.find(name))).await;
    assert_eq!(found.pop().as_deref(), Some("64 other names are being looked up"));
    assert!(found.iter().all(|found| found == "10.0.0.1"), "{found:?}");
    // That is over as soon as they are.
    assert_eq!(test.find(&names[MAX_LOOKUPS]).await, "10.0.0.1");
}

#[tokio::test(start_paused = true)]
async fn a_lookup_that_breaks_off_is_begun_again_by_the_next_call() {
    // Nothing is told of the first question, so its task panics.
    let test = Test::new([]);
    assert_eq!(test.find("blue.appmesh").await, "the lookup was broken off");
    test.script.turns.lock().unwrap().push_back((ms(1), Ok(1)));
    assert_eq!(test.find("blue.appmesh").await, "10.0.0.1");
}

#[tokio::test(start_paused = true)]
async fn what_stands_in_for_a_name_does_so_after_a_moment() {
    let test = Test::new([(ms(5000), Ok(1))]);
    let placeholder = Addresses::new([IpAddr::from([10, 10, 10, 10])], Origin::Placeholder).map(Arc::new);
    let began = Instant::now();
    let name = HostName::parse("blue.appmesh").unwrap();
    let found = test.lookups.find(&name, placeholder.as_ref()).await.unwrap();
    assert_eq!((found.origin(), began.elapsed()), (Origin::Placeholder, PATIENCE));
    assert_eq!(test.find("blue.appmesh").await, "10.0.0.1");
}
