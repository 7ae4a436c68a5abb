//! Stand-ins of values that only AWS knows.

use cfn::evaluate::{Reason, Unknown, render, scalar_text};
use cfn::intrinsic;
use serde_json::Value as Json;

/// A value that only AWS knows, where something here reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assumption {
    /// The path of the property.
    pub(crate) path: String,
    /// What is not known, such as `CountNow.DesiredCount`.
    pub(crate) reference: String,
    /// The options that give it.
    pub(crate) remedy: String,
    /// What stands in for it.
    pub(crate) stand_in: String,
}

impl Assumption {
    /// The note about the stand-in.
    pub(crate) fn note(&self) -> String {
        let Self {
            reference,
            remedy,
            stand_in,
            ..
        } = self;
        format!("{stand_in}, since `{reference}` is known only on AWS; {remedy}")
    }

    /// The error where no stand-in is possible.
    pub(crate) fn error(&self) -> String {
        format!(
            "`{}` is known only on AWS, and nothing can stand in for it here; {}",
            self.reference, self.remedy
        )
    }
}

/// The reference that is not known. `None` if the expression has an error, which was reported.
pub(super) fn reference(unknown: &Unknown) -> Option<&str> {
    match unknown.reason() {
        Reason::Unresolved(reference) => Some(reference),
        _ => None,
    }
}

/// A text that says what it stands for: `Db.Endpoint.Address` for an attribute, and the text around it.
pub(super) fn text(unknown: &Unknown) -> String {
    let expression = unknown.expression();
    match intrinsic(expression) {
        // The name of the parameter of Systems Manager says more than that of the template's parameter.
        Some(("Ref", _)) if reference(unknown).is_some_and(|name| name.starts_with("ssm:")) => reference(unknown)
            .unwrap_or_default()
            .trim_start_matches("ssm:")
            .to_owned(),
        Some(("Ref" | "Fn::GetAtt" | "Fn::Sub" | "Fn::Join", _)) => plain(&render(expression)),
        Some(("Fn::ImportValue", name)) if name.is_string() => scalar_text(name),
        None if expression.is_string() => scalar_text(expression),
        _ => reference(unknown).unwrap_or("unknown").to_owned(),
    }
}

/// `${Name}` without its braces.
fn plain(rendered: &str) -> String {
    let mut text = String::with_capacity(rendered.len());
    let mut rest = rendered;
    while let Some((before, opened)) = rest.split_once("${") {
        let Some((name, after)) = opened.split_once('}') else {
            break;
        };
        text.push_str(before);
        text.push_str(name);
        rest = after;
    }
    text + rest
}

/// A stand-in of an expression in a name, such as that of a parameter.
pub(super) fn json(unknown: &Unknown) -> Json {
    Json::from(text(unknown))
}
