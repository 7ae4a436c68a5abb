//! Judging a template before AWS does, ours and other people's alike.
//!
//! Constructs only write; whether what they wrote makes sense is asked here, of the finished template. So an
//! override is judged like everything else, and so is a template that no construct of ours has seen.
//!
//! Only what is wrong for certain is a problem: a value that is late is not judged, and neither is what refers
//! to something outside the template. What any single resource must look like is cfn-lint's business; the checks
//! here are those that people meet late and at a price (a deployment that rolls back after minutes), and those
//! that nobody else makes, because they span the services of a namespace.

mod app_mesh;
mod control_planes;
mod envoys;
mod fargate;
mod names;
mod parameters;
mod references;
mod service_connect;
mod services;
mod task_definitions;
mod wiring;

use cfn::{self, ResourceType, Template, appmesh, ec2, ecs, elbv2, iam, logs, servicediscovery, ssm};
use sidecar_contract::{Diagnostics, ValidationErrors};

use crate::mesh_resource::mesh_resources;

pub(crate) use parameters::check as check_parameters;

/// Judges a template.
///
/// # Errors
///
/// Every problem, its path beginning at the template's root: references that lead nowhere, properties of the
/// wrong type, containers and sizes that ECS would refuse, services without a network, all that
/// [`mesh_model::namespace::Namespace::resolve`] finds in the namespaces of Service Connect, and all that
/// [`mesh_model::app_mesh::Assembly`] finds in meshes, in either [`MeshEncoding`](crate::MeshEncoding); Envoys of virtual
/// nodes that do not exist or whose bootstrap does not fit theirs, virtual nodes looked for under names that nothing
/// registers, and names that AWS refuses.
pub fn check(template: &Template) -> Result<(), ValidationErrors> {
    let mut diagnostics = Diagnostics::new();
    references::check(template, &mut diagnostics);
    readable::<servicediscovery::HttpNamespace>(template, &mut diagnostics);
    readable::<servicediscovery::PrivateDnsNamespace>(template, &mut diagnostics);
    readable::<servicediscovery::Service>(template, &mut diagnostics);
    readable::<ssm::Parameter>(template, &mut diagnostics);
    readable::<appmesh::Mesh>(template, &mut diagnostics);
    readable::<appmesh::VirtualNode>(template, &mut diagnostics);
    readable::<appmesh::VirtualRouter>(template, &mut diagnostics);
    readable::<appmesh::Route>(template, &mut diagnostics);
    readable::<appmesh::VirtualService>(template, &mut diagnostics);
    readable::<appmesh::VirtualGateway>(template, &mut diagnostics);
    readable::<appmesh::GatewayRoute>(template, &mut diagnostics);
    readable::<ec2::Vpc>(template, &mut diagnostics);
    readable::<ec2::Subnet>(template, &mut diagnostics);
    readable::<ec2::VpcGatewayAttachment>(template, &mut diagnostics);
    readable::<ec2::RouteTable>(template, &mut diagnostics);
    readable::<ec2::Route>(template, &mut diagnostics);
    readable::<ec2::SubnetRouteTableAssociation>(template, &mut diagnostics);
    readable::<ec2::SecurityGroup>(template, &mut diagnostics);
    readable::<iam::Role>(template, &mut diagnostics);
    readable::<logs::LogGroup>(template, &mut diagnostics);
    readable::<elbv2::LoadBalancer>(template, &mut diagnostics);
    readable::<elbv2::TargetGroup>(template, &mut diagnostics);
    readable::<elbv2::Listener>(template, &mut diagnostics);
    readable::<ecs::Cluster>(template, &mut diagnostics);
    readable::<ecs::TaskDefinition>(template, &mut diagnostics);
    readable::<ecs::Service>(template, &mut diagnostics);
    for (id, task_definition) in template.resources_of::<ecs::TaskDefinition>() {
        if let Ok(task_definition) = task_definition {
            let path = format!("Resources.{id}.Properties");
            task_definitions::check(&task_definition, &path, &mut diagnostics);
            fargate::check(&task_definition, &path, &mut diagnostics);
        }
    }
    services::check(template, &mut diagnostics);
    service_connect::check(template, &mut diagnostics);
    let resources = mesh_resources(template);
    app_mesh::check(&resources, &mut diagnostics);
    envoys::check(template, &resources, &mut diagnostics);
    let meshes = app_mesh::topologies(&resources);
    wiring::check(template, &meshes, &mut diagnostics);
    control_planes::check(template, &meshes, &mut diagnostics);
    names::check(template, &mut diagnostics);
    parameters::check(template, &mut diagnostics);
    diagnostics.into_result(())
}

/// Properties that do not fit their type. Late ones are none of them: they may fit once they are evaluated.
fn readable<T: ResourceType>(template: &Template, diagnostics: &mut Diagnostics) {
    let resources = template.resources.iter();
    for (id, resource) in resources.filter(|(_, resource)| resource.kind == T::KIND) {
        let (_, errors) = cfn::read_all::<T>(&resource.properties);
        for error in errors.into_iter().filter(|error| !error.is_unresolved()) {
            let diagnostic = error.into_diagnostic(&format!("Resources.{id}.Properties"));
            diagnostics.add(diagnostic.path, diagnostic.message);
        }
    }
}
