//! Checks of a template before it is deployed, written by constructs, overrides or other tools.
//!
//! Constructs only write; the finished template is checked. Only certain errors are reported: an unresolved value is not
//! checked, and neither is a reference to something outside the template. The properties of single resources are left to
//! cfn-lint. The checks here find errors that otherwise appear late and expensively (a deployment that rolls back after
//! minutes), and errors between the services of a namespace or mesh.

mod bootstraps;
mod control_planes;
mod envoys;
mod fargate;
mod limits;
mod parameters;
mod reachability;
mod references;
mod service_connect;
mod services;
mod task_definitions;

use cfn::Template;
use sidecar_contract::{Diagnostics, ValidationErrors};

use crate::model::TemplateModel;

pub(crate) use parameters::check_parameter;

type Check = fn(&Template, &TemplateModel<'_>, &mut Diagnostics);

const CHECKS: [Check; 13] = [
    |template, _, diagnostics| references::check(template, diagnostics),
    |_, model, diagnostics| diagnostics.extend(model.property_errors().cloned()),
    |_, model, diagnostics| task_definitions::check(model, diagnostics),
    |_, model, diagnostics| fargate::check(model, diagnostics),
    |template, model, diagnostics| services::check(template, model, diagnostics),
    |template, model, diagnostics| reachability::check(template, model, diagnostics),
    |_, model, diagnostics| service_connect::check(model, diagnostics),
    |_, model, diagnostics| diagnostics.extend(model.mesh_errors().clone()),
    |_, model, diagnostics| envoys::check(model, diagnostics),
    |_, model, diagnostics| bootstraps::check(model, diagnostics),
    |_, model, diagnostics| control_planes::check(model, diagnostics),
    |template, _, diagnostics| limits::check(template, diagnostics),
    |_, model, diagnostics| parameters::check(model, diagnostics),
];

/// Checks a template.
///
/// # Errors
///
/// All errors, with paths from the template's root: references to missing resources, properties of the wrong type,
/// containers and sizes that ECS rejects, services without a network, load balancers that cannot reach their tasks, all that
/// [`mesh_model::namespace::Namespace::resolve`] finds in Service Connect namespaces, and all that
/// [`mesh_model::app_mesh::Assembly`] finds in meshes, in either [`MeshEncoding`](crate::MeshEncoding); Envoys whose
/// virtual node does not exist or does not fit their bootstrap, virtual nodes with a DNS name that no service registers,
/// and names that AWS rejects.
pub fn check(template: &Template) -> Result<(), ValidationErrors> {
    let mut diagnostics = Diagnostics::new();
    check_model(template, &TemplateModel::new(template), &mut diagnostics);
    diagnostics.into_result(())
}

/// Adds the errors of a template that was read already.
pub(crate) fn check_model(template: &Template, model: &TemplateModel<'_>, diagnostics: &mut Diagnostics) {
    for check in CHECKS {
        check(template, model, diagnostics);
    }
}
