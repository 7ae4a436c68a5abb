//! `weights`: sets the weights of a route.

use std::collections::BTreeMap;

use super::{Output, RunningCommandError};
use crate::cli::error::CliError;
use crate::running::client::RunningClient;

/// Parses `NODE=WEIGHT`.
pub(super) fn weight(text: &str) -> Result<(String, u32), String> {
    let (node, weight) = text.split_once('=').ok_or("expected NODE=WEIGHT, such as green=10")?;
    let parsed = weight.parse().ok().filter(|weight| *weight <= 100);
    let weight = parsed.ok_or_else(|| format!("the weight `{weight}` is not a whole number from 0 to 100"))?;
    Ok((node.to_owned(), weight))
}

pub(super) async fn run(
    client: &RunningClient,
    output: &Output,
    route: &str,
    weights: Vec<(String, u32)>,
) -> Result<(), CliError> {
    let mut by_node = BTreeMap::new();
    for (node, weight) in weights {
        if by_node.insert(node.clone(), weight).is_some() {
            return Err(CliError::Usage(format!("{node} has two weights")));
        }
    }
    let set = client.set_weights(route, &by_node).await;
    let set = set.map_err(RunningCommandError::from)?;
    let mut text = format!("{}\n", set.route);
    for (node, after) in &set.after {
        let before = set.before.get(node).copied().unwrap_or_default();
        text.push_str(&match before == *after {
            true => format!("  {node} {after}\n"),
            false => format!("  {node} {before} → {after}\n"),
        });
    }
    output.print(&set, &text)
}
