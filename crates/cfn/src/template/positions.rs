//! Positions of a document's values, for errors that are found after it was read.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser};

/// The line and column of the values of a document in YAML or JSON, by path, such as
/// `Resources.Blue.Properties.Environment[0]`. The functions around a value are not part of its path.
#[derive(Debug, Clone, Default)]
pub struct Positions(BTreeMap<String, (usize, usize)>);

/// A list or an object that is being read.
struct Open {
    path: String,
    /// `None` for a list; else the key whose value comes next, and its position.
    object: bool,
    key: Option<(String, (usize, usize))>,
    items: usize,
}

impl Positions {
    /// Reads the positions of a document. Where it cannot be read, they end.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut positions = BTreeMap::new();
        let mut open: Vec<Open> = Vec::new();
        for event in Parser::new_from_str(text) {
            let Ok((event, span)) = event else { break };
            let at = (span.start.line(), span.start.col() + 1);
            match event {
                Event::Scalar(text, ..) => match open.last_mut() {
                    Some(parent) if parent.object && parent.key.is_none() => parent.key = Some((text.into_owned(), at)),
                    Some(parent) => {
                        let (path, at) = parent.next(at);
                        positions.insert(path, at);
                    }
                    None => {}
                },
                Event::SequenceStart(..) | Event::MappingStart(..) => {
                    let (path, at) = match open.last_mut() {
                        Some(parent) => parent.next(at),
                        None => (String::new(), at),
                    };
                    positions.insert(path.clone(), at);
                    open.push(Open {
                        path,
                        object: matches!(event, Event::MappingStart(..)),
                        key: None,
                        items: 0,
                    });
                }
                Event::SequenceEnd | Event::MappingEnd => drop(open.pop()),
                _ => {}
            }
        }
        Self(positions)
    }

    /// The line and column, from 1, of the value at a path, or of the closest value around it. For the value of a key, it
    /// is that of the key. `None` if there is no such section.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<(usize, usize)> {
        let mut path = path;
        while !path.is_empty() {
            if let Some(position) = self.0.get(path) {
                return Some(*position);
            }
            let end = path.rfind(['.', '[']).unwrap_or(0);
            path = &path[..end];
        }
        None
    }
}

impl Open {
    /// The path and position of the value that begins here.
    fn next(&mut self, at: (usize, usize)) -> (String, (usize, usize)) {
        if !self.object {
            self.items += 1;
            return (format!("{}[{}]", self.path, self.items - 1), at);
        }
        match self.key.take() {
            Some((key, _)) if key == "Ref" || key.starts_with("Fn::") && !key.starts_with("Fn::ForEach") => {
                (self.path.clone(), at)
            }
            Some((key, at)) => (crate::read::joined(&self.path, &key), at),
            // A list or an object as a key, which no template has.
            None => {
                self.key = Some((String::new(), at));
                (self.path.clone(), at)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_path() {
        let yaml = "Resources:\n  Blue:\n    Type: A\n    Properties:\n      List: [x, !Sub y]\n      Deep: {Fn::If: [C, {A: 1}, 2]}\n";
        let positions = Positions::of(yaml);
        for (path, expected) in [
            ("Resources.Blue.Type", Some((3, 5))),
            ("Resources.Blue.Properties.List[1]", Some((5, 22))),
            ("Resources.Blue.Properties.List[1].Gone", Some((5, 22))),
            ("Resources.Blue.Properties.Deep[1].A", Some((6, 27))),
            ("Resources.Green", Some((1, 1))),
            ("Outputs.A", None),
        ] {
            assert_eq!(positions.get(path), expected, "{path}");
        }
        let json = "{\n \"Resources\": {\n  \"Blue\": {\"Type\": \"A\"}}}";
        assert_eq!(Positions::of(json).get("Resources.Blue.Type"), Some((3, 12)));
    }
}
