//! Deadline propagation.
//!
//! Calls made on behalf of a caller that has given up are wasted work at every further hop. Each service therefore sends the
//! remaining time with its calls, and does not send calls whose deadline has passed.
//!
//! | header | written | read; the shortest counts |
//! |---|---|---|
//! | `x-meshwright-timeout-ms` | the remaining time | the caller's remaining time; proxies forward it unchanged |
//! | `x-envoy-expected-rq-timeout-ms` | the remaining time, for a service without a sidecar | the timeout of the last Envoy's route |
//! | `grpc-timeout` | the remaining time, for gRPC calls | the caller's remaining time |
//!
//! Sidecars do not need these headers: when a caller closes its connection, they cancel the request.

use std::fmt;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

/// The remaining time in milliseconds. Proxies forward it unchanged.
const OWN: HeaderName = HeaderName::from_static("x-meshwright-timeout-ms");
/// The same in Envoy's header, which each Envoy overwrites with the timeout of its own route. With
/// `respect_expected_rq_timeout` in the router, Envoy would use the header as its timeout, even if it is longer than the
/// configured one. Our Envoys do not set it: a caller must not exceed the mesh's configuration. Sources: `router.proto`,
/// `FilterUtility::finalTimeout` in `source/common/router/router.cc` and
/// `config_http_filters_router_x-envoy-expected-rq-timeout-ms` of Envoy 1.40 (read 2026-11-23).
const EXPECTED: HeaderName = HeaderName::from_static("x-envoy-expected-rq-timeout-ms");
/// The same in gRPC: up to eight digits and a unit (gRPC over HTTP/2, "Requests", read 2026-11-23).
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The longest deadline. Tokio's timers have the same limit.
const MAX_TIME: Duration = Duration::from_secs(86400 * 365 * 30);

/// The instant by which a call must be complete.
///
/// ```
/// # use mesh_client::{Client, Deadline};
/// # async fn example(mesh: &Client, incoming: &http::HeaderMap) -> Result<(), mesh_client::Error> {
/// let mut call = mesh.get("http://blue.appmesh/");
/// if let Some(deadline) = Deadline::from_headers(incoming) {
///     call = call.deadline(deadline);
/// }
/// call.send().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline `time` from now.
    #[must_use]
    pub fn after(time: Duration) -> Self {
        Self(Instant::now() + time.min(MAX_TIME))
    }

    /// The caller's deadline of a request with these headers, received now: the earliest one of `x-meshwright-timeout-ms`,
    /// which callers with this crate send, `x-envoy-expected-rq-timeout-ms`, the timeout of the last Envoy, and
    /// `grpc-timeout`. `None` without any of them.
    ///
    /// A malformed value is ignored, and so is zero, which means "no timeout" to Envoy.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let own = text(OWN).and_then(milliseconds);
        let expected = text(EXPECTED).and_then(milliseconds);
        let grpc = text(GRPC_TIMEOUT).and_then(grpc_timeout);
        let shortest = own.into_iter().chain(expected).chain(grpc).min()?;
        Some(Self::after(shortest))
    }

    /// The remaining time; zero if the deadline has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// True if the deadline has passed.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        self.remaining().is_zero()
    }

    pub(crate) fn instant(self) -> Instant {
        self.0
    }

    /// Adds the remaining time to the headers of a call, unless they contain it already.
    pub(crate) fn write_to(self, headers: &mut HeaderMap) {
        // Not zero, which would mean "no timeout".
        let left = u64::try_from(self.remaining().as_millis()).unwrap_or(u64::MAX).max(1);
        for name in [OWN, EXPECTED] {
            if !headers.contains_key(&name) {
                headers.extend(Some((name, HeaderValue::from(left))));
            }
        }
        let is_grpc = headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
        if is_grpc && !headers.contains_key(GRPC_TIMEOUT) {
            // More than eight digits of milliseconds are more than a day.
            let value = if left < 100_000_000 {
                format!("{left}m")
            } else {
                format!("{}S", (left / 1000).min(99_999_999))
            };
            headers.extend(HeaderValue::from_str(&value).map(|value| (GRPC_TIMEOUT, value)));
        }
    }
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "in {} ms", self.remaining().as_millis())
    }
}

fn milliseconds(text: &str) -> Option<Duration> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let milliseconds: u64 = text.parse().ok().filter(|_| is_number)?;
    (milliseconds > 0).then_some(Duration::from_millis(milliseconds))
}

fn grpc_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok().filter(|number| *number > 0)?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_str(value).expect("a value"))
        });
        pairs.collect()
    }

    fn left(pairs: &[(&'static str, &str)]) -> Option<Duration> {
        Deadline::from_headers(&headers(pairs)).map(|deadline| deadline.remaining())
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_is_read_from_the_headers_of_either_protocol() {
        let ms = |ms| Some(Duration::from_millis(ms));
        let (own, envoy) = ("x-meshwright-timeout-ms", "x-envoy-expected-rq-timeout-ms");
        for (pairs, expected) in [
            (vec![], None),
            (vec![(envoy, "250")], ms(250)),
            (vec![("grpc-timeout", "3S")], ms(3000)),
            (vec![("grpc-timeout", "2M")], ms(120_000)),
            (vec![("grpc-timeout", "1H")], ms(3_600_000)),
            (vec![("grpc-timeout", "20m")], ms(20)),
            (vec![("grpc-timeout", "5000u")], ms(5)),
            (
                vec![("grpc-timeout", "99999999n")],
                Some(Duration::from_nanos(99_999_999)),
            ),
            (vec![(envoy, "250"), ("grpc-timeout", "1S")], ms(250)),
            (vec![(envoy, "2500"), ("grpc-timeout", "1S")], ms(1000)),
            (vec![(envoy, "0")], None),
            (vec![(own, "100")], ms(100)),
            (vec![(own, "100"), (envoy, "15000")], ms(100)),
            (
                vec![(own, "60000"), (envoy, "15000"), ("grpc-timeout", "20S")],
                ms(15_000),
            ),
        ] {
            assert_eq!(left(&pairs), expected, "{pairs:?}");
        }
        for malformed in ["", "-1", "+5", "1.5", "1e3", "0x10", "99999999999999999999999", "1 "] {
            assert_eq!(left(&[(envoy, malformed)]), None, "{malformed:?}");
        }
        for malformed in ["", "S", "1", "1s", "123456789S", "-1S", "0S", " 1S", "1SS"] {
            assert_eq!(left(&[("grpc-timeout", malformed)]), None, "{malformed:?}");
        }
        assert_eq!(
            left(&[(envoy, "18446744073709551615")]),
            Some(MAX_TIME),
            "without overflow"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_remaining_time_is_written() {
        let deadline = Deadline::after(Duration::from_secs(2));
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(
            (deadline.remaining(), deadline.is_expired()),
            (Duration::from_millis(1500), false)
        );
        let mut plain = HeaderMap::new();
        deadline.write_to(&mut plain);
        let both = [
            ("x-meshwright-timeout-ms", "1500"),
            ("x-envoy-expected-rq-timeout-ms", "1500"),
        ];
        assert_eq!(plain, headers(&both));

        for (kind, time, expected) in [
            ("application/grpc", Duration::from_millis(1500), "1500m"),
            ("application/grpc+proto", Duration::from_secs(200_000), "200000S"),
            ("application/grpc", Duration::MAX, "99999999S"),
        ] {
            let mut grpc = headers(&[("content-type", kind)]);
            Deadline::after(time).write_to(&mut grpc);
            assert_eq!(grpc["grpc-timeout"], expected);
        }

        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(deadline.is_expired());
        let present = headers(&[
            ("x-meshwright-timeout-ms", "8"),
            ("x-envoy-expected-rq-timeout-ms", "7"),
        ]);
        let mut unchanged = present.clone();
        deadline.write_to(&mut unchanged);
        assert_eq!(unchanged, present);
    }
}
