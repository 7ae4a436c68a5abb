//! One step of the state machine, being taken: what each event means. What follows in each phase is in `course`.

use std::mem;

use super::{Effect, Event};
use crate::outcome::{Ended, Reason};
use crate::phase::{Back, Phase, Rollout};
use crate::plan::{Plan, plan};
use crate::refusal::Refusal;
use crate::state::State;
use crate::strategy::Strategy;
use crate::timestamp::Timestamp;

/// As much of a check's words as the state keeps: it has to fit into a parameter of 4 KB.
const KEPT_CHARACTERS: usize = 300;

pub(super) struct Walk<V> {
    /// The next state, without its rollout while that is being changed.
    pub(super) state: State<V>,
    pub(super) now: Timestamp,
    pub(super) effects: Vec<Effect<V>>,
}

impl<V: Clone + PartialEq> Walk<V> {
    pub(super) fn new(state: State<V>, now: Timestamp) -> Self {
        Self {
            state,
            now,
            effects: Vec::new(),
        }
    }

    pub(super) fn done(self) -> (State<V>, Vec<Effect<V>>) {
        (self.state, self.effects)
    }

    pub(super) fn take(&mut self, event: Event<V>) {
        if let Event::Ready { request } | Event::RouterHas { request } | Event::CheckFailed { request, .. } = event
            && request > self.state.request
        {
            let last = self.state.request;
            return self.refuse(Refusal::NeverAsked { request, last });
        }
        if let Event::Deploy {
            version,
            strategy,
            driver,
        } = event
        {
            return self.deploy(&version, strategy, driver);
        }
        self.state.rollout = match self.state.rollout.take() {
            None => self.at_rest(event),
            Some(rollout) => self.under_way(rollout, event),
        };
    }

    fn deploy(&mut self, desired: &V, strategy: Strategy, driver: String) {
        let (side, update) = match plan(Some(&self.state), desired) {
            Err(refusal) => return self.refuse(refusal),
            Ok(Plan::Nothing | Plan::First { .. }) => return,
            Ok(Plan::Traffic { to }) => (to, None),
            Ok(Plan::Update { side, version }) => (side, Some(version)),
        };
        self.state.rollout = Some(self.begin(side, update, strategy, driver));
    }

    fn at_rest(&mut self, event: Event<V>) -> Option<Rollout<V>> {
        match event {
            Event::Rollback { driver } => {
                let last = self.state.last.as_ref().map(|outcome| &outcome.ended);
                if let Some(Ended::Successful {} | Ended::RollbackFailed { .. }) = last {
                    let side = self.state.target.other();
                    let mut rollout = self.begin(side, None, Strategy::all_at_once(), driver);
                    rollout.returning = true;
                    return Some(rollout);
                }
                self.refuse(Refusal::NothingToReturnTo);
            }
            Event::Resume { .. } | Event::CheckFailed { .. } | Event::Hold | Event::Continue | Event::Abort => {
                self.refuse(Refusal::NothingUnderWay);
            }
            // The first was taken care of before; the others come late, and nobody waits for them.
            Event::Deploy { .. } | Event::Ready { .. } | Event::RouterHas { .. } | Event::Tick => {}
        }
        None
    }

    fn under_way(&mut self, mut rollout: Rollout<V>, event: Event<V>) -> Option<Rollout<V>> {
        let last = self.state.request;
        let rolling_back = matches!(rollout.phase, Phase::RollBack { .. });
        match event {
            Event::Resume { driver } => {
                rollout.driver = driver;
                rollout.turn = rollout.turn.saturating_add(1);
                self.ask(&rollout);
            }
            Event::Ready { request } if request == last && matches!(rollout.phase, Phase::ScaleUp { .. }) => {
                self.state.unfinished = None;
                return self.proceed(rollout);
            }
            Event::RouterHas { request } if request == last => match rollout.phase {
                Phase::Reconcile { .. } | Phase::Shift { .. } => return self.proceed(rollout),
                Phase::RollBack { version, reason } => {
                    self.finish_rollback(version, reason, rollout.returning);
                    return None;
                }
                _ => {}
            },
            Event::Tick => return self.tick(rollout),
            Event::Hold | Event::Continue if rolling_back => self.refuse(Refusal::RollingBack),
            Event::Hold => rollout.held = true,
            Event::Continue => return self.go_on(rollout),
            Event::CheckFailed { request, .. } if request <= rollout.after => {}
            Event::CheckFailed { what, .. } => {
                let what = what.chars().take(KEPT_CHARACTERS).collect();
                return Some(self.roll_back(rollout, Reason::CheckFailed(what)));
            }
            Event::Abort => return Some(self.roll_back(rollout, Reason::Aborted)),
            Event::Rollback { .. } => return Some(self.roll_back(rollout, Reason::RollbackRequested)),
            // The first was taken care of before; the others come late, and nobody waits for them.
            Event::Deploy { .. } | Event::Ready { .. } | Event::RouterHas { .. } => {}
        }
        Some(rollout)
    }

    fn tick(&mut self, rollout: Rollout<V>) -> Option<Rollout<V>> {
        let phase = rollout.phase.as_str();
        match rollout.phase {
            Phase::Reconcile { until, .. } | Phase::ScaleUp { until, .. } | Phase::Shift { until, .. }
                if self.now >= until =>
            {
                return Some(self.roll_back(rollout, Reason::TookTooLong(phase.to_owned())));
            }
            Phase::PostShift { until: Some(until), .. } | Phase::Bake { until }
                if self.now >= until && !rollout.held =>
            {
                return self.proceed(rollout);
            }
            _ => self.wake(&rollout),
        }
        Some(rollout)
    }

    fn go_on(&mut self, mut rollout: Rollout<V>) -> Option<Rollout<V>> {
        let held = mem::take(&mut rollout.held);
        match rollout.phase {
            Phase::PreScaleUp { .. } | Phase::PostScaleUp {} | Phase::PostShift { until: None, .. } => {
                return self.proceed(rollout);
            }
            _ if !held => self.refuse(Refusal::NotHeld),
            Phase::PostShift { .. } | Phase::Bake { .. } => return self.tick(rollout),
            _ => {}
        }
        Some(rollout)
    }

    fn roll_back(&mut self, mut rollout: Rollout<V>, reason: Reason) -> Rollout<V> {
        let given_up = self.state.target;
        let version = self.state.version(given_up).clone();
        let unwell = match reason {
            Reason::CheckFailed(_) => true,
            Reason::TookTooLong(_) => matches!(rollout.phase, Phase::ScaleUp { .. }),
            Reason::Aborted | Reason::RollbackRequested => false,
        };
        match rollout.phase {
            Phase::RollBack { .. } => return rollout,
            Phase::Reconcile { ref replaced, .. } | Phase::PreScaleUp { ref replaced } => {
                *self.state.version_mut(given_up) = replaced.clone();
            }
            _ => {}
        }
        if unwell {
            // Whatever share it had before, it is not to have it again.
            rollout.back = Back::to(given_up.other());
        }
        self.state.target = rollout.back.target;
        rollout.held = false;
        self.enter(rollout, Phase::RollBack { version, reason })
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.effects.push(Effect::Refused { refusal });
    }
}
