//! Reads a JSON document into a [`Template`].
//!
//! Not derived: errors contain the path, such as `Resources.Blue`, which serde's do not.

use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

use super::{FORMAT_VERSION, Output, Parameter, Resource, Template, TemplateError};

type Result<T> = std::result::Result<T, TemplateError>;

/// Sections without a field in [`Template`].
const OTHER_SECTIONS: [&str; 3] = ["Transform", "Rules", "Hooks"];

/// The macro that adds functions to the language, which the evaluator carries out.
pub(crate) const LANGUAGE_EXTENSIONS: &str = "AWS::LanguageExtensions";

pub(super) fn template(document: Json) -> Result<Template> {
    let mut sections = Fields::of("the template", document)?;
    // Paths begin with the section: `Resources.Blue`.
    sections.path.clear();
    check_version(sections.take("AWSTemplateFormatVersion"))?;
    let resource_loops = sections.take_loops("Resources");
    let output_loops = sections.take_loops("Outputs");
    let template = Template {
        description: sections.take_string("Description")?,
        metadata: sections.take_metadata()?,
        parameters: sections.take_each("Parameters", parameter)?,
        mappings: sections.take_object("Mappings")?,
        conditions: sections.take_object("Conditions")?,
        resources: sections.take_each("Resources", resource)?,
        outputs: sections.take_each("Outputs", output)?,
        resource_loops,
        output_loops,
        other: sections.rest,
    };
    // A macro may read sections of its own, as SAM reads `Globals`.
    let has_macro = template.transforms().iter().any(|name| *name != LANGUAGE_EXTENSIONS);
    let is_unknown = |name: &&String| !OTHER_SECTIONS.contains(&name.as_str());
    match template.other.keys().find(is_unknown).filter(|_| !has_macro) {
        Some(name) => Err(shape(
            name,
            "is not a section of a template; allowed are AWSTemplateFormatVersion, Description, Metadata, \
             Parameters, Rules, Mappings, Conditions, Transform, Hooks, Resources and Outputs",
        )),
        None => Ok(template),
    }
}

fn check_version(version: Option<Json>) -> Result<()> {
    match version {
        None => Ok(()),
        Some(Json::String(version)) if version == FORMAT_VERSION => Ok(()),
        Some(other) => Err(shape(
            "AWSTemplateFormatVersion",
            format!("is {other}; allowed is \"{FORMAT_VERSION}\""),
        )),
    }
}

fn resource(mut fields: Fields) -> Result<Resource> {
    Ok(Resource {
        kind: fields.require_string("Type")?,
        properties: Json::Object(fields.take_object("Properties")?),
        depends_on: fields.take_names("DependsOn")?,
        condition: fields.take_string("Condition")?,
        metadata: fields.take_metadata()?,
        update_replace_policy: fields.take("UpdateReplacePolicy"),
        deletion_policy: fields.take("DeletionPolicy"),
        other: fields.rest,
    })
}

fn parameter(mut fields: Fields) -> Result<Parameter> {
    Ok(Parameter {
        kind: fields.require_string("Type")?,
        default: fields.take("Default"),
        description: fields.take_string("Description")?,
        allowed_values: fields.take_list("AllowedValues")?,
        other: fields.rest,
    })
}

fn output(mut fields: Fields) -> Result<Output> {
    let value = fields.take("Value");
    let output = Output {
        value: value.ok_or_else(|| shape(&fields.path, "has no Value"))?,
        description: fields.take_string("Description")?,
        condition: fields.take_string("Condition")?,
        export: fields.take("Export"),
    };
    match fields.rest.keys().next() {
        Some(unknown) => Err(shape(
            format!("{}.{unknown}", fields.path),
            "is not an attribute of an output; allowed are Value, Description, Condition and Export",
        )),
        None => Ok(output),
    }
}

/// The fields of one object that are not read yet, and its path.
struct Fields {
    path: String,
    rest: Map<String, Json>,
}

impl Fields {
    fn of(path: impl Into<String>, json: Json) -> Result<Self> {
        let path = path.into();
        match json {
            Json::Object(rest) => Ok(Self { path, rest }),
            other => Err(shape(path, format!("is {}; allowed is an object", kind_of(&other)))),
        }
    }

    fn path_to(&self, field: &str) -> String {
        crate::read::joined(&self.path, field)
    }

    fn take(&mut self, field: &str) -> Option<Json> {
        // `shift_remove` keeps the order of what remains, which is written back.
        self.rest.shift_remove(field)
    }

    /// An object, which tools add entries to.
    fn take_metadata(&mut self) -> Result<Option<Json>> {
        match self.take("Metadata") {
            Some(other) if !other.is_object() => Err(shape(
                self.path_to("Metadata"),
                format!("is {}; allowed is an object", kind_of(&other)),
            )),
            metadata => Ok(metadata),
        }
    }

    fn take_string(&mut self, field: &str) -> Result<Option<String>> {
        match self.take(field) {
            None => Ok(None),
            Some(Json::String(text)) => Ok(Some(text)),
            Some(other) => Err(shape(
                self.path_to(field),
                format!("is {}; allowed is a string", kind_of(&other)),
            )),
        }
    }

    fn require_string(&mut self, field: &str) -> Result<String> {
        let found = self.take_string(field)?;
        found.ok_or_else(|| shape(&self.path, format!("has no {field}")))
    }

    fn take_object(&mut self, field: &str) -> Result<Map<String, Json>> {
        match self.take(field) {
            None => Ok(Map::new()),
            Some(json) => Ok(Fields::of(self.path_to(field), json)?.rest),
        }
    }

    fn take_list(&mut self, field: &str) -> Result<Vec<Json>> {
        match self.take(field) {
            None => Ok(Vec::new()),
            Some(Json::Array(items)) => Ok(items),
            Some(other) => Err(shape(
                self.path_to(field),
                format!("is {}; allowed is a list", kind_of(&other)),
            )),
        }
    }

    /// A name or a list of names; CloudFormation accepts both.
    fn take_names(&mut self, field: &str) -> Result<Vec<String>> {
        let items = match self.take(field) {
            None => Vec::new(),
            Some(Json::Array(items)) => items,
            Some(single) => vec![single],
        };
        items
            .into_iter()
            .map(|item| match item {
                Json::String(name) => Ok(name),
                other => Err(shape(
                    self.path_to(field),
                    format!(
                        "contains {}; allowed is a logical id or a list of them",
                        kind_of(&other)
                    ),
                )),
            })
            .collect()
    }

    /// The loops and macros among the entries of a section.
    fn take_loops(&mut self, section: &str) -> Map<String, Json> {
        let Some(Json::Object(entries)) = self.rest.get_mut(section) else {
            return Map::new();
        };
        let is_loop = |key: &&String| key.starts_with("Fn::ForEach::") || *key == "Fn::Transform";
        let keys: Vec<String> = entries.keys().filter(is_loop).cloned().collect();
        let loops = keys.into_iter();
        loops.filter_map(|key| entries.shift_remove_entry(&key)).collect()
    }

    fn take_each<T>(&mut self, section: &str, read: fn(Fields) -> Result<T>) -> Result<IndexMap<String, T>> {
        self.take_object(section)?
            .into_iter()
            .map(|(id, json)| {
                let value = read(Fields::of(format!("{section}.{id}"), json)?)?;
                Ok((id, value))
            })
            .collect()
    }
}

fn shape(path: impl Into<String>, message: impl Into<String>) -> TemplateError {
    TemplateError::Shape {
        path: path.into(),
        message: message.into(),
    }
}

/// A value for an error message: scalars as they are, structures by their type.
fn kind_of(json: &Json) -> String {
    match json {
        Json::Array(_) => "a list".to_owned(),
        Json::Object(_) => "an object".to_owned(),
        scalar => scalar.to_string(),
    }
}
