//! Conditions of rules. Several values of a condition are alternatives.
//!
//! Source: Application Load Balancer user guide, "Condition types for listener rules" (read 2026-12-01).

use ipnet::IpNet;

use super::pattern::Pattern;

/// A condition of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The path, without the query. Case-sensitive.
    Path(Vec<Pattern>),
    /// The host, without its port. Not case-sensitive.
    Host(Vec<Pattern>),
    /// The value of a header. Not case-sensitive.
    Header {
        /// The name of the header.
        name: String,
        /// Its values.
        values: Vec<Pattern>,
    },
    /// The method. Case-sensitive.
    Method(Vec<String>),
    /// A query parameter. Not case-sensitive.
    Query(Vec<QueryParameter>),
    /// The address of the client's connection, whatever `X-Forwarded-For` says.
    SourceIp(Vec<IpNet>),
}

/// A query parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryParameter {
    /// Its key; any if there is none.
    pub key: Option<String>,
    /// Its value.
    pub value: String,
}

impl Condition {
    /// Whether each request for which `other` holds is one for which this holds, as far as this can be said from the
    /// values.
    pub(super) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Path(own), Self::Path(others)) => all_covered(own, others, |own, other| own.covers(other, false)),
            (Self::Host(own), Self::Host(others)) => all_covered(own, others, |own, other| own.covers(other, true)),
            (
                Self::Header { name, values },
                Self::Header {
                    name: other,
                    values: others,
                },
            ) => name.eq_ignore_ascii_case(other) && all_covered(values, others, |own, other| own.covers(other, true)),
            (Self::Method(own), Self::Method(others)) => all_covered(own, others, |own, other| own == other),
            (Self::Query(own), Self::Query(others)) => all_covered(own, others, QueryParameter::covers),
            (Self::SourceIp(own), Self::SourceIp(others)) => all_covered(own, others, |own, other| own.contains(other)),
            _ => false,
        }
    }
}

impl QueryParameter {
    fn covers(&self, other: &Self) -> bool {
        let key = match (&self.key, &other.key) {
            (None, _) => true,
            (Some(own), Some(other)) => own.eq_ignore_ascii_case(other),
            (Some(_), None) => false,
        };
        // Escapes of wildcards are compared as they are written.
        key && self.value.eq_ignore_ascii_case(&other.value)
    }
}

/// Whether each of the other values is covered by one of the own.
fn all_covered<T>(own: &[T], others: &[T], covers: impl Fn(&T, &T) -> bool) -> bool {
    others.iter().all(|other| own.iter().any(|own| covers(own, other)))
}
