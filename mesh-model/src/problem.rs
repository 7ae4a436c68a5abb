//! How mistakes are reported: all of them at once, each with the path to the field it is about.

use std::fmt;

/// One thing that is wrong with a description, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The path to the field, such as `green.services[0].discoveryName`.
    pub path: String,
    /// What was found there and what is allowed instead, in one sentence.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// Everything that is wrong with a description. As an error it is never empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// No problem so far.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Notes one more problem.
    pub fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem {
            path: path.into(),
            message: message.into(),
        });
    }

    /// Takes over the problems of a part.
    pub fn extend(&mut self, other: Problems) {
        self.0.extend(other.0);
    }

    /// True when nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problems in the order they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// `value` if nothing is wrong.
    ///
    /// # Errors
    ///
    /// All the problems that were noted.
    pub fn or<T>(self, value: T) -> Result<T, Problems> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_printed_on_a_line_of_its_own() {
        let mut problems = Problems::none();
        assert!(problems.is_empty());
        problems.add("a.b", "first");
        problems.add("a.c", "second");
        assert_eq!(problems.to_string(), "a.b: first\na.c: second");
        assert_eq!(problems.clone().or(()), Err(problems));
    }
}
