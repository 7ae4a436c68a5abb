//! The order in which stacks are deployed.

use std::collections::BTreeSet;

/// Stacks in the given order, but each after those that it uses. `edges` are pairs of a stack and one that it uses.
///
/// # Errors
///
/// A cycle, each stack followed by one that it uses, and the first one again at the end.
pub(super) fn deployment_order<'s>(
    stacks: impl IntoIterator<Item = &'s String>,
    edges: &BTreeSet<(String, String)>,
) -> Result<Vec<String>, Vec<String>> {
    let mut remaining: Vec<&String> = stacks.into_iter().collect();
    let mut order: Vec<String> = Vec::new();
    while !remaining.is_empty() {
        let is_ready = |stack: &String| {
            let mut used = edges.iter().filter(|(user, _)| user == stack);
            used.all(|(_, used)| !remaining.contains(&used))
        };
        match remaining.iter().position(|stack| is_ready(stack)) {
            Some(position) => order.push(remaining.remove(position).clone()),
            None => return Err(cycle(&remaining, edges)),
        }
    }
    Ok(order)
}

/// A cycle among stacks of which each uses another one.
fn cycle(stacks: &[&String], edges: &BTreeSet<(String, String)>) -> Vec<String> {
    let next = |stack: &String| {
        let mut used = edges
            .iter()
            .filter(|(user, used)| user == stack && stacks.contains(&used));
        used.next().map(|(_, used)| used.clone())
    };
    let mut path: Vec<String> = stacks.first().map(|first| (*first).clone()).into_iter().collect();
    while let Some(following) = path.last().and_then(next) {
        if let Some(start) = path.iter().position(|stack| *stack == following) {
            path.drain(..start);
            path.push(following);
            return path;
        }
        path.push(following);
    }
    path
}

pub(super) fn cycle_message(cycle: &[String]) -> String {
    format!(
        "uses handles of stacks that use its own: {}; move what both need to a stack of its own, or refer to services and \
         virtual nodes by name",
        cycle.join(" uses ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(stacks: &[&str], edges: &[(&str, &str)]) -> Result<Vec<String>, Vec<String>> {
        let stacks: Vec<String> = stacks.iter().map(ToString::to_string).collect();
        let edges = edges
            .iter()
            .map(|(user, used)| ((*user).to_owned(), (*used).to_owned()));
        deployment_order(&stacks, &edges.collect())
    }

    #[test]
    fn stacks_follow_those_that_they_use() {
        assert_eq!(order(&["b", "a"], &[]).unwrap(), ["b", "a"]);
        assert_eq!(
            order(&["c", "b", "a"], &[("c", "b"), ("b", "a")]).unwrap(),
            ["a", "b", "c"]
        );
    }

    #[test]
    fn cycles_are_named_without_the_way_to_them() {
        let edges = [("a", "b"), ("b", "c"), ("c", "b")];
        assert_eq!(order(&["a", "b", "c"], &edges).unwrap_err(), ["b", "c", "b"]);
        assert_eq!(order(&["a"], &[("a", "a")]).unwrap_err(), ["a", "a"]);
    }
}
