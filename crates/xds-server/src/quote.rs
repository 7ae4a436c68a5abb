//! Texts of clients in messages: quoted, escaped, and of bounded length.

/// Characters of a text that a message quotes.
const MAX_CHARACTERS: usize = 200;

/// The text in quotation marks. Control characters and the like are escaped; a long text is cut, with its length.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{:?}… ({} bytes)", &text[..end], text.len()),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_cut() {
        assert_eq!(quoted("blue"), r#""blue""#);
        assert_eq!(quoted("a\nb\u{1b}[31m\u{202e}"), r#""a\nb\u{1b}[31m\u{202e}""#);
        let long = quoted(&"ü".repeat(1000));
        assert!(long.ends_with("\"… (2000 bytes)") && long.len() < 450, "{long}");
    }
}
