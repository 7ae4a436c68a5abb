//! Characters written with a backslash.

use super::Mistake;

/// Reads the escape at `start`: which byte it stands for, and where it ends.
pub(crate) fn read(text: &[u8], start: usize) -> Result<(u8, usize), Mistake> {
    let Some(&letter) = text.get(start + 1) else {
        return Err(Mistake::new(
            start..start + 1,
            "escapes nothing; write \\\\ for a backslash",
        ));
    };
    let end = start + 2;
    let plain = match letter {
        b'a' => b'\x07',
        b'f' => b'\x0c',
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => b'\x0b',
        b'x' => return hexadecimal(text, start),
        b'0'..=b'7' => return octal(text, start),
        _ if letter.is_ascii() && !letter.is_ascii_alphanumeric() => letter,
        _ => return Err(Mistake::new(start..end, "is no escape that RE2 has here")),
    };
    Ok((plain, end))
}

/// `\012`: up to three digits.
fn octal(text: &[u8], start: usize) -> Result<(u8, usize), Mistake> {
    let digits = text[start + 1..]
        .iter()
        .take(3)
        .take_while(|byte| matches!(byte, b'0'..=b'7'));
    let length = digits.clone().count();
    let value = digits.fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
    let at = start..start + 1 + length;
    if length == 1 && value > 0 {
        return Err(Mistake::new(at, "is a back-reference, which RE2 does not have"));
    }
    let end = at.end;
    let byte = u8::try_from(value).map_err(|_| Mistake::new(at, "is no byte; allowed is up to \\377"))?;
    Ok((byte, end))
}

/// `\x7f` or `\x{7f}`.
fn hexadecimal(text: &[u8], start: usize) -> Result<(u8, usize), Mistake> {
    let digits = &text[start + 2..];
    let is_braced = digits.first() == Some(&b'{');
    let (length, end) = if is_braced {
        let length = digits[1..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if length == 0 || digits.get(1 + length) != Some(&b'}') {
            let end = (start + 4 + length).min(text.len());
            return Err(Mistake::new(start..end, "is no character; write \\x{7f}"));
        }
        (length, start + 4 + length)
    } else {
        let length = digits
            .iter()
            .take(2)
            .take_while(|byte| byte.is_ascii_hexdigit())
            .count();
        if length < 2 {
            let end = (start + 4).min(text.len());
            return Err(Mistake::new(
                start..end,
                "is no character; write two hexadecimal digits",
            ));
        }
        (length, start + 4)
    };
    let digits = digits[usize::from(is_braced)..].iter().take(length);
    // Leading zeros are as many as somebody likes.
    let value = digits.fold(0_u32, |value, digit| {
        let digit = char::from(*digit).to_digit(16).unwrap_or(0);
        value.saturating_mul(16).saturating_add(digit)
    });
    let too_large = || Mistake::new(start..end, "is no byte; Envoy reads text byte by byte, up to \\xff");
    let byte = u8::try_from(value).map_err(|_| too_large())?;
    Ok((byte, end))
}
