//! A diagnosis as text for a terminal. Pure.

use std::fmt;

use super::{ServiceDiagnosis, StoppedContainer, StoppedTasks};

/// The log lines of a container that are shown; [`StoppedContainer::log`] may have more.
const SHOWN_LINES: usize = 20;
/// The characters of a line that are shown.
const SHOWN_WIDTH: usize = 200;

/// Control characters, and those that change the direction of text, as escapes: logs must not control the terminal.
pub(super) fn printable(text: &str) -> String {
    let is_unsafe = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => printable.push(' '),
            c if is_unsafe(c) => printable.extend(c.escape_unicode()),
            c => printable.push(c),
        }
    }
    printable
}

/// A text of at most `width` characters.
pub(super) fn cut(text: &str, width: usize) -> String {
    match text.char_indices().nth(width) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

impl ServiceDiagnosis {
    /// One line about the stopped tasks: "Web: 3 tasks stopped: container `app` exited with code 1". `None` if no task
    /// stopped.
    #[must_use]
    pub fn summary(&self) -> Option<String> {
        let newest = self.groups.iter().max_by_key(|group| group.count)?;
        let tasks = if self.stopped == 1 { "task" } else { "tasks" };
        Some(format!(
            "{}: {} {tasks} stopped: {}",
            self.logical_id,
            self.stopped,
            newest.summary()
        ))
    }

    /// Whether a container's log has more lines than the text shows.
    #[must_use]
    pub fn has_more_log(&self) -> bool {
        let containers = self.groups.iter().flat_map(|group| &group.containers);
        containers
            .flat_map(|container| {
                [
                    container.log.len() > SHOWN_LINES,
                    container.log.iter().any(|line| line.chars().count() > SHOWN_WIDTH),
                ]
            })
            .any(|more| more)
    }

    /// All log lines that were read, for a file.
    #[must_use]
    pub fn full_log(&self) -> String {
        let mut text = String::new();
        for group in &self.groups {
            for container in group.containers.iter().filter(|container| !container.log.is_empty()) {
                let location = container.log_location.as_deref().unwrap_or_default();
                text.push_str(&format!(
                    "==> {} task {} container {} ({location})\n",
                    self.logical_id, group.task, container.name
                ));
                for line in &container.log {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
        text
    }
}

impl StoppedTasks {
    fn summary(&self) -> String {
        let exited = self
            .containers
            .iter()
            .find(|container| container.exit_code.is_some() && container.is_essential);
        let text = match exited {
            Some(container) if self.code == "EssentialContainerExited" => container.state(),
            _ => match self.reason.is_empty() {
                true => self.code.clone(),
                false => self.reason.clone(),
            },
        };
        cut(&printable(&text), SHOWN_WIDTH)
    }
}

impl StoppedContainer {
    /// "container `app` exited with code 1: the reason".
    fn state(&self) -> String {
        let mut text = format!("container `{}`", self.name);
        match self.exit_code {
            Some(code) => text.push_str(&format!(" exited with code {code}")),
            None => text.push_str(" did not start"),
        }
        if !self.reason.is_empty() {
            text.push_str(&format!(": {}", printable(&self.reason)));
        }
        text
    }
}

/// Several lines: stopped tasks with containers and logs, service events, remedies. Without a line break at the end.
impl fmt::Display for ServiceDiagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks = if self.stopped == 1 { "task" } else { "tasks" };
        write!(
            f,
            "ECS service {} ({}): {} {tasks} stopped",
            self.logical_id, self.service, self.stopped
        )?;
        for group in &self.groups {
            let code = if group.code.is_empty() {
                String::new()
            } else {
                format!("{}: ", group.code)
            };
            write!(f, "\n  {} × {code}{}", group.count, printable(&group.reason))?;
            for container in &group.containers {
                let essential = if container.is_essential { "" } else { " (not essential)" };
                write!(f, "\n    {}{essential}", container.state())?;
                write_log(f, group, container)?;
            }
        }
        if !self.events.is_empty() {
            f.write_str("\n  service events:")?;
            for event in &self.events {
                write!(f, "\n    {}", cut(&printable(event), 2 * SHOWN_WIDTH))?;
            }
        }
        for remedy in &self.remedies {
            write!(f, "\n  likely cause: {remedy}")?;
        }
        for unread in &self.unread {
            write!(f, "\n  not read: {unread}")?;
        }
        Ok(())
    }
}

fn write_log(f: &mut fmt::Formatter<'_>, group: &StoppedTasks, container: &StoppedContainer) -> fmt::Result {
    let Some(location) = &container.log_location else {
        return Ok(());
    };
    if let Some(error) = &container.log_error {
        return write!(f, "\n      its log cannot be read ({location}): {error}");
    }
    if container.log.is_empty() {
        return write!(f, "\n      its log is empty ({location})");
    }
    let shown = container.log.len().min(SHOWN_LINES);
    write!(f, "\n      last log lines of task {} ({location}):", group.task)?;
    for line in &container.log[container.log.len() - shown..] {
        write!(f, "\n      | {}", cut(line, SHOWN_WIDTH))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnosis(log: Vec<String>) -> ServiceDiagnosis {
        ServiceDiagnosis {
            logical_id: "Web".to_owned(),
            service: "shop-Web-1".to_owned(),
            stopped: 3,
            groups: vec![StoppedTasks {
                count: 3,
                task: "0123".to_owned(),
                code: "EssentialContainerExited".to_owned(),
                reason: "Essential container in task exited".to_owned(),
                containers: vec![StoppedContainer {
                    name: "app".to_owned(),
                    is_essential: true,
                    exit_code: Some(1),
                    log_location: Some("log group `/ecs/web`, stream `web/app/0123`".to_owned()),
                    log,
                    ..StoppedContainer::default()
                }],
            }],
            events: vec!["(service web) is unable to consistently start tasks successfully".to_owned()],
            remedies: vec!["the remedy".to_owned()],
            unread: Vec::new(),
        }
    }

    #[test]
    fn a_diagnosis_reads_from_the_task_to_the_remedy() {
        assert_eq!(
            diagnosis(vec!["no such table: orders".to_owned()]).to_string(),
            "ECS service Web (shop-Web-1): 3 tasks stopped\n  \
             3 × EssentialContainerExited: Essential container in task exited\n    \
             container `app` exited with code 1\n      \
             last log lines of task 0123 (log group `/ecs/web`, stream `web/app/0123`):\n      \
             | no such table: orders\n  \
             service events:\n    \
             (service web) is unable to consistently start tasks successfully\n  \
             likely cause: the remedy"
        );
        assert_eq!(
            diagnosis(Vec::new()).summary().unwrap(),
            "Web: 3 tasks stopped: container `app` exited with code 1"
        );
    }

    #[test]
    fn shown_lines_are_bounded_and_the_full_log_is_kept() {
        let long = diagnosis((0..50).map(|line| format!("line {line}")).collect());
        let text = long.to_string();
        assert!(text.contains("| line 30\n") && !text.contains("| line 29\n"), "{text}");
        assert!(long.has_more_log() && long.full_log().contains("\nline 0\n"));
        let wide = diagnosis(vec!["x".repeat(300)]);
        assert!(wide.to_string().contains(&format!("| {}…\n", "x".repeat(200))) && wide.has_more_log());
        assert!(!diagnosis(vec!["short".to_owned()]).has_more_log());
    }

    #[test]
    fn logs_do_not_control_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\tc\u{202e}"), "a\\u{1b}[2Jb c\\u{202e}");
        assert_eq!(printable("grün ✓"), "grün ✓");
    }
}
