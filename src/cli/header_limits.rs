//! Options for the headers that Envoys accept.

use clap::Args;
use mesh_control::HeaderLimits;

/// `--max-request-headers-kib` and `--max-headers`, of every program that configures Envoys.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct HeaderLimitArguments {
    /// Size of all headers of a request that Envoys accept, in KiB
    #[arg(
        long,
        value_name = "KIB",
        env = "MESHWRIGHT_MAX_REQUEST_HEADERS_KIB",
        default_value_t = HeaderLimits::default().kib,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(HeaderLimits::MAX_KIB))
    )]
    max_request_headers_kib: u32,
    /// Number of headers that Envoys accept
    #[arg(
        long,
        value_name = "COUNT",
        env = "MESHWRIGHT_MAX_HEADERS",
        default_value_t = HeaderLimits::default().count,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    max_headers: u32,
}

impl From<HeaderLimitArguments> for HeaderLimits {
    fn from(arguments: HeaderLimitArguments) -> Self {
        Self {
            kib: arguments.max_request_headers_kib,
            count: arguments.max_headers,
        }
    }
}
