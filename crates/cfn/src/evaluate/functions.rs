//! The table of functions, and what they share.

mod condition;
mod import;
mod list;
mod mapping;
mod network;
mod reference;
mod text;

use serde_json::{Value as Json, json};

use super::{Context, Evaluated, Reason, StackScope, Unknown};

pub(super) use reference::{attribute, reference};

/// A call of an intrinsic function.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'c> {
    pub(super) stack: StackScope<'c>,
    pub(super) name: &'c str,
    pub(super) argument: &'c Json,
    pub(super) path: &'c str,
}

/// Evaluates a call. `None` for `AWS::NoValue`.
type Function = fn(Call<'_>, &mut Context<'_>) -> Option<Evaluated>;

const FUNCTIONS: [(&str, Function); 14] = [
    ("Ref", reference::call_ref),
    ("Fn::GetAtt", reference::get_att),
    ("Fn::Sub", text::sub),
    ("Fn::If", condition::choose),
    ("Fn::Join", text::join),
    ("Fn::Select", list::select),
    ("Fn::Split", text::split),
    ("Fn::FindInMap", mapping::find_in_map),
    ("Fn::Base64", text::base64),
    ("Fn::Cidr", network::cidr),
    ("Fn::GetAZs", network::availability_zones),
    ("Fn::ImportValue", import::import_value),
    ("Fn::Length", list::length),
    ("Fn::ToJsonString", text::to_json_string),
];

pub(super) fn call(call: Call<'_>, context: &mut Context<'_>) -> Option<Evaluated> {
    match FUNCTIONS.iter().find(|(name, _)| *name == call.name) {
        Some((_, function)) => function(call, context),
        None => Some(not_evaluated(call, context)),
    }
}

fn not_evaluated(call: Call<'_>, context: &mut Context<'_>) -> Evaluated {
    let supported: Vec<&str> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
    context.report(
        call.path,
        format!(
            "`{}` is not supported; supported functions are {}",
            call.name,
            supported.join(", ")
        ),
    );
    // References within it may be known nonetheless. Others may be variables of the function.
    let argument = context.muted(|context| call.stack.evaluate(call.argument, call.path, context));
    let reason = Reason::NotEvaluated(call.name.to_owned());
    let argument = argument.map_or(Json::Null, Evaluated::into_expression);
    Evaluated::Unknown(Unknown::new(call.path, reason, json!({ call.name: argument })))
}

impl Call<'_> {
    /// An unknown value with the call as it was written.
    fn unknown(self, reason: Reason) -> Evaluated {
        let expression = json!({ self.name: self.argument });
        Evaluated::Unknown(Unknown::new(self.path, reason, expression))
    }

    /// Reports an error.
    fn invalid(self, message: impl Into<String>, context: &mut Context<'_>) -> Evaluated {
        context.report(self.path, message);
        self.unknown(Reason::Invalid)
    }

    /// The result of a call that makes too much text, which was reported.
    fn too_large(self) -> Evaluated {
        Evaluated::Unknown(Unknown::new(self.path, Reason::Invalid, Json::Null))
    }

    /// The call with its argument evaluated in part, for the same cause.
    fn remaining(self, argument: Evaluated) -> Evaluated {
        match argument.unknown() {
            Some(unknown) => {
                Evaluated::Unknown(unknown.within(json!({ self.name: argument.clone().into_expression() })))
            }
            None => self.unknown(Reason::Invalid),
        }
    }

    /// The evaluated argument. `AWS::NoValue` is null.
    fn evaluate_argument(self, context: &mut Context<'_>) -> Evaluated {
        let argument = self.stack.evaluate(self.argument, self.path, context);
        argument.unwrap_or(Evaluated::Known(Json::Null))
    }

    /// The evaluated argument, or what remains of the call if a part of it is unknown.
    fn known_argument(self, context: &mut Context<'_>) -> Result<Json, Evaluated> {
        match self.evaluate_argument(context) {
            Evaluated::Known(json) => Ok(json),
            partial => Err(self.remaining(partial)),
        }
    }

    /// The evaluated items of the argument; an empty list if it is not a list.
    fn known_arguments(self, context: &mut Context<'_>) -> Result<Vec<Json>, Evaluated> {
        Ok(match self.known_argument(context)? {
            Json::Array(items) => items,
            _ => Vec::new(),
        })
    }
}
