//! How changes look: what is added is green, what goes is red, and what concerns security is set apart.

use console::Style;
use mesh_infra::deploy::{Action, ParameterChange, Replacement, ResourceChange, SecurityChange};

/// Where something is shown, which decides whether it has colours: only on a terminal, and as `NO_COLOR` and its like say.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shown {
    /// Standard output.
    AsResult,
    /// Standard error.
    AsProgress,
}

impl Shown {
    /// A style for there.
    pub(super) fn style(self) -> Style {
        match self {
            Self::AsResult => Style::new().for_stdout(),
            Self::AsProgress => Style::new().for_stderr(),
        }
    }

    /// What becomes of resources, a line each.
    pub(super) fn resources(self, changes: &[ResourceChange]) -> String {
        lines(changes, |change| {
            let style = match (change.action, change.replacement) {
                (Action::Add | Action::Import, _) => self.style().green(),
                (Action::Remove, _) | (_, Replacement::Always) => self.style().red(),
                (_, Replacement::Conditional) => self.style().yellow(),
                _ => self.style(),
            };
            style.apply_to(change).to_string()
        })
    }

    /// The parameters that have other values, a line each.
    pub(super) fn parameters(self, changes: &[ParameterChange]) -> String {
        let value = |value: &Option<String>| {
            value
                .as_ref()
                .map_or_else(|| "none".to_owned(), |value| format!("\"{value}\""))
        };
        lines(changes, |change| {
            format!(
                "[~] Parameters.{}: {} → {}",
                change.name,
                value(&change.before),
                value(&change.after)
            )
        })
    }

    /// What changes in who may do what and who may reach what, under a heading.
    pub(super) fn security(self, changes: &[SecurityChange]) -> String {
        let sentences = lines(changes, |change| match change.becomes_true {
            true => self
                .style()
                .green()
                .apply_to(format!("  + {}", change.sentence))
                .to_string(),
            false => self
                .style()
                .red()
                .apply_to(format!("  - {}", change.sentence))
                .to_string(),
        });
        let heading = self.style().bold().apply_to("Who may do what, and who may reach what:");
        format!("{heading}\n{sentences}")
    }
}

fn lines<T>(items: &[T], line: impl Fn(&T) -> String) -> String {
    items.iter().map(line).collect::<Vec<_>>().join("\n")
}
