//! Recognises a wrong clock of this machine. Pure.
//!
//! AWS rejects signatures whose time is more than 5 minutes (most services) or 15 minutes (S3) off (IAM user guide,
//! "Signature Version 4 for API requests", read 2026-11-30). The SDK corrects the clock and tries again, so this is what
//! remains where it cannot.

use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

/// The least difference that is taken for the cause.
const TOLERANCE: Duration = Duration::from_secs(4 * 60);

/// Codes that a wrong clock causes, among other things.
const CODES: [&str; 6] = [
    "AuthFailure",
    "InvalidSignatureException",
    "RequestExpired",
    "RequestInTheFuture",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
];

/// The message for a rejection with this `Date` header at `now`, if the clock is the cause.
pub(super) fn skew(code: &str, message: &str, date: Option<&str>, now: SystemTime) -> Option<String> {
    if !CODES.contains(&code) {
        return None;
    }
    let message = message.trim_end_matches('.');
    let of_aws = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
    let of_aws = of_aws.and_then(|date| SystemTime::try_from(date).ok());
    let difference = of_aws.map(|of_aws| match now.duration_since(of_aws) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    });
    let fix = "set it, for example by switching on NTP (`timedatectl set-ntp true`), and try again";
    match difference {
        Some((difference, direction)) if difference > TOLERANCE => Some(format!(
            "the clock of this machine is {} {direction} AWS's; {fix} ({message})",
            rounded(difference)
        )),
        // The clock is right, so the signature is wrong for another reason.
        Some(_) => None,
        None if code == "RequestTimeTooSkewed" || message.contains("Signature expired") => {
            Some(format!("the clock of this machine is wrong; {fix} ({message})"))
        }
        None => None,
    }
}

/// A duration in its largest unit: "17 minutes".
fn rounded(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Mon, 30 Nov 2026 12:00:00 GMT";

    fn noon() -> SystemTime {
        SystemTime::try_from(DateTime::from_str(DATE, Format::HttpDate).unwrap()).unwrap()
    }

    #[test]
    fn a_wrong_clock_is_named_with_its_difference() {
        let expired = "Signature expired: 20261130T114300Z is now earlier than 20261130T115500Z.";
        let minute = Duration::from_secs(60);
        for (code, now, expected) in [
            (
                "SignatureDoesNotMatch",
                noon() - 17 * minute,
                "is 17 minutes behind AWS's",
            ),
            (
                "InvalidSignatureException",
                noon() + 180 * minute,
                "is 3 hours ahead of AWS's",
            ),
            (
                "RequestTimeTooSkewed",
                noon() - 60 * 24 * 31 * minute,
                "is 31 days behind AWS's",
            ),
        ] {
            let text = skew(code, expired, Some(DATE), now).unwrap();
            assert!(text.contains(expected) && text.contains("timedatectl"), "{text}");
        }
        let without_date = skew("SignatureDoesNotMatch", expired, None, noon()).unwrap();
        assert!(
            without_date.starts_with("the clock of this machine is wrong"),
            "{without_date}"
        );
    }

    #[test]
    fn a_wrong_key_is_not_a_wrong_clock() {
        let message = "The request signature we calculated does not match the signature you provided.";
        assert_eq!(skew("SignatureDoesNotMatch", message, Some(DATE), noon()), None);
        assert_eq!(skew("SignatureDoesNotMatch", message, None, noon()), None);
        assert_eq!(
            skew("AccessDenied", message, Some(DATE), noon() - Duration::from_secs(3600)),
            None
        );
    }
}
