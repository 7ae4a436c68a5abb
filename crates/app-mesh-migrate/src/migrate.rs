//! Stacks that were written for App Mesh, as stacks that deploy today. Pure.
//!
//! Reading order:
//! - `loops`: loops of the stacks, carried out first;
//! - `stacks`: the given stacks, and the names of their mesh resources;
//! - `specs`, `references`: mesh resources as parameters, and the values of references to them;
//! - `envoys`, `control_planes`: what runs instead of App Mesh;
//! - `gaps`: what other stacks must have;
//! - `permissions`: what only App Mesh needed.

mod changes;
mod control_planes;
mod draft;
mod envoys;
mod gaps;
mod loops;
mod permissions;
mod references;
mod specs;
mod stacks;

use std::collections::{BTreeMap, BTreeSet};

use cfn::appmesh::{kind_of, name_properties};
use cfn::{Resource, ResourceType as _, Template, ssm};
use indexmap::IndexMap;
use mesh_infra::{EnvoyContainer, refresh_revision_markers};
use mesh_model::app_mesh::virtual_node::ServiceDiscovery;
use mesh_model::app_mesh::{KeyCasing, Kind, ResourcePath, ResourceSpec};
use serde_json::{Map, Value as Json, json};
use sidecar_contract::{Diagnostics, ValidationErrors};

pub use changes::{Change, ChangeKind};
pub use control_planes::ControlPlaneLocation;
pub use stacks::SourceStack;

use changes::Changes;
use draft::Draft;
use envoys::EnvoySettings;
pub(crate) use loops::expand as expand_loops;
pub(crate) use stacks::Stacks;

/// Settings of a migration.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Options {
    /// Where the control plane of the meshes is. Default: one is added for each mesh, beside the first service with an
    /// Envoy of it.
    pub control_plane: Option<ControlPlaneLocation>,
    /// The image of added control planes. Default: that of [`mesh_infra::ControlPlane`].
    pub control_plane_image: Option<String>,
    /// The image of Envoys. Default: [`EnvoyContainer::image`].
    pub envoy_image: Option<String>,
}

/// Migrated stacks.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Migration {
    /// The templates, by the stacks' names, in the order given.
    pub templates: IndexMap<String, Template>,
    /// What was changed, in the order of the stacks.
    pub changes: Vec<Change>,
    /// The specs of all mesh resources, with the present values of the stacks' parameters.
    pub resources: BTreeMap<ResourcePath, ResourceSpec>,
}

/// Migrates stacks that belong together.
///
/// - `AWS::AppMesh::*` become parameters, which the control plane reads, and references to them become what they
///   evaluated to. They get logical ids of their own, such as `BlueParameter`, because CloudFormation does not change the
///   type of an existing resource ("Update of resource type is not permitted"); all other logical ids stay.
/// - A control plane is added once per mesh, and Envoys get an image, a bootstrap and a health check.
/// - Loops (`Fn::ForEach`) are carried out, with the values of the stacks' parameters.
/// - Envoys that have a bootstrap, and control planes, stay: the migration of migrated stacks changes nothing.
/// - What only App Mesh needed is removed: IAM actions, managed policies, VPC endpoints, variables of its agent.
///
/// # Errors
///
/// All errors, with paths that begin with the stack's name: invalid specs, names that depend on something unknown, Envoys
/// without a virtual node, meshes without a place for a control plane, and what [`mesh_infra::check`] finds in the result
/// but not in the given templates.
pub fn migrate(sources: &[SourceStack], options: &Options) -> Result<Migration, ValidationErrors> {
    let mut diagnostics = Diagnostics::new();
    let given = sources;
    let sources = &*expand_loops(given, &mut diagnostics);
    let stacks = Stacks::new(sources, &mut diagnostics);
    // What follows depends on the paths.
    diagnostics.clone().into_result(())?;
    let envoys = envoys::find(&stacks, &mut diagnostics);
    let sites = &envoys.sites;
    let mut draft = Draft::new(&stacks, diagnostics);
    let mut resources = BTreeMap::new();
    for stack in 0..sources.len() {
        encode_meshes(stack, &mut draft, &mut resources);
        permissions::remove_actions(stack, &mut draft);
        permissions::remove_endpoints(stack, &mut draft);
    }
    // Addresses and listeners follow from the specs.
    draft.diagnostics.clone().into_result(())?;
    let described = with_parameters(&stacks, &resources);
    for site in sites {
        if site.path.kind == Kind::VirtualGateway && !described.contains_key(&site.path) {
            let path = format!("{}.Resources.{}", draft.name(site.stack), site.task);
            let message = format!(
                "has an Envoy of the {}, whose listeners are not known; give the template that describes it with --template",
                site.path.description()
            );
            draft.diagnostics.add(path, message);
        }
    }
    let addresses = control_planes::add(&mut draft, sites, &namespaces(&described), options);
    let image = options
        .envoy_image
        .as_deref()
        .map_or_else(EnvoyContainer::image, Json::from);
    for site in sites {
        let Some(address) = addresses.get(&(site.stack, site.path.mesh.clone())) else {
            continue;
        };
        let listeners = listener_ports(&described, &site.path);
        let settings = EnvoySettings {
            image: &image,
            listeners: &listeners,
            address,
        };
        let Draft { templates, changes, .. } = &mut draft;
        envoys::replace(&stacks, site, &settings, &mut templates[site.stack], changes);
        if options.envoy_image.is_none() {
            permissions::allow_pull(site.stack, &site.task, &mut draft);
        }
    }
    for stack in 0..sources.len() {
        permissions::remove_image_parameters(stack, &mut draft);
        refresh_revision_markers(&mut draft.templates[stack]);
    }
    for source in given.iter().filter(|source| loops::has_loops(source)) {
        let id = (source.name.as_str(), "Resources", "Fn::ForEach");
        let reason = "resources of App Mesh and its Envoys are migrated one by one";
        let what = "carried out with the values of the parameters given now, or their defaults";
        draft.changes.add(id, ChangeKind::Changed, what, reason);
    }
    gaps::note(&stacks, &envoys, &described, options, &mut draft.changes);
    draft.restrict_fixed();
    draft.complete_changes();
    add_new_errors(&mut draft);
    let Draft {
        templates,
        changes,
        diagnostics,
        ..
    } = draft;
    let names = sources.iter().map(|source| source.name.clone());
    diagnostics.into_result(Migration {
        templates: names.zip(templates).collect(),
        changes: in_order(sources, changes.0),
        resources,
    })
}

/// The changes in the order of the stacks.
fn in_order(sources: &[SourceStack], changes: Vec<Change>) -> Vec<Change> {
    let mut changes = changes;
    let position = |name: &str| sources.iter().position(|source| source.name == name);
    changes.sort_by_key(|change| position(&change.stack));
    changes
}

/// Turns the mesh resources of a stack into parameters, and references to them into values.
fn encode_meshes(stack: usize, draft: &mut Draft<'_>, resources: &mut BTreeMap<ResourcePath, ResourceSpec>) {
    let (stacks, stack_name) = (draft.stacks, draft.name(stack));
    let declared = &stacks.sources()[stack].template;
    let referring = {
        let Draft {
            templates, diagnostics, ..
        } = &mut *draft;
        references::rewrite(stack, stack_name, &mut templates[stack], &stacks.paths, diagnostics)
    };
    let new_ids = parameter_ids(declared);
    let mut encoded: IndexMap<String, Resource> = IndexMap::new();
    for (id, mut resource) in std::mem::take(&mut draft.templates[stack].resources) {
        for other in referring.get(&id).into_iter().flatten() {
            // A condition that is false would leave a dependency on nothing.
            let is_certain = declared.resources[other].condition.is_none();
            if *other != id && is_certain && !resource.depends_on.contains(other) {
                resource.depends_on.push(other.clone());
            }
        }
        for other in &mut resource.depends_on {
            if let Some(new) = new_ids.get(other) {
                other.clone_from(new);
            }
        }
        let path = stacks.paths.get(&(stack, id.clone()));
        let (Some(path), Some(new_id)) = (path, new_ids.get(&id)) else {
            encoded.insert(id, resource);
            continue;
        };
        if let Some(spec) = encode_resource(stack, &id, path, &declared.resources[&id], &mut resource, draft) {
            if resources.insert(path.clone(), spec).is_some() && resource.condition.is_none() {
                let message = format!(
                    "describes the {}, which another resource does already",
                    path.description()
                );
                draft.diagnostics.add(format!("{stack_name}.Resources.{id}"), message);
            }
            draft.changes.add(
                (stack_name, &id, &path.kind.resource_type()),
                ChangeKind::Changed,
                format!("parameter {} with the logical id {new_id}", path.to_parameter()),
                "CloudFormation no longer accepts App Mesh's resource types; the control plane reads this parameter",
            );
        }
        draft.parameters.insert((stack, new_id.clone()));
        encoded.insert(new_id.clone(), resource);
    }
    draft.templates[stack].resources = encoded;
}

/// The logical ids of the parameters, by those of the mesh resources.
fn parameter_ids(template: &Template) -> BTreeMap<String, String> {
    let mesh = template
        .resources
        .iter()
        .filter(|(_, resource)| kind_of(&resource.kind).is_some());
    let ids = mesh.map(|(id, _)| {
        let mut new = format!("{id}Parameter");
        while template.resources.contains_key(&new) || template.parameters.contains_key(&new) {
            new.push('X');
        }
        (id.clone(), new)
    });
    ids.collect()
}

/// Notes that a mesh was shared by another account: a mesh here is in one account.
fn note_owner(stack: &str, id: &str, path: &ResourcePath, owner: &Json, changes: &mut Changes) {
    let owner = match owner.as_str() {
        Some(account) => format!("the account {account}"),
        None => "another account".to_owned(),
    };
    let (mesh, root) = (&path.mesh, ResourcePath::of_mesh(&path.mesh).to_parameter());
    changes.add(
        (stack, id, &path.kind.resource_type()),
        ChangeKind::Kept,
        format!("in the account of this stack, although the mesh `{mesh}` was shared by {owner}"),
        format!(
            "a control plane reads the parameters of its own account: {root} and all resources that this one refers to must be \
             there, too"
        ),
    );
}

/// Turns a mesh resource into a parameter. Returns its spec, unless it is invalid, which is reported.
fn encode_resource(
    stack: usize,
    id: &str,
    path: &ResourcePath,
    declared: &Resource,
    resource: &mut Resource,
    draft: &mut Draft<'_>,
) -> Option<ResourceSpec> {
    let stack_name = draft.name(stack);
    let at = format!("{stack_name}.Resources.{id}.Properties");
    let names = name_properties(path.kind);
    for (name, value) in declared.properties.as_object().into_iter().flatten() {
        if names.contains(&name.as_str()) {
            draft.fix(stack, draft.stacks.parameters_in(stack, value));
            if names.last() == Some(&name.as_str()) && draft.stacks.has_stack_name(stack, value) {
                draft.changes.add(
                    (stack_name, id, &path.kind.resource_type()),
                    ChangeKind::Kept,
                    format!("named `{}` by AWS::StackName", path.name),
                    format!(
                        "names are part of parameters and bootstraps, so this template is for the stack {stack_name} only; \
                         --stack-name FILE=NAME sets another"
                    ),
                );
            }
        } else if name == "MeshOwner" {
            note_owner(stack_name, id, path, value, &mut draft.changes);
        } else if !["Spec", "Tags"].contains(&name.as_str()) {
            draft.diagnostics.add(format!("{at}.{name}"), "is not a known property");
        }
    }
    let empty = json!({});
    let spec = match declared.properties.get("Spec") {
        Some(spec) => spec,
        None if path.kind == Kind::Mesh => &empty,
        None => {
            draft.diagnostics.add(format!("{at}.Spec"), "is missing");
            return None;
        }
    };
    let encoded = specs::encode(
        draft.stacks,
        stack,
        path.kind,
        spec,
        &format!("{at}.Spec"),
        &mut draft.diagnostics,
    )?;
    draft.fix(stack, encoded.fixed);
    let mut parameter = ssm::Parameter::string(path.to_parameter(), encoded.value);
    if let Some(tags) = resource.properties.get("Tags") {
        match parameter_tags(tags) {
            Some(tags) => drop(parameter.other.insert("Tags".to_owned(), tags)),
            None => draft.diagnostics.add(
                format!("{at}.Tags"),
                "is not a list of tags with known keys, which a parameter needs",
            ),
        }
    }
    let Resource { kind, properties, .. } = Resource::of(&parameter);
    resource.kind = kind;
    resource.properties = properties;
    Some(encoded.spec)
}

/// Tags as Systems Manager has them: an object instead of a list.
fn parameter_tags(tags: &Json) -> Option<Json> {
    let pairs = tags.as_array()?.iter().map(|tag| {
        let key = tag.get("Key")?.as_str()?;
        Some((key.to_owned(), tag.get("Value")?.clone()))
    });
    pairs.collect::<Option<Map<_, _>>>().map(Json::Object)
}

/// The resources, and those that the stacks contain as parameters already.
fn with_parameters(
    stacks: &Stacks<'_>,
    resources: &BTreeMap<ResourcePath, ResourceSpec>,
) -> BTreeMap<ResourcePath, ResourceSpec> {
    let mut all = resources.clone();
    for (stack, source) in stacks.sources().iter().enumerate() {
        for resource in source.template.resources.values() {
            let text = |name: &str| stacks.text(stack, resource.properties.get(name)?);
            let parameter = (resource.kind == ssm::Parameter::KIND).then(|| {
                let path = ResourcePath::from_parameter(&text("Name")?)?;
                let document: Json = serde_json::from_str(&text("Value")?).ok()?;
                let spec = ResourceSpec::read(path.kind, &document, KeyCasing::Camel, "").ok()?;
                Some((path, spec))
            });
            // An invalid one is reported by the check of the result.
            if let Some((path, spec)) = parameter.flatten() {
                all.entry(path).or_insert(spec);
            }
        }
    }
    all
}

/// The Cloud Map namespaces of the virtual nodes, by mesh.
fn namespaces(resources: &BTreeMap<ResourcePath, ResourceSpec>) -> BTreeMap<String, BTreeSet<String>> {
    let mut namespaces: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, spec) in resources {
        if let ResourceSpec::VirtualNode(node) = spec
            && let Some(ServiceDiscovery::AwsCloudMap(cloud_map)) = &node.service_discovery
        {
            let of_mesh = namespaces.entry(path.mesh.clone()).or_default();
            of_mesh.insert(cloud_map.namespace_name.clone());
        }
    }
    namespaces
}

/// The ports on which a virtual gateway listens.
fn listener_ports(resources: &BTreeMap<ResourcePath, ResourceSpec>, path: &ResourcePath) -> Vec<u16> {
    match resources.get(path) {
        Some(ResourceSpec::VirtualGateway(gateway)) => gateway
            .listeners
            .iter()
            .map(|listener| listener.port_mapping.port)
            .collect(),
        _ => Vec::new(),
    }
}

/// Adds the errors of the resulting templates that the given ones do not have.
fn add_new_errors(draft: &mut Draft<'_>) {
    for (stack, source) in draft.stacks.sources().iter().enumerate() {
        let Err(found) = mesh_infra::check(&draft.templates[stack]) else {
            continue;
        };
        let before = mesh_infra::check(&source.template).err();
        let before: BTreeSet<String> = before
            .iter()
            .flat_map(ValidationErrors::iter)
            .map(|error| error.message.clone())
            .collect();
        for error in found.iter().filter(|error| !before.contains(&error.message)) {
            draft
                .diagnostics
                .add(format!("{}.{}", source.name, error.path), error.message.as_str());
        }
    }
}
