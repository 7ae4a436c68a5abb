//! Rules that can never match, because an earlier one matches all of their requests.

use super::Rule;

/// The rules that can never match, each with an earlier rule that matches all of its requests, by position. A rule is found
/// only if a single earlier rule covers it.
#[must_use]
pub fn shadowed_rules(rules: &[Rule]) -> Vec<(usize, usize)> {
    let shadowed = rules.iter().enumerate().filter_map(|(position, rule)| {
        let earlier = rules[..position].iter().position(|earlier| covers(earlier, rule))?;
        Some((position, earlier))
    });
    shadowed.collect()
}

/// Whether `earlier` matches every request of `rule`: each of its conditions follows from one of the rule's.
fn covers(earlier: &Rule, rule: &Rule) -> bool {
    let follows = |condition: &super::Condition| rule.conditions.iter().any(|other| condition.covers(other));
    earlier.conditions.iter().all(follows)
}

#[cfg(test)]
mod tests {
    use super::super::{Action, Condition, Forward, Pattern, QueryParameter};
    use super::*;

    fn rule(conditions: Vec<Condition>) -> Rule {
        Rule {
            name: String::new(),
            conditions,
            action: Action::Forward(Forward::to("t")),
        }
    }

    fn path(pattern: &str) -> Condition {
        Condition::Path(vec![Pattern::Wildcard(pattern.to_owned())])
    }

    fn host(pattern: &str) -> Condition {
        Condition::Host(vec![Pattern::Wildcard(pattern.to_owned())])
    }

    #[test]
    fn a_rule_after_a_wider_one_never_matches() {
        let rules = [
            rule(vec![path("/api/*"), host("*.shop.test")]),
            rule(vec![path("/api/v1/*")]),
            rule(vec![path("/api/v1/*"), host("A.shop.test")]),
            rule(vec![path("/*")]),
            rule(vec![path("/login"), Condition::Method(vec!["GET".to_owned()])]),
        ];
        assert_eq!(shadowed_rules(&rules), [(2, 0), (4, 3)]);
    }

    #[test]
    fn other_conditions_are_compared_by_their_values() {
        let networks = |networks: &[&str]| {
            Condition::SourceIp(networks.iter().map(|text| text.parse().expect("a network")).collect())
        };
        let query = |key: Option<&str>, value: &str| {
            Condition::Query(vec![QueryParameter {
                key: key.map(str::to_owned),
                value: value.to_owned(),
            }])
        };
        let rules = [
            rule(vec![networks(&["10.0.0.0/8"])]),
            rule(vec![networks(&["10.1.0.0/16"])]),
            rule(vec![networks(&["10.1.0.0/16", "192.0.2.0/24"])]),
            rule(vec![query(None, "x")]),
            rule(vec![query(Some("version"), "X")]),
            rule(vec![query(Some("version"), "y")]),
        ];
        assert_eq!(shadowed_rules(&rules), [(1, 0), (4, 3)]);
    }
}
