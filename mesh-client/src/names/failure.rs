//! Why a name leads nowhere, and what was tried to find out.

use std::net::IpAddr;

/// Why there is no address to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) why: Why,
    /// Who was asked and what they said, in order: for the person who looks for the reason.
    pub(crate) tried: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// DNS says that there is no such name (`NXDOMAIN`).
    NoSuchName,
    /// DNS says that the name exists and has no address that could be used (`NODATA`).
    NoAddress,
    /// Nobody could say.
    NoAnswer,
    /// There are addresses, and none of them is one to connect to.
    Refused { address: IpAddr, why: &'static str },
}

impl Failure {
    /// True if nobody could say, as opposed to somebody saying no.
    pub(crate) fn is_silence(&self) -> bool {
        self.why == Why::NoAnswer
    }
}
