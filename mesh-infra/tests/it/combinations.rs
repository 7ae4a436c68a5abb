//! Combinations of constructs: generated stacks, judged by cfn-lint with all its rules and by parliament.
//!
//! Each stack takes some of the options of [`Options`], so that options are tested together. All templates go through one start of each
//! tool. What the tools find and is accepted is in `tests/accepted_findings.txt`, with the reason; a line that no longer
//! matches anything is an error as well.

mod findings;
mod options;

use std::path::PathBuf;

use indexmap::IndexMap;
use mesh_infra::{DeployerRole, Deployment, Resource, Template};
use proptest::prelude::any;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;

use findings::{Accepted, Finding};
use options::Options;

/// Stacks, besides the two with all options and with none. Each takes cfn-lint about a second.
const STACKS: usize = 16;

/// The templates, as files.
fn templates(workdir: &testkit::Workdir) -> Vec<PathBuf> {
    // The same stacks in each run, so that a failure is repeatable.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let sampled = (0..STACKS).map(|_| any::<u32>().new_tree(&mut runner).expect("a number").current());
    let bits = [0, u32::MAX].into_iter().chain(sampled);
    let mut files = Vec::new();
    for (index, bits) in bits.enumerate() {
        let options = Options::from_bits(bits);
        let template = options
            .stack()
            .synth()
            .unwrap_or_else(|errors| panic!("{options:?}: {errors}"));
        files.push(workdir.file(&format!("{index:02}.json"), &template.to_json()));
        if bits == u32::MAX {
            files.push(workdir.file("policies.json", &policies(template)));
        }
    }
    files
}

/// A template of the policies with which another one is deployed, for the same tools.
fn policies(template: Template) -> String {
    let stacks = IndexMap::from([("shop".to_owned(), template)]);
    let deployment = Deployment::new(&stacks)
        .with_account("123456789012")
        .with_region("eu-west-1");
    let role = DeployerRole::WithServiceRole("arn:aws:iam::123456789012:role/cloudformation".to_owned());
    let deployer = deployment.deployer_policy(&role);
    let mut template = Template::default();
    for (id, policy) in [
        ("ServiceRole", deployment.service_role_policy()),
        ("Deployer", deployer),
    ] {
        let document = policy.unwrap_or_else(|unknown| panic!("{unknown}"));
        let properties = json!({"PolicyDocument": document});
        template
            .resources
            .insert(id.to_owned(), Resource::new("AWS::IAM::ManagedPolicy", properties));
    }
    template.to_json()
}

#[test]
fn tools_find_only_what_is_accepted() {
    let workdir = testkit::Workdir::new();
    let templates = templates(&workdir);
    let mut findings = findings::cfn_lint(&templates);
    findings.extend(findings::parliament(&templates));
    let mut accepted = Accepted::read();
    let unexpected: Vec<String> = findings
        .iter()
        .filter(|finding| !accepted.contains(finding))
        .map(Finding::to_string)
        .collect();
    let mut distinct = unexpected.clone();
    distinct.sort();
    distinct.dedup();
    assert!(
        distinct.is_empty(),
        "{} findings:\n{}",
        unexpected.len(),
        distinct.join("\n")
    );
    assert_eq!(
        accepted.unused(),
        [""; 0],
        "tests/accepted_findings.txt has lines that match no finding"
    );
}
