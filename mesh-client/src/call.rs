//! One call in progress: sent to the sidecar, or to one of the addresses that its name resolves to.

use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::HOST;
use http::{HeaderMap, Method};
use tokio::time::{sleep, timeout_at};

use crate::body::Body;
use crate::client::Client;
use crate::deadline::Deadline;
use crate::error::{Error, Peer, root_cause};
use crate::resolver::{Addresses, Origin, Resolver};
use crate::response::Response;
use crate::retry::Attempt;
use crate::target::Target;
use crate::transport::{self, Transport};

/// The most addresses of a name to which a call connects before it fails. Each attempt may take the whole connect timeout.
const MAX_CONNECTIONS: usize = 3;

/// A complete call that has not been sent.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) target: Target,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// The timeout of this call, if it sets one.
    pub(crate) timeout: Option<Duration>,
    pub(crate) deadline: Option<Deadline>,
}

/// A call that is being sent.
struct Sending<'a> {
    call: Call,
    client: &'a Client,
    /// The earlier one of the call's deadline and the end of its timeout.
    deadline: Deadline,
    /// The time until `deadline` when sending began.
    limit: Duration,
    /// Whether the remaining time is sent to the next hop.
    propagates_deadline: bool,
}

impl Call {
    /// Sends the call and waits for the head of the response.
    pub(crate) async fn send(self, client: &Client) -> Result<Response, Error> {
        let timeout = self.timeout.or(client.configured_timeout());
        let by_timeout = Deadline::after(timeout.unwrap_or(client.timeout()));
        let deadline = self.deadline.map_or(by_timeout, |deadline| deadline.min(by_timeout));
        if deadline.is_expired() {
            return Err(Error::expired(self.target.service()));
        }
        let mut sending = Sending {
            client,
            deadline,
            limit: round_to_millis(deadline.remaining()),
            propagates_deadline: timeout.is_some() || self.deadline.is_some(),
            call: self,
        };
        let response = match client.transport() {
            Transport::Egress(address) => sending.send_to_egress(*address).await?,
            Transport::Resolver(resolver) => sending.send_with_retries(resolver).await?,
        };
        Response::from_http(response, sending.service().clone(), sending.limit).await
    }
}

impl Sending<'_> {
    async fn send_to_egress(&mut self, egress: SocketAddr) -> Result<reqwest::Response, Error> {
        let headers = mem::take(&mut self.call.headers);
        let result = self.send_to(egress, headers).await?;
        result.map_err(|error| Error::sending(self.service(), Peer::Sidecar(egress), self.limit, error))
    }

    /// Sends the call to an address of its name. Without a sidecar, which retries itself, repeats it as
    /// [`Retries`](crate::retry::Retries) allows.
    async fn send_with_retries(&mut self, resolver: &Resolver) -> Result<reqwest::Response, Error> {
        let retries = self.client.retries();
        retries.record_call();
        let mut attempts = Vec::new();
        let mut sent = 0;
        loop {
            sent += 1;
            let result = match self.resolve(resolver).await {
                Ok(addresses) => self.send_to_first_reachable(&addresses).await,
                Err(error) => return Err(error.after(attempts)),
            };
            let attempt = match &result {
                Ok(response) => Some(Attempt::Responded(response.status())),
                Err(error) if error.is_connect() => Some(Attempt::NotSent),
                Err(error) if error.is_interrupted() => Some(Attempt::Interrupted),
                Err(_) => None,
            };
            let pause = attempt
                .filter(|_| !self.client.traffic_mode().has_sidecar() && !self.call.body.is_streaming())
                .and_then(|attempt| retries.pause(&self.call.method, attempt, sent, fastrand::f64()))
                .filter(|pause| *pause < self.deadline.remaining());
            let Some(pause) = pause else {
                return result.map_err(|error| error.after(attempts));
            };
            match result {
                Ok(response) => attempts.push(format!("response {}", response.status())),
                Err(error) => attempts.extend(error.into_attempts()),
            }
            sleep(pause).await;
        }
    }

    async fn resolve(&self, resolver: &Resolver) -> Result<Arc<Addresses>, Error> {
        let name = self.call.target.name();
        match timeout_at(self.deadline.instant(), transport::resolve(resolver, name)).await {
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(error)) => {
                let without_sidecar = !self.client.traffic_mode().has_sidecar();
                let with_hint = without_sidecar && self.client.suffixes().contains(name.as_str());
                Err(Error::resolve(self.service(), &error, with_hint))
            }
            Err(_) => Err(Error::no_response(self.service(), self.limit)),
        }
    }

    /// Sends the call to the first address that accepts a connection. Nothing is sent to the others, so this repeats nothing.
    async fn send_to_first_reachable(&mut self, addresses: &Addresses) -> Result<reqwest::Response, Error> {
        let mut attempts = Vec::new();
        let mut last = None;
        // A streaming body is consumed by the first connection.
        let at_most = if self.call.body.is_streaming() {
            1
        } else {
            MAX_CONNECTIONS
        };
        for ip in addresses.in_turn().into_iter().take(at_most) {
            let address = SocketAddr::new(ip, self.call.target.port());
            match self.send_to(address, self.call.headers.clone()).await? {
                Ok(response) => return Ok(response),
                Err(error) => {
                    if attempts.is_empty() {
                        attempts.push(describe(addresses));
                    }
                    attempts.push(format!("{address}: {}", root_cause(&error)));
                    if !error.is_connect() {
                        let error = Error::sending(self.service(), Peer::Address(address), self.limit, error);
                        return Err(error.after(attempts));
                    }
                    addresses.deprioritise(ip);
                    last = Some(error);
                }
            }
        }
        let has_sidecar = self.client.traffic_mode().has_sidecar();
        Err(Error::not_connected(self.service(), attempts, has_sidecar, last))
    }

    /// The outer error is about the call itself, the inner one about sending it to this address.
    async fn send_to(
        &mut self,
        address: SocketAddr,
        mut headers: HeaderMap,
    ) -> Result<Result<reqwest::Response, reqwest::Error>, Error> {
        let base = self.client.url_cache().base_url(address).map_err(|source| {
            let reason = format!("{address} does not form a URL");
            Error::builder(Some(self.service()), reason).with_source(source)
        })?;
        let (url, host) = self.call.target.via(base)?;
        headers.insert(HOST, host);
        if self.propagates_deadline {
            self.deadline.write_to(&mut headers);
        }
        // Without reqwest's builder, which moves the headers one by one into another map.
        let mut request = reqwest::Request::new(self.call.method.clone(), url);
        *request.headers_mut() = headers;
        *request.timeout_mut() = Some(self.deadline.remaining());
        *request.body_mut() = self.call.body.next();
        Ok(self.client.http().execute(request).await)
    }

    fn service(&self) -> &Arc<str> {
        self.call.target.service()
    }
}

/// Rounds to whole milliseconds, for messages.
fn round_to_millis(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from((time + Duration::from_micros(500)).as_millis()).unwrap_or(u64::MAX))
}

/// The resolved addresses, in a line of bounded length.
fn describe(addresses: &Addresses) -> String {
    let list: Vec<String> = addresses.list().iter().take(8).map(ToString::to_string).collect();
    let more = if addresses.list().len() > list.len() {
        ", …"
    } else {
        ""
    };
    match addresses.origin() {
        Origin::SyntheticVip => format!("the name does not resolve; synthetic VIP: {}", list.join(", ")),
        origin => format!("{origin}: {}{more}", list.join(", ")),
    }
}
