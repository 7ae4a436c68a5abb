//! Conditions: which resources and values a template has, depending on its parameters.

use mesh_infra::cfn::unknown;
use serde_json::Value as Json;

use super::{Evaluation, Progress, function, has_unknown, text_of, wrong};

impl Evaluation<'_> {
    /// `Fn::If`. `None` if the chosen value is `AWS::NoValue`.
    pub(super) fn choose(self, argument: &Json, path: &str, progress: &mut Progress<'_>) -> Option<Json> {
        match argument.as_array().map(Vec::as_slice) {
            Some([Json::String(name), yes, no]) => match self.named_condition(name, path, progress) {
                Some(true) => self.value(yes, path, progress),
                Some(false) => self.value(no, path, progress),
                None => Some(unknown()),
            },
            _ => Some(wrong(path, "Fn::If takes a condition's name and two values", progress)),
        }
    }

    /// Whether a condition of the template holds. `None` if it cannot be evaluated, which is noted.
    pub(super) fn named_condition(self, name: &str, path: &str, progress: &mut Progress<'_>) -> Option<bool> {
        let Some(condition) = self.stack().template.conditions.get(name) else {
            wrong(
                path,
                &format!("names the condition `{name}`, which does not exist"),
                progress,
            );
            return None;
        };
        if let Some(holds) = self.stack().found.borrow().conditions.get(name) {
            return *holds;
        }
        let visited = format!("condition {}{name}", self.stack().prefix);
        if progress.visiting.contains(&visited) {
            wrong(path, &format!("the condition `{name}` depends on itself"), progress);
            return None;
        }
        progress.visiting.push(visited);
        let holds = self.condition(
            condition,
            &format!("{}Conditions.{name}", self.stack().prefix),
            progress,
        );
        progress.visiting.pop();
        self.stack()
            .found
            .borrow_mut()
            .conditions
            .insert(name.to_owned(), holds);
        holds
    }

    fn condition(self, condition: &Json, path: &str, progress: &mut Progress<'_>) -> Option<bool> {
        progress.deeper(path, |progress| self.shallow_condition(condition, path, progress))?
    }

    fn shallow_condition(self, condition: &Json, path: &str, progress: &mut Progress<'_>) -> Option<bool> {
        if let Some(Json::String(name)) = condition.get("Condition") {
            return self.named_condition(name, path, progress);
        }
        match condition.as_object().and_then(function) {
            Some(("Fn::Equals", Json::Array(sides))) if sides.len() == 2 => {
                let mut side = |index: usize| self.value(&sides[index], path, progress).unwrap_or(Json::Null);
                let (left, right) = (side(0), side(1));
                // Parameters are texts, and templates compare them with numbers and flags.
                (!has_unknown(&left) && !has_unknown(&right)).then(|| text_of(&left) == text_of(&right))
            }
            Some(("Fn::Not", Json::Array(parts))) if parts.len() == 1 => {
                self.condition(&parts[0], path, progress).map(|holds| !holds)
            }
            // Every part is looked at, so that a mistake is found whichever way the others turn out.
            Some(("Fn::And", Json::Array(parts))) => {
                let parts = self.conditions(parts, path, progress)?;
                Some(parts.iter().all(|holds| *holds))
            }
            Some(("Fn::Or", Json::Array(parts))) => {
                let parts = self.conditions(parts, path, progress)?;
                Some(parts.iter().any(|holds| *holds))
            }
            _ => {
                let message = "is no condition; understood are Fn::Equals, Fn::And, Fn::Or, Fn::Not and Condition";
                wrong(path, message, progress);
                None
            }
        }
    }

    fn conditions(self, parts: &[Json], path: &str, progress: &mut Progress<'_>) -> Option<Vec<bool>> {
        let parts: Vec<Option<bool>> = parts.iter().map(|part| self.condition(part, path, progress)).collect();
        parts.into_iter().collect()
    }
}
