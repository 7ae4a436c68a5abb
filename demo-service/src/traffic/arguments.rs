//! The command line of the traffic client.

use std::num::{NonZeroU16, NonZeroU32, NonZeroU64};
use std::time::Duration;

use clap::Parser;

use super::plan::Plan;
use super::target::Target;

/// Calls a demo service steadily, and tells each second who answered.
///
/// One line a second, such as `200 OK blue:1=74 green:1=76`: the status, and how many answers were whose, as
/// service:version. One line for each status, then `failed` with the causes of calls without a usable answer; `no answers`
/// if no call ended. A summary follows at the end. The exit code is 1 if any call failed.
#[derive(Debug, Parser)]
#[command(name = "traffic")]
pub(super) struct Arguments {
    /// What to call: host:port, or a URL with a path such as http://127.0.0.1:8080/split.
    address: Target,
    /// How often to tell who answered, such as 250ms.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = time)]
    interval: Duration,
    /// How many calls are under way at most [default: 1, with --rate 200].
    #[arg(long, value_name = "CALLS")]
    concurrency: Option<NonZeroU16>,
    /// How many calls are due each second, all together [default: as many as --concurrency allows].
    #[arg(long, value_name = "CALLS")]
    rate: Option<NonZeroU32>,
    /// Stop after this many calls.
    #[arg(long, value_name = "CALLS")]
    count: Option<NonZeroU64>,
    /// Stop after this time [default: go on until Ctrl-C].
    #[arg(long, value_name = "TIME", value_parser = time)]
    duration: Option<Duration>,
    /// How long a call may take.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = time)]
    timeout: Duration,
    /// Use a new connection for each call.
    #[arg(long)]
    no_keep_alive: bool,
    /// Write JSON: an object for each interval, and one for the summary.
    #[arg(long)]
    pub(super) json: bool,
}

impl Arguments {
    pub(super) fn plan(&self) -> Plan {
        Plan {
            target: self.address.clone(),
            interval: self.interval,
            timeout: self.timeout,
            concurrency: self.concurrency,
            rate: self.rate,
            count: self.count,
            duration: self.duration,
            keep_alive: !self.no_keep_alive,
        }
    }
}

/// A year is forever for traffic, and what timers are sure to take.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A time such as `1s`, `250ms` or `1m 30s`.
fn time(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if time < Duration::from_millis(1) || time > LONGEST {
        return Err("allowed is from 1ms to 365days".to_owned());
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    use super::super::plan::{INTERVAL, TIMEOUT};
    use super::*;

    fn parse(arguments: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(std::iter::once("traffic").chain(arguments.split_whitespace()))
    }

    #[test]
    fn the_defaults_are_those_of_a_plan() {
        Arguments::command().debug_assert();
        let plan = parse("127.0.0.1:80").expect("an address is enough").plan();
        let expected = Plan::new("127.0.0.1:80".parse().expect("it is a target"));
        assert_eq!(format!("{plan:?}"), format!("{expected:?}"));
        assert_eq!((plan.interval, plan.timeout), (INTERVAL, TIMEOUT));
    }

    #[test]
    fn the_number_of_callers_depends_on_whether_there_is_a_rate() {
        for (arguments, callers) in [
            ("localhost:80", 1),
            ("localhost:80 --rate 500", 200),
            ("localhost:80 --rate 500 --concurrency 7", 7),
        ] {
            let plan = parse(arguments).expect("they are fine").plan();
            assert_eq!(plan.callers().get(), callers, "{arguments}");
            let help = Arguments::command().render_help().to_string();
            assert!(help.contains("[default: 1, with --rate 200]"), "{help}");
        }
    }

    #[test]
    fn everything_can_be_said() {
        let plan = parse("localhost:80/split --interval 250ms --concurrency 3 --rate 9 --count 8 --duration 1m30s --timeout 2s --no-keep-alive")
            .expect("they are fine")
            .plan();
        let expected = Plan::new("localhost:80/split".parse().expect("it is a target"))
            .with_interval(Duration::from_millis(250))
            .with_concurrency(NonZeroU16::new(3).unwrap())
            .with_rate(NonZeroU32::new(9).unwrap())
            .with_count(NonZeroU64::new(8).unwrap())
            .with_duration(Duration::from_secs(90))
            .with_timeout(Duration::from_secs(2))
            .with_keep_alive(false);
        assert_eq!(format!("{plan:?}"), format!("{expected:?}"));
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for (arguments, offender) in [
            ("", "<ADDRESS>"),
            ("https://localhost", "'https://localhost'"),
            ("localhost:80 --interval 0s", "'0s'"),
            ("localhost:80 --interval 1", "'1'"),
            ("localhost:80 --duration 366days", "'366days'"),
            ("localhost:80 --count 0", "'0'"),
            ("localhost:80 --rate 0", "'0'"),
            ("localhost:80 --concurrency 0", "'0'"),
            ("localhost:80 --rates 5", "'--rates'"),
        ] {
            let error = parse(arguments).unwrap_err();
            assert_ne!(error.kind(), ErrorKind::DisplayHelp);
            assert!(error.to_string().contains(offender), "{error}");
        }
    }
}
