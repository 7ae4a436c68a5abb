//! Values of arguments that name an account or a region.

/// An account ID.
pub(crate) fn account(text: &str) -> Result<String, String> {
    let is_account = text.len() == 12 && text.bytes().all(|digit| digit.is_ascii_digit());
    is_account
        .then(|| text.to_owned())
        .ok_or_else(|| "expected an account ID of 12 digits".to_owned())
}

/// The name of a region, also of one that is newer than this program. It is one shell word.
pub(crate) fn region(text: &str) -> Result<String, String> {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_region = !text.is_empty() && text.bytes().all(is_part);
    is_region
        .then(|| text.to_owned())
        .ok_or_else(|| "expected a region such as eu-west-1, of a-z, 0-9 and -".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_a_name_of_aws() {
        assert_eq!(region("eu-west-1"), Ok("eu-west-1".to_owned()));
        for other in ["", "Europe", "eu west"] {
            assert!(region(other).is_err(), "{other}");
        }
    }

    #[test]
    fn an_account_has_12_digits() {
        assert_eq!(account("123456789012"), Ok("123456789012".to_owned()));
        for other in ["", "1234", "12345678901x", "1234567890123"] {
            assert!(account(other).is_err(), "{other}");
        }
    }
}
