//! Installs the Python tools and runs cfn-lint.

use std::fs;
use std::path::PathBuf;

use testkit::{HostEnv, PythonTools};

#[test]
fn cfn_lint_is_installed_once_and_validates_templates() {
    let temp = tempfile::tempdir().unwrap();
    let host_env = HostEnv {
        cache_home: Some(temp.path().join("cache")),
        ..HostEnv::from_env()
    };
    let mut reports = Vec::new();
    let tools = PythonTools::install(&host_env, &mut |progress| reports.push(progress.to_string())).unwrap();
    assert_eq!(reports.len(), 1);
    assert!(
        reports[0].starts_with("installing the tools of the tests into "),
        "{reports:?}"
    );
    let again = PythonTools::install(&host_env, &mut |progress| panic!("unexpected report: {progress}"));
    assert_eq!(again.unwrap(), tools);

    // Modules in the working directory are ignored.
    fs::write(temp.path().join("json.py"), "raise SystemExit('the wrong json')\n").unwrap();
    let lint = |template: &str| {
        fs::write(temp.path().join("template.yaml"), template).unwrap();
        let output = tools
            .cfn_lint()
            .arg("template.yaml")
            .current_dir(temp.path())
            .env("PYTHONWARNINGS", "default")
            .output()
            .unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!stderr.contains("Traceback"), "{stderr}");
        (output.status.success(), stdout)
    };
    let (is_valid, stdout) = lint("Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n");
    assert!(is_valid, "{stdout}");
    let (is_valid, stdout) = lint("Resources:\n  Queue:\n    Type: AWS::SQS::Queueue\n");
    assert!(!is_valid);
    assert!(stdout.contains("E3006"), "an unknown type: {stdout}");

    let version = tools.module("cfnlint.runner.cli").arg("--version").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let requirements = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../envoy-install/requirements.in");
    let pinned = fs::read_to_string(requirements).unwrap();
    let number = version
        .split_whitespace()
        .last()
        .unwrap_or_else(|| panic!("no version"));
    assert!(pinned.contains(&format!("\ncfn-lint=={number}\n")), "{version}");
}
