//! A CloudFormation template as a document: written by our stacks, read from anybody.
//!
//! The template is the only thing that passes between defining a mesh and running it, so reading must take what
//! CDK, other tools and people write. Everything has its order and is written back; sections and attributes
//! without a field of their own are kept in `other`.

mod read;
mod write;
mod yaml;

use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

use crate::read::ReadError;
use crate::resources::ResourceType;

/// The only version that CloudFormation has ever known.
pub(crate) const FORMAT_VERSION: &str = "2010-09-09";

/// A CloudFormation template.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Template {
    /// What the template is for; CloudFormation allows 1024 bytes.
    pub description: Option<String>,
    /// Anything, for tools.
    pub metadata: Option<Json>,
    /// What is asked for when the stack is deployed, by logical id.
    pub parameters: IndexMap<String, Parameter>,
    /// Lookup tables for `Fn::FindInMap`.
    pub mappings: Map<String, Json>,
    /// Conditions by which resources come and go.
    pub conditions: Map<String, Json>,
    /// What the stack consists of, by logical id.
    pub resources: IndexMap<String, Resource>,
    /// What the stack tells once it is deployed.
    pub outputs: IndexMap<String, Output>,
    /// The sections without a field here: `Transform`, `Rules` and `Hooks`.
    pub other: Map<String, Json>,
}

/// One resource of a template.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resource {
    /// Its type, such as `AWS::ECS::Service`: `Type` in the document.
    pub kind: String,
    /// Its properties: an object, empty if the document has none.
    pub properties: Json,
    /// Resources that must be there first, beyond those that its properties refer to.
    pub depends_on: Vec<String>,
    /// The condition under which it exists at all.
    pub condition: Option<String>,
    /// Anything, for tools.
    pub metadata: Option<Json>,
    /// What becomes of the old one when an update replaces it. Default, decided by CloudFormation: `Delete`.
    pub update_replace_policy: Option<Json>,
    /// What becomes of it when it leaves the stack. Default, decided by CloudFormation: `Delete` for all the
    /// types that this crate writes.
    pub deletion_policy: Option<Json>,
    /// The attributes without a field here: `CreationPolicy` and `UpdatePolicy`.
    pub other: Map<String, Json>,
}

/// Something that is asked for when the stack is deployed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parameter {
    /// `String`, `Number`, `CommaDelimitedList`, or a type that AWS checks, such as
    /// `List<AWS::EC2::Subnet::Id>`: `Type` in the document.
    pub kind: String,
    /// The value if none is given. Default: one must be given.
    pub default: Option<Json>,
    /// What it is for.
    pub description: Option<String>,
    /// The only values allowed; empty for any.
    pub allowed_values: Vec<Json>,
    /// The constraints without a field here: `AllowedPattern`, `MinLength`, `NoEcho` and their like.
    pub other: Map<String, Json>,
}

/// Something that the stack tells once it is deployed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Output {
    /// What it tells.
    pub value: Json,
    /// What that is.
    pub description: Option<String>,
    /// The condition under which it is told.
    pub condition: Option<String>,
    /// The name under which other stacks import it: an object with `Name`.
    pub export: Option<Json>,
}

/// A document that is no template.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The document is not JSON. What exactly is wrong is the source.
    #[error("the template is not JSON: line {line}, column {column}")]
    Json {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What was expected there.
        source: serde_json::Error,
    },
    /// The document is not YAML, or YAML of a kind that templates may not be.
    #[error("the template cannot be read as YAML: line {line}, column {column}: {message}")]
    Yaml {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// The document is sound, but not of a template's shape.
    #[error("{path}: {message}")]
    Shape {
        /// Where, such as `Resources.Blue`.
        path: String,
        /// What was found there, and what is allowed.
        message: String,
    },
}

/// A part of a document that is accepted but probably not meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateWarning {
    /// A YAML mapping has a key twice; CloudFormation takes the last value.
    #[error("line {last}: the key `{key}` is already in line {first}; the last value is used")]
    DuplicateKey {
        /// The key.
        key: String,
        /// The line of the value that is ignored, from 1.
        first: usize,
        /// The line of the value that is used, from 1.
        last: usize,
    },
}

impl Template {
    /// Reads a template in JSON or YAML, whichever it is: JSON begins with a brace.
    ///
    /// # Errors
    ///
    /// As [`Template::from_json`] and [`Template::from_yaml`].
    pub fn from_text(text: &str) -> Result<Self, TemplateError> {
        Self::from_text_with_warnings(text).map(|(template, _)| template)
    }

    /// Reads a template as [`Template::from_text`], and returns the parts that are accepted but probably not meant.
    ///
    /// # Errors
    ///
    /// As [`Template::from_json`] and [`Template::from_yaml`].
    pub fn from_text_with_warnings(text: &str) -> Result<(Self, Vec<TemplateWarning>), TemplateError> {
        if text.trim_start().starts_with('{') {
            Ok((Self::from_json(text)?, Vec::new()))
        } else {
            let (document, warnings) = yaml::document(text)?;
            Ok((read::template(document)?, warnings))
        }
    }

    /// Reads a template in JSON.
    ///
    /// The shape of the document is checked, not what it says: whether references lead anywhere and services
    /// can run is for `mesh_infra::check` to say.
    ///
    /// # Errors
    ///
    /// Where the document stops being JSON, or the path to the first thing that has no place in a template.
    pub fn from_json(text: &str) -> Result<Self, TemplateError> {
        let document = serde_json::from_str(text).map_err(|source| TemplateError::Json {
            line: source.line(),
            column: source.column(),
            source,
        })?;
        read::template(document)
    }

    /// Reads a template in YAML, with the short forms of intrinsic functions. Otherwise as
    /// [`Template::from_json`].
    ///
    /// # Errors
    ///
    /// Where the document stops being YAML or has what templates may not have (aliases, an unknown short form), or the path to the first thing that has no place in a template.
    pub fn from_yaml(text: &str) -> Result<Self, TemplateError> {
        read::template(yaml::document(text)?.0)
    }

    /// The template as JSON: indented by two spaces, in the order of this value, ending in a newline. Equal
    /// templates give equal bytes.
    #[must_use]
    pub fn to_json(&self) -> String {
        format!("{:#}\n", write::template(self))
    }

    /// The resources of a layer-1 type, in order, each with its logical id and its properties as that type, or
    /// the reason why they are not.
    pub fn resources_of<T: ResourceType>(&self) -> impl Iterator<Item = (&str, Result<T, ReadError>)> {
        self.resources
            .iter()
            .filter(|(_, resource)| resource.kind == T::KIND)
            .map(|(id, resource)| (id.as_str(), resource.read()))
    }
}

impl Resource {
    /// A resource from its layer-1 properties.
    #[must_use]
    pub fn of<T: ResourceType>(properties: &T) -> Self {
        let properties = serde_json::to_value(properties).expect("layer-1 structs have string keys and plain values");
        Self::new(T::KIND, properties)
    }

    /// A resource of a type that layer 1 does not know. `properties` is an object.
    #[must_use]
    pub fn new(kind: impl Into<String>, properties: Json) -> Self {
        Self {
            kind: kind.into(),
            properties,
            ..Self::default()
        }
    }

    /// The same resource, created after those named.
    #[must_use]
    pub fn with_depends_on(mut self, logical_ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.depends_on.extend(logical_ids.into_iter().map(Into::into));
        self
    }

    /// The properties as a layer-1 struct.
    ///
    /// # Errors
    ///
    /// The first property that does not fit. See [`crate::read()`].
    pub fn read<T: ResourceType>(&self) -> Result<T, ReadError> {
        crate::read(&self.properties)
    }
}

impl Parameter {
    /// A parameter of a type, such as `String` or `List<AWS::EC2::Subnet::Id>`, that has no default.
    #[must_use]
    pub fn new(kind: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            ..Self::default()
        }
    }

    /// The same parameter with a description.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// The same parameter with a default. Default: none, so that a value must be given.
    #[must_use]
    pub fn with_default(mut self, default: impl Into<Json>) -> Self {
        self.default = Some(default.into());
        self
    }
}

impl Parameter {
    /// The value that a parameter of this type has for `text`: a list for list types, else the text.
    ///
    /// Types such as `AWS::SSM::Parameter::Value<String>` name a parameter of Systems Manager, which CloudFormation
    /// looks up. Here the name is the value.
    #[must_use]
    pub fn value_from_text(&self, text: &str) -> Json {
        let kind = self.kind.as_str();
        let kind = kind.strip_prefix("AWS::SSM::Parameter::Value<").unwrap_or(kind);
        if kind.starts_with("CommaDelimitedList") || kind.starts_with("List<") {
            text.split(',').map(|item| Json::from(item.trim())).collect()
        } else {
            Json::from(text)
        }
    }
}

impl Output {
    /// An output that tells `value`.
    #[must_use]
    pub fn new<T: crate::value::Literal>(value: crate::Value<T>) -> Self {
        Self {
            value: value.to_json(),
            ..Self::default()
        }
    }

    /// The same output with a description.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }
}

#[cfg(test)]
mod tests;
