//! Conditions: `Fn::Equals`, `Fn::And`, `Fn::Or`, `Fn::Not` and `Condition`, in three-valued logic.

use serde_json::Value as Json;

use super::{Context, Evaluated, Reason, StackScope, scalar_text};
use crate::schema::closest;
use crate::value::intrinsic;

impl StackScope<'_> {
    /// The value of a condition. `None` if it is unknown or has an error, which is reported.
    pub fn condition(self, name: &str, path: &str, context: &mut Context<'_>) -> Option<bool> {
        self.named_condition(name, path, context).ok()
    }

    pub(super) fn named_condition(self, name: &str, path: &str, context: &mut Context<'_>) -> Result<bool, Reason> {
        let stack = self.stack();
        let Some(condition) = stack.template.conditions.get(name) else {
            let meant = closest(name, stack.template.conditions.keys().map(String::as_str));
            let hint = meant.map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
            context.report(path, format!("condition `{name}` does not exist{hint}"));
            return Err(Reason::Invalid);
        };
        if let Some(holds) = stack.cache.borrow().conditions.get(name) {
            return holds.clone();
        }
        let visited = format!("condition {}{name}", stack.prefix);
        if context.is_visiting(&visited) {
            context.report(path, format!("the condition `{name}` depends on itself"));
            return Err(Reason::Invalid);
        }
        let holds = context
            .visit(&visited, path, |context| {
                self.expression(condition, &format!("{}Conditions.{name}", stack.prefix), context)
            })
            .unwrap_or(Err(Reason::Invalid));
        let mut cache = stack.cache.borrow_mut();
        cache.conditions.insert(name.to_owned(), holds.clone());
        holds
    }

    fn expression(self, condition: &Json, path: &str, context: &mut Context<'_>) -> Result<bool, Reason> {
        context
            .nested(path, |context| self.nested_expression(condition, path, context))
            .unwrap_or(Err(Reason::Invalid))
    }

    fn nested_expression(self, condition: &Json, path: &str, context: &mut Context<'_>) -> Result<bool, Reason> {
        if let Some(Json::String(name)) = condition.get("Condition") {
            return self.named_condition(name, path, context);
        }
        match intrinsic(condition) {
            Some(("Fn::Equals", Json::Array(sides))) if sides.len() == 2 => {
                let mut side = |index: usize| {
                    let value = self.evaluate(&sides[index], path, context);
                    value.unwrap_or(Evaluated::Known(Json::Null)).into_known()
                };
                let (left, right) = (side(0), side(1));
                match (left, right) {
                    // Parameters are strings, and templates compare them with numbers and booleans.
                    (Ok(left), Ok(right)) => Ok(scalar_text(&left) == scalar_text(&right)),
                    (Err(unknown), _) | (_, Err(unknown)) => match self.resolver().assumed_comparison() {
                        Some(holds) if *unknown.reason() != Reason::Invalid => Ok(holds),
                        _ => Err(unknown.reason().clone()),
                    },
                }
            }
            Some(("Fn::Not", Json::Array(parts))) if parts.len() == 1 => {
                self.expression(&parts[0], path, context).map(|holds| !holds)
            }
            Some(("Fn::And", Json::Array(parts))) => self.any_is(false, parts, path, context).map(|found| !found),
            Some(("Fn::Or", Json::Array(parts))) => self.any_is(true, parts, path, context),
            _ => {
                let supported = "is not a condition; supported are Fn::Equals, Fn::And, Fn::Or, Fn::Not and Condition";
                context.report(path, supported);
                Err(Reason::Invalid)
            }
        }
    }

    /// Whether one of the parts has this value: known if one has it, or if all are known. Evaluates every part, so
    /// that all errors are reported.
    fn any_is(self, wanted: bool, parts: &[Json], path: &str, context: &mut Context<'_>) -> Result<bool, Reason> {
        let parts: Vec<_> = parts.iter().map(|part| self.expression(part, path, context)).collect();
        if parts.contains(&Ok(wanted)) {
            return Ok(true);
        }
        parts
            .into_iter()
            .find(Result::is_err)
            .unwrap_or(Ok(wanted))
            .map(|_| false)
    }
}
