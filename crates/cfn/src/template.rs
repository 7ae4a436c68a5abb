//! CloudFormation templates as documents.
//!
//! Reads what the CDK, other tools and people write. Keeps the order of everything; sections and attributes without a
//! field are kept in `other`, so that writing loses nothing.

mod positions;
mod read;
mod write;
mod yaml;
mod yaml_writer;

use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

use crate::read::ReadError;
use crate::resources::ResourceType;

pub use positions::Positions;
pub(crate) use read::LANGUAGE_EXTENSIONS;

/// The only template format version.
pub(crate) const FORMAT_VERSION: &str = "2010-09-09";

/// A CloudFormation template.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Template {
    /// The description, at most 1024 bytes.
    pub description: Option<String>,
    /// Metadata for tools.
    pub metadata: Option<Json>,
    /// Parameters of a deployment, by logical id.
    pub parameters: IndexMap<String, Parameter>,
    /// Lookup tables for `Fn::FindInMap`.
    pub mappings: Map<String, Json>,
    /// Conditions of resources and values, by name.
    pub conditions: Map<String, Json>,
    /// Resources, by logical id.
    pub resources: IndexMap<String, Resource>,
    /// Outputs of the deployed stack, by logical id.
    pub outputs: IndexMap<String, Output>,
    /// `Fn::ForEach` loops and `Fn::Transform` macros in place of resources, by their key, such as
    /// `Fn::ForEach::Services`. [`StackScope::expand_loops`](crate::evaluate::StackScope::expand_loops) carries loops out.
    pub resource_loops: Map<String, Json>,
    /// The same in place of outputs.
    pub output_loops: Map<String, Json>,
    /// Sections without a field here: `Transform`, `Rules` and `Hooks`; with a macro, any section.
    pub other: Map<String, Json>,
}

/// One resource of a template.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resource {
    /// The type, such as `AWS::ECS::Service`: `Type` in the document.
    pub kind: String,
    /// The properties: an object, empty if the document has none.
    pub properties: Json,
    /// Resources to create first, beyond those that its properties refer to.
    pub depends_on: Vec<String>,
    /// The name of the condition under which it is created.
    pub condition: Option<String>,
    /// Metadata for tools.
    pub metadata: Option<Json>,
    /// What happens to the old resource when an update replaces it. Default, decided by CloudFormation: `Delete`.
    pub update_replace_policy: Option<Json>,
    /// What happens to it when it is removed from the stack. Default, decided by CloudFormation: `Delete` for the types
    /// of layer 1.
    pub deletion_policy: Option<Json>,
    /// Attributes without a field here: `CreationPolicy` and `UpdatePolicy`.
    pub other: Map<String, Json>,
}

/// A parameter of a template.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parameter {
    /// `String`, `Number`, `CommaDelimitedList`, or a type that AWS checks, such as
    /// `List<AWS::EC2::Subnet::Id>`: `Type` in the document.
    pub kind: String,
    /// The default value. Without one, a value is required.
    pub default: Option<Json>,
    /// The description.
    pub description: Option<String>,
    /// The allowed values; empty for any.
    pub allowed_values: Vec<Json>,
    /// Attributes without a field here, such as `AllowedPattern`, `MinLength` and `NoEcho`.
    pub other: Map<String, Json>,
}

/// An output of a stack.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Output {
    /// The value.
    pub value: Json,
    /// The description.
    pub description: Option<String>,
    /// The name of the condition under which it exists.
    pub condition: Option<String>,
    /// The name under which other stacks import it: an object with `Name`.
    pub export: Option<Json>,
}

/// An error in a document that should be a template.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// The document is not JSON. The source is the parser's error.
    #[error("the template is not JSON: line {line}, column {column}")]
    Json {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// The parser's error.
        source: serde_json::Error,
    },
    /// The document is not YAML, or has a feature of YAML that templates cannot have.
    #[error("the template cannot be read as YAML: line {line}, column {column}: {message}")]
    Yaml {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// The error.
        message: String,
    },
    /// The document is valid JSON or YAML, but not a template.
    #[error("{path}: {message}")]
    Shape {
        /// The path, such as `Resources.Blue`.
        path: String,
        /// What was found, and what is allowed.
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
    /// Reads a template in JSON or YAML. JSON begins with a brace.
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

    /// Reads a JSON or YAML document that is not a template, such as a file of values, as [`Template::from_text`] reads
    /// templates.
    ///
    /// # Errors
    ///
    /// The line and column of a syntax error.
    pub fn document_from_text(text: &str) -> Result<Json, TemplateError> {
        if text.trim_start().starts_with(['{', '[']) {
            json_document(text)
        } else {
            Ok(yaml::document(text)?.0)
        }
    }

    /// Reads a template from its document, as [`Template::from_json`] does.
    ///
    /// # Errors
    ///
    /// The path of the first part that a template cannot have.
    pub fn from_document(document: Json) -> Result<Self, TemplateError> {
        read::template(document)
    }

    /// The template as a document, in the order of its fields.
    #[must_use]
    pub fn to_document(&self) -> Json {
        write::template(self)
    }

    /// Reads a template in JSON.
    ///
    /// Validates the structure of the document only. References and properties are validated by
    /// `mesh_infra::check`.
    ///
    /// # Errors
    ///
    /// The line and column of a syntax error, or the path of the first part that a template cannot have.
    pub fn from_json(text: &str) -> Result<Self, TemplateError> {
        read::template(json_document(text)?)
    }

    /// Reads a template in YAML, with the short forms of intrinsic functions. Otherwise as
    /// [`Template::from_json`].
    ///
    /// # Errors
    ///
    /// The line and column of a syntax error or of a YAML feature that templates cannot have (aliases, unknown short
    /// forms), or the path of the first part that a template cannot have.
    pub fn from_yaml(text: &str) -> Result<Self, TemplateError> {
        read::template(yaml::document(text)?.0)
    }

    /// The template as JSON: indented by two spaces, in the order of its fields, with a final newline. Equal templates
    /// have equal text.
    #[must_use]
    pub fn to_json(&self) -> String {
        format!("{:#}\n", write::template(self))
    }

    /// The template as JSON without whitespace between its parts: what is sent to CloudFormation, whose limits count bytes.
    #[must_use]
    pub fn to_compact_json(&self) -> String {
        write::template(self).to_string()
    }

    /// The template as YAML with block collections, in the order of its fields. Intrinsic functions have their long form,
    /// and each text that YAML 1.1 or 1.2 reads as something else is quoted.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        yaml_writer::write(&write::template(self))
    }

    /// The names of the macros in `Transform`, in order.
    #[must_use]
    pub fn transforms(&self) -> Vec<&str> {
        let transforms = match self.other.get("Transform") {
            Some(Json::Array(list)) => list.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        let names = transforms
            .iter()
            .map(|transform| transform.get("Name").unwrap_or(transform));
        names.filter_map(Json::as_str).collect()
    }

    /// The resources of a layer-1 type, in order: logical ids, and properties or why they cannot be read.
    pub fn resources_of<T: ResourceType>(&self) -> impl Iterator<Item = (&str, Result<T, ReadError>)> {
        self.resources
            .iter()
            .filter(|(_, resource)| resource.kind == T::KIND)
            .map(|(id, resource)| (id.as_str(), resource.read()))
    }
}

fn json_document(text: &str) -> Result<Json, TemplateError> {
    serde_json::from_str(text).map_err(|source| TemplateError::Json {
        line: source.line(),
        column: source.column(),
        source,
    })
}

impl Resource {
    /// A resource from its layer-1 properties.
    #[must_use]
    pub fn of<T: ResourceType>(properties: &T) -> Self {
        let properties = serde_json::to_value(properties).expect("layer-1 structs have string keys and plain values");
        Self::new(T::KIND, properties)
    }

    /// A resource of any type. `properties` is an object.
    #[must_use]
    pub fn new(kind: impl Into<String>, properties: Json) -> Self {
        Self {
            kind: kind.into(),
            properties,
            ..Self::default()
        }
    }

    /// The same resource, created after others.
    #[must_use]
    pub fn with_depends_on(mut self, logical_ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.depends_on.extend(logical_ids.into_iter().map(Into::into));
        self
    }

    /// The properties as a layer-1 struct.
    ///
    /// # Errors
    ///
    /// The first property that cannot be read. See [`crate::read()`].
    pub fn read<T: ResourceType>(&self) -> Result<T, ReadError> {
        crate::read(&self.properties)
    }
}

impl Parameter {
    /// A parameter of a type, such as `String` or `List<AWS::EC2::Subnet::Id>`, without a default.
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

    /// The same parameter with a default. Without one, a value is required.
    #[must_use]
    pub fn with_default(mut self, default: impl Into<Json>) -> Self {
        self.default = Some(default.into());
        self
    }

    /// Whether it is `NoEcho`: CloudFormation does not show its value.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        match self.other.get("NoEcho") {
            Some(Json::Bool(is_secret)) => *is_secret,
            Some(Json::String(text)) => text.eq_ignore_ascii_case("true"),
            _ => false,
        }
    }

    /// Whether it names a parameter of Systems Manager, whose value it gets: `AWS::SSM::Parameter::Value<…>`. A
    /// parameter of the type `AWS::SSM::Parameter::Name` is the name itself.
    #[must_use]
    pub fn is_ssm(&self) -> bool {
        self.kind.starts_with("AWS::SSM::Parameter::Value<")
    }

    /// Whether its value is a list.
    #[must_use]
    pub fn is_list(&self) -> bool {
        let kind = self.kind.as_str();
        let kind = kind.strip_prefix("AWS::SSM::Parameter::Value<").unwrap_or(kind);
        kind.starts_with("CommaDelimitedList") || kind.starts_with("List<")
    }

    /// The value that a parameter of this type has for `text`: a list for list types, else the text.
    ///
    /// Types such as `AWS::SSM::Parameter::Value<String>` name a parameter of Systems Manager, which the evaluator looks
    /// up; see [`Parameter::is_ssm`]. `text` is the value that was found.
    #[must_use]
    pub fn value_from_text(&self, text: &str) -> Json {
        if self.is_list() {
            text.split(',').map(|item| Json::from(item.trim())).collect()
        } else {
            Json::from(text)
        }
    }
}

impl Output {
    /// The description of outputs from which other stacks of an app take values.
    pub const FOR_OTHER_STACKS: &'static str = "For other stacks of the app";

    /// An output of a value.
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
