//! The `traceparent` header, as W3C Trace Context level 1 defines it.
//!
//! Source: the chapter "Traceparent field" of <https://www.w3.org/TR/trace-context-1/> (read 2026-11-23). A header
//! that violates it must be ignored, or one broken client would merge unrelated calls into one trace.

use http::HeaderValue;

/// `version "-" trace-id "-" parent-id "-" trace-flags`: two, 32, 16 and two digits.
const LENGTH: usize = 55;

/// A valid `traceparent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Traceparent {
    header: HeaderValue,
    trace_id: String,
}

impl Traceparent {
    /// The parsed header; `None` if it is malformed.
    pub(super) fn from_header(header: &HeaderValue) -> Option<Self> {
        let trace_id = trace_id(header.to_str().ok()?)?.to_owned();
        Some(Self {
            header: header.clone(),
            trace_id,
        })
    }

    pub(super) fn header(&self) -> &HeaderValue {
        &self.header
    }

    pub(super) fn trace_id(&self) -> &str {
        &self.trace_id
    }
}

/// The trace id of a well-formed value.
///
/// Versions after 00 may append fields after another dash.
fn trace_id(value: &str) -> Option<&str> {
    let (known, rest) = value.split_at_checked(LENGTH)?;
    let mut fields = known.split('-');
    let version = fields.next().filter(|field| is_hex(field, 2))?;
    let trace_id = fields.next().filter(|field| is_hex(field, 32) && !is_zero(field))?;
    let _parent_id = fields.next().filter(|field| is_hex(field, 16) && !is_zero(field))?;
    let _flags = fields.next().filter(|field| is_hex(field, 2))?;
    let rest_is_fine = match version {
        "ff" => false,
        "00" => rest.is_empty(),
        _ => rest.is_empty() || rest.starts_with('-'),
    };
    rest_is_fine.then_some(trace_id)
}

/// Upper case is not allowed.
fn is_hex(field: &str, length: usize) -> bool {
    field.len() == length && field.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_zero(field: &str) -> bool {
    field.bytes().all(|byte| byte == b'0')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "0af7651916cd43dd8448eb211c80319c";

    #[test]
    fn well_formed_values_have_a_trace_id() {
        for value in [
            format!("00-{ID}-b7ad6b7169203331-01"),
            format!("00-{ID}-b7ad6b7169203331-ff"),
            format!("01-{ID}-b7ad6b7169203331-00"),
            format!("cc-{ID}-b7ad6b7169203331-00-what the future will be like"),
            format!("fe-{ID}-b7ad6b7169203331-00-"),
        ] {
            assert_eq!(trace_id(&value), Some(ID), "{value}");
        }
    }

    #[test]
    fn malformed_values_have_no_trace_id() {
        for value in [
            String::new(),
            "00".to_owned(),
            ID.to_owned(),
            format!("ff-{ID}-b7ad6b7169203331-01"),
            format!("0-{ID}-b7ad6b7169203331-001"),
            format!("00-{}-b7ad6b7169203331-01", ID.to_ascii_uppercase()),
            format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)),
            format!("00-{ID}-0000000000000000-01"),
            format!("00-{ID}-b7ad6b7169203331-0g"),
            format!("00-{ID}-b7ad6b7169203331-1"),
            format!("00-{ID}-b7ad6b7169203331-01-"),
            format!("00-{ID}-b7ad6b7169203331-01-more"),
            format!("01-{ID}-b7ad6b7169203331-01.more"),
            format!("00_{ID}_b7ad6b7169203331_01"),
            format!(" 00-{ID}-b7ad6b7169203331-01"),
            format!("00-{ID}-b7ad6b7169203-331-01"),
            format!("00-{ID}-b7ad6b716920333ä-01"),
        ] {
            assert_eq!(trace_id(&value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_value_is_handled(value in any::<String>()) {
            let _ = trace_id(&value);
        }

        #[test]
        fn every_value_of_version_00_is_parsed(trace in 1_u128.., parent in 1_u64.., flags: u8) {
            let id = format!("{trace:032x}");
            let value = format!("00-{id}-{parent:016x}-{flags:02x}");
            prop_assert_eq!(trace_id(&value), Some(id.as_str()));
        }

        /// One character of a valid value replaced: finds more than arbitrary text.
        #[test]
        fn accepted_values_follow_the_grammar(at in 0..LENGTH, with in any::<char>()) {
            let good = format!("00-{ID}-b7ad6b7169203331-01");
            let value: String = good.chars().enumerate().map(|(i, c)| if i == at { with } else { c }).collect();
            if trace_id(&value).is_some() {
                let fits = value.bytes().enumerate().all(|(i, byte)| match i {
                    2 | 35 | 52 => byte == b'-',
                    _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
                });
                prop_assert!(fits && value.len() == LENGTH, "{}", value);
            }
        }
    }
}
