//! The tools of the tests, installed for real and put to work.

use std::fs;

use pinned_tools::PythonTools;

use crate::fakes::{Room, quiet};

#[test]
fn cfn_lint_is_installed_once_and_judges_templates() {
    let room = Room::new();
    let mut steps = Vec::new();
    let surroundings = room.with_real_python();
    let tools = PythonTools::install(&surroundings, &mut |step| steps.push(step.to_string())).unwrap();
    assert_eq!(steps.len(), 1);
    assert!(
        steps[0].starts_with("installing the tools of the tests into "),
        "{steps:?}"
    );
    assert_eq!(PythonTools::install(&surroundings, &mut quiet).unwrap(), tools);

    // Modules of the working directory are not the tools' business.
    fs::write(room.path("json.py"), "raise SystemExit('the wrong json')\n").unwrap();
    let judge = |template: &str| {
        fs::write(room.path("template.yaml"), template).unwrap();
        let output = tools
            .cfn_lint()
            .arg("template.yaml")
            .current_dir(room.path("."))
            .env("PYTHONWARNINGS", "default")
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let complaints = String::from_utf8(output.stderr).unwrap();
        assert!(!complaints.contains("Traceback"), "{complaints}");
        (output.status.success(), printed)
    };
    let (fine, printed) = judge("Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n");
    assert!(fine, "{printed}");
    let (fine, printed) = judge("Resources:\n  Queue:\n    Type: AWS::SQS::Queueue\n");
    assert!(!fine);
    assert!(printed.contains("E3006"), "an unknown type: {printed}");

    let version = tools.module("cfnlint.runner.cli").arg("--version").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let pinned = include_str!("../../requirements.in");
    let number = version
        .split_whitespace()
        .last()
        .unwrap_or_else(|| panic!("no version"));
    assert!(pinned.contains(&format!("\ncfn-lint=={number}\n")), "{version}");
}
