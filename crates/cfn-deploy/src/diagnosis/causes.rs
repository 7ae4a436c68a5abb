//! Likely causes of stopped tasks and of tasks that cannot be placed, each with a remedy. Pure.
//!
//! Sources: Amazon ECS developer guide, "Stopped tasks error messages", "CannotPullContainer task errors", "Resource
//! initialization errors", "Amazon ECS service event messages" (read 2026-11-30).

use super::{StoppedContainer, StoppedTasks};

/// The way of a task to AWS's APIs, which several causes share.
const NETWORK: &str = "tasks in private subnets need a NAT gateway or VPC endpoints (`Vpc::with_private_subnets`), tasks in \
     public subnets need public addresses, and security groups must allow egress on port 443";

/// Remedies of a service's stopped tasks and service events, each once.
pub(super) fn remedies(groups: &[StoppedTasks], events: &[String]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |remedy: Option<String>| {
        if let Some(remedy) = remedy.filter(|remedy| !found.contains(remedy)) {
            found.push(remedy);
        }
    };
    for group in groups {
        let start = of_text(&group.reason, group);
        let is_explained = start.is_some();
        add(start);
        for container in &group.containers {
            let of_reason = of_text(&container.reason, group);
            let is_explained = is_explained || of_reason.is_some();
            add(of_reason);
            add(of_exit(container, is_explained));
        }
    }
    for event in events {
        add(of_text(event, &StoppedTasks::default()));
    }
    found
}

/// The image that a reason names, or that of the first container.
fn image(reason: &str, group: &StoppedTasks) -> String {
    let named = group
        .containers
        .iter()
        .find(|container| reason.contains(&container.image));
    let image = named
        .or(group.containers.first())
        .map(|container| container.image.as_str());
    image
        .filter(|image| !image.is_empty())
        .unwrap_or("of the task")
        .to_owned()
}

/// The remedy of a reason or service event.
fn of_text(text: &str, group: &StoppedTasks) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    if has(&[
        "cannotpullcontainererror",
        "cannotpullecrcontainererror",
        "cannotpullimagemanifesterror",
    ]) {
        return Some(of_pull(&lower, &image(text, group)));
    }
    if has(&["exec format error"]) {
        return Some(architecture(&image(text, group)));
    }
    if has(&["outofmemory", "out of memory", "out-of-memory"]) {
        return Some(memory("the container"));
    }
    if has(&["unable to assume the role", "unable to assume role"]) {
        return Some(
            "ECS cannot assume the role: its trust policy must allow `ecs-tasks.amazonaws.com`, and it must exist; a role \
             that was created seconds ago may need a minute"
                .to_owned(),
        );
    }
    if has(&["resourceinitializationerror"]) {
        return Some(of_initialization(&lower));
    }
    if has(&[
        "network interface provisioning",
        "resource:eni",
        "networkinterfacelimitexceeded",
    ]) {
        return Some(
            "no network interface could be created: the quota of network interfaces (Service Quotas, L-DF5E4CA3), or free \
             addresses in the subnets, are exhausted"
                .to_owned(),
        );
    }
    if has(&["concurrently running", "vcpu limit", "vcpus running"]) {
        return Some(
            "the account's quota of Fargate vCPU is exhausted: request more in Service Quotas (L-3032A538 on-demand, \
             L-36FBB829 Spot), or run fewer tasks"
                .to_owned(),
        );
    }
    if has(&["capacity is unavailable"]) {
        return Some(
            "AWS has no capacity for the task in these availability zones: add subnets in other zones, or use FARGATE \
             besides FARGATE_SPOT (`Service::with_capacity_providers`)"
                .to_owned(),
        );
    }
    if has(&["resource:port", "already using a port", "address already in use"]) {
        return Some(
            "the port is in use: another container of the task, or another task on the same instance, listens on it"
                .to_owned(),
        );
    }
    if has(&[
        "resource:cpu",
        "resource:memory",
        "no container instance met all",
        "insufficient cpu",
        "insufficient memory",
    ]) {
        return Some(
            "no container instance has room for the task: add instances to the cluster, or reduce `Cpu` and `Memory`"
                .to_owned(),
        );
    }
    if has(&[
        "elb health checks",
        "is unhealthy in (target-group",
        "health checks failed with these codes",
    ]) {
        return Some(
            "the load balancer's health check fails: the application must listen on the target port on all addresses \
             (0.0.0.0), respond with the expected status on the health check's path, and start within the service's health \
             check grace period"
                .to_owned(),
        );
    }
    if has(&["failed container health checks"]) {
        return Some(
            "a container's health check fails: run its command in the image, and give the application time to start \
             (`startPeriod`)"
                .to_owned(),
        );
    }
    None
}

/// The remedy of an image that cannot be pulled.
fn of_pull(reason: &str, image: &str) -> String {
    let has = |parts: &[&str]| parts.iter().any(|part| reason.contains(part));
    if has(&["toomanyrequests", "rate limit", "429 "]) {
        return format!(
            "the registry limits pulls of image {image}: copy it to your ECR, as `images` does with Envoy's"
        );
    }
    if has(&[
        "no match for platform",
        "does not contain descriptor matching platform",
        "image manifest does not",
    ]) {
        return architecture(image);
    }
    if has(&[
        "i/o timeout",
        "timeout",
        "deadline exceeded",
        "connection refused",
        "no such host",
        "request canceled",
    ]) {
        return format!("the task has no network way to the registry of image {image}: {NETWORK}");
    }
    if has(&[
        "403",
        "access denied",
        "denied:",
        "accessdenied",
        "not authorized",
        "no basic auth",
    ]) {
        return format!(
            "the execution role may not pull image {image}: it needs `ecr:GetAuthorizationToken`, `ecr:BatchGetImage` and \
             `ecr:GetDownloadUrlForLayer`; an image of another account also needs its repository policy"
        );
    }
    format!(
        "image {image} does not exist under this name and tag in its registry: build and push it, with `images | sh` for the \
         images of this project"
    )
}

/// The remedy of a task that could not be prepared.
fn of_initialization(reason: &str) -> String {
    let has = |parts: &[&str]| parts.iter().any(|part| reason.contains(part));
    if has(&["accessdenied", "not authorized"]) {
        return "the execution role lacks a permission, which the reason names: for ECR, for CloudWatch Logs \
                (`logs:CreateLogStream`, `logs:PutLogEvents`) or for the secret (`secretsmanager:GetSecretValue`, \
                `ssm:GetParameters`, `kms:Decrypt`)"
            .to_owned();
    }
    if has(&["logging driver", "log group", "logger"]) {
        return format!(
            "the log group must exist in this region, and the task needs a way to CloudWatch Logs: {NETWORK}"
        );
    }
    if has(&["from ssm", "from asm", "secrets manager", "secretsmanager", "parameter"]) {
        return format!(
            "a secret or parameter cannot be read: its ARN must exist in this region, and the task needs a way to Secrets \
             Manager or Parameter Store: {NETWORK}"
        );
    }
    if has(&["registry auth", "amazon ecr", "retrieve ecr"]) {
        return format!("the task has no network way to ECR: {NETWORK}");
    }
    format!("the task could not be prepared: {NETWORK}")
}

/// The remedy of an exit code. Codes above 128 are signals.
fn of_exit(container: &StoppedContainer, is_explained: bool) -> Option<String> {
    let name = &container.name;
    if container.log.iter().any(|line| line.contains("exec format error")) {
        return Some(architecture(&container.image));
    }
    if container.log.iter().any(|line| is_port_conflict(line)) {
        return Some(format!(
            "container `{name}` cannot listen: its port is in use by another container of the task"
        ));
    }
    if is_explained || !container.is_essential {
        return None;
    }
    Some(match container.exit_code? {
        137 => memory(&format!("container `{name}`")),
        139 => format!("container `{name}` crashed with a segmentation fault (SIGSEGV)"),
        126 | 127 => format!("the command of container `{name}` does not exist in its image, or is not executable"),
        143 | 0 if container.log.is_empty() => return None,
        0 => format!("container `{name}` ended by itself: the process of an essential container must keep running"),
        143 => return None,
        code => format!("container `{name}` exited with code {code}; its log has the reason"),
    })
}

fn is_port_conflict(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    line.contains("address already in use") || line.contains("eaddrinuse")
}

fn memory(what: &str) -> String {
    format!("{what} was killed, usually because its memory was exhausted: raise `Memory`, or look for a leak")
}

fn architecture(image: &str) -> String {
    format!(
        "image {image} is for another CPU architecture than the task's: build it for that (`images --platform linux/arm64`), \
         or set `RuntimePlatform` (`with_cpu_architecture`)"
    )
}

#[cfg(test)]
mod tests;
