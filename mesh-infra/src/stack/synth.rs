//! Synthesis: from described stacks to checked templates. Pure.
//!
//! 1. `merged`: all stacks of an app as one template, in which handles of other stacks are plain references. It is checked
//!    as a whole, so a check sees a load balancer and its tasks in different stacks.
//! 2. `links`: references into other stacks become names, or outputs and parameters; `order`: the order of deployment.
//! 3. Each template gets its mesh encoding, and `shared_text` moves repeated texts into a mapping.
//! 4. `quotas`: what CloudFormation allows in a stack.

mod links;
mod merged;
mod order;
mod quotas;
mod shared_text;

use std::collections::BTreeSet;

use cfn::{ResourceType as _, Template, appmesh};
use indexmap::IndexMap;
use sidecar_contract::{Diagnostic, Diagnostics, ValidationErrors};

use self::links::Links;
use super::Stack;
use crate::check::check_model;
use crate::mesh_encoding::{MeshEncoding, add_markers, to_parameters};
use crate::model::{MeshNames, TemplateModel};

/// Synthesizes a stack that uses no other one.
pub(crate) fn synth_stack(stack: &Stack, encoding: MeshEncoding) -> Result<Template, ValidationErrors> {
    let mut diagnostics = Diagnostics::new();
    let declared = stack.declared(&mut diagnostics);
    for (handle, path) in stack.foreign_handles() {
        diagnostics.add(path.as_str(), links::not_in_app(handle.as_str(), handle.stack()));
    }
    let mut unresolved = BTreeSet::new();
    let template = links::resolve_own(
        &declared,
        &[stack.name()],
        stack.name(),
        &mut unresolved,
        &mut diagnostics,
    );
    let names = MeshNames::new(&template);
    let model = TemplateModel::with_names(&template, &names);
    let mut found = Diagnostics::new();
    check_model(&template, &model, &mut found);
    add_unreported(found.into_iter(), unresolved, &mut diagnostics);
    let encoded = encode(stack, &template, &names, &model, encoding, &mut diagnostics);
    diagnostics.into_result(encoded)
}

/// Synthesizes the stacks of an app, in the order of their deployment.
pub(crate) fn synth_app(
    stacks: &[Stack],
    encoding: MeshEncoding,
) -> Result<IndexMap<String, Template>, ValidationErrors> {
    let mut diagnostics = Diagnostics::new();
    if let [stack] = stacks {
        let synthesized = synth_stack(stack, encoding);
        let template = synthesized.map_err(|errors| with_stack(stack.name(), errors.iter()))?;
        return Ok(IndexMap::from([(stack.name().to_owned(), template)]));
    }
    let mut declared = IndexMap::new();
    for stack in stacks {
        let mut own = Diagnostics::new();
        let template = stack.declared(&mut own);
        add_with_stack(stack.name(), own.iter(), &mut diagnostics);
        if declared.insert(stack.name().to_owned(), template).is_some() {
            let message = "is the name of two stacks; stack names are unique in an app";
            diagnostics.add(stack.name(), message);
        }
    }
    let merged = merged::merge(&declared);
    let names = MeshNames::new(&merged);
    let mut links = Links::new(&declared, &names, encoding);
    for stack in stacks {
        links.add_handles(stack.name(), stack.foreign_handles(), &mut diagnostics);
    }
    let mut unresolved = BTreeSet::new();
    let templates = links.resolve(&mut unresolved, &mut diagnostics);
    let mut found = Diagnostics::new();
    check_model(&merged, &TemplateModel::with_names(&merged, &names), &mut found);
    add_unreported(found.iter().map(merged::of_stack), unresolved, &mut diagnostics);
    let order = order::deployment_order(templates.keys(), links.edges());
    let order = order.unwrap_or_else(|cycle| {
        diagnostics.add(cycle[0].as_str(), order::cycle_message(&cycle));
        Vec::new()
    });
    diagnostics.clone().into_result(())?;

    let mut encoded = IndexMap::new();
    for name in order {
        let of_name = stacks.iter().find(|stack| stack.name() == name);
        let (Some(stack), Some(template)) = (of_name, templates.get(&name)) else {
            continue;
        };
        let names = MeshNames::new(template);
        let model = TemplateModel::with_names(template, &names);
        let mut own = Diagnostics::new();
        let template = encode(stack, template, &names, &model, encoding, &mut own);
        add_with_stack(&name, own.iter(), &mut diagnostics);
        encoded.insert(name, template);
    }
    diagnostics.into_result(encoded)
}

fn encode(
    stack: &Stack,
    template: &Template,
    names: &MeshNames<'_>,
    model: &TemplateModel<'_>,
    encoding: MeshEncoding,
    diagnostics: &mut Diagnostics,
) -> Template {
    let mut encoded = match encoding {
        MeshEncoding::Parameters => {
            let mut encoded = to_parameters(template, names, model, diagnostics);
            add_markers(&mut encoded);
            encoded
        }
        MeshEncoding::AppMesh => {
            reject_extensions(template, diagnostics);
            template.clone()
        }
    };
    // Parameters that encode a mesh have tags as well.
    for resource in encoded.resources.values_mut() {
        resource.add_tags(&stack.tags);
    }
    shared_text::share(&mut encoded);
    quotas::check(&encoded, diagnostics);
    encoded
}

/// Rejects what App Mesh's model lacks, for a template of App Mesh's own resources.
fn reject_extensions(template: &Template, diagnostics: &mut Diagnostics) {
    for (id, resource) in &template.resources {
        for kind in ["HttpRoute", "Http2Route"] {
            let spec = resource.properties.get("Spec").and_then(|spec| spec.get(kind));
            if resource.kind == appmesh::Route::KIND && spec.is_some_and(|route| route.get("Mirrors").is_some()) {
                diagnostics.add(
                    format!("Resources.{id}.Properties.Spec.{kind}.Mirrors"),
                    "is not part of AWS::AppMesh::Route: write the mesh as parameters, or leave out `with_mirror`",
                );
            }
        }
    }
}

/// Adds diagnostics of checks, except at paths of unresolved references, which were reported.
fn add_unreported(
    found: impl Iterator<Item = Diagnostic>,
    mut unresolved: BTreeSet<String>,
    diagnostics: &mut Diagnostics,
) {
    unresolved.extend(diagnostics.iter().map(|reported| reported.path.clone()));
    diagnostics.extend(found.filter(|new| !unresolved.contains(&new.path)));
}

fn with_stack<'d>(stack: &str, found: impl IntoIterator<Item = &'d Diagnostic>) -> ValidationErrors {
    let mut diagnostics = Diagnostics::new();
    add_with_stack(stack, found, &mut diagnostics);
    ValidationErrors::from(diagnostics)
}

fn add_with_stack<'d>(stack: &str, found: impl IntoIterator<Item = &'d Diagnostic>, diagnostics: &mut Diagnostics) {
    for Diagnostic { path, message } in found {
        diagnostics.add(format!("{stack}.{path}"), message.as_str());
    }
}
