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

use mesh_model::Problems;

use crate::cfn::{self, ResourceType, appmesh, ec2, ecs, elbv2, iam, logs, servicediscovery, ssm};
use crate::mesh_resource::mesh_resources;
use crate::template::Template;

pub(crate) use parameters::check as check_parameters;

/// Judges a template.
///
/// # Errors
///
/// Every problem, its path beginning at the template's root: references that lead nowhere, properties of the
/// wrong type, containers and sizes that ECS would refuse, services without a network, all that
/// [`mesh_model::namespace::Namespace::resolve`] finds in the namespaces of Service Connect, and all that
/// [`mesh_model::app_mesh::Assembly`] finds in meshes, in either [`MeshForm`](crate::MeshForm); Envoys of virtual
/// nodes that do not exist or whose bootstrap does not fit theirs, virtual nodes looked for under names that nothing
/// registers, and names that AWS refuses.
pub fn check(template: &Template) -> Result<(), Problems> {
    let mut problems = Problems::none();
    references::check(template, &mut problems);
    readable::<servicediscovery::HttpNamespace>(template, &mut problems);
    readable::<servicediscovery::PrivateDnsNamespace>(template, &mut problems);
    readable::<servicediscovery::Service>(template, &mut problems);
    readable::<ssm::Parameter>(template, &mut problems);
    readable::<appmesh::Mesh>(template, &mut problems);
    readable::<appmesh::VirtualNode>(template, &mut problems);
    readable::<appmesh::VirtualRouter>(template, &mut problems);
    readable::<appmesh::Route>(template, &mut problems);
    readable::<appmesh::VirtualService>(template, &mut problems);
    readable::<appmesh::VirtualGateway>(template, &mut problems);
    readable::<appmesh::GatewayRoute>(template, &mut problems);
    readable::<ec2::Vpc>(template, &mut problems);
    readable::<ec2::Subnet>(template, &mut problems);
    readable::<ec2::VpcGatewayAttachment>(template, &mut problems);
    readable::<ec2::RouteTable>(template, &mut problems);
    readable::<ec2::Route>(template, &mut problems);
    readable::<ec2::SubnetRouteTableAssociation>(template, &mut problems);
    readable::<ec2::SecurityGroup>(template, &mut problems);
    readable::<iam::Role>(template, &mut problems);
    readable::<logs::LogGroup>(template, &mut problems);
    readable::<elbv2::LoadBalancer>(template, &mut problems);
    readable::<elbv2::TargetGroup>(template, &mut problems);
    readable::<elbv2::Listener>(template, &mut problems);
    readable::<ecs::Cluster>(template, &mut problems);
    readable::<ecs::TaskDefinition>(template, &mut problems);
    readable::<ecs::Service>(template, &mut problems);
    for (id, task_definition) in template.resources_of::<ecs::TaskDefinition>() {
        if let Ok(task_definition) = task_definition {
            let path = format!("Resources.{id}.Properties");
            task_definitions::check(&task_definition, &path, &mut problems);
            fargate::check(&task_definition, &path, &mut problems);
        }
    }
    services::check(template, &mut problems);
    service_connect::check(template, &mut problems);
    let resources = mesh_resources(template);
    app_mesh::check(&resources, &mut problems);
    envoys::check(template, &resources, &mut problems);
    let meshes = app_mesh::topologies(&resources);
    wiring::check(template, &meshes, &mut problems);
    control_planes::check(template, &meshes, &mut problems);
    names::check(template, &mut problems);
    parameters::check(template, &mut problems);
    problems.or(())
}

/// Properties that do not fit their type. Late ones are none of them: they may fit once they are evaluated.
fn readable<T: ResourceType>(template: &Template, problems: &mut Problems) {
    let resources = template.resources.iter();
    for (id, resource) in resources.filter(|(_, resource)| resource.kind == T::KIND) {
        let (_, errors) = cfn::read_all::<T>(&resource.properties);
        for error in errors.into_iter().filter(|error| !error.is_late()) {
            let problem = error.into_problem(&format!("Resources.{id}.Properties"));
            problems.add(problem.path, problem.message);
        }
    }
}
