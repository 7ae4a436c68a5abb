//! Checks before a change set that the account's quotas have room for what the template adds.
//!
//! Only quotas that a template of an app reaches with the defaults of a new account: networks, their gateways and addresses,
//! and load balancers. What exists is counted by the Cloud Control API, which lists resources of any type.

use std::collections::BTreeMap;

use cfn::Template;
use cfn::evaluate::Context;
use serde_json::{Value as Json, json};
use sidecar_contract::Diagnostics;

use super::account_values::evaluator;
use super::deployment_input::DeploymentInput;
use super::environment::Environment;
use super::error::Error;
use super::json_api::{CLOUD_CONTROL, SERVICE_QUOTAS};

const LOAD_BALANCER: &str = "AWS::ElasticLoadBalancingV2::LoadBalancer";

/// A quota on the number of resources of a type in a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Quota {
    kind: &'static str,
    /// For load balancers: the value of `Type`, and the part of the ARN.
    variant: Option<(&'static str, &'static str)>,
    service: &'static str,
    code: &'static str,
    name: &'static str,
}

/// Names and codes: Service Quotas console and user guides of Amazon VPC, Amazon EC2 and Elastic Load Balancing (read
/// 2026-11-30).
const QUOTAS: [Quota; 5] = [
    Quota {
        kind: "AWS::EC2::VPC",
        variant: None,
        service: "vpc",
        code: "L-F678F1CE",
        name: "VPCs per Region",
    },
    Quota {
        kind: "AWS::EC2::InternetGateway",
        variant: None,
        service: "vpc",
        code: "L-A4707A72",
        name: "Internet gateways per Region",
    },
    Quota {
        kind: "AWS::EC2::EIP",
        variant: None,
        service: "ec2",
        code: "L-0263D0A3",
        name: "EC2-VPC Elastic IPs",
    },
    Quota {
        kind: LOAD_BALANCER,
        variant: Some(("application", ":loadbalancer/app/")),
        service: "elasticloadbalancing",
        code: "L-53DA6B97",
        name: "Application Load Balancers per Region",
    },
    Quota {
        kind: LOAD_BALANCER,
        variant: Some(("network", ":loadbalancer/net/")),
        service: "elasticloadbalancing",
        code: "L-69A177A2",
        name: "Network Load Balancers per Region",
    },
];

/// The result of [`Environment::check_quotas`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuotaCheck {
    /// Quotas that the deployment would exceed, each with the command that requests more.
    pub problems: Vec<String>,
    /// Quotas that were not checked, and why.
    pub unchecked: Vec<String>,
}

impl Environment {
    /// Checks the quotas of VPCs, internet gateways, Elastic IP addresses and load balancers for what the stacks of a
    /// deployment add to the deployed ones, all together. No call if they add none; otherwise three or four per quota. After
    /// a call that fails, is denied for example, this quota and the remaining ones count as unchecked.
    ///
    /// # Errors
    ///
    /// If the account or a deployed stack cannot be determined.
    pub async fn check_quotas(&self, inputs: &[DeploymentInput]) -> Result<QuotaCheck, Error> {
        let region = self.region();
        let mut added: BTreeMap<&str, usize> = BTreeMap::new();
        for input in inputs {
            for (code, count) in self.added(input).await? {
                *added.entry(code).or_default() += count;
            }
        }
        let mut check = QuotaCheck::default();
        let mut failed: Option<(Vec<String>, Error)> = None;
        for quota in QUOTAS {
            let Some(&added) = added.get(quota.code) else {
                continue;
            };
            let name = format!("{} ({})", quota.name, quota.code);
            if let Some((names, _)) = &mut failed {
                names.push(name);
                continue;
            }
            match self.room(quota).await {
                Ok((limit, existing)) => check.problems.extend(problem(quota, limit, existing, added, region)),
                // The next ones would fail too: most often a permission is missing.
                Err(error) => failed = Some((vec![name], error)),
            }
        }
        if let Some((names, error)) = failed {
            check.unchecked.push(format!("{}: {error}", names.join(", ")));
        }
        Ok(check)
    }

    /// The number of resources that a stack adds, by quota code.
    async fn added(&self, input: &DeploymentInput) -> Result<BTreeMap<&'static str, usize>, Error> {
        let account = self.account().await?;
        let region = self.region();
        let mut added = counts(input.template(), &input.parameters, &account, region);
        if added.is_empty() {
            return Ok(added);
        }
        if let Some(stack) = self.deployed(input.stack()).await? {
            let parameters = stack.parameters.iter();
            let parameters = parameters.map(|(name, value)| (name.clone(), value.clone())).collect();
            for (code, count) in counts(&stack.read_template()?, &parameters, &account, region) {
                added
                    .entry(code)
                    .and_modify(|added| *added = added.saturating_sub(count));
            }
        }
        added.retain(|_, count| *count > 0);
        Ok(added)
    }

    /// The value of a quota, and the number of resources that count towards it.
    async fn room(&self, quota: Quota) -> Result<(usize, usize), Error> {
        let described = format!("quota `{}`", quota.name);
        let body = json!({"ServiceCode": quota.service, "QuotaCode": quota.code});
        let response = match self
            .json_call(SERVICE_QUOTAS, "GetServiceQuota", &described, &body)
            .await
        {
            // The account has the default.
            Err(error) if error.has_code("NoSuchResourceException") => {
                self.json_call(SERVICE_QUOTAS, "GetAWSDefaultServiceQuota", &described, &body)
                    .await?
            }
            response => response?,
        };
        // Quotas are whole numbers far below 2^53.
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a quota is a small whole number"
        )]
        let limit = response["Quota"]["Value"].as_f64().unwrap_or(f64::MAX) as usize;
        Ok((limit, self.existing(quota).await?))
    }

    async fn existing(&self, quota: Quota) -> Result<usize, Error> {
        let described = format!("resources of type {}", quota.kind);
        let mut count = 0;
        let mut body = json!({"TypeName": quota.kind, "MaxResults": 100});
        loop {
            let page = self
                .json_call(CLOUD_CONTROL, "ListResources", &described, &body)
                .await?;
            let resources = page["ResourceDescriptions"].as_array().into_iter().flatten();
            let counted = resources.filter(|resource| {
                let id = resource["Identifier"].as_str().unwrap_or_default();
                quota.variant.is_none_or(|(_, part)| id.contains(part))
            });
            count += counted.count();
            match &page["NextToken"] {
                Json::String(next) if !next.is_empty() => body["NextToken"] = next.clone().into(),
                _ => return Ok(count),
            }
        }
    }
}

/// The number of a template's resources by quota code; only those that the template has.
fn counts(
    template: &Template,
    parameters: &BTreeMap<String, String>,
    account: &str,
    region: &str,
) -> BTreeMap<&'static str, usize> {
    let evaluator = evaluator(template, parameters, account, region);
    let mut diagnostics = Diagnostics::new();
    let mut context = Context::new(&mut diagnostics);
    let mut counts = BTreeMap::new();
    // Without resources whose condition is false.
    let resources = evaluator
        .stacks()
        .flat_map(|stack| stack.resources(&mut context))
        .collect::<Vec<_>>();
    for (_, resource) in resources {
        // An application load balancer is CloudFormation's default.
        let given = resource.properties.get("Type");
        let variant = given.and_then(|kind| evaluator.evaluate(kind).text());
        let variant = variant.unwrap_or_else(|| "application".to_owned());
        let quota = QUOTAS
            .iter()
            .find(|quota| quota.kind == resource.kind && quota.variant.is_none_or(|(name, _)| name == variant));
        if let Some(quota) = quota {
            *counts.entry(quota.code).or_default() += 1;
        }
    }
    counts
}

fn problem(quota: Quota, limit: usize, existing: usize, added: usize, region: &str) -> Option<String> {
    let needed = existing + added;
    (needed > limit).then(|| {
        format!(
            "quota `{}` ({}) in {region} is {limit}, {existing} exist and the deployment adds {added}: delete unused ones, or \
             request more with `aws service-quotas request-service-quota-increase --service-code {} --quota-code {} \
             --desired-value {needed} --region {region}`",
            quota.name, quota.code, quota.service, quota.code
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_counted_by_quota_without_those_of_false_conditions() {
        let template = Template::from_json(
            &json!({
                "Parameters": {"Nat": {"Type": "String", "Default": "no"}},
                "Conditions": {"HasNat": {"Fn::Equals": [{"Ref": "Nat"}, "yes"]}},
                "Resources": {
                    "Vpc": {"Type": "AWS::EC2::VPC"},
                    "Address": {"Type": "AWS::EC2::EIP", "Condition": "HasNat"},
                    "Web": {"Type": LOAD_BALANCER},
                    "Tcp": {"Type": LOAD_BALANCER, "Properties": {"Type": "network"}},
                    "Cluster": {"Type": "AWS::ECS::Cluster"},
                },
            })
            .to_string(),
        )
        .unwrap();
        let found = counts(&template, &BTreeMap::new(), "1", "eu-west-1");
        let expected = BTreeMap::from([("L-F678F1CE", 1), ("L-53DA6B97", 1), ("L-69A177A2", 1)]);
        assert_eq!(found, expected);
        let with_nat = BTreeMap::from([("Nat".to_owned(), "yes".to_owned())]);
        assert_eq!(counts(&template, &with_nat, "1", "eu-west-1")["L-0263D0A3"], 1);
    }

    #[test]
    fn a_full_quota_has_the_command_that_requests_more() {
        assert_eq!(problem(QUOTAS[0], 5, 4, 1, "eu-west-1"), None);
        let text = problem(QUOTAS[0], 5, 5, 1, "eu-west-1").unwrap();
        assert!(
            text.contains("quota `VPCs per Region` (L-F678F1CE) in eu-west-1 is 5, 5 exist and the deployment adds 1")
                && text.contains("--desired-value 6 --region eu-west-1`"),
            "{text}"
        );
    }
}
