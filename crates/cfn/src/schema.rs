//! Properties of resource types and their parts, as CloudFormation's resource schemas define them.
//!
//! The table is generated: `cargo run -p xtask -- generate`. Source: the resource schemas in cfn-lint 1.58.0.

mod generated;

/// A resource type, or a definition of its schema, with its properties.
#[derive(Debug, PartialEq, Eq)]
pub struct Structure {
    name: &'static str,
    properties: &'static [Property],
}

/// A property of a [`Structure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Property {
    name: &'static str,
    is_required: bool,
    /// The definition that describes it, or its items.
    definition: Option<&'static str>,
}

/// The structure of this name: a resource type, such as `AWS::ECS::Service`, or a type and one of its definitions, such
/// as `AWS::ECS::Service.TimeoutConfiguration`. `None` if it is not in the table.
#[must_use]
pub fn structure(name: &str) -> Option<&'static Structure> {
    generated::STRUCTURES.iter().find(|structure| structure.name == name)
}

impl Structure {
    /// Its name: the resource type, for a definition followed by a dot and the definition's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its properties that a template can set.
    #[must_use]
    pub fn properties(&self) -> &'static [Property] {
        self.properties
    }

    /// The names of its properties.
    pub fn property_names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.properties.iter().map(|property| property.name)
    }

    /// The structure of a property, or of its items. `None` if the property is not described further.
    #[must_use]
    pub fn part(&self, property: &str) -> Option<&'static Structure> {
        let property = self.properties.iter().find(|known| known.name == property)?;
        let kind = self.name.split('.').next()?;
        structure(&format!("{kind}.{}", property.definition?))
    }
}

impl Property {
    const fn optional(name: &'static str) -> Self {
        Self {
            name,
            is_required: false,
            definition: None,
        }
    }

    const fn required(name: &'static str) -> Self {
        Self {
            is_required: true,
            ..Self::optional(name)
        }
    }

    const fn of(self, definition: &'static str) -> Self {
        Self {
            definition: Some(definition),
            ..self
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the schema requires it. Some that are not required by the schema are required by the service.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.is_required
    }
}

/// The most similar of several names, for suggestions in error messages. `None` if none is similar. Ignores case.
pub fn closest<'n>(typed: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let typed = typed.to_ascii_lowercase();
    names
        .into_iter()
        .map(|name| (strsim::osa_distance(&typed, &name.to_ascii_lowercase()), name))
        // At most a third of the characters differ.
        .filter(|(distance, name)| distance * 3 <= name.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_definition_is_listed_and_used() {
        let mut used = BTreeSet::new();
        for structure in generated::STRUCTURES {
            for property in structure.properties() {
                let part = structure.part(property.name);
                assert_eq!(
                    part.is_some(),
                    property.definition.is_some(),
                    "{}.{}",
                    structure.name,
                    property.name
                );
                used.extend(part.map(Structure::name));
            }
        }
        let definitions = generated::STRUCTURES
            .iter()
            .filter(|structure| structure.name.contains('.'));
        for definition in definitions {
            assert!(used.contains(definition.name), "{}", definition.name);
        }
    }

    #[test]
    fn suggests_similar_names_only() {
        let service = structure("AWS::ECS::Service").expect("it is listed");
        for (typed, meant) in [
            ("DesiredCout", Some("DesiredCount")),
            ("desiredCount", Some("DesiredCount")),
            ("Rloe", Some("Role")),
            ("ServiceConectConfiguration", Some("ServiceConnectConfiguration")),
            ("Colour", None),
        ] {
            assert_eq!(closest(typed, service.property_names()), meant, "{typed}");
        }
    }
}
