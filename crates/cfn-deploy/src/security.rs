//! What a change means for who may do what, and who may reach what. Pure.
//!
//! Each template says a set of sentences, such as "role `TaskRole` may ssm:GetParametersByPath on …". What one template
//! says and the other does not is the change. So a policy that is written otherwise but says the same is no change, and
//! a parameter that opens a port to somebody else is one.

mod iam;
mod network;
mod render;

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use cfn::{Resource, Template};
use render::Renderer;

/// One sentence that is true only before, or only after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityChange {
    /// The resource that it comes from.
    pub logical_id: String,
    /// What it is about.
    pub area: Area,
    /// Whether it becomes true.
    pub becomes_true: bool,
    /// The sentence: "security group `Web` lets 0.0.0.0/0 in at TCP port 80".
    pub sentence: String,
}

/// What a sentence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// Who may do what: roles, users, policies, also those of resources.
    Permissions,
    /// Who may reach what: security groups, load balancers, public addresses, routes to the internet.
    Network,
}

/// A template and the values of its parameters, as far as they are known.
#[derive(Debug, Clone, Copy)]
pub struct TemplateVersion<'a> {
    /// The template.
    pub template: &'a Template,
    /// The values of its parameters.
    pub parameters: &'a BTreeMap<String, String>,
}

/// What changes between two templates: first what becomes true, in the order of the newer template, then what is true
/// no longer. `before` is `None` for a stack that is new.
#[must_use]
pub fn security_changes(before: Option<TemplateVersion<'_>>, after: TemplateVersion<'_>) -> Vec<SecurityChange> {
    let old = before.map(sentences).unwrap_or_default();
    let new = sentences(after);
    let missing = |from: &[Sentence], becomes_true: bool, known: &[Sentence]| {
        let known: HashSet<&str> = known.iter().map(|sentence| sentence.text.as_str()).collect();
        let unknown = from.iter().filter(|sentence| !known.contains(sentence.text.as_str()));
        let change = |sentence: &Sentence| SecurityChange {
            logical_id: sentence.logical_id.clone(),
            area: sentence.area,
            becomes_true,
            sentence: sentence.text.clone(),
        };
        unknown.map(change).collect::<Vec<_>>()
    };
    let mut changes = missing(&new, true, &old);
    changes.extend(missing(&old, false, &new));
    changes
}

#[derive(Debug, Clone)]
struct Sentence {
    logical_id: String,
    area: Area,
    text: String,
}

/// Everything that a template says, each once.
fn sentences(side: TemplateVersion<'_>) -> Vec<Sentence> {
    let mut said: Vec<Sentence> = Vec::new();
    let mut known: HashSet<String> = HashSet::new();
    if let Some(transform) = side.template.other.get("Transform") {
        said.push(Sentence {
            logical_id: "Transform".to_owned(),
            area: Area::Permissions,
            text: format!(
                "the transform {} may add anything, roles too",
                Renderer::new(side).render(transform)
            ),
        });
    }
    for (id, resource) in &side.template.resources {
        let renderer = Renderer::new(side);
        if resource
            .condition
            .as_deref()
            .is_some_and(|name| renderer.condition(name) == Some(false))
        {
            continue;
        }
        let mut say = |area: Area, text: String| {
            if known.insert(text.clone()) {
                said.push(Sentence {
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
        iam::say(id, &resource, &renderer, &mut |text| say(Area::Permissions, text));
        network::say(id, &resource, &renderer, side.template, &mut |text| {
            say(Area::Network, text);
        });
    }
    said
}

/// One line: "+ security group `Web` lets 0.0.0.0/0 in at TCP port 80".
impl fmt::Display for SecurityChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.becomes_true { '+' } else { '-' };
        write!(f, "{sign} {}", self.sentence)
    }
}

#[cfg(test)]
mod tests;
