//! Conditions: which resources and values a template has, depending on its parameters.

use serde_json::Value as Json;

use super::{Evaluation, Progress, function, text_of, wrong};

impl Evaluation<'_> {
    /// `Fn::If`. `None` if the chosen value is `AWS::NoValue`.
    pub(super) fn choose(&self, argument: &Json, path: &str, progress: &mut Progress<'_>) -> Option<Json> {
        match argument.as_array().map(Vec::as_slice) {
            Some([Json::String(name), yes, no]) => {
                let chosen = if self.named_condition(name, path, progress) {
                    yes
                } else {
                    no
                };
                self.value(chosen, path, progress)
            }
            _ => Some(wrong(path, "Fn::If takes a condition's name and two values", progress)),
        }
    }

    /// Whether a condition of the template holds.
    pub(super) fn named_condition(&self, name: &str, path: &str, progress: &mut Progress<'_>) -> bool {
        let Some(condition) = self.template.conditions.get(name) else {
            wrong(
                path,
                &format!("names the condition `{name}`, which does not exist"),
                progress,
            );
            return false;
        };
        if let Some(holds) = self.found.borrow().conditions.get(name) {
            return *holds;
        }
        let visited = format!("condition {name}");
        if progress.visiting.contains(&visited) {
            wrong(path, &format!("the condition `{name}` depends on itself"), progress);
            return false;
        }
        progress.visiting.push(visited);
        let holds = self.condition(condition, &format!("Conditions.{name}"), progress);
        progress.visiting.pop();
        self.found.borrow_mut().conditions.insert(name.to_owned(), holds);
        holds
    }

    fn condition(&self, condition: &Json, path: &str, progress: &mut Progress<'_>) -> bool {
        if let Some(Json::String(name)) = condition.get("Condition") {
            return self.named_condition(name, path, progress);
        }
        match condition.as_object().and_then(function) {
            Some(("Fn::Equals", Json::Array(sides))) if sides.len() == 2 => {
                let mut side = |index: usize| self.value(&sides[index], path, progress).unwrap_or(Json::Null);
                // Parameters are texts, and templates compare them with numbers and flags.
                text_of(&side(0)) == text_of(&side(1))
            }
            Some(("Fn::Not", Json::Array(parts))) if parts.len() == 1 => !self.condition(&parts[0], path, progress),
            // Every part is looked at, so that a mistake is found whichever way the others turn out.
            Some(("Fn::And", Json::Array(parts))) => {
                parts
                    .iter()
                    .filter(|part| !self.condition(part, path, progress))
                    .count()
                    == 0
            }
            Some(("Fn::Or", Json::Array(parts))) => {
                parts.iter().filter(|part| self.condition(part, path, progress)).count() > 0
            }
            _ => {
                let message = "is no condition; understood are Fn::Equals, Fn::And, Fn::Or, Fn::Not and Condition";
                wrong(path, message, progress);
                false
            }
        }
    }
}
