//! Controller processes on this machine: whether the process that a controller's name contains is running.

use std::time::Duration;

use bluegreen_state::Timestamp;

use crate::status::ControllerStatus;

/// Precision of the start time of a process: clock ticks, and a boot time in whole seconds.
#[cfg(target_os = "linux")]
const START_TIME_SLACK: Duration = Duration::from_secs(2);

/// The name of a controller of this process: `process 123 since 2026-11-30T16:24:01.250Z`.
pub(crate) fn controller_name(now: Timestamp) -> String {
    let now = std::time::SystemTime::UNIX_EPOCH + Duration::from_millis(now.as_millis());
    format!(
        "process {} since {}",
        std::process::id(),
        humantime::format_rfc3339_millis(now)
    )
}

/// The status of the controller with this name. Another process with the same id, which began later, is not it.
pub(crate) fn status(controller: &str) -> ControllerStatus {
    let Some((pid, since)) = parse(controller) else {
        return ControllerStatus::Unknown;
    };
    match is_running(pid, since) {
        Some(true) => ControllerStatus::Running,
        Some(false) => ControllerStatus::Stopped,
        None => ControllerStatus::Unknown,
    }
}

/// The process id and the time in a controller's name. Earlier versions wrote the time in milliseconds.
fn parse(controller: &str) -> Option<(u32, Timestamp)> {
    let (pid, since) = controller.strip_prefix("process ")?.split_once(" since ")?;
    let since = match since.parse() {
        Ok(millis) => Timestamp::from_millis(millis),
        Err(_) => humantime::parse_rfc3339(since).ok()?.into(),
    };
    Some((pid.parse().ok()?, since))
}

/// Whether a process is running that began before `since`. `None` if it cannot be found out.
#[cfg(target_os = "linux")]
fn is_running(pid: u32, since: Timestamp) -> Option<bool> {
    let stat = match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Some(false),
        Err(_) => return None,
    };
    // The name, in parentheses, may contain spaces. Fields are counted from 3 after it (proc_pid_stat(5), 2026-11-30).
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    if matches!(fields.first(), Some(&"Z" | &"X")) {
        return Some(false);
    }
    let ticks: u64 = fields.get(22 - 3)?.parse().ok()?;
    let after_boot = Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second());
    let began = boot_time()?.after(after_boot);
    Some(began <= since.after(START_TIME_SLACK))
}

/// When the system was booted: `btime` in `/proc/stat`.
#[cfg(target_os = "linux")]
fn boot_time() -> Option<Timestamp> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let seconds: u64 = stat
        .lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .parse()
        .ok()?;
    Some(Timestamp::from_millis(seconds * 1000))
}

#[cfg(not(target_os = "linux"))]
fn is_running(pid: u32, _since: Timestamp) -> Option<bool> {
    let pid = rustix::process::Pid::from_raw(pid.try_into().ok()?)?;
    Some(!matches!(
        rustix::process::test_kill_process(pid),
        Err(rustix::io::Errno::SRCH)
    ))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn process_of_a_controller_is_found_by_id_and_start_time() {
        let now = SystemTime::now().into();
        assert_eq!(status(&controller_name(now)), ControllerStatus::Running);
        let pid = std::process::id();
        let earlier = format!("process {pid} since {}", Timestamp::as_millis(now));
        assert_eq!(
            status(&earlier),
            ControllerStatus::Running,
            "the form of earlier versions"
        );
        assert_eq!(status("ci run 42"), ControllerStatus::Unknown);
        // The id was used again.
        #[cfg(target_os = "linux")]
        assert_eq!(
            status(&format!("process {pid} since 2026-01-01T00:00:00Z")),
            ControllerStatus::Stopped
        );
    }

    #[test]
    fn missing_process_is_not_running() {
        // Above the highest process id of Linux, 2^22 (proc_sys_kernel(5), 2026-11-30). Not a child that has ended: a
        // child that starts has the open locks of concurrent tests for a moment.
        let missing = "process 4194305 since 2026-11-30T00:00:00Z";
        assert_eq!(status(missing), ControllerStatus::Stopped);
    }
}
