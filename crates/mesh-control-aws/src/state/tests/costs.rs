//! The table of calls and costs in docs/aws.md: simulated with the schedules that replicas follow.

use std::fmt::Write as _;

use super::*;
use crate::config_hash::ConfigHash;
use crate::known_configuration::KnownConfiguration;
use crate::parameters;
use crate::poll_budget::{
    INSTANCE_CALLS_PER_SECOND, PARAMETER_CALLS_PER_SECOND, REVISION_CALLS_PER_SECOND, scaled_interval,
};
use crate::revision_markers::RevisionMarkers;
use crate::service_plan::Check;

const REPLICAS: f64 = 2.0;
/// Dollars per call of `DiscoverInstances` and `DiscoverInstancesRevision`.
const PRICE: f64 = 1e-6;
const SECONDS_A_MONTH: f64 = 730.0 * 3600.0;
/// The time without a count, in which every service is read for the first time, and the counted time, in seconds.
const WARM_UP: u64 = 60;
const COUNTED: u64 = 300;
/// Each service is a virtual node, a virtual service, a virtual router and a route.
const RESOURCES_PER_SERVICE: usize = 4;

/// Calls per second of one replica.
#[derive(Debug, Default, Clone, Copy)]
struct Rates {
    parameters: f64,
    lists: f64,
    revisions: f64,
    instances: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Load {
    Calm,
    /// Parameters change every 30 s, and a tenth of the services replaces its tasks all the time.
    Rollout,
    /// Calm, and the role may not list services.
    Unlisted,
}

/// A mesh in which each service calls the next one.
fn parameters(services: usize) -> Vec<Parameter> {
    let mut all = vec![Parameter::text("/meshwright/demo", 1, "{}")];
    let mut add = |path: String, spec: Value| {
        all.push(Parameter::text(
            &format!("/meshwright/demo/{path}"),
            1,
            &spec.to_string(),
        ));
    };
    for index in 0..services {
        let mut node = by_cloud_map(&format!("s{index}"));
        let next = format!("s{}.demo", (index + 1) % services);
        node["backends"] = json!([{"virtualService": {"virtualServiceName": next}}]);
        add(format!("virtualNode/s{index}"), node);
        let provider = json!({"provider": {"virtualRouter": {"virtualRouterName": format!("s{index}")}}});
        add(format!("virtualService/s{index}.demo"), provider);
        let listener = json!({"listeners": [{"portMapping": {"port": 80, "protocol": "http"}}]});
        add(format!("virtualRouter/s{index}"), listener);
        let targets = json!([{"virtualNode": format!("s{index}"), "weight": 1}]);
        let route = json!({"httpRoute": {"match": {"prefix": "/"}, "action": {"weightedTargets": targets}}});
        add(format!("virtualRouter/s{index}/route/all"), route);
    }
    all
}

/// Runs a replica with its default intervals in simulated time.
fn simulate(services: usize, load: Load) -> Rates {
    let intervals = PollIntervals::default();
    let start = Instant::now();
    let mut state = State::of(["demo".to_owned()].iter(), intervals, 1)
        .with_namespaces(&[("demo".to_owned(), "ns-1".to_owned())].into());
    state.on_namespace("demo", Ok("demo".to_owned()), start);
    let connected = (0..services).map(|index| format!("mesh/demo/virtualNode/s{index}"));
    let connected: BTreeSet<String> = connected.collect();
    let mut mesh = parameters(services);
    let changing = if load == Load::Rollout {
        services.div_ceil(10)
    } else {
        0
    };
    let mut random = fastrand::Rng::with_seed(2);
    let mut jitter = |interval| crate::poll_budget::jittered(interval, random.f64());
    let (mut next_markers, mut next_list) = (start, start);
    let (mut luck, mut calls) = (0.5, Rates::default());
    let round = intervals.active / 4;
    let end = start + Duration::from_secs(WARM_UP + COUNTED);
    let mut now = start;
    while now < end {
        let phase = (now - start).as_secs() / 30;
        let is_counted = now - start >= Duration::from_secs(WARM_UP);
        let count = |rate: &mut f64, calls: usize| {
            if is_counted {
                *rate += calls as f64 / COUNTED as f64;
            }
        };
        if now >= next_markers {
            let version = if load == Load::Rollout { phase } else { 0 };
            let marker = Parameter::text("/meshwright-revision/demo/shop", 1, &version.to_string());
            state.on_markers("demo", &Ok(vec![marker]), now);
            count(&mut calls.parameters, 1);
            next_markers = now + jitter(state.marker_interval("demo", now).expect("the mesh"));
        }
        if state.parameters_due("demo", luck, now).expect("the mesh") <= now {
            state.on_parameters_start("demo", now);
            if load == Load::Rollout {
                mesh[0].version = i64::try_from(phase).expect("a small number");
            }
            count(&mut calls.parameters, parameters::calls(mesh.len()));
            state.on_parameters("demo", Ok(mesh.clone()), now);
            state.advance();
            luck = 1.0 - luck;
        }
        let is_second = |index: usize| index < changing && phase % 2 == 1;
        if now >= next_list {
            let counts = (0..services).map(|index| (format!("s{index}"), 1 + usize::from(is_second(index))));
            let listed = match load {
                Load::Unlisted => Err(failure(ErrorKind::Denied)),
                Load::Calm | Load::Rollout => Ok(counts.collect()),
            };
            state.on_listing("demo", listed, now);
            count(&mut calls.lists, services.div_ceil(crate::poll_budget::LISTING_PAGE));
            next_list = now + jitter(state.listing_pause("demo"));
        }
        state.on_connected(connected.clone());
        for query in state.queries(now) {
            let index: usize = query.service.service[1..].parse().expect("a number");
            let revision = if index < changing {
                i64::try_from(phase).expect("a small number")
            } else {
                0
            };
            let is_unchanged = query.check == Check::Revision(Some(revision));
            count(&mut calls.revisions, usize::from(query.check != Check::Instances));
            count(&mut calls.instances, usize::from(!is_unchanged));
            let response = if is_unchanged {
                Response::Unchanged
            } else {
                let Response::Now(found, _) = instances(match is_second(index) {
                    true => &[("10.0.0.1", true), ("10.0.0.2", false)],
                    false => &[("10.0.0.1", true)],
                }) else {
                    unreachable!("instances are read")
                };
                Response::Now(found, Some(revision))
            };
            state.on_response(&query.service, Ok(response), now);
        }
        state.advance();
        now += round;
    }
    calls
}

/// The schedule of version 0.1 until 2026-11-30: fixed intervals, and the revision before each read of instances.
fn before(services: usize, load: Load) -> Rates {
    let every = |interval: Duration, calls: usize, most: u32| scaled_interval(interval, calls, most).as_secs_f64();
    let seconds = Duration::from_secs;
    let reading = parameters::calls(1 + RESOURCES_PER_SERVICE * services);
    let changing = if load == Load::Rollout {
        services.div_ceil(10)
    } else {
        0
    };
    let health = every(seconds(30), services, INSTANCE_CALLS_PER_SECOND);
    let unhealthy = every(seconds(4), services, INSTANCE_CALLS_PER_SECOND);
    Rates {
        parameters: reading as f64 / every(seconds(5), reading, PARAMETER_CALLS_PER_SECOND),
        lists: 0.0,
        revisions: services as f64 / every(seconds(4), services, REVISION_CALLS_PER_SECOND),
        // Half of the time, a task that starts is unhealthy.
        instances: (services - changing) as f64 / health + changing as f64 * (0.5 / health + 0.5 / unhealthy),
    }
}

fn dollars(rates: &Rates) -> f64 {
    REPLICAS * (rates.revisions + rates.instances) * PRICE * SECONDS_A_MONTH
}

fn table() -> String {
    let mut table = "\
| services | | Parameter Store, of 40 a second | `ListServices`, of 2 | `DiscoverInstancesRevision`, of 3000 | \
`DiscoverInstances`, of 1000 | a month | a month before |
|---:|---|---:|---:|---:|---:|---:|---:|
"
    .to_owned();
    let share = |rate: f64, quota: f64| {
        let percent = REPLICAS * rate / quota * 100.0;
        format!("{:.1} ({percent:.1} %)", REPLICAS * rate)
    };
    for services in [10, 50, 200] {
        for (load, name) in [
            (Load::Calm, "calm"),
            (Load::Rollout, "rollout"),
            (Load::Unlisted, "calm, not listed"),
        ] {
            let (now, before) = (simulate(services, load), before(services, load));
            let _infallible = writeln!(
                table,
                "| {services} | {name} | {} | {} | {} | {} | ${:.2} | ${:.2} |",
                share(now.parameters, 40.0),
                share(now.lists, 2.0),
                share(now.revisions, 3000.0),
                share(now.instances, 1000.0),
                dollars(&now),
                dollars(&before),
            );
        }
    }
    table
}

/// The time between two reads of a deploy tool that waits for Envoys, in seconds.
const WAITING_INTERVAL: u64 = 2;

/// Calls of a deploy tool that waits for the Envoys of a mesh all the time: each second, and those of the longest read. The
/// marker changes every `step` seconds, and replicas follow within a read.
fn simulate_waiting(services: usize, step: u64) -> (f64, usize) {
    let start = Instant::now();
    let reading = parameters::calls(1 + RESOURCES_PER_SERVICE * services);
    let mut known: Option<KnownConfiguration> = None;
    let (mut calls, mut longest) = (0, 0);
    for second in (0..COUNTED).step_by(usize::try_from(WAITING_INTERVAL).expect("a small number")) {
        let now = start + Duration::from_secs(second);
        let version = i64::try_from(second / step).expect("a small number");
        let marker = Parameter::text("/meshwright-revision/demo/shop", version, &version.to_string());
        let markers = RevisionMarkers::of(&[marker]);
        let hash = ConfigHash::of(&[Parameter::text("/meshwright/demo", version, "{}")]);
        // The markers and the statuses of two replicas.
        let mut read = parameters::marker_calls(1) + 1;
        let is_current = known.as_ref().is_some_and(|known| known.is_current(&markers, now));
        let is_disputed = known
            .as_ref()
            .is_some_and(|known| known.is_disputed([&hash].into_iter(), now));
        if !is_current || is_disputed {
            read += reading;
            known = Some(KnownConfiguration::new(hash, markers, now));
        }
        calls += read;
        longest = longest.max(read);
    }
    (calls as f64 / COUNTED as f64, longest)
}

fn waiting_table() -> String {
    let mut table = "\
| services | nothing changes | a step every 30 s | in one read | a second before |
|---:|---:|---:|---:|---:|
"
    .to_owned();
    for services in [10, 50, 200] {
        // Longer than the counted time.
        let (calm, _) = simulate_waiting(services, COUNTED + 1);
        let (rollout, longest) = simulate_waiting(services, 30);
        // All parameters, and the statuses, each time.
        let all = parameters::calls(1 + RESOURCES_PER_SERVICE * services) + 1;
        let before = all as f64 / WAITING_INTERVAL as f64;
        let _infallible = writeln!(
            table,
            "| {services} | {calm:.1} | {rollout:.1} | {longest} | {before:.1} |"
        );
    }
    table
}

#[test]
fn the_documented_costs_are_those_of_the_schedules() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/aws.md");
    let mut page = std::fs::read_to_string(path).expect("docs/aws.md");
    for (subject, table) in [
        ("the control plane", table()),
        ("a waiting deploy tool", waiting_table()),
    ] {
        let begin = format!("<!-- costs of {subject}: begin -->\n");
        let end = format!("<!-- costs of {subject}: end -->");
        let (head, rest) = page.split_once(&begin).expect("the begin of the table");
        let (documented, tail) = rest.split_once(&end).expect("the end of the table");
        if std::env::var_os("UPDATE_COSTS").is_some() {
            page = format!("{head}{begin}{table}{end}{tail}");
            std::fs::write(path, &page).expect("docs/aws.md is writable");
        } else {
            assert_eq!(
                documented, table,
                "rewrite it with UPDATE_COSTS=1 cargo test -p mesh-control-aws --lib costs"
            );
        }
    }
}
