//! Patterns of conditions: wildcards or regular expressions.

/// A pattern of a whole value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// A text with wildcards: `*` for any number of characters, `?` for one.
    Wildcard(String),
    /// A regular expression.
    Regex(String),
}

impl Pattern {
    /// The regular expression of RE2 for a whole value, without the mark of one that ignores case.
    #[must_use]
    pub fn to_regex(&self) -> String {
        match self {
            Self::Wildcard(text) => wildcard_regex(text, ".", false),
            Self::Regex(regex) => format!("(?:{regex})"),
        }
    }

    /// Whether this matches every value that `other` matches. A `*` in the other pattern is covered by a `*` alone.
    pub(super) fn covers(&self, other: &Self, ignores_case: bool) -> bool {
        let fold = |text: &str| -> Vec<char> {
            let text = if ignores_case {
                text.to_lowercase()
            } else {
                text.to_owned()
            };
            text.chars().collect()
        };
        match (self, other) {
            (Self::Wildcard(own), Self::Wildcard(other)) => covers(&fold(own), &fold(other)),
            (Self::Regex(own), Self::Regex(other)) => own == other,
            _ => false,
        }
    }
}

/// The regular expression for a text with wildcards, each of which stands for characters of this class. With `escapes`, a
/// backslash makes the next character an ordinary one.
#[must_use]
pub fn wildcard_regex(text: &str, class: &str, escapes: bool) -> String {
    let mut regex = String::with_capacity(text.len() + 8);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '*' => regex.extend([class, "*"]),
            '?' => regex.push_str(class),
            '\\' if escapes => literal(characters.next().unwrap_or('\\'), &mut regex),
            other => literal(other, &mut regex),
        }
    }
    regex
}

/// A character that stands for itself. RE2 takes a backslash before every character of ASCII that cannot be in a word.
fn literal(character: char, regex: &mut String) {
    if character.is_ascii_punctuation() && character != '_' {
        regex.push('\\');
    }
    regex.push(character);
}

fn covers(own: &[char], other: &[char]) -> bool {
    match (own, other) {
        ([], []) => true,
        (['*', rest @ ..], _) => {
            covers(rest, other) || other.split_first().is_some_and(|(_, after)| covers(own, after))
        }
        ([_, ..], []) | ([], [_, ..]) => false,
        (['?', own @ ..], [character, other @ ..]) => *character != '*' && covers(own, other),
        ([a, own @ ..], [b, other @ ..]) => a == b && *b != '*' && *b != '?' && covers(own, other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_become_regular_expressions() {
        for (pattern, expected) in [
            ("/img/*", r"\/img\/.*"),
            ("/img/*/pics", r"\/img\/.*\/pics"),
            ("*.example.com", r".*\.example\.com"),
            ("/a?c", r"\/a.c"),
            ("/a+b(c)", r"\/a\+b\(c\)"),
        ] {
            assert_eq!(Pattern::Wildcard(pattern.to_owned()).to_regex(), expected);
        }
        assert_eq!(Pattern::Regex("a|b".to_owned()).to_regex(), "(?:a|b)");
        assert_eq!(wildcard_regex(r"\*a*\?", "[^&]", true), r"\*a[^&]*\?");
    }

    #[test]
    fn a_pattern_covers_those_that_it_matches() {
        let covered = |own: &str, other: &str| {
            Pattern::Wildcard(own.to_owned()).covers(&Pattern::Wildcard(other.to_owned()), false)
        };
        for (own, other) in [
            ("*", "/a"),
            ("/*", "/a/*"),
            ("/a/*", "/a/b"),
            ("/a/*", "/a/"),
            ("/?", "/?"),
            ("/?", "/a"),
            ("/*", "/?"),
            ("/a*c", "/abc*c"),
        ] {
            assert!(covered(own, other), "{own} {other}");
        }
        for (own, other) in [
            ("/a/*", "/a"),
            ("/a/*", "/*"),
            ("/?", "/*"),
            ("/a", "/A"),
            ("/a", "/?"),
            ("/?", "/"),
        ] {
            assert!(!covered(own, other), "{own} {other}");
        }
    }
}
