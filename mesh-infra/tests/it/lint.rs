//! cfn-lint for templates of tests.

use mesh_infra::Template;

/// Fails unless cfn-lint accepts the template without a finding.
#[track_caller]
pub(crate) fn accepted_by_cfn_lint(template: &Template) {
    let workdir = testkit::Workdir::new();
    let file = workdir.file("template.json", &template.to_json());
    let mut lint = testkit::python_tools().cfn_lint();
    let output = lint.arg("--").arg(file).output().expect("cfn-lint starts");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.is_empty(), "{}: {text}", output.status);
}
