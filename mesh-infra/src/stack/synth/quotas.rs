//! CloudFormation's quotas for a stack.
//!
//! Source: CloudFormation user guide, "Understand CloudFormation quotas" (read 2026-11-30).

use cfn::Template;
use sidecar_contract::Diagnostics;

const MAX_RESOURCES: usize = 500;
const MAX_PARAMETERS: usize = 200;
const MAX_OUTPUTS: usize = 200;
/// Bytes of a template in S3.
const MAX_TEMPLATE: usize = 1_000_000;

const REMEDY: &str = "divide it into several stacks of one App, whose constructs may use each other's handles";

pub(super) fn check(template: &Template, diagnostics: &mut Diagnostics) {
    let counts = [
        ("Resources", template.resources.len(), MAX_RESOURCES),
        ("Parameters", template.parameters.len(), MAX_PARAMETERS),
        ("Outputs", template.outputs.len(), MAX_OUTPUTS),
    ];
    for (section, count, allowed) in counts {
        if count > allowed {
            let message = format!("has {count} entries, and CloudFormation allows {allowed} in a stack; {REMEDY}");
            diagnostics.add(section, message);
        }
    }
    let length = template.to_compact_json().len();
    if length > MAX_TEMPLATE {
        let message = format!("has {length} bytes, and CloudFormation allows {MAX_TEMPLATE}; {REMEDY}");
        diagnostics.add("the template", message);
    }
}
