//! Results of evaluation: known values, unknown values, and structures of both.

use std::fmt;

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::render::{render, scalar_text};

/// The result of evaluating a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Evaluated {
    /// The value, known in full.
    Known(Json),
    /// A list with at least one item that is not known in full.
    List(Vec<Evaluated>),
    /// An object with at least one value that is not known in full.
    Object(IndexMap<String, Evaluated>),
    /// A value that is not known.
    Unknown(Unknown),
}

/// A value that is not known, and the reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Unknown {
    path: String,
    reason: Reason,
    expression: Json,
}

/// Why a value is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The resolver does not know this reference, such as `Cluster.Arn` or `AWS::Region`.
    Unresolved(String),
    /// The function of this name is not evaluated.
    NotEvaluated(String),
    /// The expression has an error, which was reported.
    Invalid,
}

impl Evaluated {
    /// A list; known if all items are.
    pub(super) fn list(items: Vec<Evaluated>) -> Self {
        if items.iter().all(|item| matches!(item, Self::Known(_))) {
            return Self::Known(items.into_iter().map(Self::into_expression).collect());
        }
        Self::List(items)
    }

    /// An object; known if all values are.
    pub(super) fn object(entries: IndexMap<String, Evaluated>) -> Self {
        if entries.values().all(|value| matches!(value, Self::Known(_))) {
            let entries = entries.into_iter().map(|(key, value)| (key, value.into_expression()));
            return Self::Known(Json::Object(entries.collect()));
        }
        Self::Object(entries)
    }

    /// The value, if it is known in full.
    #[must_use]
    pub fn known(&self) -> Option<&Json> {
        match self {
            Self::Known(json) => Some(json),
            _ => None,
        }
    }

    /// The value, if it is known in full.
    ///
    /// # Errors
    ///
    /// The first part that is not known.
    pub fn into_known(self) -> Result<Json, Unknown> {
        match self {
            Self::Known(json) => Ok(json),
            Self::Unknown(unknown) => Err(unknown),
            partial => Err(partial
                .unknown()
                .cloned()
                .expect("a partial structure has an unknown part")),
        }
    }

    /// The first part that is not known, in the order of the template.
    #[must_use]
    pub fn unknown(&self) -> Option<&Unknown> {
        match self {
            Self::Known(_) => None,
            Self::Unknown(unknown) => Some(unknown),
            Self::List(items) => items.iter().find_map(Self::unknown),
            Self::Object(entries) => entries.values().find_map(Self::unknown),
        }
    }

    /// The value with the remaining expressions, as a template holds it.
    #[must_use]
    pub fn into_expression(self) -> Json {
        self.into_json(&|unknown| unknown.expression)
    }

    /// The value with `stand_in` in place of every unknown part.
    #[must_use]
    pub fn into_json(self, stand_in: &dyn Fn(Unknown) -> Json) -> Json {
        match self {
            Self::Known(json) => json,
            Self::List(items) => items.into_iter().map(|item| item.into_json(stand_in)).collect(),
            Self::Object(entries) => Json::Object(
                entries
                    .into_iter()
                    .map(|(key, value)| (key, value.into_json(stand_in)))
                    .collect(),
            ),
            Self::Unknown(unknown) => stand_in(unknown),
        }
    }

    /// The value as text, as `Fn::Sub` inserts it. `None` if it is not known in full.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        self.known().map(scalar_text)
    }
}

impl Unknown {
    pub(super) fn new(path: &str, reason: Reason, expression: Json) -> Self {
        Self {
            path: path.to_owned(),
            reason,
            expression,
        }
    }

    /// The same cause as part of another expression.
    pub(super) fn within(&self, expression: Json) -> Self {
        Self {
            expression,
            ..self.clone()
        }
    }

    /// The path of the expression that is not known, such as `Resources.Blue.Properties.Cluster`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Why it is not known.
    #[must_use]
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// The expression that remains, with everything known inserted, as a template holds it.
    #[must_use]
    pub fn expression(&self) -> &Json {
        &self.expression
    }
}

/// For people: known values as text, unknown ones as `${Name}`; see [`render`].
impl fmt::Display for Evaluated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render(&self.clone().into_expression()))
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render(&self.expression))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unresolved(reference) => write!(f, "`{reference}` is known only once deployed"),
            Self::NotEvaluated(function) => write!(f, "`{function}` is not evaluated"),
            Self::Invalid => f.write_str("the expression is invalid"),
        }
    }
}
