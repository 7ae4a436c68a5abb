//! Sanitises text from the network for messages.
//!
//! The body of a local reply may be long, have many lines, or be no text at all. A log message is one line of bounded length.

use std::fmt;

/// The most characters in a message. Envoy's own texts have fewer than 100.
const MAX_CHARS: usize = 200;

/// One line of at most [`MAX_CHARS`] characters. `Display` writes `: ` before it unless it is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SanitisedText(String);

impl SanitisedText {
    /// More bytes than this do not change the result: a UTF-8 character has at most four.
    pub(crate) const MAX_BYTES: usize = MAX_CHARS * 4 + 4;

    pub(crate) fn new(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let printable: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut line = printable.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some((end, _)) = line.char_indices().nth(MAX_CHARS) {
            line.truncate(end);
            line.push('…');
        }
        Self(line)
    }
}

impl fmt::Display for SanitisedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            Ok(())
        } else {
            write!(f, ": {}", self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_one_short_line() {
        for (bytes, expected) in [
            (&b""[..], String::new()),
            (b" \r\n ", String::new()),
            (b"upstream request timeout", ": upstream request timeout".to_owned()),
            (b" two\nlines\x1b[31m\0 ", ": two lines [31m".to_owned()),
            (b"\xff!", ": \u{fffd}!".to_owned()),
            (&[b'a'; 200], format!(": {}", "a".repeat(200))),
            (&[b'a'; 5000], format!(": {}…", "a".repeat(200))),
        ] {
            assert_eq!(SanitisedText::new(bytes).to_string(), expected);
        }
    }
}
