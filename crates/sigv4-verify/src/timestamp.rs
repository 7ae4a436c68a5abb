//! The time of a signature: ISO 8601 in basic format, or an HTTP date.

use std::time::{Duration, SystemTime};

use time::format_description::well_known::Rfc2822;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

/// The moment at which the client signed, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timestamp(OffsetDateTime);

impl Timestamp {
    /// Reads `20150830T123600Z`.
    pub(crate) fn from_basic(text: &str) -> Option<Self> {
        let is_digit = |(at, byte): (usize, u8)| match at {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        };
        if text.len() != 16 || !text.bytes().enumerate().all(is_digit) {
            return None;
        }
        let format = format_description!("[year][month][day]T[hour][minute][second]Z");
        let parsed = PrimitiveDateTime::parse(text, format).ok()?;
        Some(Self(parsed.assume_utc()))
    }

    /// Reads `Sun, 30 Aug 2015 12:36:00 GMT`, the form of the `Date` header.
    pub(crate) fn from_http_date(text: &str) -> Option<Self> {
        OffsetDateTime::parse(text, &Rfc2822).ok().map(Self)
    }

    /// The second that contains `time`.
    pub(crate) fn from_system(time: SystemTime) -> Self {
        Self(OffsetDateTime::from(time))
    }

    pub(crate) fn system(self) -> SystemTime {
        self.0.into()
    }

    /// `20150830T123600Z`.
    pub(crate) fn basic(self) -> String {
        let utc = self.0.to_utc();
        format!(
            "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
            utc.year(),
            u8::from(utc.month()),
            utc.day(),
            utc.hour(),
            utc.minute(),
            utc.second()
        )
    }
}

/// A duration as AWS's messages have it: `5 min.`, or `90 sec.` if it is no whole number of minutes.
pub(crate) fn in_words(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds % 60 == 0 => format!("{} min.", seconds / 60),
        seconds => format!("{seconds} sec."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let basic = Timestamp::from_basic("20150830T123600Z").unwrap();
        assert_eq!(basic.basic(), "20150830T123600Z");
        assert_eq!(
            basic.system(),
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160)
        );
        assert_eq!(Timestamp::from_http_date("Sun, 30 Aug 2015 12:36:00 GMT"), Some(basic));
        assert_eq!(Timestamp::from_system(basic.system()), basic);
    }

    #[test]
    fn other_forms_are_not_read() {
        for text in [
            "",
            "20150830",
            "20150830T123600",
            "20150830T123600z",
            "2015-08-30T12:36:00Z",
            "20151330T123600Z",
            "20150832T123600Z",
            "20150830T253600Z",
            "+2015830T123600Z",
            "20150830T123600Z ",
            "２０150830T1236Z",
        ] {
            assert_eq!(Timestamp::from_basic(text), None, "{text:?}");
        }
    }

    #[test]
    fn durations_read_as_in_the_messages_of_aws() {
        assert_eq!(in_words(Duration::from_secs(300)), "5 min.");
        assert_eq!(in_words(Duration::from_secs(90)), "90 sec.");
    }
}
