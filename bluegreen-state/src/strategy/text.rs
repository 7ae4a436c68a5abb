//! Parses and formats strategies. The text form fits into a parameter of 4 KB, whatever the number of steps.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{DEFAULT_STAGE_TIMEOUT, InvalidStrategy, Pause, Shape, Step, Strategy};
use crate::hook::HookStage;
use crate::side::Percent;

/// Why a text is not a strategy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a strategy: {reason}; expected all-at-once, fixed:50%, canary:10%,30s, linear:20%,10s or \
     steps:5%+hold,25%+10m,100%, optionally followed by any of ,bake:5m ,within:10m ,test:2m ,mirror:10% \
     ,hooks:POST_SCALE_UP"
)]
pub struct ParseStrategyError {
    text: String,
    reason: String,
}

impl FromStr for Strategy {
    type Err = ParseStrategyError;

    fn from_str(text: &str) -> Result<Self, ParseStrategyError> {
        parse(text, Strategy::steps).map_err(|reason| ParseStrategyError {
            text: text.to_owned(),
            reason,
        })
    }
}

/// The text form in a document. It may have steps that [`Strategy::steps`] rejects: an earlier version accepted them, and
/// the rollout still has to end.
#[derive(serde::Deserialize)]
#[serde(transparent)]
pub(super) struct Stored(String);

impl TryFrom<Stored> for Strategy {
    type Error = ParseStrategyError;

    fn try_from(Stored(text): Stored) -> Result<Self, ParseStrategyError> {
        parse(&text, Strategy::any_steps).map_err(|reason| ParseStrategyError { text, reason })
    }
}

impl TryFrom<String> for Strategy {
    type Error = ParseStrategyError;

    fn try_from(text: String) -> Result<Self, ParseStrategyError> {
        text.parse()
    }
}

impl From<Strategy> for String {
    fn from(strategy: Strategy) -> Self {
        strategy.to_string()
    }
}

fn parse(text: &str, custom: impl Fn(Vec<Step>) -> Result<Strategy, InvalidStrategy>) -> Result<Strategy, String> {
    let (name, arguments) = text.split_once([':', ',']).map_or((text, ""), |(name, _)| {
        // A name without arguments is followed by options: `all-at-once,bake:5m`.
        (name, &text[name.len() + 1..])
    });
    let mut positional = Vec::new();
    let (mut bake, mut within, mut test, mut mirror) = (None, None, None, None);
    let mut hooks: Option<Vec<HookStage>> = None;
    for argument in arguments.split(',').filter(|_| !arguments.is_empty()) {
        let (option, value) = match argument.split_once(':') {
            None => {
                positional.push(argument);
                continue;
            }
            Some(("bake", time)) => (&mut bake, time),
            Some(("within", time)) => (&mut within, time),
            Some(("test", value)) => {
                let pause = match value {
                    "hold" => Pause::Manual,
                    value => Pause::For(time(value)?),
                };
                is_new(test.replace(pause).is_none(), argument)?;
                continue;
            }
            Some(("mirror", share)) => {
                is_new(mirror.replace(percent(share)?).is_none(), argument)?;
                continue;
            }
            Some(("hooks", stages)) => {
                let stages: Result<_, _> = stages.split('+').map(HookStage::from_str).collect();
                let stages = stages.map_err(|error| error.to_string())?;
                is_new(hooks.replace(stages).is_none(), argument)?;
                continue;
            }
            Some((unknown, _)) => return Err(format!("unknown option `{unknown}`")),
        };
        is_new(option.replace(time(value)?).is_none(), argument)?;
    }
    let strategy = shape(name, &positional, custom)?
        .with_bake_time(bake.unwrap_or_default())
        .with_stage_timeout(within.unwrap_or(DEFAULT_STAGE_TIMEOUT));
    let strategy = match test {
        Some(pause) => strategy.with_test_traffic(pause),
        None => strategy,
    };
    let strategy = strategy
        .with_mirror(mirror.unwrap_or(Percent::NONE))
        .map_err(|invalid| invalid.to_string())?;
    let hooks = hooks.unwrap_or_default();
    strategy.with_hooks(hooks).map_err(|invalid| invalid.to_string())
}

/// Fails if an option was given before.
fn is_new(is_new: bool, argument: &str) -> Result<(), String> {
    match is_new {
        true => Ok(()),
        false => Err(format!("duplicate option `{argument}`")),
    }
}

fn shape(
    name: &str,
    arguments: &[&str],
    custom: impl Fn(Vec<Step>) -> Result<Strategy, InvalidStrategy>,
) -> Result<Strategy, String> {
    let invalid = |invalid: InvalidStrategy| invalid.to_string();
    match (name, arguments) {
        ("all-at-once", []) => Ok(Strategy::all_at_once()),
        ("fixed", [share]) => Strategy::fixed(percent(share)?).map_err(invalid),
        ("canary", [first, wait]) => Ok(Strategy::canary(percent(first)?, time(wait)?)),
        ("linear", [each, interval]) => Strategy::linear(percent(each)?, time(interval)?).map_err(invalid),
        ("steps", steps) => {
            let steps: Result<Vec<Step>, String> = steps.iter().map(|text| step(text)).collect();
            custom(steps?).map_err(invalid)
        }
        ("all-at-once", _) => Err(wrong_arguments(name, arguments, "nothing", "all-at-once")),
        ("fixed", _) => Err(wrong_arguments(name, arguments, "a share", "fixed:50%")),
        ("canary", _) => Err(wrong_arguments(name, arguments, "a share and a time", "canary:10%,30s")),
        ("linear", _) => Err(wrong_arguments(name, arguments, "a share and a time", "linear:20%,10s")),
        _ => Err(format!("unknown strategy `{name}`")),
    }
}

/// The error for arguments that do not fit the strategy's name.
fn wrong_arguments(name: &str, arguments: &[&str], wanted: &str, example: &str) -> String {
    let given = match arguments {
        [] => "nothing".to_owned(),
        given => format!("`{}`", given.join(",")),
    };
    format!("`{name}` takes {wanted}, as in {example}, got {given}")
}

fn step(text: &str) -> Result<Step, String> {
    let (share, pause) = match text.split_once('+') {
        None => (text, Pause::None),
        Some((share, "hold")) => (share, Pause::Manual),
        Some((share, wait)) => (share, Pause::For(time(wait)?)),
    };
    Ok(Step {
        share: percent(share)?,
        pause,
    })
}

fn percent(text: &str) -> Result<Percent, String> {
    let number: u8 = number(text.strip_suffix('%').unwrap_or(text))
        .ok_or_else(|| format!("`{text}` is not a whole number from 0 to 100"))?;
    Percent::try_from(number).map_err(|invalid| invalid.to_string())
}

/// Units of time in milliseconds, the largest first.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

fn time(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = UNITS.into_iter().find(|(unit, _)| *unit == &text[digits.len()..]);
    unit.zip(number::<u64>(digits))
        .and_then(|((_, millis), number)| number.checked_mul(millis))
        .map(Duration::from_millis)
        .ok_or_else(|| format!("`{text}` is not a time: expected a whole number with ms, s, m or h, such as 30s"))
}

/// Parses digits only: `+5` would parse as a number, but `+` has a meaning here.
fn number<N: FromStr>(text: &str) -> Option<N> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.shape {
            Shape::AllAtOnce => f.write_str("all-at-once")?,
            Shape::Fixed(share) => write!(f, "fixed:{share}")?,
            Shape::Canary { first, wait } => write!(f, "canary:{first},{}", Time(*wait))?,
            Shape::Linear { each, interval } => write!(f, "linear:{each},{}", Time(*interval))?,
            Shape::Steps(steps) => {
                for (index, step) in steps.iter().enumerate() {
                    f.write_str(if index == 0 { "steps:" } else { "," })?;
                    write!(f, "{}", step.share)?;
                    match step.pause {
                        Pause::None => {}
                        Pause::For(time) => write!(f, "+{}", Time(time))?,
                        Pause::Manual => f.write_str("+hold")?,
                    }
                }
            }
        }
        if !self.bake_time.is_zero() {
            write!(f, ",bake:{}", Time(self.bake_time))?;
        }
        if self.stage_timeout != DEFAULT_STAGE_TIMEOUT {
            write!(f, ",within:{}", Time(self.stage_timeout))?;
        }
        match self.test {
            Some(Pause::For(time)) => write!(f, ",test:{}", Time(time))?,
            Some(Pause::Manual) => f.write_str(",test:hold")?,
            Some(Pause::None) | None => {}
        }
        if self.mirror > Percent::NONE {
            write!(f, ",mirror:{}", self.mirror)?;
        }
        for (index, stage) in self.hooks.iter().enumerate() {
            write!(f, "{}{stage}", if index == 0 { ",hooks:" } else { "+" })?;
        }
        Ok(())
    }
}

/// Formats a duration in the largest unit that divides it.
pub(crate) struct Time(pub(crate) Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let fits = |(_, unit): &(&str, u64)| millis > 0 && millis.is_multiple_of(u128::from(*unit));
        let (unit, length) = UNITS.into_iter().find(fits).unwrap_or(("s", 1000));
        write!(f, "{}{unit}", millis / u128::from(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips() {
        for text in [
            "all-at-once",
            "all-at-once,bake:5m",
            "fixed:50%",
            "canary:10%,30s",
            "canary:10%,0s,within:90s",
            "linear:20%,250ms,bake:1h,within:10m",
            "steps:5%+hold,25%+10m,100%",
            "steps:0%+hold,100%,bake:18446744073709551615ms",
            "all-at-once,test:0s",
            "all-at-once,test:2m,mirror:10%,hooks:TEST_TRAFFIC_SHIFT",
            "canary:10%,30s,bake:1m,test:hold,hooks:POST_SCALE_UP",
            "fixed:50%,test:2m,hooks:PRE_SCALE_UP+TEST_TRAFFIC_SHIFT+POST_TEST_TRAFFIC_SHIFT",
        ] {
            assert_eq!(text.parse::<Strategy>().unwrap().to_string(), text);
        }
        let formatted = |text: &str| text.parse::<Strategy>().unwrap().to_string();
        assert_eq!(formatted("fixed:50"), "fixed:50%");
        assert_eq!(formatted("canary:10,120s,within:24h"), "canary:10%,2m");
    }

    #[test]
    fn errors_quote_the_text_and_give_the_reason() {
        for (text, reason) in [
            ("", "unknown strategy ``"),
            ("blue-green", "unknown strategy `blue-green`"),
            ("fixed", "`fixed` takes a share, as in fixed:50%, got nothing"),
            (
                "canary:10%",
                "`canary` takes a share and a time, as in canary:10%,30s, got `10%`",
            ),
            ("canary:10%,30s,40s", "got `10%,30s,40s`"),
            ("canary:10%,30", "`30` is not a time"),
            ("canary:10%,-30s", "`-30s` is not a time"),
            ("canary:10%,9999999999999999999h", "is not a time"),
            ("canary:ten,30s", "`ten` is not a whole number"),
            ("canary:+5,30s", "`+5` is not a whole number"),
            ("canary:101%,30s", "101% is not a share"),
            ("linear:0%,30s", "never ends"),
            ("fixed:0%", "gives the new version 0%"),
            ("steps", "at least one step"),
            ("steps:", "at least one step"),
            ("steps:50%,0%", "gives the new version 0%"),
            ("all-at-once,baked:5m", "unknown option `baked`"),
            ("all-at-once,bake:5m,bake:6m", "duplicate option"),
            ("fixed:50%,", "got `50%,`"),
            ("fixed:50%,mirror:10%", "mirroring needs test traffic"),
            ("fixed:50%,test:1s,mirror:101%", "101% is not a share"),
            ("fixed:50%,test:soon", "`soon` is not a time"),
            ("fixed:50%,test:1s,test:hold", "duplicate option `test:hold`"),
            (
                "fixed:50%,hooks:BAKE_TIME",
                "`BAKE_TIME` is not a stage at which a hook can run",
            ),
            (
                "fixed:50%,hooks:TEST_TRAFFIC_SHIFT",
                "a hook at TEST_TRAFFIC_SHIFT needs test traffic",
            ),
        ] {
            let error = text.parse::<Strategy>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is not a strategy: ")), "{error}");
            assert!(error.contains(reason), "{error} should contain: {reason}");
        }
    }
}
