//! One call on its way: to the sidecar, or to one of the addresses that its name leads to.

use std::error::Error as _;
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::HOST;
use http::{HeaderMap, Method};
use tokio::time::{sleep, timeout_at};

use crate::body::Payload;
use crate::client::{Client, Way};
use crate::deadline::Deadline;
use crate::error::{Error, Peer};
use crate::names::{Addresses, Names, Origin};
use crate::response::Response;
use crate::retry::Attempt;
use crate::target::Target;

/// As many addresses of a name are connected to before a call fails. Each may take as long as a connection may.
const MAX_CONNECTIONS: usize = 3;

/// A call, complete but for where it goes.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) target: Target,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Payload,
    /// How long it may take, if the call itself says so.
    pub(crate) timeout: Option<Duration>,
    /// By when it has to be over.
    pub(crate) deadline: Option<Deadline>,
}

/// A call that has begun.
struct Sending<'a> {
    call: Call,
    client: &'a Client,
    /// The earlier one of when the call has to be over and when its time is up.
    deadline: Deadline,
    /// How long that is.
    limit: Duration,
    /// Whether the next hop is told of it.
    is_told: bool,
}

impl Call {
    /// Sends the call and waits for the head of the answer.
    pub(crate) async fn send(self, client: &Client) -> Result<Response, Error> {
        let timeout = self.timeout.or(client.stated_timeout());
        let by_timeout = Deadline::after(timeout.unwrap_or(client.timeout()));
        let deadline = self.deadline.map_or(by_timeout, |deadline| deadline.min(by_timeout));
        if deadline.is_expired() {
            return Err(Error::expired(self.target.service()));
        }
        let mut sending = Sending {
            client,
            deadline,
            limit: round(deadline.remaining()),
            is_told: timeout.is_some() || self.deadline.is_some(),
            call: self,
        };
        let answer = match client.way() {
            Way::Sidecar(address) => sending.send_through(*address).await?,
            Way::Names(names) => sending.send_until_answered(names).await?,
        };
        Response::from_answer(answer, sending.service().clone(), sending.limit).await
    }
}

impl Sending<'_> {
    async fn send_through(&mut self, sidecar: SocketAddr) -> Result<reqwest::Response, Error> {
        let headers = mem::take(&mut self.call.headers);
        let sent = self.send_to(sidecar, headers).await?;
        sent.map_err(|error| Error::sending(self.service(), Peer::Sidecar(sidecar), self.limit, error))
    }

    /// Sends the call, and where there is no sidecar that would, once more as often as is harmless.
    async fn send_until_answered(&mut self, names: &Names) -> Result<reqwest::Response, Error> {
        let retries = self.client.retries();
        retries.call();
        let mut tried = Vec::new();
        let mut before = 0;
        loop {
            before += 1;
            let sent = match self.resolve(names).await {
                Ok(addresses) => self.send_to_one_of(&addresses).await,
                Err(error) => return Err(error.after(tried)),
            };
            let attempt = match &sent {
                Ok(answer) => Some(Attempt::Answered(answer.status())),
                Err(error) if error.is_connect() => Some(Attempt::NotSent),
                Err(error) if error.is_interrupted() => Some(Attempt::Interrupted),
                Err(_) => None,
            };
            let pause = attempt
                .filter(|_| !self.client.wiring().has_sidecar() && !self.call.body.is_streamed())
                .and_then(|attempt| retries.pause(&self.call.method, attempt, before, fastrand::f64()))
                .filter(|pause| *pause < self.deadline.remaining());
            let Some(pause) = pause else {
                return sent.map_err(|error| error.after(tried));
            };
            match sent {
                Ok(answer) => tried.push(format!("it answered {}", answer.status())),
                Err(error) => tried.extend(error.into_tried()),
            }
            sleep(pause).await;
        }
    }

    async fn resolve(&self, names: &Names) -> Result<Arc<Addresses>, Error> {
        let name = self.call.target.name();
        match timeout_at(self.deadline.instant(), names.resolve(name)).await {
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(failure)) => {
                let without_sidecar = !self.client.wiring().has_sidecar();
                let advise = without_sidecar && self.client.suffixes().contains(name.as_str());
                Err(Error::name(self.service(), &failure, advise))
            }
            Err(_) => Err(Error::no_answer(self.service(), self.limit)),
        }
    }

    /// Sends the call to the first of some addresses that takes a connection. Nothing of it was sent to the others, so
    /// this repeats nothing.
    async fn send_to_one_of(&mut self, addresses: &Addresses) -> Result<reqwest::Response, Error> {
        let mut tried = Vec::new();
        let mut last = None;
        // A body that is sent as it comes goes with the connection it was meant for.
        let at_most = if self.call.body.is_streamed() {
            1
        } else {
            MAX_CONNECTIONS
        };
        for ip in addresses.in_turn().into_iter().take(at_most) {
            let address = SocketAddr::new(ip, self.call.target.port());
            match self.send_to(address, self.call.headers.clone()).await? {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    if tried.is_empty() {
                        tried.push(found(addresses));
                    }
                    tried.push(format!("{address}: {}", innermost(&error)));
                    if !error.is_connect() {
                        let error = Error::sending(self.service(), Peer::Address(address), self.limit, error);
                        return Err(error.after(tried));
                    }
                    addresses.rest(ip);
                    last = Some(error);
                }
            }
        }
        let has_sidecar = self.client.wiring().has_sidecar();
        Err(Error::not_connected(self.service(), tried, has_sidecar, last))
    }

    /// The outer error is about the call itself, the inner one about sending it to this address.
    async fn send_to(
        &mut self,
        address: SocketAddr,
        mut headers: HeaderMap,
    ) -> Result<Result<reqwest::Response, reqwest::Error>, Error> {
        let base = self.client.bases().of(address).map_err(|source| {
            let why = format!("its URL cannot be led through {address}");
            Error::builder(Some(self.service()), why).with_source(source)
        })?;
        let (url, host) = self.call.target.via(base)?;
        headers.insert(HOST, host);
        if self.is_told {
            self.deadline.write_to(&mut headers);
        }
        // Not by reqwest's builder, which moves the headers one by one into a map of its own.
        let mut request = reqwest::Request::new(self.call.method.clone(), url);
        *request.headers_mut() = headers;
        *request.timeout_mut() = Some(self.deadline.remaining());
        *request.body_mut() = self.call.body.take();
        Ok(self.client.http().execute(request).await)
    }

    fn service(&self) -> &Arc<str> {
        self.call.target.service()
    }
}

/// To whole milliseconds, as it stands in messages.
fn round(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from((time + Duration::from_micros(500)).as_millis()).unwrap_or(u64::MAX))
}

/// What was found before anybody was called, in a line of bounded length.
fn found(addresses: &Addresses) -> String {
    let list: Vec<String> = addresses.list().iter().take(8).map(ToString::to_string).collect();
    let more = if addresses.list().len() > list.len() {
        ", …"
    } else {
        ""
    };
    match addresses.origin() {
        Origin::Placeholder => format!("the name leads nowhere, so {} stands for it", list.join(", ")),
        origin => format!("{origin}: {}{more}", list.join(", ")),
    }
}

/// The system's own word, without the layers around it.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut word = error.to_string();
    while let Some(error) = cause {
        word = error.to_string();
        cause = error.source();
    }
    word
}
