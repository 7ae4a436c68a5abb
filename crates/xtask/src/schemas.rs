//! Reads the resource schemas that cfn-lint's wheel contains.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};

/// The region whose schemas are read. Every region has the types of [`crate::selection`].
const REGION: &str = "us-east-1";

/// The resource schemas.
#[derive(Debug)]
pub(crate) struct Schemas {
    directory: PathBuf,
    /// File names without extension, by type.
    files: Map<String, Json>,
    /// The date of the schemas, such as `2026-10-20`.
    pub(crate) date: String,
}

/// A resource schema.
#[derive(Debug)]
pub(crate) struct Schema {
    document: Json,
}

/// A structure of a schema: the resource itself, or one of its definitions.
#[derive(Debug)]
pub(crate) struct StructureSchema<'s> {
    schema: &'s Schema,
    json: &'s Json,
    is_resource: bool,
}

impl Schemas {
    /// Reads the index of the schemas. Installs cfn-lint if the tests have not yet done so.
    pub(crate) fn load() -> Result<Self, String> {
        let directory = testkit::python_tools().package_dir("cfnlint").join("data/schemas");
        let Json::Object(files) = read(&directory.join("providers").join(format!("{REGION}.json")))? else {
            return Err(format!("the index of the schemas of {REGION} is not an object"));
        };
        let version = read(&directory.join("version.json"))?;
        let date = version.get("schema_date").and_then(Json::as_str).unwrap_or_default();
        let date = date.split('T').next().unwrap_or_default().to_owned();
        Ok(Self { directory, files, date })
    }

    /// All resource types.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The schema of a resource type.
    pub(crate) fn schema(&self, kind: &str) -> Result<Schema, String> {
        let file = self.files.get(kind).and_then(Json::as_str);
        let file = file.ok_or_else(|| format!("there is no schema of {kind}"))?;
        let document = read(&self.directory.join("resources").join(format!("{file}.json")))?;
        Ok(Schema { document })
    }
}

impl Schema {
    /// The resource itself.
    pub(crate) fn resource(&self) -> StructureSchema<'_> {
        StructureSchema {
            schema: self,
            json: &self.document,
            is_resource: true,
        }
    }

    /// One of its definitions.
    pub(crate) fn definition(&self, name: &str) -> Option<StructureSchema<'_>> {
        Some(StructureSchema {
            schema: self,
            json: self.document.get("definitions")?.get(name)?,
            is_resource: false,
        })
    }

    /// How resources of the type are tagged, if the schema says so.
    pub(crate) fn tagging(&self) -> Option<&Map<String, Json>> {
        self.document.get("tagging")?.as_object()
    }

    /// A property of the resource.
    pub(crate) fn property(&self, name: &str) -> Option<&Json> {
        self.document.get("properties")?.get(name)
    }

    /// The definition that a property refers to, or the property itself.
    pub(crate) fn resolve<'s>(&'s self, property: &'s Json) -> &'s Json {
        let definition = property.get("$ref").and_then(Json::as_str);
        let definition = definition.and_then(|reference| reference.strip_prefix("#/definitions/"));
        definition
            .and_then(|name| self.document.get("definitions")?.get(name))
            .unwrap_or(property)
    }

    /// Whether a list of the schema, such as `readOnlyProperties`, contains a property of the resource.
    fn lists(&self, list: &str, property: &str) -> bool {
        let pointers = self.document.get(list).and_then(Json::as_array);
        let pointer = format!("/properties/{property}");
        pointers.is_some_and(|list| list.iter().any(|listed| *listed == pointer))
    }
}

impl<'s> StructureSchema<'s> {
    /// Its properties in the order of the schema, without read-only ones.
    pub(crate) fn properties(&self) -> Vec<(&'s str, &'s Json)> {
        let properties = self.json.get("properties").and_then(Json::as_object);
        properties
            .into_iter()
            .flatten()
            .filter(|(name, _)| !self.is_resource || !self.schema.lists("readOnlyProperties", name))
            .map(|(name, property)| (name.as_str(), property))
            .collect()
    }

    /// Its description.
    pub(crate) fn description(&self) -> Option<&'s str> {
        self.json.get("description").and_then(Json::as_str)
    }

    /// Whether a change of a property replaces the resource: a sentence with a space before it, else empty.
    pub(crate) fn replacement(&self, property: &str) -> &'static str {
        if !self.is_resource {
            ""
        } else if self.schema.lists("conditionalCreateOnlyProperties", property) {
            " Replaced when changed, in some cases."
        } else if self.schema.lists("createOnlyProperties", property) {
            " Replaced when changed."
        } else {
            ""
        }
    }

    /// Whether a property is required.
    pub(crate) fn is_required(&self, property: &str) -> bool {
        let required = self.json.get("required").and_then(Json::as_array);
        required.is_some_and(|list| list.iter().any(|listed| listed == property))
    }
}

/// The definition that a property refers to, itself or in its items.
pub(crate) fn referenced_definition(property: &Json) -> Option<&str> {
    let reference = property.get("$ref").or_else(|| property.get("items")?.get("$ref"));
    reference?.as_str()?.strip_prefix("#/definitions/")
}

fn read(path: &Path) -> Result<Json, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("cannot read {}: {error}", path.display()))
}
