//! Templates for the tests: the example's, with something changed.

use std::path::PathBuf;

use serde_json::Value;

use crate::golden;
use crate::workdir::Workdir;

/// A file in the workdir with the example's template after `change`.
pub(crate) fn changed(workdir: &Workdir, change: impl FnOnce(&mut Value)) -> PathBuf {
    // What `synth` prints is compared with this file elsewhere.
    let text = std::fs::read_to_string(golden::path("serviceconnect.template.json")).expect("the golden file is there");
    let mut template = serde_json::from_str(&text).expect("the golden file is JSON");
    change(&mut template);
    workdir.file("mesh.json", &format!("{template:#}"))
}

/// The properties of a resource.
pub(crate) fn properties<'t>(template: &'t mut Value, id: &str) -> &'t mut Value {
    &mut template["Resources"][id]["Properties"]
}

/// The only container of `Blue` or `Green`.
pub(crate) fn container<'t>(template: &'t mut Value, service: &str) -> &'t mut Value {
    &mut properties(template, &format!("{service}TaskDefinition"))["ContainerDefinitions"][0]
}

/// What `Blue` or `Green` offers in its namespace.
pub(crate) fn offer<'t>(template: &'t mut Value, service: &str) -> &'t mut Value {
    &mut properties(template, &format!("{service}Service"))["ServiceConnectConfiguration"]["Services"][0]
}
