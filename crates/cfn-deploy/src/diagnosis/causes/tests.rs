//! Each cause with an example from ECS.

use super::*;

fn group(reason: &str, container: StoppedContainer) -> StoppedTasks {
    StoppedTasks {
        reason: reason.to_owned(),
        containers: vec![container],
        ..StoppedTasks::default()
    }
}

fn container(exit_code: Option<i64>, reason: &str, log: &[&str]) -> StoppedContainer {
    StoppedContainer {
        name: "app".to_owned(),
        is_essential: true,
        image: "1.dkr.ecr.eu-west-1.amazonaws.com/shop:1".to_owned(),
        exit_code,
        reason: reason.to_owned(),
        log: log.iter().map(|line| (*line).to_owned()).collect(),
        ..StoppedContainer::default()
    }
}

#[test]
fn every_common_cause_has_its_remedy() {
    let exited = "Essential container in task exited";
    let rows: &[(&str, StoppedContainer, &str)] = &[
        (
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref \
             1.dkr.ecr.eu-west-1.amazonaws.com/shop:1: not found",
            container(None, "", &[]),
            "image 1.dkr.ecr.eu-west-1.amazonaws.com/shop:1 does not exist",
        ),
        (
            "CannotPullContainerError: ref pull has been retried 5 time(s): dial tcp 10.0.0.1:443: i/o timeout",
            container(None, "", &[]),
            "no network way to the registry of image 1.dkr",
        ),
        (
            "CannotPullContainerError: pull access denied: 403 Forbidden",
            container(None, "", &[]),
            "execution role may not pull",
        ),
        (
            "CannotPullContainerError: toomanyrequests: You have reached your pull rate limit",
            container(None, "", &[]),
            "copy it to your ECR",
        ),
        (
            "CannotPullContainerError: no match for platform in manifest: not found",
            container(None, "", &[]),
            "another CPU architecture",
        ),
        (
            "ResourceInitializationError: unable to pull secrets or registry auth: The task cannot pull registry auth \
             from Amazon ECR: There is a connection issue between the task and Amazon ECR",
            container(None, "", &[]),
            "no network way to ECR",
        ),
        (
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: \
             unable to retrieve secret from asm: AccessDeniedException",
            container(None, "", &[]),
            "`secretsmanager:GetSecretValue`",
        ),
        (
            "ResourceInitializationError: failed to validate logger args: The task cannot find the Amazon CloudWatch \
             log group",
            container(None, "", &[]),
            "log group must exist",
        ),
        (
            "ResourceInitializationError: unable to pull secrets: unable to retrieve secrets from ssm: context deadline",
            container(None, "", &[]),
            "a secret or parameter cannot be read",
        ),
        (
            exited,
            container(Some(137), "OutOfMemoryError: Container killed due to memory usage", &[]),
            "raise `Memory`",
        ),
        (exited, container(Some(137), "", &[]), "container `app` was killed"),
        (
            exited,
            container(Some(1), "", &["exec /app: exec format error"]),
            "another CPU architecture",
        ),
        (
            exited,
            container(Some(1), "", &["bind: Address already in use"]),
            "its port is in use",
        ),
        (
            exited,
            container(Some(3), "", &[]),
            "container `app` exited with code 3",
        ),
        (exited, container(Some(0), "", &["bye"]), "ended by itself"),
        (exited, container(Some(127), "", &[]), "does not exist in its image"),
        (
            "Task failed ELB health checks in (target-group arn:x)",
            container(Some(143), "", &[]),
            "0.0.0.0",
        ),
        (
            "Task failed container health checks",
            container(Some(143), "", &[]),
            "`startPeriod`",
        ),
        (
            "ECS was unable to assume the role 'arn:aws:iam::1:role/r' that was provided for this task",
            container(None, "", &[]),
            "`ecs-tasks.amazonaws.com`",
        ),
        (
            "Timeout waiting for network interface provisioning to complete.",
            container(None, "", &[]),
            "no network interface",
        ),
    ];
    for (reason, container, expected) in rows {
        let found = remedies(&[group(reason, container.clone())], &[]);
        assert_eq!(found.len(), 1, "{reason}: {found:?}");
        assert!(found[0].contains(expected), "{reason}: {found:?}");
    }
}

#[test]
fn service_events_have_remedies_and_each_remedy_is_given_once() {
    for (event, expected) in [
        (
            "(service web) was unable to place a task. Reason: Capacity is unavailable at this time",
            "FARGATE_SPOT",
        ),
        (
            "(service web) was unable to place a task. Reason: You've reached the limit on the number of vCPUs running",
            "Fargate vCPU",
        ),
        (
            "(service web) was unable to place a task because no container instance met all of its requirements. RESOURCE:MEMORY",
            "room",
        ),
        (
            "(service web) failed to launch a task with (error ECS was unable to assume the role 'r')",
            "trust policy",
        ),
    ] {
        let found = remedies(&[], &[event.to_owned(), event.to_owned()]);
        assert_eq!(found.len(), 1, "{event}: {found:?}");
        assert!(found[0].contains(expected), "{event}: {found:?}");
    }
    assert_eq!(remedies(&[], &["(service web) something new".to_owned()]), [""; 0]);
}

#[test]
fn a_sidecar_that_was_stopped_with_the_task_has_no_remedy() {
    let quiet = container(Some(143), "", &["stopping"]);
    assert_eq!(
        remedies(&[group("Essential container in task exited", quiet)], &[]),
        [""; 0]
    );
}
