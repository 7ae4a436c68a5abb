//! Findings of the tools, and those that are accepted.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

/// What a tool found.
pub(crate) struct Finding {
    /// The tool and its rule: `cfn-lint W1234`.
    rule: String,
    /// The resource type and the rest of the message.
    text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.text)
    }
}

/// The findings of cfn-lint, informational rules included.
pub(crate) fn cfn_lint(templates: &[PathBuf]) -> Vec<Finding> {
    let mut lint = testkit::python_tools().cfn_lint();
    lint.args(["--include-checks", "I", "--format", "json", "--"])
        .args(templates);
    let output = output(lint);
    // Its exit code says whether there are findings.
    let found: Vec<Json> = serde_json::from_str(&output).unwrap_or_else(|error| panic!("{error}: {output}"));
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    found
        .iter()
        .map(|finding| Finding {
            rule: format!("cfn-lint {}", text(&finding["Rule"]["Id"])),
            text: format!("{} at {}", text(&finding["Message"]), finding["Location"]["Path"]),
        })
        .collect()
}

/// The findings of parliament, the linter of IAM policies.
pub(crate) fn parliament(templates: &[PathBuf]) -> Vec<Finding> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies.py");
    let mut lint = testkit::python_tools().program(&program);
    lint.args(templates);
    let output = output(lint);
    let found: Vec<(String, String)> =
        serde_json::from_str(&output).unwrap_or_else(|error| panic!("{error}: {output}"));
    let findings = found.into_iter().map(|(rule, text)| Finding {
        rule: format!("parliament {rule}"),
        text,
    });
    findings.collect()
}

fn output(mut command: Command) -> String {
    let output = command.output().expect("the tool starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.is_empty(), "{errors}");
    String::from_utf8(output.stdout).expect("text")
}

/// The accepted findings.
pub(crate) struct Accepted {
    /// The rule, a part of the text, and whether something matched.
    lines: Vec<(String, String, bool)>,
}

impl Accepted {
    /// Reads `tests/accepted_findings.txt`. Lines have the form `RULE | PART OF THE TEXT | REASON`.
    pub(crate) fn read() -> Self {
        let lines = include_str!("../../accepted_findings.txt").lines();
        let lines = lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| {
                let parts: Vec<&str> = line.split(" | ").collect();
                let [rule, part, reason] = parts[..] else {
                    panic!("`{line}` is not RULE | PART OF THE TEXT | REASON");
                };
                assert!(!reason.is_empty(), "`{line}` has no reason");
                (rule.trim().to_owned(), part.trim().to_owned(), false)
            });
        Self { lines: lines.collect() }
    }

    /// Whether a finding is accepted.
    pub(crate) fn contains(&mut self, finding: &Finding) -> bool {
        let mut is_accepted = false;
        for (rule, part, is_used) in &mut self.lines {
            if *rule == finding.rule && finding.text.contains(part.as_str()) {
                *is_used = true;
                is_accepted = true;
            }
        }
        is_accepted
    }

    /// The lines that matched no finding.
    pub(crate) fn unused(&self) -> Vec<String> {
        let unused = self.lines.iter().filter(|(_, _, is_used)| !is_used);
        unused.map(|(rule, part, _)| format!("{rule} | {part}")).collect()
    }
}
