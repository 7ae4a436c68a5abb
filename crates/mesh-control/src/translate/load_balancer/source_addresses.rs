//! Rules with conditions on source addresses.
//!
//! Routes cannot match the address of a connection, filter chains can: Envoy selects the chain with the longest block that
//! contains it. So there is a chain for each block that a rule names, with the rules that hold for all of its addresses,
//! and one for all other addresses. Blocks contain one another or have nothing in common, so a rule holds for the
//! addresses of a chain if one of its blocks contains that of the chain.

use envoy_types::pb::envoy::config::core::v3::CidrRange;
use envoy_types::pb::envoy::config::listener::v3::FilterChainMatch;
use ipnet::IpNet;
use mesh_model::load_balancer::{Condition, Rule};

use super::super::envoy::uint32;

/// The clients of a filter chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clients(Option<IpNet>);

/// The clients that rules tell apart: each block that one of them names, and all others.
pub(super) fn partition(rules: &[Rule]) -> Vec<Clients> {
    let conditions = rules.iter().flat_map(|rule| &rule.conditions);
    let blocks = conditions.filter_map(|condition| match condition {
        Condition::SourceIp(blocks) => Some(blocks),
        _ => None,
    });
    let mut blocks: Vec<IpNet> = blocks.flatten().map(IpNet::trunc).collect();
    blocks.sort();
    blocks.dedup();
    let named = blocks.into_iter().map(|block| Clients(Some(block)));
    named.chain([Clients(None)]).collect()
}

impl Clients {
    /// Whether the conditions on source addresses of a rule hold for these clients.
    pub(super) fn satisfy(&self, rule: &Rule) -> bool {
        rule.conditions.iter().all(|condition| match condition {
            Condition::SourceIp(blocks) => {
                let contains = |own: &IpNet| blocks.iter().any(|block| block.contains(own));
                self.0.as_ref().is_some_and(contains)
            }
            _ => true,
        })
    }

    /// The match of their filter chain; none for all others.
    pub(super) fn filter_chain_match(&self) -> Option<FilterChainMatch> {
        let block = self.0?;
        Some(FilterChainMatch {
            source_prefix_ranges: vec![CidrRange {
                address_prefix: block.addr().to_string(),
                prefix_len: uint32(block.prefix_len().into()),
            }],
            ..Default::default()
        })
    }

    /// The name of their route configuration on this listener.
    pub(super) fn route_configuration(&self, listener: &str) -> String {
        match self.0 {
            Some(block) => format!("{listener}/from/{block}"),
            None => listener.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use mesh_model::load_balancer::{Action, Forward};

    use super::*;

    fn rule(blocks: &[&str]) -> Rule {
        let blocks = blocks.iter().map(|block| block.parse().expect("a block"));
        Rule {
            name: String::new(),
            conditions: vec![Condition::SourceIp(blocks.collect())],
            action: Action::Forward(Forward::to("t")),
        }
    }

    #[test]
    fn rules_hold_for_the_blocks_that_theirs_contain() {
        let rules = [
            rule(&["10.0.0.0/8"]),
            rule(&["10.1.2.3/16", "192.0.2.0/24"]),
            Rule {
                conditions: Vec::new(),
                ..rule(&[])
            },
        ];
        let holding: Vec<(String, Vec<usize>)> = partition(&rules)
            .iter()
            .map(|clients| {
                let held = (0..rules.len()).filter(|rule| clients.satisfy(&rules[*rule]));
                (clients.route_configuration("l"), held.collect())
            })
            .collect();
        let expected = [
            ("l/from/10.0.0.0/8", vec![0, 2]),
            ("l/from/10.1.0.0/16", vec![0, 1, 2]),
            ("l/from/192.0.2.0/24", vec![1, 2]),
            ("l", vec![2]),
        ];
        assert_eq!(holding, expected.map(|(name, rules)| (name.to_owned(), rules)));
    }
}
