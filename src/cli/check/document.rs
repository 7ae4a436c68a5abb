//! The judgement of templates as JSON.

use serde_json::{Value as Json, json};

use super::judgement::{Judged, Judgement, Problem};

/// The document that `check --json` prints.
pub(super) fn document(judged: &Judged, other_files: usize) -> Json {
    let templates: Vec<Json> = judged.templates.iter().map(template).collect();
    json!({
        "templates": templates,
        "otherFiles": other_files,
        "warnings": judged.warnings,
    })
}

fn template(judgement: &Judgement) -> Json {
    let pairs = |pairs: &[(String, String)], first: &str, second: &str| -> Vec<Json> {
        pairs.iter().map(|(a, b)| json!({first: a, second: b})).collect()
    };
    let services = judgement.services.iter();
    let services = services.map(|(name, tasks)| json!({"service": name, "tasks": tasks}));
    let problems = judgement.problems.iter().map(problem);
    json!({
        "file": judgement.file,
        "stack": judgement.stack,
        "set": judgement.set,
        "nestedIn": judgement.nested_in,
        "parameters": judgement.parameters,
        "canRun": judgement.can_run(),
        "runs": services.collect::<Vec<Json>>(),
        "meshes": judgement.meshes,
        "assumed": pairs(&judgement.assumed, "path", "note"),
        "notSimulated": pairs(&judgement.not_simulated, "name", "type"),
        "problems": problems.collect::<Vec<Json>>(),
        "blockedBy": judgement.blocked_by,
    })
}

fn problem(problem: &Problem) -> Json {
    json!({
        "path": problem.path,
        "message": problem.message,
        "file": problem.location.as_ref().map(|location| &location.file),
        "line": problem.location.as_ref().map(|location| location.line),
        "column": problem.location.as_ref().map(|location| location.column),
    })
}
