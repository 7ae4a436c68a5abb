//! Security review: permission and network changes between two templates. Pure.
//!
//! Each template is rendered as a set of statements, such as "role `TaskRole` may ssm:GetParametersByPath on …". The
//! difference of the sets is the change. So an equivalent policy in another form is no change, and a parameter that opens
//! a port to another address is one.

mod iam;
mod network;
mod render;

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use cfn::{Resource, Template};
use render::Renderer;

/// A statement that is true only before, or only after.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecurityChange {
    /// The resource of the statement.
    pub logical_id: String,
    /// Its subject.
    pub area: Area,
    /// Whether the statement becomes true with the change; otherwise it becomes false.
    pub is_addition: bool,
    /// The statement: "security group `Web` lets 0.0.0.0/0 in at TCP port 80".
    pub statement: String,
}

/// The subject of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Area {
    /// Permissions: roles, users, policies, resource policies.
    Permissions,
    /// Network access: security groups, load balancers, public addresses, routes to the internet.
    Network,
}

/// A template and the known values of its parameters.
#[derive(Debug, Clone, Copy)]
pub struct TemplateVersion<'a> {
    /// The template.
    pub template: &'a Template,
    /// The values of its parameters.
    pub parameters: &'a BTreeMap<String, String>,
}

/// The changes between two templates: first statements that become true, in the order of the new template, then those
/// that become false. `before` is `None` for a new stack.
#[must_use]
pub fn security_changes(before: Option<TemplateVersion<'_>>, after: TemplateVersion<'_>) -> Vec<SecurityChange> {
    let old = before.map(statements).unwrap_or_default();
    let new = statements(after);
    let missing = |from: &[Statement], is_addition: bool, known: &[Statement]| {
        let known: HashSet<&str> = known.iter().map(|statement| statement.text.as_str()).collect();
        let unknown = from.iter().filter(|statement| !known.contains(statement.text.as_str()));
        let change = |statement: &Statement| SecurityChange {
            logical_id: statement.logical_id.clone(),
            area: statement.area,
            is_addition,
            statement: statement.text.clone(),
        };
        unknown.map(change).collect::<Vec<_>>()
    };
    let mut changes = missing(&new, true, &old);
    changes.extend(missing(&old, false, &new));
    changes
}

#[derive(Debug, Clone)]
struct Statement {
    logical_id: String,
    area: Area,
    text: String,
}

/// All statements of a template, each once.
fn statements(version: TemplateVersion<'_>) -> Vec<Statement> {
    let mut statements: Vec<Statement> = Vec::new();
    let mut known: HashSet<String> = HashSet::new();
    let renderer = Renderer::new(version);
    if let Some(transform) = version.template.other.get("Transform") {
        statements.push(Statement {
            logical_id: "Transform".to_owned(),
            area: Area::Permissions,
            text: format!(
                "transform {} may add any resource, including roles",
                renderer.render(transform)
            ),
        });
    }
    for (id, resource) in &version.template.resources {
        if resource
            .condition
            .as_deref()
            .is_some_and(|name| renderer.condition(name) == Some(false))
        {
            continue;
        }
        let mut emit = |area: Area, text: String| {
            if known.insert(text.clone()) {
                statements.push(Statement {
                    logical_id: id.clone(),
                    area,
                    text,
                });
            }
        };
        let resource = Resource {
            properties: renderer.evaluate(&resource.properties),
            ..resource.clone()
        };
        iam::statements_of(id, &resource, &renderer, &mut |text| emit(Area::Permissions, text));
        network::statements_of(id, &resource, &renderer, version.template, &mut |text| {
            emit(Area::Network, text);
        });
    }
    statements
}

/// One line: "+ security group `Web` lets 0.0.0.0/0 in at TCP port 80".
impl fmt::Display for SecurityChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_addition { '+' } else { '-' };
        write!(f, "{sign} {}", self.statement)
    }
}

#[cfg(test)]
mod tests;
