//! Smoke tests: calls into a running mesh and their expected results.
//!
//! A smoke test is data: an app lists the calls, the runner makes them and prints the response, the request path and the
//! time of each. The first call with an unexpected result ends the test with the reason.

mod runner;

use std::fmt;

pub(crate) use runner::{Runner, SmokeTestError};

/// Calls to make one after the other.
#[derive(Debug, Clone, Default)]
pub struct SmokeTest {
    pub(crate) calls: Vec<Call>,
}

impl SmokeTest {
    /// A smoke test without calls.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a call after the others.
    #[must_use]
    pub fn with(mut self, call: Call) -> Self {
        self.calls.push(call);
        self
    }
}

/// A call from outside the mesh to a service, made once or several times.
#[derive(Debug, Clone)]
pub struct Call {
    service: String,
    path: String,
    times: u32,
    status: u16,
    body: Option<ExpectedBody>,
    round_robin: Option<String>,
    /// The expected request paths, as the services on each: `green → blue`.
    split: Vec<String>,
}

/// The expected body of a response.
#[derive(Debug, Clone)]
enum ExpectedBody {
    /// Equal to this text.
    Exactly(String),
    /// With this text in it.
    Containing(String),
}

impl Call {
    /// `GET path` through the Envoy of the service's first task. The expected status is 200 by default.
    #[must_use]
    pub fn get(service: &str, path: &str) -> Self {
        Self {
            service: service.to_owned(),
            path: path.to_owned(),
            times: 1,
            status: 200,
            body: None,
            round_robin: None,
            split: Vec::new(),
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
        self.body = Some(ExpectedBody::Exactly(body.to_owned()));
        self
    }

    /// Expects this error status and a body that contains `text`.
    #[must_use]
    pub fn expect_error(mut self, status: u16, text: &str) -> Self {
        self.status = status;
        self.body = Some(ExpectedBody::Containing(text.to_owned()));
        self
    }

    /// Makes the call `times` times and expects every one of these request paths and no other. A path is written as the
    /// services on it, in order: `green → blue`.
    #[must_use]
    pub fn expect_split(mut self, times: u32, paths: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.times = times;
        self.split = paths.into_iter().map(Into::into).collect();
        self
    }

    /// Makes the call `times` times and expects that all tasks of `service` are reached in turn.
    #[must_use]
    pub fn expect_round_robin(mut self, service: &str, times: u32) -> Self {
        self.times = times;
        self.round_robin = Some(service.to_owned());
        self
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GET http://<{}>{}", self.service, self.path)?;
        if self.times > 1 {
            write!(f, ", {} times", self.times)?;
        }
        if let Some(service) = &self.round_robin {
            write!(f, ": every task of {service} in turn")?;
        }
        if !self.split.is_empty() {
            write!(f, ": {}", self.split.join(" or "))?;
        }
        if self.status != 200 {
            write!(f, ": status {}", self.status)?;
        }
        Ok(())
    }
}
