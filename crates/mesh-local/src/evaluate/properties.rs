//! The properties that make up what a resource answers: its names, above all. Each is found once.

use mesh_infra::cfn::appmesh::name_properties;
use mesh_model::app_mesh::{Kind, ResourcePath};

use super::stacks::LONGEST;
use super::{Evaluation, Progress, has_unknown, text_of, wrong};

/// The longest that AWS allows as a name anywhere.
const LONGEST_NAME: usize = 1024;

impl Evaluation<'_> {
    /// The name a resource is given in its properties, or else one made from the stack and the logical id, as
    /// CloudFormation makes them.
    pub(super) fn name_of(self, logical_id: &str, property: &str, path: &str, progress: &mut Progress<'_>) -> String {
        let name = self.property(logical_id, property, path, progress);
        let name = name.and_then(|name| bounded(name, LONGEST_NAME, path, progress));
        name.unwrap_or_else(|| self.generated_name(logical_id))
    }

    pub(super) fn generated_name(self, logical_id: &str) -> String {
        format!("{}-{logical_id}", self.stack().name)
    }

    /// A property as a text. `None` if the resource does not have it, or it is not known, which was noted.
    pub(super) fn property(
        self,
        logical_id: &str,
        property: &str,
        path: &str,
        progress: &mut Progress<'_>,
    ) -> Option<String> {
        let resource = self.stack().template.resources.get(logical_id)?;
        let given = resource.properties.get(property)?;
        let key = (logical_id.to_owned(), property.to_owned());
        if let Some(found) = self.stack().found.borrow().properties.get(&key) {
            return found.clone();
        }
        let visited = format!("{}{logical_id}", self.stack().prefix);
        let found = progress.visit(&visited, path, |progress| {
            let path = format!("{}.Properties.{property}", self.place(logical_id));
            let value = self.value(given, &path, progress);
            value.filter(|value| !has_unknown(value)).map(|value| text_of(&value))
        });
        // Not to be remembered where it was noticed that it depends on itself: whoever began will find the same.
        let found = bounded(found??, LONGEST, path, progress);
        let mut remembered = self.stack().found.borrow_mut();
        remembered.properties.insert(key, found.clone());
        found
    }

    /// The path of a resource of App Mesh. Its mesh, and what contains it, may be given by their ARNs as well.
    pub(super) fn mesh_path(
        self,
        logical_id: &str,
        kind: Kind,
        path: &str,
        progress: &mut Progress<'_>,
    ) -> ResourcePath {
        let name = |property: &&str| {
            let given = self.name_of(logical_id, property, path, progress);
            let names_it = |path: &ResourcePath| name_properties(path.kind).last() == Some(property);
            ResourcePath::parse(&given)
                .filter(names_it)
                .map_or(given, |path| path.name)
        };
        let names: Vec<String> = name_properties(kind).iter().map(name).collect();
        match names.as_slice() {
            [mesh, parent, name] => ResourcePath::within(mesh, parent, kind, name),
            [mesh, name] => ResourcePath::new(mesh, kind, name),
            names => ResourcePath::of_mesh(names.first().map_or("", String::as_str)),
        }
    }
}

/// A text of no more than `most` characters; what is longer is noted.
pub(super) fn bounded(text: String, most: usize, path: &str, progress: &mut Progress<'_>) -> Option<String> {
    let length = text.chars().count();
    if length <= most {
        return Some(text);
    }
    wrong(
        path,
        &format!("is a text of {length} characters; allowed are {most}"),
        progress,
    );
    None
}
