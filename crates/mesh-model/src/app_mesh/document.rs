//! Reading and writing App Mesh's documents, in the API's spelling and in CloudFormation's.
//!
//! A document is read in two steps: the schema judges all of it and reports everything that is wrong, and only
//! then it becomes a struct. Numbers and flags that CloudFormation takes as texts (`"80"`, `"true"`) are taken as
//! such there.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::schema::{self, Field, Shape};
use super::{
    GatewayRouteSpec, MeshSpec, RouteSpec, VirtualGatewaySpec, VirtualNodeSpec, VirtualRouterSpec, VirtualServiceSpec,
    rules,
};
use crate::key_casing::{KeyCasing, map_keys};
use sidecar_contract::{Diagnostics, ValidationErrors};

/// The kinds of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are App Mesh's")]
pub enum Kind {
    Mesh,
    VirtualNode,
    VirtualRouter,
    Route,
    VirtualService,
    VirtualGateway,
    GatewayRoute,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 7] = [
        Kind::Mesh,
        Kind::VirtualNode,
        Kind::VirtualRouter,
        Kind::Route,
        Kind::VirtualService,
        Kind::VirtualGateway,
        Kind::GatewayRoute,
    ];

    /// The CloudFormation resource type, such as `AWS::AppMesh::VirtualNode`.
    #[must_use]
    pub fn resource_type(self) -> String {
        format!("AWS::AppMesh::{self:?}")
    }
}

impl fmt::Display for Kind {
    /// In words: `virtual node`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Mesh => "mesh",
            Kind::VirtualNode => "virtual node",
            Kind::VirtualRouter => "virtual router",
            Kind::Route => "route",
            Kind::VirtualService => "virtual service",
            Kind::VirtualGateway => "virtual gateway",
            Kind::GatewayRoute => "gateway route",
        })
    }
}

/// The `spec` of a resource.
pub trait Spec: Serialize + DeserializeOwned + sealed::Sealed {
    /// Which kind of resource it is of.
    const KIND: Kind;

    /// Reads a spec. `path` is where it was found, as the beginning of every problem's path.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it: unknown and missing fields, values beyond their limits, unions with
    /// none or several of their members, and, once all fields are sound, combinations that App Mesh refuses.
    fn read(document: &Value, spelling: KeyCasing, path: &str) -> Result<Self, ValidationErrors> {
        let spec: Self = parse(document, spelling, path)?;
        let mut diagnostics = Diagnostics::new();
        spec.check(&mut Place::new(spelling, path, &mut diagnostics));
        diagnostics.into_result(spec)
    }

    /// Writes the spec. What was read is written back without loss.
    fn write(&self, spelling: KeyCasing) -> Value {
        // Specs have string keys and no floating-point numbers, so they always can be written.
        let document = serde_json::to_value(self).unwrap_or_default();
        match spelling {
            KeyCasing::Camel => document,
            KeyCasing::Pascal => map_keys(document, &|key| spelled(key, KeyCasing::Pascal)),
        }
    }
}

mod sealed {
    /// Specs are App Mesh's; nobody else can have more.
    pub trait Sealed {
        /// Checks what goes beyond a single field.
        fn check(&self, place: &mut super::Place<'_>);
    }
}

/// Reads a spec by its schema alone.
pub(super) fn parse<S: Spec>(document: &Value, spelling: KeyCasing, path: &str) -> Result<S, ValidationErrors> {
    let mut diagnostics = Diagnostics::new();
    let document = Reader { spelling }.read(schema_of(S::KIND), document, path, &mut diagnostics);
    let document = diagnostics.into_result(document)?;
    serde_json::from_value(document).map_err(|error| {
        // The schema has accepted it, so this is the table's mistake and not the document's.
        ValidationErrors::single(path, format!("is allowed but cannot be read: {error}"))
    })
}

/// Where in a document a rule is looking, and what was found so far.
#[derive(Debug)]
pub struct Place<'p> {
    spelling: KeyCasing,
    path: String,
    diagnostics: &'p mut Diagnostics,
}

impl<'p> Place<'p> {
    pub(super) fn new(spelling: KeyCasing, path: &str, diagnostics: &'p mut Diagnostics) -> Self {
        Self {
            spelling,
            path: path.to_owned(),
            diagnostics,
        }
    }

    /// The place of a field, given in the API's spelling: `listeners[0].healthCheck`.
    pub(super) fn at(&mut self, field: &str) -> Place<'_> {
        let path = field.split('.').fold(self.path.clone(), |path, part| {
            let (name, index) = part.split_at(part.find('[').unwrap_or(part.len()));
            joined(&path, &(spelled(name, self.spelling) + index))
        });
        Place {
            spelling: self.spelling,
            path,
            diagnostics: self.diagnostics,
        }
    }

    pub(super) fn diagnostic(&mut self, message: impl Into<String>) {
        self.diagnostics.add(self.path.clone(), message);
    }
}

macro_rules! specs {
    ($($kind:ident: $spec:ty => $check:path),* $(,)?) => {
        $(
            impl Spec for $spec {
                const KIND: Kind = Kind::$kind;
            }

            impl sealed::Sealed for $spec {
                fn check(&self, place: &mut Place<'_>) {
                    $check(self, place);
                }
            }
        )*
    };
}

specs! {
    Mesh: MeshSpec => rules::mesh,
    VirtualNode: VirtualNodeSpec => rules::virtual_node,
    VirtualRouter: VirtualRouterSpec => rules::virtual_router,
    Route: RouteSpec => rules::route,
    VirtualService: VirtualServiceSpec => rules::virtual_service,
    VirtualGateway: VirtualGatewaySpec => rules::virtual_gateway,
    GatewayRoute: GatewayRouteSpec => rules::gateway_route,
}

pub(super) fn schema_of(kind: Kind) -> &'static Shape {
    match kind {
        Kind::Mesh => &schema::MESH,
        Kind::VirtualNode => &schema::VIRTUAL_NODE,
        Kind::VirtualRouter => &schema::VIRTUAL_ROUTER,
        Kind::Route => &schema::ROUTE,
        Kind::VirtualService => &schema::VIRTUAL_SERVICE,
        Kind::VirtualGateway => &schema::VIRTUAL_GATEWAY,
        Kind::GatewayRoute => &schema::GATEWAY_ROUTE,
    }
}

/// Judges a document against its schema and brings it into the API's spelling.
struct Reader {
    spelling: KeyCasing,
}

impl Reader {
    fn read(&self, shape: &Shape, value: &Value, path: &str, diagnostics: &mut Diagnostics) -> Value {
        match (shape, value) {
            (Shape::Structure(fields), Value::Object(object)) => {
                let read = self.fields(fields, object, path, diagnostics);
                for field in fields
                    .iter()
                    .filter(|field| field.required && !read.contains_key(field.name))
                {
                    diagnostics.add(joined(path, &spelled(field.name, self.spelling)), "is missing");
                }
                Value::Object(read)
            }
            (Shape::Union(fields), Value::Object(object)) => {
                let read = self.fields(fields, object, path, diagnostics);
                if read.len() != 1 {
                    let names: Vec<String> = fields.iter().map(|field| spelled(field.name, self.spelling)).collect();
                    let found = if read.is_empty() {
                        "none".to_owned()
                    } else {
                        format!("{}", read.len())
                    };
                    diagnostics.add(
                        path,
                        format!("has {found} of {}; exactly one is allowed", names.join(", ")),
                    );
                }
                Value::Object(read)
            }
            (Shape::List { of, min, max }, Value::Array(items)) => {
                if items.len() < *min || items.len() > *max {
                    diagnostics.add(
                        path,
                        format!("has {} items; allowed are {}", items.len(), range(*min, *max)),
                    );
                }
                let items = items.iter().enumerate();
                items
                    .map(|(index, item)| self.read(of, item, &format!("{path}[{index}]"), diagnostics))
                    .collect()
            }
            (scalar, value) => self.scalar(scalar, value, path, diagnostics),
        }
    }

    fn fields(
        &self,
        fields: &[Field],
        object: &Map<String, Value>,
        path: &str,
        diagnostics: &mut Diagnostics,
    ) -> Map<String, Value> {
        let mut read = Map::new();
        for (key, value) in object {
            let path = joined(path, key);
            match fields.iter().find(|field| spelled(field.name, self.spelling) == *key) {
                // Null is how some tools write an absent field.
                Some(_) if value.is_null() => {}
                Some(field) => {
                    read.insert(field.name.to_owned(), self.read(field.shape, value, &path, diagnostics));
                }
                None => {
                    let known: Vec<String> = fields.iter().map(|field| spelled(field.name, self.spelling)).collect();
                    diagnostics.add(path, format!("is no field here; known are {}", known.join(", ")));
                }
            }
        }
        read
    }

    fn scalar(&self, shape: &Shape, value: &Value, path: &str, diagnostics: &mut Diagnostics) -> Value {
        let lenient = self.spelling == KeyCasing::Pascal;
        let (read, fits) = match (shape, value) {
            (Shape::Flag, Value::String(text)) if lenient && matches!(text.as_str(), "true" | "false") => {
                (Value::Bool(text == "true"), true)
            }
            (Shape::Flag, Value::Bool(_)) => (value.clone(), true),
            (Shape::Whole { min, max }, _) => {
                let number = match value {
                    Value::String(text) if lenient => text.parse().ok(),
                    value => value.as_i64(),
                };
                let fits = number.is_some_and(|number: i64| number >= *min && number <= *max);
                (number.map_or(Value::Null, Value::from), fits)
            }
            (Shape::Text { min, max }, Value::String(text)) => {
                let length = text.chars().count();
                (value.clone(), length >= *min && length <= *max)
            }
            (Shape::Printable { min, max, spaces }, Value::String(text)) => {
                let allowed = |c: char| c.is_ascii_graphic() || (*spaces && c == ' ');
                let framed = text.trim() == text;
                let fits = text.len() >= *min && text.len() <= *max && text.chars().all(allowed) && framed;
                (value.clone(), fits)
            }
            (Shape::Word(words), Value::String(text)) => (value.clone(), words.contains(&text.as_str())),
            _ => (value.clone(), false),
        };
        if !fits {
            diagnostics.add(path, format!("is {}; allowed is {}", shortened(value), allowed(shape)));
        }
        read
    }
}

/// A key in a spelling. CloudFormation capitalises, and writes abbreviations in capitals. Source: the
/// CloudFormation resource types `AWS::AppMesh::*` (read 2026-11-23).
fn spelled(name: &str, spelling: KeyCasing) -> String {
    if spelling == KeyCasing::Camel {
        return name.to_owned();
    }
    match name {
        "acm" | "dns" | "grpc" | "http" | "http2" | "sds" | "tcp" | "tls" => name.to_ascii_uppercase(),
        "awsCloudMap" => "AWSCloudMap".to_owned(),
        _ => name[..1].to_ascii_uppercase() + &name[1..],
    }
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

fn shortened(value: &Value) -> String {
    const MOST: usize = 60;
    let text = value.to_string();
    if text.chars().count() <= MOST {
        text
    } else {
        let beginning: String = text.chars().take(MOST).collect();
        format!("{beginning}… ({} characters)", text.chars().count())
    }
}

fn allowed(shape: &Shape) -> String {
    match shape {
        Shape::Structure(_) | Shape::Union(_) => "an object".to_owned(),
        Shape::List { .. } => "a list".to_owned(),
        Shape::Flag => "true or false".to_owned(),
        Shape::Word(words) => words.join(", "),
        Shape::Whole { min: i64::MIN, .. } => "a whole number".to_owned(),
        Shape::Whole { min, max: i64::MAX } => format!("a whole number from {min}"),
        Shape::Whole { min, max } => format!("a whole number from {min} to {max}"),
        Shape::Text {
            min: 0,
            max: usize::MAX,
        } => "a text".to_owned(),
        Shape::Text { min, max } => format!("a text of {} characters", range(*min, *max)),
        Shape::Printable { min, max, spaces } => {
            let spaces = if *spaces { "spaces only within" } else { "no spaces" };
            format!("{} printable ASCII characters, {spaces}", range(*min, *max))
        }
    }
}

fn range(min: usize, max: usize) -> String {
    match (min, max) {
        (min, usize::MAX) => format!("{min} or more"),
        (min, max) if min == max => format!("exactly {min}"),
        (min, max) => format!("{min} to {max}"),
    }
}
