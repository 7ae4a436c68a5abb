//! IAM policy documents.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

/// The version of the policy language, the only one in use.
const VERSION: &str = "2012-10-17";

/// Statements that allow actions on resources. Those with the same resources and condition are one statement.
#[derive(Debug, Default)]
pub(super) struct Policy {
    /// Actions by resources, and the text of the condition.
    statements: BTreeMap<(BTreeSet<String>, String), BTreeSet<String>>,
}

impl Policy {
    /// Allows actions on resources.
    pub(super) fn allow(&mut self, actions: &[&str], resources: impl IntoIterator<Item = String>) {
        self.allow_if(actions, resources, &Json::Null);
    }

    /// Allows actions on resources under a condition; null is none.
    pub(super) fn allow_if(&mut self, actions: &[&str], resources: impl IntoIterator<Item = String>, condition: &Json) {
        let key = (resources.into_iter().collect(), condition.to_string());
        let statement = self.statements.entry(key).or_default();
        statement.extend(actions.iter().map(|action| (*action).to_owned()));
    }

    /// The document. Statements with the same actions and condition are merged.
    pub(super) fn to_json(&self) -> Json {
        let mut merged: BTreeMap<(&BTreeSet<String>, &str), BTreeSet<&String>> = BTreeMap::new();
        for ((resources, condition), actions) in &self.statements {
            merged.entry((actions, condition)).or_default().extend(resources);
        }
        let statements: Vec<Json> = merged
            .into_iter()
            .map(|((actions, condition), resources)| {
                let mut statement = Map::new();
                statement.insert("Effect".to_owned(), json!("Allow"));
                statement.insert("Action".to_owned(), json!(actions));
                statement.insert("Resource".to_owned(), json!(resources));
                if let Ok(condition @ Json::Object(_)) = serde_json::from_str(condition) {
                    statement.insert("Condition".to_owned(), condition);
                }
                Json::Object(statement)
            })
            .collect();
        json!({"Version": VERSION, "Statement": statements})
    }
}
