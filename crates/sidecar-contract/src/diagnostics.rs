//! Collected validation errors, each with the path to its field.

use std::fmt;

/// One validation error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The path to the field, such as `green.services[0].discoveryName`.
    pub path: String,
    /// What was found and what is allowed instead, in one sentence.
    pub message: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// Collects validation errors, so that one run reports all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// An empty collection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an error about the field at `path`.
    pub fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Diagnostic {
            path: path.into(),
            message: message.into(),
        });
    }

    /// Adds the errors of a nested value.
    pub fn extend(&mut self, errors: impl IntoIterator<Item = Diagnostic>) {
        self.0.extend(errors);
    }

    /// True without any error.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The errors, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// `value` without any error.
    ///
    /// # Errors
    ///
    /// All collected errors.
    pub fn into_result<T>(self, value: T) -> Result<T, ValidationErrors> {
        if self.is_empty() {
            Ok(value)
        } else {
            Err(ValidationErrors(self.0))
        }
    }
}

impl From<Diagnostics> for ValidationErrors {
    /// For callers that know of at least one error; [`Diagnostics::into_result`] is for the others.
    fn from(diagnostics: Diagnostics) -> Self {
        debug_assert!(!diagnostics.is_empty(), "validation errors without an error");
        Self(diagnostics.0)
    }
}

impl fmt::Display for Diagnostics {
    /// One error per line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_lines(&self.0, f)
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// One or more validation errors. `Debug` prints what `Display` prints, for programs that return it from `main`.
#[derive(Clone, PartialEq, Eq)]
pub struct ValidationErrors(Vec<Diagnostic>);

impl ValidationErrors {
    /// A single error about the field at `path`.
    pub fn single(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self(vec![Diagnostic {
            path: path.into(),
            message: message.into(),
        }])
    }

    /// The errors, in the order they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }
}

impl IntoIterator for ValidationErrors {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for ValidationErrors {
    /// One error per line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_lines(&self.0, f)
    }
}

fn write_lines(diagnostics: &[Diagnostic], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, diagnostic) in diagnostics.iter().enumerate() {
        if index > 0 {
            f.write_str("\n")?;
        }
        write!(f, "{diagnostic}")?;
    }
    Ok(())
}

impl fmt::Debug for ValidationErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::error::Error for ValidationErrors {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_printed_one_per_line() {
        let mut diagnostics = Diagnostics::new();
        assert_eq!(diagnostics.clone().into_result(1), Ok(1));
        diagnostics.add("a.b", "first");
        diagnostics.add("a.c", "second");
        let errors = diagnostics.into_result(()).unwrap_err();
        assert_eq!(errors.to_string(), "a.b: first\na.c: second");
        assert_eq!(format!("{errors:?}"), errors.to_string());
    }
}
