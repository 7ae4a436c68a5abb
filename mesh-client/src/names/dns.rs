//! Asking the DNS servers of the task: both families at once, one server after the other.
//!
//! Each server has a resolver of its own, so that what it says is known to be its word: `hickory`'s pool of servers
//! ends with the first one that refuses or fails, and a lame server beside a good one would make every name
//! unknown. What `hickory` does here is to speak DNS: matching answers to questions, following CNAME records, going
//! on over TCP where an answer does not fit into a packet.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{Resolver, TokioResolver};

use super::answer::{Answer, Said};
use super::failure::{Failure, Why};
use super::host_name::HostName;
use super::resolv_conf::ResolvConf;
use super::rules::Rules;

/// How long an answer with addresses waits for the one about the other family: RFC 8305, section 3. Boxes on the way
/// are known to swallow one of the two.
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);

/// How long looking a name up may take, whatever the servers do.
const DEADLINE: Duration = Duration::from_secs(10);

/// The DNS servers of the task.
pub(crate) struct Dns {
    servers: Vec<Server>,
    timeout: Duration,
    attempts: usize,
    /// The server to begin with, if that is not always the first.
    next: Option<AtomicUsize>,
    rules: Rules,
    /// Why there are no servers, where there are none.
    without: String,
}

struct Server {
    at: SocketAddr,
    resolver: TokioResolver,
}

/// What was asked and what was said, while it goes on.
type Tried = Vec<String>;

impl Dns {
    /// The servers that `conf` names. `without` says why there are none, if there are none.
    ///
    /// # Errors
    ///
    /// If `hickory` cannot be set up.
    pub(crate) fn new(conf: &ResolvConf, without: String, rules: Rules) -> Result<Self, NetError> {
        let servers = conf.servers.iter().map(|at| Server::new(*at, conf.timeout));
        Ok(Self {
            servers: servers.collect::<Result<_, _>>()?,
            timeout: conf.timeout,
            attempts: conf.attempts,
            next: conf.rotate.then(|| AtomicUsize::new(0)),
            rules,
            without,
        })
    }

    /// What DNS says about `name`, taken as absolute.
    ///
    /// # Errors
    ///
    /// If nobody could say, or if there is no address to connect to.
    pub(crate) async fn ask(&self, name: &HostName) -> Result<Answer, Failure> {
        let no_answer = |tried| Failure {
            why: Why::NoAnswer,
            tried,
        };
        if self.servers.is_empty() {
            return Err(no_answer(vec![self.without.clone()]));
        }
        let absolute = Name::from_ascii(format!("{name}."))
            .map_err(|error| no_answer(vec![format!("DNS cannot hold it: {error}")]))?;
        match tokio::time::timeout(DEADLINE, self.ask_for_both(&absolute)).await {
            Ok((v4, v6, tried)) => Answer::new(v4, v6, tried, self.rules),
            Err(_) => Err(no_answer(vec![format!("DNS did not answer within {DEADLINE:?}")])),
        }
    }

    async fn ask_for_both(&self, name: &Name) -> (Option<Said>, Option<Said>, Tried) {
        if !self.rules.ipv6 {
            let (v4, tried) = self.ask_for(name, RecordType::A).await;
            return (v4, None, tried);
        }
        let v4 = std::pin::pin!(self.ask_for(name, RecordType::A));
        let v6 = std::pin::pin!(self.ask_for(name, RecordType::AAAA));
        let ((v4, mut tried), (v6, more)) = match select(v4, v6).await {
            Either::Left((v4, v6)) => {
                let v6 = soon_or_never(&v4.0, v6).await;
                (v4, v6)
            }
            Either::Right((v6, v4)) => {
                let v4 = soon_or_never(&v6.0, v4).await;
                (v4, v6)
            }
        };
        tried.extend(more);
        (v4, v6, tried)
    }

    /// The first word of any server about one family.
    async fn ask_for(&self, name: &Name, kind: RecordType) -> (Option<Said>, Tried) {
        let first = self
            .next
            .as_ref()
            .map_or(0, |next| next.fetch_add(1, Ordering::Relaxed));
        let mut tried = Tried::new();
        for attempt in 0..self.attempts {
            for number in 0..self.servers.len() {
                let server = &self.servers[(first + number) % self.servers.len()];
                // Twice, as an answer that is cut short is asked for again over TCP.
                let word = tokio::time::timeout(self.timeout * 2, server.ask(name, kind)).await;
                match word.unwrap_or_else(|_| Err("timed out".to_owned())) {
                    Ok(said) => {
                        tried.push(format!("DNS server {}, {kind}: {said}", server.at));
                        return (Some(said), tried);
                    }
                    Err(error) if attempt == 0 => tried.push(format!("DNS server {}, {kind}: {error}", server.at)),
                    // It would say the same once more.
                    Err(_) => {}
                }
            }
        }
        (None, tried)
    }
}

/// What is said about the other family: at once, if this one has addresses.
async fn soon_or_never(
    this: &Option<Said>,
    other: impl Future<Output = (Option<Said>, Tried)>,
) -> (Option<Said>, Tried) {
    if matches!(this, Some(Said::Addresses { .. })) {
        let in_time = tokio::time::timeout(RESOLUTION_DELAY, other).await;
        in_time.unwrap_or_else(|_| (None, Tried::new()))
    } else {
        other.await
    }
}

impl Server {
    fn new(at: SocketAddr, timeout: Duration) -> Result<Self, NetError> {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
            connection.port = at.port();
            connection
        });
        let server = NameServerConfig::new(at.ip(), true, connections.into());
        let config = ResolverConfig::from_name_servers(vec![server]);
        let mut options = ResolverOpts::default();
        options.timeout = timeout;
        // What is remembered, who is asked again, and what the hosts file says, is decided elsewhere in this crate.
        options.attempts = 0;
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        let resolver = Resolver::builder_with_config(config, TokioRuntimeProvider::default())
            .with_options(options)
            .build()?;
        Ok(Self { at, resolver })
    }

    /// The server's word, or why it has none.
    async fn ask(&self, name: &Name, kind: RecordType) -> Result<Said, String> {
        let records = match self.resolver.lookup(name.clone(), kind).await {
            Ok(lookup) => lookup,
            Err(NetError::Dns(DnsError::NoRecordsFound(nothing))) => return nothing_found(&nothing),
            Err(NetError::Dns(DnsError::ResponseCode(code))) => return Err(format!("it answered {code}")),
            Err(NetError::Timeout) => return Err("timed out".to_owned()),
            Err(error) => return Err(error.to_string()),
        };
        // An alias is valid no longer than what it stands for, and the other way round.
        let ttl = records.answers().iter().map(|record| record.ttl).min();
        let ttl = Duration::from_secs(ttl.unwrap_or_default().into());
        let addresses = records.answers().iter().filter_map(|record| match &record.data {
            RData::A(address) => Some(address.0.into()),
            RData::AAAA(address) => Some(address.0.into()),
            _ => None,
        });
        let addresses: Vec<_> = addresses.collect();
        Ok(if addresses.is_empty() {
            Said::NoAddress { ttl }
        } else {
            Said::Addresses { addresses, ttl }
        })
    }
}

/// What an answer without records says.
fn nothing_found(nothing: &NoRecords) -> Result<Said, String> {
    let ttl = Duration::from_secs(nothing.negative_ttl.unwrap_or_default().into());
    match nothing.response_code {
        ResponseCode::NXDomain => Ok(Said::NoSuchName { ttl }),
        // "Ask there": what a server says that should know the zone and does not.
        ResponseCode::NoError if nothing.soa.is_none() && nothing.ns.is_some() => {
            Err("it referred to other servers".to_owned())
        }
        ResponseCode::NoError => Ok(Said::NoAddress { ttl }),
        code => Err(format!("it answered {code}")),
    }
}

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers: Vec<SocketAddr> = self.servers.iter().map(|server| server.at).collect();
        f.debug_struct("Dns").field("servers", &servers).finish_non_exhaustive()
    }
}
