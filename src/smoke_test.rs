//! Calls that show a mesh at work, and what is expected of them.
//!
//! A walk is data: an example says which calls to make, the runner makes them and shows the answer, the path it
//! took and the time. A call that does not go as expected ends the walk with the reason.

mod runner;

use std::fmt;

pub(crate) use runner::Runner;

/// Calls to make, one after the other.
#[derive(Debug, Clone, Default)]
pub struct SmokeTest {
    pub(crate) calls: Vec<Call>,
}

impl SmokeTest {
    /// No call.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes this call next.
    #[must_use]
    pub fn with(mut self, call: Call) -> Self {
        self.calls.push(call);
        self
    }
}

/// One or several equal calls from outside to a service.
#[derive(Debug, Clone)]
pub struct Call {
    service: String,
    path: String,
    times: u32,
    status: u16,
    answer: Option<Expected>,
    in_turn: Option<String>,
    /// The services on the ways that must all be taken, such as `green → blue`.
    ways: Vec<String>,
}

/// What the body of an answer must be.
#[derive(Debug, Clone)]
enum Expected {
    /// This.
    Exactly(String),
    /// Something with this in it.
    Containing(String),
}

impl Call {
    /// `GET path` at the Envoy of the service's first task. Expected is status 200, unless another is said.
    #[must_use]
    pub fn get(service: &str, path: &str) -> Self {
        Self {
            service: service.to_owned(),
            path: path.to_owned(),
            times: 1,
            status: 200,
            answer: None,
            in_turn: None,
            ways: Vec::new(),
        }
    }

    pub(crate) fn service(&self) -> &str {
        &self.service
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Expects exactly this body.
    #[must_use]
    pub fn expect_body(mut self, body: &str) -> Self {
        self.answer = Some(Expected::Exactly(body.to_owned()));
        self
    }

    /// Expects that the call fails with this status and an explanation that contains `words`.
    #[must_use]
    pub fn expect_error(mut self, status: u16, words: &str) -> Self {
        self.status = status;
        self.answer = Some(Expected::Containing(words.to_owned()));
        self
    }

    /// Makes the call `times` times and expects that each of these ways is taken and no other. A way is written as the
    /// services on it, in order: `green → blue`.
    #[must_use]
    pub fn expect_split(mut self, times: u32, ways: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.times = times;
        self.ways = ways.into_iter().map(Into::into).collect();
        self
    }

    /// Makes the call `times` times and expects that all tasks of `service` are reached in turn.
    #[must_use]
    pub fn expect_round_robin(mut self, service: &str, times: u32) -> Self {
        self.times = times;
        self.in_turn = Some(service.to_owned());
        self
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GET http://<{}>{}", self.service, self.path)?;
        if self.times > 1 {
            write!(f, ", {} times", self.times)?;
        }
        if let Some(service) = &self.in_turn {
            write!(f, ": every task of {service} in turn")?;
        }
        if !self.ways.is_empty() {
            write!(f, ": {}", self.ways.join(" or "))?;
        }
        if self.status != 200 {
            write!(f, ": refused")?;
        }
        Ok(())
    }
}
