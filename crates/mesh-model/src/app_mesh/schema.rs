//! Schema of App Mesh's documents, generated together with the structs.
//!
//! Source: the AWS SDK's service model of App Mesh, version 2019-01-25, as of botocore 1.44.5 (read 2026-11-23).
//!
//! [`structure!`], [`union!`] and [`keywords!`] define a type and its schema in one place: keys, required fields and
//! limits. A field that virtual gateways do not support is marked `node_only`.

/// Allowed values at one position of a document.
#[derive(Debug)]
pub enum Shape {
    /// An object with these fields only: those of `base`, then `fields`.
    Structure {
        base: Option<&'static Shape>,
        fields: &'static [Field],
    },
    /// An object with exactly one of these fields.
    Union(&'static [Field]),
    /// A list with `min` to `max` items.
    List { of: &'static Shape, min: usize, max: usize },
    /// A string of `min` to `max` characters.
    Text { min: usize, max: usize },
    /// A string of `min` to `max` printable ASCII characters, with or without spaces inside.
    Printable { min: usize, max: usize, spaces: bool },
    /// One of these strings.
    Keyword(&'static [Keyword]),
    /// An integer from `min` to `max`.
    Whole { min: i64, max: i64 },
    /// `true` or `false`.
    Flag,
}

/// A field of an object.
#[derive(Debug)]
pub struct Field {
    pub(super) name: &'static str,
    pub(super) shape: &'static Shape,
    pub(super) required: bool,
    /// True if virtual gateways do not support it.
    pub(super) node_only: bool,
}

/// A value of an enumeration.
#[derive(Debug)]
pub struct Keyword {
    pub(super) text: &'static str,
    /// True if virtual gateways do not support it.
    pub(super) node_only: bool,
}

impl Shape {
    /// The fields of a structure or union. For virtual gateways without those of virtual nodes only.
    pub(super) fn fields(&self, in_gateway: bool) -> Vec<&'static Field> {
        let (base, own): (Vec<&Field>, &'static [Field]) = match self {
            Self::Structure { base, fields } => (base.map(|base| base.fields(in_gateway)).unwrap_or_default(), fields),
            Self::Union(fields) => (Vec::new(), fields),
            _ => (Vec::new(), &[]),
        };
        let own = own.iter().filter(|field| !(in_gateway && field.node_only));
        base.into_iter().chain(own).collect()
    }

    /// The values of an enumeration. For virtual gateways without those of virtual nodes only.
    pub(super) fn keywords(&self, in_gateway: bool) -> Vec<&'static str> {
        let Self::Keyword(keywords) = self else {
            return Vec::new();
        };
        let supported = keywords.iter().filter(|keyword| !(in_gateway && keyword.node_only));
        supported.map(|keyword| keyword.text).collect()
    }
}

/// A type with a schema.
pub trait Schema {
    /// Its schema.
    const SHAPE: &'static Shape;
}

impl Schema for bool {
    const SHAPE: &'static Shape = &Shape::Flag;
}

impl Schema for String {
    const SHAPE: &'static Shape = &text(0, MANY);
}

/// Every `u16` of App Mesh is a port.
impl Schema for u16 {
    const SHAPE: &'static Shape = &whole(1, 65535);
}

impl<T: Schema> Schema for Option<T> {
    const SHAPE: &'static Shape = T::SHAPE;
}

impl<T: Schema> Schema for Vec<T> {
    const SHAPE: &'static Shape = &list::<T>(0, MANY);
}

/// A value of an optional field that is not written.
pub(super) trait Optional {
    fn is_absent(&self) -> bool;
}

impl<T> Optional for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T> Optional for Vec<T> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

/// No upper limit of a length.
pub(super) const MANY: usize = usize::MAX;
/// No upper limit of a 64-bit integer.
pub(super) const UNLIMITED: i64 = i64::MAX;
/// The largest 32-bit integer, the limit of connection pools.
pub(super) const INT32_MAX: i64 = i32::MAX as i64;

pub(super) const fn text(min: usize, max: usize) -> Shape {
    Shape::Text { min, max }
}

pub(super) const fn whole(min: i64, max: i64) -> Shape {
    Shape::Whole { min, max }
}

pub(super) const fn list<T: Schema>(min: usize, max: usize) -> Shape {
    Shape::List { of: T::SHAPE, min, max }
}

pub(super) const fn list_of(of: &'static Shape, min: usize, max: usize) -> Shape {
    Shape::List { of, min, max }
}

/// Defines a struct with its schema. Each field is `name: Type = required("key")`, `optional` or `node_only`; a second
/// argument replaces the type's schema by one with other limits. `flatten` includes the fields of another structure.
macro_rules! structure {
    ($(#[$meta:meta])* pub struct $name:ident { $($fields:tt)* }) => {
        structure!(@ [$(#[$meta])* pub struct $name] [None] [] [] $($fields)*);
    };
    (@ $head:tt $base:tt [$($out:tt)*] [$($schema:tt)*]
        $(#[$meta:meta])* $field:ident: $ty:ty = required($key:literal $(, $shape:expr)?), $($rest:tt)*
    ) => {
        structure!(@ $head $base
            [$($out)* $(#[$meta])* #[serde(rename = $key)] pub $field: $ty,]
            [$($schema)* structure!(@field $key, $ty, true, false $(, $shape)?),]
            $($rest)*);
    };
    (@ $head:tt $base:tt [$($out:tt)*] [$($schema:tt)*]
        $(#[$meta:meta])* $field:ident: $ty:ty = optional($key:literal $(, $shape:expr)?), $($rest:tt)*
    ) => {
        structure!(@ $head $base
            [$($out)* $(#[$meta])*
                #[serde(rename = $key, default, skip_serializing_if = "crate::app_mesh::schema::Optional::is_absent")]
                pub $field: $ty,]
            [$($schema)* structure!(@field $key, $ty, false, false $(, $shape)?),]
            $($rest)*);
    };
    (@ $head:tt $base:tt [$($out:tt)*] [$($schema:tt)*]
        $(#[$meta:meta])* $field:ident: $ty:ty = node_only($key:literal $(, $shape:expr)?), $($rest:tt)*
    ) => {
        structure!(@ $head $base
            [$($out)* $(#[$meta])*
                #[serde(rename = $key, default, skip_serializing_if = "crate::app_mesh::schema::Optional::is_absent")]
                pub $field: $ty,]
            [$($schema)* structure!(@field $key, $ty, false, true $(, $shape)?),]
            $($rest)*);
    };
    (@ $head:tt [None] [$($out:tt)*] $schema:tt
        $(#[$meta:meta])* $field:ident: $ty:ty = flatten, $($rest:tt)*
    ) => {
        structure!(@ $head [Some(<$ty as crate::app_mesh::schema::Schema>::SHAPE)]
            [$($out)* $(#[$meta])* #[serde(flatten)] pub $field: $ty,]
            $schema
            $($rest)*);
    };
    (@ [$(#[$meta:meta])* pub struct $name:ident] [$base:expr] [$($out:tt)*] [$($schema:tt)*]) => {
        $(#[$meta])*
        #[derive(serde::Serialize, serde::Deserialize)]
        pub struct $name { $($out)* }

        impl crate::app_mesh::schema::Schema for $name {
            const SHAPE: &'static crate::app_mesh::schema::Shape = &crate::app_mesh::schema::Shape::Structure {
                base: $base,
                fields: &[$($schema)*],
            };
        }
    };
    (@field $key:literal, $ty:ty, $required:literal, $node_only:literal) => {
        crate::app_mesh::schema::Field {
            name: $key,
            shape: <$ty as crate::app_mesh::schema::Schema>::SHAPE,
            required: $required,
            node_only: $node_only,
        }
    };
    (@field $key:literal, $ty:ty, $required:literal, $node_only:literal, $shape:expr) => {
        crate::app_mesh::schema::Field {
            name: $key,
            shape: &$shape,
            required: $required,
            node_only: $node_only,
        }
    };
}

/// Defines an enum of which a document contains exactly one variant, with its schema. Each variant is
/// `Name(Type) = "key"`, followed by `node_only` or by a schema with other limits.
macro_rules! union {
    ($(#[$meta:meta])* pub enum $name:ident {
        $($(#[$doc:meta])* $variant:ident($ty:ty) = $key:literal $($option:ident $(($($argument:tt)*))?)?,)*
    }) => {
        $(#[$meta])*
        #[derive(serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $key)] $variant($ty),)*
        }

        impl crate::app_mesh::schema::Schema for $name {
            const SHAPE: &'static crate::app_mesh::schema::Shape = &crate::app_mesh::schema::Shape::Union(&[
                $(union!(@field $key, $ty $(, $option $(($($argument)*))?)?),)*
            ]);
        }
    };
    (@field $key:literal, $ty:ty) => { crate::app_mesh::schema::structure!(@field $key, $ty, false, false) };
    (@field $key:literal, $ty:ty, node_only) => { crate::app_mesh::schema::structure!(@field $key, $ty, false, true) };
    (@field $key:literal, $ty:ty, limits($shape:expr)) => { crate::app_mesh::schema::structure!(@field $key, $ty, false, false, $shape) };
}

/// Defines an enumeration of strings with its schema. Each variant is `Name = "string"`, followed by `node_only` if
/// virtual gateways do not support it.
macro_rules! keywords {
    ($(#[$meta:meta])* pub enum $name:ident {
        $($(#[$doc:meta])* $variant:ident = $text:literal $($option:ident)?,)*
    }) => {
        $(#[$meta])*
        #[derive(serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// The string in documents.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl crate::app_mesh::schema::Schema for $name {
            const SHAPE: &'static crate::app_mesh::schema::Shape = &crate::app_mesh::schema::Shape::Keyword(&[
                $(keywords!(@keyword $text $($option)?),)*
            ]);
        }
    };
    (@keyword $text:literal) => {
        crate::app_mesh::schema::Keyword { text: $text, node_only: false }
    };
    (@keyword $text:literal node_only) => {
        crate::app_mesh::schema::Keyword { text: $text, node_only: true }
    };
}

pub(super) use {keywords, structure, union};
