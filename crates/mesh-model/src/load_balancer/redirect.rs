//! Redirects to another URL, with parts of the request's.

/// A redirect. Each part of the URL may contain parts of the request's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// Whether it is permanent (301), rather than temporary (302).
    pub is_permanent: bool,
    /// `http` or `https`; that of the request if there is none.
    pub scheme: Option<&'static str>,
    /// The host, by default `#{host}`.
    pub host: Vec<RedirectPart>,
    /// The port; that of the request if there is none.
    pub port: Option<u16>,
    /// The path, by default `/#{path}`.
    pub path: Vec<RedirectPart>,
    /// The query, by default `#{query}`.
    pub query: Vec<RedirectPart>,
}

/// A part of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedirectPart {
    /// This text.
    Text(String),
    /// The protocol of the request, in lower case.
    Protocol,
    /// The host of the request, without its port.
    Host,
    /// The port of the listener.
    Port,
    /// The path of the request, without its first slash.
    Path,
    /// The query of the request, without its question mark.
    Query,
}

impl RedirectPart {
    /// The parts of a text with `#{…}`. Source: Application Load Balancer user guide, "Redirect actions" (read
    /// 2026-12-01).
    #[must_use]
    pub fn parse(text: &str) -> Vec<Self> {
        const KEYWORDS: [(&str, RedirectPart); 5] = [
            ("#{protocol}", RedirectPart::Protocol),
            ("#{host}", RedirectPart::Host),
            ("#{port}", RedirectPart::Port),
            ("#{path}", RedirectPart::Path),
            ("#{query}", RedirectPart::Query),
        ];
        let mut parts = Vec::new();
        let (mut plain, mut rest) = (String::new(), text);
        while let Some(next) = rest.chars().next() {
            let keyword = KEYWORDS.iter().find(|(keyword, _)| rest.starts_with(keyword));
            let length = if let Some((keyword, part)) = keyword {
                if !plain.is_empty() {
                    parts.push(Self::Text(std::mem::take(&mut plain)));
                }
                parts.push(part.clone());
                keyword.len()
            } else {
                plain.push(next);
                next.len_utf8()
            };
            rest = &rest[length..];
        }
        if !plain.is_empty() {
            parts.push(Self::Text(plain));
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_keywords_are_told_apart() {
        let text = |text: &str| RedirectPart::Text(text.to_owned());
        for (written, expected) in [
            ("/#{path}", vec![text("/"), RedirectPart::Path]),
            ("new.#{host}", vec![text("new."), RedirectPart::Host]),
            ("#{query}&a=1", vec![RedirectPart::Query, text("&a=1")]),
            ("#{other}", vec![text("#{other}")]),
            ("", vec![]),
        ] {
            assert_eq!(RedirectPart::parse(written), expected, "{written}");
        }
    }
}
