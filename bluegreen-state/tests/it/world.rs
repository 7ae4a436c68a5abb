//! What a deploy tool drives, as far as steps depend on it: two sides, a router, versions that are well or not, and a
//! driver that may be killed with its work half done.

use std::collections::BTreeSet;

use bluegreen_state::{Effect, Event, Phase, Plan, Side, State, Strategy, Timestamp, Weights, document, plan, step};

/// The versions that never become ready. Version 0, which is there from the beginning, does.
pub(crate) const NEVER_READY: [u32; 2] = [3, 4];

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) state: State<u32>,
    now: Timestamp,
    /// What each side runs: blue, green.
    runs: [u32; 2],
    router: Weights,
    /// What was asked for and not done yet.
    asked: Vec<Effect<u32>>,
    /// Answers that were given already, and may come again.
    given: Vec<Event<u32>>,
    /// The last request that was done.
    done: u64,
    /// Versions of which the last that was heard is that they are not well.
    bad: BTreeSet<u32>,
}

/// What a test does to the world.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// Something happens that no request is answered by.
    Take(Event<u32>),
    /// One of the things asked for is done, and answered.
    Do(usize),
    /// One of the things asked for is done, and the driver dies before the answer; another one takes over.
    DoAndDie(usize),
    /// The driver dies; another one takes over.
    Die,
    /// A check finds the version that is being deployed unwell.
    Fail,
    /// An answer comes again.
    Again(usize),
    /// Time passes, in seconds.
    Pass(u64),
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            state: State::first(0),
            now: Timestamp::from_millis(1_000_000),
            runs: [0, 0],
            router: Weights::EVEN,
            asked: Vec::new(),
            given: Vec::new(),
            done: 0,
            bad: NEVER_READY.into(),
        }
    }

    pub(crate) fn act(&mut self, action: Action) {
        match action {
            Action::Take(event) => self.take(event),
            Action::Do(index) => {
                if let Some(answer) = self.perform(index) {
                    self.given.push(answer.clone());
                    self.take(answer);
                }
            }
            Action::DoAndDie(index) => {
                self.perform(index);
                self.take_over();
            }
            Action::Die => self.take_over(),
            Action::Again(index) => {
                if !self.given.is_empty() {
                    self.take(self.given[index % self.given.len()].clone());
                }
            }
            Action::Fail => {
                let failed = Event::CheckFailed {
                    request: self.state.request(),
                    what: "5% errors".to_owned(),
                };
                self.given.push(failed.clone());
                self.take(failed);
            }
            Action::Pass(seconds) => {
                self.now = Timestamp::from_millis(self.now.as_millis() + seconds * 1000);
                self.take(Event::Tick);
            }
        }
    }

    fn take_over(&mut self) {
        self.asked.clear();
        if self.state.rollout().is_some() {
            self.take(Event::Resume {
                driver: "next".to_owned(),
            });
        }
    }

    fn take(&mut self, event: Event<u32>) {
        let target = *self.state.version(self.state.target());
        let (next, effects) = step(&self.state, event.clone(), self.now);
        match event {
            Event::CheckFailed { .. } if next != self.state => _ = self.bad.insert(target),
            Event::Ready { .. } if next != self.state => _ = self.bad.remove(&target),
            _ => {}
        }
        if let Event::Deploy { version, .. } = &event
            && next != self.state
        {
            assert_eq!(
                plan(Some(&next), version),
                Ok(Plan::Nothing),
                "planned once, nothing is left to do"
            );
        }
        self.state = next;
        for effect in effects {
            match effect {
                Effect::Update { .. } | Effect::Probe { .. } | Effect::SetWeights { .. } => self.asked.push(effect),
                Effect::Finished { .. } | Effect::Wake { .. } | Effect::Refused { .. } => {}
            }
        }
        self.check();
    }

    /// Does one of the things that were asked for, and gives the answer. What is out of date is left.
    fn perform(&mut self, index: usize) -> Option<Event<u32>> {
        if self.asked.is_empty() {
            return None;
        }
        let effect = self.asked.remove(index % self.asked.len());
        let (Effect::Update { request, .. } | Effect::Probe { request, .. } | Effect::SetWeights { request, .. }) =
            effect
        else {
            return None;
        };
        if request < self.done {
            return None;
        }
        self.done = request;
        let answer = match effect {
            Effect::SetWeights { weights, .. } => {
                self.router = weights;
                Event::RouterHas { request }
            }
            Effect::Update { side, version, .. } => {
                assert_eq!(
                    self.router.of(side).get(),
                    0,
                    "{side} is updated under traffic: {self:#?}"
                );
                self.runs[side as usize] = version;
                ready(version, request)
            }
            Effect::Probe { side, version, .. } => {
                assert_eq!(self.runs[side as usize], version, "{self:#?}");
                ready(version, request)
            }
            _ => return None,
        };
        self.check();
        Some(answer)
    }

    /// Everything that is always true.
    fn check(&self) {
        let text = document::write(&self.state).expect("written, and reads back as it was");
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let target = self.state.target();
        assert_eq!(document["nextUpdate"], target.as_str());
        assert_eq!(document["nextVersion"], *self.state.version(target));
        assert_eq!(document["currentVersion"], *self.state.version(target.other()));
        if let Some(weights) = document["weights"].as_object() {
            let sum: u64 = weights.values().filter_map(serde_json::Value::as_u64).sum();
            assert_eq!(sum, 100, "{text}");
        }

        let bad = self.runs.map(|version| self.bad.contains(&version));
        assert_ne!(
            bad,
            [true, true],
            "both sides run a version that is not well: {self:#?}"
        );
        for side in Side::BOTH {
            if NEVER_READY.contains(&self.runs[side as usize]) {
                assert_eq!(
                    self.router.of(side).get(),
                    0,
                    "{side} is not ready and has traffic: {self:#?}"
                );
            }
        }
        let moving = self.state.rollout().is_some_and(|rollout| {
            matches!(
                rollout.phase(),
                Phase::Reconcile { .. } | Phase::Shift { .. } | Phase::RollBack { .. }
            )
        });
        if !moving {
            assert_eq!(
                self.router,
                self.state.weights(),
                "it counts as done and is not: {self:#?}"
            );
        }
        if self.state.rollout().is_none() {
            for side in Side::BOTH
                .into_iter()
                .filter(|side| self.state.unfinished() != Some(*side))
            {
                let runs = self.runs[side as usize];
                assert_eq!(runs, *self.state.version(side), "the state says what runs: {self:#?}");
            }
        }
    }

    /// Lets whoever has to answer answer, and nothing else happen, until nothing more is asked. Gives how much that
    /// was.
    pub(crate) fn settle(&mut self) -> usize {
        self.take_over();
        let mut answered = 0;
        while !self.asked.is_empty() {
            self.act(Action::Do(0));
            answered += 1;
            assert!(answered < 1000, "it never settles: {self:#?}");
        }
        answered
    }

    pub(crate) fn deploy(version: u32, strategy: Strategy) -> Action {
        let driver = "first".to_owned();
        Action::Take(Event::Deploy {
            version,
            strategy,
            driver,
        })
    }

    pub(crate) fn router(&self) -> Weights {
        self.router
    }
}

fn ready(version: u32, request: u64) -> Event<u32> {
    if NEVER_READY.contains(&version) {
        let what = format!("{version} never became ready");
        Event::CheckFailed { request, what }
    } else {
        Event::Ready { request }
    }
}
