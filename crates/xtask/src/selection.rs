//! What to generate from the resource schemas, and where it differs from them on purpose.
//!
//! A property of layer 1 is a line with its name, in the order in which properties are written. Its type, whether it is
//! required, and its allowed values come from the schema. Its documentation is the schema's first sentence, or the
//! comment above the line, where more is known: units, the default and who decides it.
//!
//! Differences from the schema, each with its reason in a comment:
//!
//! - `Name.required`: the service rejects its absence, the schema does not;
//! - `Name.json`: plain JSON instead of the type of the schema;
//! - `hand_written`: a definition whose type is not generated.
//!
//! A property whose definition is not selected is plain JSON. Properties that are not selected are in `other`.

mod applicationautoscaling;
mod appmesh;
mod cloudwatch;
mod dynamodb;
mod ec2;
mod ecr;
mod ecs;
mod efs;
mod elbv2;
mod iam;
mod logs;
mod property_table;
mod servicediscovery;
mod ssm;

pub(crate) use property_table::{RESOURCES, Selected};

/// The modules of layer 1.
pub(crate) const MODULES: &[Module] = &[
    applicationautoscaling::MODULE,
    appmesh::MODULE,
    cloudwatch::MODULE,
    dynamodb::MODULE,
    ec2::MODULE,
    ecr::MODULE,
    ecs::MODULE,
    efs::MODULE,
    elbv2::MODULE,
    iam::MODULE,
    logs::MODULE,
    servicediscovery::MODULE,
    ssm::MODULE,
];

/// A module of layer 1: the resource types of a service.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) name: &'static str,
    pub(crate) structs: &'static [Struct],
    /// Definitions of the schemas, and their types in the parent module.
    pub(crate) hand_written: &'static [(&'static str, &'static str)],
}

/// A struct of layer 1.
#[derive(Debug)]
pub(crate) struct Struct {
    pub(crate) name: &'static str,
    /// A resource type, or a type and its definition: `AWS::ECS::Service.ServiceRegistry`. Several if they have the same
    /// properties.
    pub(crate) sources: &'static [&'static str],
    /// Lines of documentation; none for the schema's.
    pub(crate) doc: &'static [&'static str],
    pub(crate) properties: &'static [Property],
    /// The properties that `new` takes; none for the required ones.
    pub(crate) arguments: &'static [&'static str],
}

/// A property of a [`Struct`].
#[derive(Debug)]
pub(crate) struct Property {
    pub(crate) name: &'static str,
    /// Lines of documentation; none for the schema's.
    pub(crate) doc: &'static [&'static str],
    pub(crate) is_json: bool,
    pub(crate) is_required: bool,
}

impl Property {
    const fn new(name: &'static str, doc: &'static [&'static str]) -> Self {
        Self {
            name,
            doc,
            is_json: false,
            is_required: false,
        }
    }

    const fn json(self) -> Self {
        Self { is_json: true, ..self }
    }

    const fn required(self) -> Self {
        Self {
            is_required: true,
            ..self
        }
    }
}

/// Structs of layer 1: `Name = "schema" { properties }`, with the arguments of `new` where they are not the required
/// properties.
macro_rules! structs {
    ($(
        $(#[doc = $doc:literal])*
        $name:ident = $($source:literal)|+ $(, new($($argument:ident),+))? {
            $($(#[doc = $property_doc:literal])* $property:ident $(.$difference:ident)*,)*
        }
    )*) => {
        &[$(
            $crate::selection::Struct {
                name: stringify!($name),
                sources: &[$($source),+],
                doc: &[$($doc),*],
                properties: &[$(
                    $crate::selection::Property::new(stringify!($property), &[$($property_doc),*])$(.$difference())*
                ),*],
                arguments: &[$($(stringify!($argument)),+)?],
            }
        ),*]
    };
}
use structs;
