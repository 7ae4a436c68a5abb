//! Character classes: brackets, `\d`, `\p{Greek}`.

use super::{SyntaxError, escape};

/// The Unicode groups of RE2 in Envoy 1.40.0: general categories, and the scripts of Unicode 15 (measured
/// 2026-11-23).
const CATEGORIES: &str = "C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs \
    Any";
const SCRIPTS: &str = "Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali \
    Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian \
    Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot Cypro_Minoan Cyrillic Deseret \
    Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Georgian \
    Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi Han Hangul Hanifi_Rohingya Hanunoo \
    Hatran Hebrew Hiragana Imperial_Aramaic Inherited Inscriptional_Pahlavi Inscriptional_Parthian \
    Javanese Kaithi Kannada Katakana Kawi Kayah_Li Kharoshthi Khitan_Small_Script Khmer Khojki Khudawadi \
    Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic \
    Manichaean Marchen Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive \
    Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean Nag_Mundari Nandinagari \
    New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Old_Hungarian Old_Italic \
    Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur Oriya \
    Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic \
    Samaritan Saurashtra Sharada Shavian Siddham SignWriting Sinhala Sogdian Sora_Sompeng Soyombo \
    Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangsa Tangut \
    Telugu Thaana Thai Tibetan Tifinagh Tirhuta Toto Ugaritic Vai Vithkuqi Wancho Warang_Citi Yezidi Yi \
    Zanabazar_Square";

/// A set of bytes, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteSet([u128; 2]);

impl ByteSet {
    fn none() -> Self {
        Self([0; 2])
    }

    pub(crate) fn all() -> Self {
        Self([u128::MAX; 2])
    }

    pub(crate) fn one(byte: u8) -> Self {
        Self::of(|other| other == byte)
    }

    fn of(is_in: impl Fn(u8) -> bool) -> Self {
        let mut bytes = Self::none();
        for byte in (0..=u8::MAX).filter(|byte| is_in(*byte)) {
            bytes.0[usize::from(byte / 128)] |= 1 << (byte % 128);
        }
        bytes
    }

    pub(crate) fn and(self, others: Self) -> Self {
        Self([self.0[0] | others.0[0], self.0[1] | others.0[1]])
    }

    pub(crate) fn any_of(sets: impl IntoIterator<Item = Self>) -> Self {
        sets.into_iter().fold(Self::none(), Self::and)
    }

    pub(crate) fn negated(self) -> Self {
        Self(self.0.map(|bits| !bits))
    }

    pub(crate) fn has(self, byte: u8) -> bool {
        self.0[usize::from(byte / 128)] & (1 << (byte % 128)) != 0
    }

    /// With both cases of each ASCII letter.
    pub(crate) fn folded(self) -> Self {
        self.and(Self::of(|byte| {
            self.has(byte.to_ascii_lowercase()) || self.has(byte.to_ascii_uppercase())
        }))
    }

    pub(crate) fn is_empty(self) -> bool {
        self == Self::none()
    }

    /// The maximal ranges, with inclusive ends.
    pub(crate) fn ranges(self) -> Vec<(u8, u8)> {
        let mut ranges: Vec<(u8, u8)> = Vec::new();
        for byte in (0..=u8::MAX).filter(|byte| self.has(*byte)) {
            match ranges.last_mut() {
                Some((_, end)) if *end + 1 == byte => *end = byte,
                _ => ranges.push((byte, byte)),
            }
        }
        ranges
    }
}

/// Parses the bracket expression at `start`: its bytes and its end. The bytes are `None` if they depend on a Unicode group.
pub(crate) fn brackets(text: &[u8], start: usize) -> Result<ParsedClass, SyntaxError> {
    let mut at = start + 1;
    let is_negated = text.get(at) == Some(&b'^');
    at += usize::from(is_negated);
    let first = at;
    let mut bytes = Some(ByteSet::none());
    while let Some(&byte) = text.get(at) {
        // A literal in the first position.
        if byte == b']' && at > first {
            let bytes = if is_negated { bytes.map(ByteSet::negated) } else { bytes };
            return Ok((bytes, at + 1));
        }
        let (more, end) = if let Some((named, end)) = named(text, at)? {
            (Some(named), end)
        } else if let Some(several) = escaped(text, at)? {
            several
        } else {
            let (low, high, end) = range(text, at)?;
            (Some(ByteSet::of(|byte| (low..=high).contains(&byte))), end)
        };
        bytes = bytes.zip(more).map(|(bytes, more)| bytes.and(more));
        at = end;
    }
    Err(SyntaxError::new(
        start..text.len(),
        "starts a class that is not closed by ]",
    ))
}

/// Parses a character or a range, and its end.
fn range(text: &[u8], start: usize) -> Result<(u8, u8, usize), SyntaxError> {
    let (low, at) = character(text, start)?;
    if text.get(at) != Some(&b'-') || text.get(at + 1).is_none_or(|next| *next == b']') {
        return Ok((low, low, at));
    }
    let (high, end) = character(text, at + 1)?;
    if high < low {
        return Err(SyntaxError::new(start..end, "is a range whose end is before its start"));
    }
    Ok((low, high, end))
}

fn character(text: &[u8], start: usize) -> Result<(u8, usize), SyntaxError> {
    match text[start] {
        b'\\' => escape::parse(text, start),
        byte => Ok((byte, start + 1)),
    }
}

/// A POSIX class and its predicate.
type Named = (&'static str, fn(&u8) -> bool);

static POSIX: [Named; 14] = [
    ("alnum", u8::is_ascii_alphanumeric),
    ("alpha", u8::is_ascii_alphabetic),
    ("ascii", u8::is_ascii),
    ("blank", |byte| matches!(byte, b' ' | b'\t')),
    ("cntrl", u8::is_ascii_control),
    ("digit", u8::is_ascii_digit),
    ("graph", u8::is_ascii_graphic),
    ("lower", u8::is_ascii_lowercase),
    ("print", |byte| matches!(byte, b' '..=b'~')),
    ("punct", u8::is_ascii_punctuation),
    ("space", |byte| matches!(byte, b'\t'..=b'\r' | b' ')),
    ("upper", u8::is_ascii_uppercase),
    ("word", is_word),
    ("xdigit", u8::is_ascii_hexdigit),
];

fn is_word(byte: &u8) -> bool {
    *byte == b'_' || byte.is_ascii_alphanumeric()
}

/// Parses `[:alpha:]` within brackets: its bytes and its end. `None` for anything else.
fn named(text: &[u8], start: usize) -> Result<Option<(ByteSet, usize)>, SyntaxError> {
    let Some(inner) = text[start..].strip_prefix(b"[:") else {
        return Ok(None);
    };
    let Some(length) = inner.windows(2).position(|end| end == b":]") else {
        return Ok(None);
    };
    let end = start + 2 + length + 2;
    let name = &inner[..length];
    let plain = name.strip_prefix(b"^").unwrap_or(name);
    let Some((_, is_in)) = POSIX.iter().find(|(known, _)| known.as_bytes() == plain) else {
        let known: Vec<&str> = POSIX.iter().map(|(known, _)| *known).collect();
        let what = format!("is not a class; allowed are {}", known.join(", "));
        return Err(SyntaxError::new(start..end, what));
    };
    let bytes = ByteSet::of(|byte| is_in(&byte));
    let bytes = if name == plain { bytes } else { bytes.negated() };
    Ok(Some((bytes, end)))
}

/// The bytes of a class, `None` if they depend on a Unicode group, and its end.
type ParsedClass = (Option<ByteSet>, usize);

/// Parses an escape of a class, such as `\d` or `\pL`. `None` for anything else.
pub(crate) fn escaped(text: &[u8], start: usize) -> Result<Option<ParsedClass>, SyntaxError> {
    let [b'\\', letter, ..] = &text[start..] else {
        return Ok(None);
    };
    let bytes = match letter.to_ascii_lowercase() {
        b'd' => ByteSet::of(|byte| byte.is_ascii_digit()),
        b's' => ByteSet::of(|byte| matches!(byte, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ')),
        b'w' => ByteSet::of(|byte| is_word(&byte)),
        b'p' => return unicode_group(text, start).map(|end| Some((None, end))),
        _ => return Ok(None),
    };
    let bytes = if letter.is_ascii_uppercase() {
        bytes.negated()
    } else {
        bytes
    };
    Ok(Some((Some(bytes), start + 2)))
}

/// Parses `\pL` or `\p{Greek}`; returns its end.
fn unicode_group(text: &[u8], start: usize) -> Result<usize, SyntaxError> {
    let after = &text[start + 2..];
    let (name, end) = match after.strip_prefix(b"{") {
        None => (after.get(..1), start + 3),
        Some(inner) => {
            let length = inner.iter().position(|byte| *byte == b'}');
            (
                length.map(|length| &inner[..length]),
                start + 3 + length.unwrap_or(0) + 1,
            )
        }
    };
    let known = name.is_some_and(|name| {
        let name = name.strip_prefix(b"^").unwrap_or(name);
        let mut groups = CATEGORIES.split(' ').chain(SCRIPTS.split(' '));
        groups.any(|known| known.as_bytes() == name)
    });
    if known {
        return Ok(end);
    }
    let at = start..name.map_or(text.len(), |_| end);
    let what = "is not a Unicode group of RE2; allowed are general categories such as \\pL and \\p{Lu}, and \
                scripts such as \\p{Greek}";
    Err(SyntaxError::new(at, what))
}
