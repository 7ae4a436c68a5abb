//! Simulated environment of the state machine: two sides, a router, healthy and unhealthy versions, and a controller
//! that may crash at any time.

use std::collections::BTreeSet;
use std::time::Duration;

use bluegreen_state::{
    Effect, Event, HookStage, Percent, Phase, Plan, RunningHook, Side, State, Strategy, Timestamp, Weights, plan, step,
};

/// Versions that never become ready. Version 0, the initial one, does.
pub(crate) const NEVER_READY: [u32; 2] = [3, 4];

/// An effect with the side that has the test traffic, and the mirroring, in the state that requested it.
type Pending = (Effect<u32>, Option<Side>, Option<(Side, Percent)>);

#[derive(Debug, Clone)]
pub(crate) struct SimulatedEnvironment {
    pub(crate) state: State<u32>,
    now: Timestamp,
    /// What each side runs: blue, green.
    running: [u32; 2],
    router: Weights,
    /// Effects that were not carried out yet.
    pending: Vec<Pending>,
    /// Results that were sent already, and may be sent again.
    sent: Vec<Event<u32>>,
    /// The last request that was carried out.
    last_completed: u64,
    /// Versions whose last check failed.
    unhealthy: BTreeSet<u32>,
    /// The side with the test traffic.
    test_route: Option<Side>,
    /// The side with mirrored requests, and their share.
    mirror: Option<(Side, Percent)>,
    /// Calls of hooks so far.
    calls: u64,
    /// Hooks that have succeeded: the number of their rollout, stage and weights.
    succeeded_hooks: Vec<(u64, HookStage, Weights)>,
}

/// A change that a test makes.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// Applies a command.
    Apply(Event<u32>),
    /// Carries out a pending effect and sends the result.
    Complete(usize),
    /// Carries out a pending effect, and the controller crashes before it sends the result. Another one takes over.
    CompleteAndCrash(usize),
    /// The controller crashes, and another one takes over.
    Crash,
    /// A health check of the deployed version fails.
    FailCheck,
    /// Sends an earlier result again.
    RepeatResult(usize),
    /// Time passes, in seconds.
    AdvanceTime(u64),
}

impl SimulatedEnvironment {
    pub(crate) fn new() -> Self {
        Self {
            state: State::initial(0),
            now: Timestamp::from_millis(1_000_000),
            running: [0, 0],
            router: Weights::EVEN,
            pending: Vec::new(),
            sent: Vec::new(),
            last_completed: 0,
            unhealthy: NEVER_READY.into(),
            test_route: None,
            mirror: None,
            calls: 0,
            succeeded_hooks: Vec::new(),
        }
    }

    pub(crate) fn act(&mut self, action: Action) {
        match action {
            Action::Apply(event) => self.apply(event),
            Action::Complete(index) => {
                if let Some(result) = self.carry_out(index) {
                    self.sent.push(result.clone());
                    self.apply(result);
                }
            }
            Action::CompleteAndCrash(index) => {
                self.carry_out(index);
                self.take_over();
            }
            Action::Crash => self.take_over(),
            Action::RepeatResult(index) => {
                if !self.sent.is_empty() {
                    self.apply(self.sent[index % self.sent.len()].clone());
                }
            }
            Action::FailCheck => {
                let failed = Event::CheckFailed {
                    request: self.state.last_request(),
                    finding: "5% errors".to_owned(),
                };
                self.sent.push(failed.clone());
                self.apply(failed);
            }
            Action::AdvanceTime(seconds) => {
                self.now = Timestamp::from_millis(self.now.as_millis() + seconds * 1000);
                self.apply(Event::Tick);
            }
        }
    }

    fn take_over(&mut self) {
        self.pending.clear();
        if self.state.rollout().is_some() {
            self.apply(Event::Resume {
                controller: "next".to_owned(),
            });
        }
    }

    fn apply(&mut self, event: Event<u32>) {
        let target = *self.state.version(self.state.target());
        let (next, effects) = step(&self.state, event.clone(), self.now);
        match event {
            Event::CheckFailed { .. } if next != self.state => _ = self.unhealthy.insert(target),
            Event::Ready { .. } if next != self.state => _ = self.unhealthy.remove(&target),
            Event::HookSucceeded { .. } if next != self.state => {
                let rollout = self
                    .state
                    .rollout()
                    .expect("a result of a hook counts only in a rollout");
                let stage = rollout.hook().expect("the hook was running").stage();
                self.succeeded_hooks
                    .push((rollout.number(), stage, self.state.weights()));
            }
            _ => {}
        }
        if let Event::Deploy { version, .. } = &event
            && next != self.state
        {
            let planned = plan(Some(&next), version);
            assert_eq!(planned, Ok(Plan::NoChange), "a started deployment is planned again");
        }
        self.state = next;
        for effect in effects {
            match effect {
                Effect::Update { .. }
                | Effect::CheckReady { .. }
                | Effect::SetWeights { .. }
                | Effect::RunHook { .. } => {
                    self.pending.push((effect, self.state.test_side(), self.state.mirror()));
                }
                Effect::Finished { .. } | Effect::ScheduleTick { .. } | Effect::Rejected { .. } => {}
            }
        }
        self.assert_invariants();
    }

    /// Carries out a pending effect and returns its result. Drops it if it is out of date.
    fn carry_out(&mut self, index: usize) -> Option<Event<u32>> {
        if self.pending.is_empty() {
            return None;
        }
        let (effect, test_side, mirror) = self.pending.remove(index % self.pending.len());
        let (Effect::Update { request, .. }
        | Effect::CheckReady { request, .. }
        | Effect::SetWeights { request, .. }
        | Effect::RunHook { request, .. }) = effect
        else {
            return None;
        };
        if request < self.last_completed {
            return None;
        }
        self.last_completed = request;
        let result = match effect {
            Effect::SetWeights { weights, .. } => {
                self.router = weights;
                self.test_route = test_side;
                self.mirror = mirror;
                Event::WeightsApplied { request }
            }
            Effect::RunHook { stage, .. } => {
                if request == self.state.last_request() {
                    let rollout = self.state.rollout().expect("a hook runs in a rollout");
                    assert_eq!(rollout.hook().map(RunningHook::stage), Some(stage), "{self:#?}");
                    assert_eq!(rollout.phase().as_str(), stage.as_str(), "{self:#?}");
                }
                self.calls += 1;
                match self.calls % 5 {
                    0 => Event::HookFailed {
                        request,
                        finding: "exit code 1".to_owned(),
                    },
                    1 => Event::HookInProgress {
                        request,
                        call_after: Duration::from_secs(30),
                    },
                    _ => Event::HookSucceeded { request },
                }
            }
            Effect::Update { side, version, .. } => {
                let share = self.router.share(side).get();
                assert_eq!(share, 0, "{side} is updated while it has traffic: {self:#?}");
                self.running[side as usize] = version;
                readiness(version, request)
            }
            Effect::CheckReady { side, version, .. } => {
                assert_eq!(self.running[side as usize], version, "{self:#?}");
                readiness(version, request)
            }
            _ => return None,
        };
        self.assert_invariants();
        Some(result)
    }

    fn assert_invariants(&self) {
        let text = self.state.to_json().expect("the document reads back as the same state");
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let target = self.state.target();
        assert_eq!(document["nextUpdate"], target.as_str());
        assert_eq!(document["nextVersion"], *self.state.version(target));
        assert_eq!(document["currentVersion"], *self.state.version(target.other()));
        if let Some(weights) = document["weights"].as_object() {
            let sum: u64 = weights.values().filter_map(serde_json::Value::as_u64).sum();
            assert_eq!(sum, 100, "{text}");
        }

        let unhealthy = self.running.map(|version| self.unhealthy.contains(&version));
        assert_ne!(unhealthy, [true, true], "both sides are unhealthy: {self:#?}");
        for side in Side::BOTH {
            if NEVER_READY.contains(&self.running[side as usize]) {
                let share = self.router.share(side).get();
                assert_eq!(share, 0, "{side} is not ready and has traffic: {self:#?}");
            }
        }
        let is_shifting = self.state.rollout().is_some_and(|rollout| {
            rollout.hook().is_none()
                && matches!(
                    rollout.phase(),
                    Phase::Reconcile { .. }
                        | Phase::TestShift { .. }
                        | Phase::Shift { .. }
                        | Phase::CleanUp
                        | Phase::RollBack { .. }
                )
        });
        self.assert_hooks_have_run();
        if !is_shifting {
            assert_eq!(self.test_route, self.state.test_side(), "{self:#?}");
            assert_eq!(self.mirror, self.state.mirror(), "{self:#?}");
            assert_eq!(
                self.router,
                self.state.weights(),
                "the router has other weights: {self:#?}"
            );
        }
        if self.state.rollout().is_none() {
            for side in Side::BOTH {
                if self.state.dirty_side() != Some(side) {
                    let running = self.running[side as usize];
                    assert_eq!(
                        running,
                        *self.state.version(side),
                        "{side} runs another version: {self:#?}"
                    );
                }
            }
        }
    }

    /// A rollout leaves no stage before its hook has succeeded.
    fn assert_hooks_have_run(&self) {
        use HookStage::{
            PostProductionTrafficShift, PostScaleUp, PostTestTrafficShift, ProductionTrafficShift, TestTrafficShift,
        };
        let Some(rollout) = self.state.rollout() else { return };
        let before: &[HookStage] = match rollout.phase() {
            Phase::TestShift { .. } => &[PostScaleUp],
            Phase::PostTestShift { .. } => &[PostScaleUp, TestTrafficShift],
            Phase::Shift { .. } | Phase::PostShift { .. } => &[PostScaleUp, TestTrafficShift, PostTestTrafficShift],
            Phase::Bake { .. } | Phase::CleanUp => &[
                PostScaleUp,
                TestTrafficShift,
                PostTestTrafficShift,
                ProductionTrafficShift,
                PostProductionTrafficShift,
            ],
            _ => &[],
        };
        let of_step = |stage| matches!(stage, ProductionTrafficShift | PostProductionTrafficShift);
        for stage in before.iter().filter(|stage| rollout.strategy().hooks().contains(stage)) {
            let has_succeeded = self.succeeded_hooks.iter().any(|(number, succeeded, weights)| {
                (*number, *succeeded) == (rollout.number(), *stage)
                    && (!of_step(*stage) || *weights == self.state.weights())
            });
            assert!(has_succeeded, "the hook at {stage} has not succeeded: {self:#?}");
        }
    }

    /// Carries out effects until none is pending, and returns their number.
    pub(crate) fn settle(&mut self) -> usize {
        self.take_over();
        let mut completed = 0;
        while !self.pending.is_empty() {
            self.act(Action::Complete(0));
            completed += 1;
            assert!(completed < 1000, "it never settles: {self:#?}");
        }
        completed
    }

    pub(crate) fn deploy(version: u32, strategy: Strategy) -> Action {
        let controller = "first".to_owned();
        Action::Apply(Event::Deploy {
            version,
            strategy,
            controller,
        })
    }

    pub(crate) fn router(&self) -> Weights {
        self.router
    }
}

fn readiness(version: u32, request: u64) -> Event<u32> {
    if NEVER_READY.contains(&version) {
        let finding = format!("{version} never became ready");
        Event::CheckFailed { request, finding }
    } else {
        Event::Ready { request }
    }
}
