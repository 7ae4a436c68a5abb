//! Escapes of single characters.

use super::SyntaxError;

/// Parses the escape at `start`: its byte and its end.
pub(crate) fn parse(text: &[u8], start: usize) -> Result<(u8, usize), SyntaxError> {
    let Some(&letter) = text.get(start + 1) else {
        return Err(SyntaxError::new(
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
        _ => return Err(SyntaxError::new(start..end, "is not an escape that RE2 supports here")),
    };
    Ok((plain, end))
}

/// `\012`: up to three digits.
fn octal(text: &[u8], start: usize) -> Result<(u8, usize), SyntaxError> {
    let digits = text[start + 1..]
        .iter()
        .take(3)
        .take_while(|byte| matches!(byte, b'0'..=b'7'));
    let length = digits.clone().count();
    let value = digits.fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
    let at = start..start + 1 + length;
    if length == 1 && value > 0 {
        return Err(SyntaxError::new(at, "is a back-reference, which RE2 does not support"));
    }
    let end = at.end;
    let byte = u8::try_from(value).map_err(|_| SyntaxError::new(at, "is not a byte; allowed is up to \\377"))?;
    Ok((byte, end))
}

/// `\x7f` or `\x{7f}`.
fn hexadecimal(text: &[u8], start: usize) -> Result<(u8, usize), SyntaxError> {
    let digits = &text[start + 2..];
    let is_braced = digits.first() == Some(&b'{');
    let (length, end) = if is_braced {
        let length = digits[1..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if length == 0 || digits.get(1 + length) != Some(&b'}') {
            let end = (start + 4 + length).min(text.len());
            return Err(SyntaxError::new(start..end, "is not a character; write \\x{7f}"));
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
            return Err(SyntaxError::new(
                start..end,
                "is not a character; write two hexadecimal digits",
            ));
        }
        (length, start + 4)
    };
    let digits = digits[usize::from(is_braced)..].iter().take(length);
    // Any number of leading zeros is allowed.
    let value = digits.fold(0_u32, |value, digit| {
        let digit = char::from(*digit).to_digit(16).unwrap_or(0);
        value.saturating_mul(16).saturating_add(digit)
    });
    let too_large = || SyntaxError::new(start..end, "is not a byte; Envoy reads text byte by byte, up to \\xff");
    let byte = u8::try_from(value).map_err(|_| too_large())?;
    Ok((byte, end))
}
