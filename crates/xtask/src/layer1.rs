//! Compares the structs of layer 1 with the schemas: names of properties, and which are required.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use syn::{Attribute, Fields, Item, ItemStruct, LitStr};

use crate::schemas::{Schemas, StructureSchema};

/// The modules of layer 1, and the resource types whose definitions they contain.
const MODULES: &[(&str, &[&str])] = &[
    (
        "ec2",
        &[
            "AWS::EC2::VPC",
            "AWS::EC2::Subnet",
            "AWS::EC2::InternetGateway",
            "AWS::EC2::VPCGatewayAttachment",
            "AWS::EC2::RouteTable",
            "AWS::EC2::Route",
            "AWS::EC2::SubnetRouteTableAssociation",
            "AWS::EC2::SecurityGroup",
        ],
    ),
    (
        "ecs",
        &["AWS::ECS::Cluster", "AWS::ECS::Service", "AWS::ECS::TaskDefinition"],
    ),
    (
        "elbv2",
        &[
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "AWS::ElasticLoadBalancingV2::TargetGroup",
            "AWS::ElasticLoadBalancingV2::Listener",
        ],
    ),
    ("iam", &["AWS::IAM::Role"]),
    ("logs", &["AWS::Logs::LogGroup"]),
    (
        "servicediscovery",
        &[
            "AWS::ServiceDiscovery::HttpNamespace",
            "AWS::ServiceDiscovery::PrivateDnsNamespace",
            "AWS::ServiceDiscovery::Service",
        ],
    ),
    ("ssm", &["AWS::SSM::Parameter"]),
];

/// Structs whose names differ from the schema's: module, struct, definition.
const RENAMED: &[(&str, &str, &str)] = &[
    ("ecs", "AwsvpcConfiguration", "AwsVpcConfiguration"),
    ("elbv2", "Attribute", "LoadBalancerAttribute"),
];

/// Properties that layer 1 requires although the schema does not: the service rejects their absence.
const REQUIRED_BY_SERVICE: &[(&str, &str)] = &[
    ("ecs::KeyValuePair", "Name"),
    ("ecs::KeyValuePair", "Value"),
    ("ecs::SystemControl", "Namespace"),
    ("ecs::SystemControl", "Value"),
    ("ecs::ContainerDependency", "ContainerName"),
    ("ecs::ContainerDependency", "Condition"),
    ("ecs::HealthCheck", "Command"),
    ("elbv2::Attribute", "Key"),
    ("elbv2::Attribute", "Value"),
];

/// Reports every difference.
pub(crate) fn differences(schemas: &Schemas) -> Result<Vec<String>, String> {
    let resources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cfn/src/resources");
    let mut differences = Vec::new();
    for (module, kinds) in MODULES {
        let schemas: Vec<_> = kinds
            .iter()
            .map(|kind| Ok((*kind, schemas.schema(kind)?)))
            .collect::<Result<_, String>>()?;
        for item in structs(&resources, module)? {
            let name = item.ident.to_string();
            let renamed = RENAMED.iter().find(|(of, from, _)| of == module && *from == name);
            let definition = renamed.map_or(name.as_str(), |(_, _, to)| to);
            let resource = schemas.iter().find(|(kind, _)| {
                kind.rsplit("::")
                    .next()
                    .is_some_and(|last| last.eq_ignore_ascii_case(&name))
            });
            let structure = match resource {
                Some((_, schema)) => Some(schema.resource()),
                None => schemas.iter().find_map(|(_, schema)| schema.definition(definition)),
            };
            match structure {
                Some(structure) => compare(&format!("{module}::{name}"), &item, &structure, &mut differences),
                None => differences.push(format!("{module}::{name}: is neither a resource type nor a definition")),
            }
        }
    }
    Ok(differences)
}

fn compare(name: &str, item: &ItemStruct, structure: &StructureSchema<'_>, differences: &mut Vec<String>) {
    let properties: BTreeMap<&str, bool> = structure
        .properties()
        .into_iter()
        .map(|(property, _)| (property, structure.is_required(property)))
        .collect();
    let Fields::Named(fields) = &item.fields else { return };
    for field in &fields.named {
        let ident = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
        if ident == "other" {
            continue;
        }
        let property = serde_rename(&field.attrs).unwrap_or_else(|| pascal_case(&ident));
        let is_required = !has_default(&field.attrs);
        match properties.get(property.as_str()) {
            None => differences.push(format!("{name}: there is no property {property}")),
            Some(required) if *required != is_required => {
                if !REQUIRED_BY_SERVICE.contains(&(name, property.as_str())) {
                    let expected = if *required { "required" } else { "optional" };
                    differences.push(format!("{name}.{property}: is {expected} in the schema"));
                }
            }
            Some(_) => {}
        }
    }
}

/// The structs with named fields of a module.
fn structs(resources: &Path, module: &str) -> Result<Vec<ItemStruct>, String> {
    let mut files = vec![resources.join(format!("{module}.rs"))];
    if let Ok(directory) = fs::read_dir(resources.join(module)) {
        files.extend(directory.filter_map(|entry| Some(entry.ok()?.path())));
    }
    files.sort();
    let mut structs = Vec::new();
    for file in files {
        structs.extend(structs_of(&file)?);
    }
    Ok(structs)
}

fn structs_of(file: &PathBuf) -> Result<Vec<ItemStruct>, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let parsed = syn::parse_file(&text).map_err(|error| format!("cannot parse {}: {error}", file.display()))?;
    let structs = parsed.items.into_iter().filter_map(|item| match item {
        Item::Struct(item) if matches!(item.fields, Fields::Named(_)) => Some(item),
        _ => None,
    });
    Ok(structs.collect())
}

/// The name in `#[serde(rename = "…")]`.
fn serde_rename(attributes: &[Attribute]) -> Option<String> {
    let mut name = None;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        // Other arguments of serde may be skipped only after they are read.
        let _ = attribute.parse_nested_meta(|meta| {
            let is_rename = meta.path.is_ident("rename");
            if let Ok(value) = meta.value() {
                let text: LitStr = value.parse()?;
                if is_rename {
                    name = Some(text.value());
                }
            }
            Ok(())
        });
    }
    name
}

/// Whether a field may be absent: `#[serde(default)]`.
fn has_default(attributes: &[Attribute]) -> bool {
    let mut found = false;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        let _ = attribute.parse_nested_meta(|meta| {
            found |= meta.path.is_ident("default");
            if let Ok(value) = meta.value() {
                let _text: LitStr = value.parse()?;
            }
            Ok(())
        });
    }
    found
}

/// `PascalCase`, as serde's `rename_all` makes it of a field's name.
fn pascal_case(snake: &str) -> String {
    snake
        .split('_')
        .map(|part| {
            let mut characters = part.chars();
            let first = characters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(characters).collect::<String>()
        })
        .collect()
}
