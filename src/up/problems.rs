//! Problems of a running mesh as lines.

use mesh_local::Problem;

/// What precedes them.
pub(super) const HEADING: &str = "not everything works";

/// A line for each problem, indented; a log below it is indented further.
pub(super) fn lines(problems: &[Problem]) -> String {
    let lines = problems
        .iter()
        .map(|problem| format!("  {}", problem.to_string().replace('\n', "\n  ")));
    lines.collect::<Vec<_>>().join("\n")
}
