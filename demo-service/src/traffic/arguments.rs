//! Command line of the load client.

use std::num::{NonZeroU16, NonZeroU32, NonZeroU64};
use std::time::Duration;

use clap::Parser;

use super::plan::Plan;
use super::target::Target;

const EXIT_CODES: &str = "\
Exit codes:
  0  every call succeeded
  1  a call failed or was abandoned, or the run failed
  2  wrong usage: unknown option, or an invalid value";

/// Sends requests to a demo service, and counts which version responds.
///
/// Prints a line each second, such as `200 OK blue:1=74 green:1=76`: the status, and the number of responses by
/// service:version. One line for each status, then `failed` with the causes of calls without a usable response; `no responses`
/// if no call ended. Prints a summary at the end.
#[derive(Debug, Parser)]
#[command(name = "traffic", after_help = EXIT_CODES)]
pub(super) struct Arguments {
    /// Address to call: host:port, or a URL with a path such as http://127.0.0.1:8080/split.
    address: Target,
    /// Interval of the output, such as 250ms.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_time)]
    interval: Duration,
    /// Most calls in flight [default: 1, with --rate 200].
    #[arg(long, value_name = "CALLS")]
    concurrency: Option<NonZeroU16>,
    /// Calls per second, in total [default: as many as --concurrency allows].
    #[arg(long, value_name = "CALLS")]
    rate: Option<NonZeroU32>,
    /// Stop after this many calls.
    #[arg(long, value_name = "CALLS")]
    count: Option<NonZeroU64>,
    /// Stop after this time [default: until Ctrl-C].
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    duration: Option<Duration>,
    /// Timeout of a call.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_time)]
    timeout: Duration,
    /// Use a new connection for each call.
    #[arg(long)]
    no_keep_alive: bool,
    /// Print JSON: an object for each interval, and one for the summary.
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

/// A year, which timers support.
const MAX_TIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Parses a time such as `1s`, `250ms` or `1m 30s`.
fn parse_time(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if time < Duration::from_millis(1) || time > MAX_TIME {
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
        let plan = parse("127.0.0.1:80").expect("only the address is required").plan();
        let expected = Plan::new("127.0.0.1:80".parse().expect("a valid target"));
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
            let plan = parse(arguments).expect("valid arguments").plan();
            assert_eq!(plan.callers().get(), callers, "{arguments}");
            let help = Arguments::command().render_help().to_string();
            assert!(help.contains("[default: 1, with --rate 200]"), "{help}");
            assert!(help.contains(EXIT_CODES), "{help}");
        }
    }

    #[test]
    fn all_options_can_be_set() {
        let plan = parse("localhost:80/split --interval 250ms --concurrency 3 --rate 9 --count 8 --duration 1m30s --timeout 2s --no-keep-alive")
            .expect("valid arguments")
            .plan();
        let expected = Plan::new("localhost:80/split".parse().expect("a valid target"))
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
    fn invalid_arguments_are_rejected_by_name() {
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
