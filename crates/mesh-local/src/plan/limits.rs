//! Limits on names and task counts.

use std::collections::BTreeMap;

use sidecar_contract::Diagnostics;

use super::{DescribedService, report};

/// Checks the name of a service or a container against ECS's rules. It is part of local file names.
pub(super) fn check_name(name: &str, path: String, diagnostics: &mut Diagnostics) {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > 255 || !name.chars().all(allowed) {
        report(
            diagnostics,
            path,
            format!("is `{name}`; allowed are 1 to 255 of a-z, A-Z, 0-9, _ and -"),
        );
    }
}

pub(super) fn reject_duplicate_names(services: &[DescribedService], diagnostics: &mut Diagnostics) {
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    for service in services {
        if let Some(first) = names.insert(&service.plan.name, &service.path) {
            diagnostics.add(
                format!("{}.ServiceName", service.path),
                format!("`{}` is already the name of {first}", service.plan.name),
            );
        }
    }
}

/// Rejects more tasks than one machine can run before it is out of memory or ports. Decided here; ECS allows thousands
/// per service. Each task is an Envoy and its containers.
pub(super) fn reject_too_many_tasks(services: &[DescribedService], diagnostics: &mut Diagnostics) {
    const MOST: u64 = 100;
    let mut total = 0;
    for service in services {
        let path = format!("{}.DesiredCount", service.path);
        let count = u64::from(service.plan.desired_count);
        total += count;
        let limit = format!("at most {MOST} tasks can be run on one machine");
        if count > MOST {
            diagnostics.add(path, format!("is {count}; {limit}"));
            total -= count;
        } else if total > MOST {
            diagnostics.add(path, format!("is {count}, for {total} tasks in total; {limit}"));
            return;
        }
    }
}
