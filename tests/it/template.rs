//! Modified templates of the example serviceconnect.

use std::path::PathBuf;

use serde_json::Value;

use crate::workdir::Workdir;

/// Writes the example's template, modified by `change`, to a file in the workdir.
pub(crate) fn changed(workdir: &Workdir, change: impl FnOnce(&mut Value)) -> PathBuf {
    // The tests of `synth` compare its output with this file.
    let text = std::fs::read_to_string(testkit::golden_path!("serviceconnect.template.json")).expect("the golden file");
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

/// The Service Connect service of `Blue` or `Green`.
pub(crate) fn service_connect_service<'t>(template: &'t mut Value, service: &str) -> &'t mut Value {
    &mut properties(template, &format!("{service}Service"))["ServiceConnectConfiguration"]["Services"][0]
}
