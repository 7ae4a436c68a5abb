//! Queries the DNS servers of the task: both address families at the same time, one server after the other.
//!
//! Each server has its own `hickory` resolver, so that the source of an answer is known: `hickory`'s server pool stops at the
//! first server that refuses or fails, and with one lame server no name would resolve. `hickory` implements the protocol:
//! matching responses to queries, following CNAME records, repeating truncated answers over TCP.

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

use super::address_policy::AddressPolicy;
use super::dns_answer::{DnsAnswer, ServerAnswer};
use super::host_name::HostName;
use super::resolv_conf::ResolvConf;
use super::resolve_error::ResolveError;

/// How long an answer with addresses waits for the other family: RFC 8305, section 3. Some middleboxes drop one of the two
/// queries.
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);

/// The timeout of a lookup, over all servers.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The DNS servers of the task.
pub(crate) struct DnsClient {
    servers: Vec<Server>,
    timeout: Duration,
    attempts: usize,
    /// The first server of the next lookup, with `options rotate`.
    next: Option<AtomicUsize>,
    policy: AddressPolicy,
    /// The error message if there are no servers.
    no_servers: String,
}

struct Server {
    address: SocketAddr,
    resolver: TokioResolver,
}

/// Queries and their results, for error messages.
type Attempts = Vec<String>;

impl DnsClient {
    /// A client of the servers in `conf`. `no_servers` is the error message if there are none.
    ///
    /// # Errors
    ///
    /// `hickory` cannot be initialised.
    pub(crate) fn new(conf: &ResolvConf, no_servers: String, policy: AddressPolicy) -> Result<Self, NetError> {
        let servers = conf.servers.iter().map(|address| Server::new(*address, conf.timeout));
        Ok(Self {
            servers: servers.collect::<Result<_, _>>()?,
            timeout: conf.timeout,
            attempts: conf.attempts,
            next: conf.rotate.then(|| AtomicUsize::new(0)),
            policy,
            no_servers,
        })
    }

    /// Queries `name` as an absolute name.
    ///
    /// # Errors
    ///
    /// No server gave a usable answer, or all addresses are rejected.
    pub(crate) async fn query(&self, name: &HostName) -> Result<DnsAnswer, ResolveError> {
        if self.servers.is_empty() {
            return Err(ResolveError::no_answer(vec![self.no_servers.clone()]));
        }
        let absolute = Name::from_ascii(format!("{name}."))
            .map_err(|error| ResolveError::no_answer(vec![format!("not a DNS name: {error}")]))?;
        match tokio::time::timeout(TIMEOUT, self.query_both_families(&absolute)).await {
            Ok((v4, v6, attempts)) => DnsAnswer::new(v4, v6, attempts, self.policy),
            Err(_) => Err(ResolveError::no_answer(vec![format!(
                "no DNS answer within {TIMEOUT:?}"
            )])),
        }
    }

    async fn query_both_families(&self, name: &Name) -> (Option<ServerAnswer>, Option<ServerAnswer>, Attempts) {
        if !self.policy.ipv6 {
            let (v4, attempts) = self.query_family(name, RecordType::A).await;
            return (v4, None, attempts);
        }
        let v4 = std::pin::pin!(self.query_family(name, RecordType::A));
        let v6 = std::pin::pin!(self.query_family(name, RecordType::AAAA));
        let ((v4, mut attempts), (v6, more)) = match select(v4, v6).await {
            Either::Left((v4, v6)) => {
                let v6 = with_resolution_delay(&v4.0, v6).await;
                (v4, v6)
            }
            Either::Right((v6, v4)) => {
                let v4 = with_resolution_delay(&v6.0, v4).await;
                (v4, v6)
            }
        };
        attempts.extend(more);
        (v4, v6, attempts)
    }

    /// The first answer of any server for one family.
    async fn query_family(&self, name: &Name, kind: RecordType) -> (Option<ServerAnswer>, Attempts) {
        let first = self
            .next
            .as_ref()
            .map_or(0, |next| next.fetch_add(1, Ordering::Relaxed));
        let mut attempts = Attempts::new();
        for round in 0..self.attempts {
            for number in 0..self.servers.len() {
                let server = &self.servers[(first + number) % self.servers.len()];
                // Twice, because a truncated answer is repeated over TCP.
                let result = tokio::time::timeout(self.timeout * 2, server.query(name, kind)).await;
                match result.unwrap_or_else(|_| Err("timed out".to_owned())) {
                    Ok(answer) => {
                        attempts.push(format!("DNS server {}, {kind}: {answer}", server.address));
                        return (Some(answer), attempts);
                    }
                    Err(error) if round == 0 => {
                        attempts.push(format!("DNS server {}, {kind}: {error}", server.address));
                    }
                    // Recorded in the first round.
                    Err(_) => {}
                }
            }
        }
        (None, attempts)
    }
}

/// Waits for the other family, but not longer than [`RESOLUTION_DELAY`] if this one has addresses.
async fn with_resolution_delay(
    this: &Option<ServerAnswer>,
    other: impl Future<Output = (Option<ServerAnswer>, Attempts)>,
) -> (Option<ServerAnswer>, Attempts) {
    if matches!(this, Some(ServerAnswer::Addresses { .. })) {
        let in_time = tokio::time::timeout(RESOLUTION_DELAY, other).await;
        in_time.unwrap_or_else(|_| (None, Attempts::new()))
    } else {
        other.await
    }
}

impl Server {
    fn new(address: SocketAddr, timeout: Duration) -> Result<Self, NetError> {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
            connection.port = address.port();
            connection
        });
        let server = NameServerConfig::new(address.ip(), true, connections.into());
        let config = ResolverConfig::from_name_servers(vec![server]);
        let mut options = ResolverOpts::default();
        options.timeout = timeout;
        // Retries, cache and hosts file are implemented in this crate.
        options.attempts = 0;
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        let resolver = Resolver::builder_with_config(config, TokioRuntimeProvider::default())
            .with_options(options)
            .build()?;
        Ok(Self { address, resolver })
    }

    /// The server's answer, or why there is none.
    async fn query(&self, name: &Name, kind: RecordType) -> Result<ServerAnswer, String> {
        let records = match self.resolver.lookup(name.clone(), kind).await {
            Ok(lookup) => lookup,
            Err(NetError::Dns(DnsError::NoRecordsFound(nothing))) => return no_records(&nothing),
            Err(NetError::Dns(DnsError::ResponseCode(code))) => return Err(format!("response code {code}")),
            Err(NetError::Timeout) => return Err("timed out".to_owned()),
            Err(error) => return Err(error.to_string()),
        };
        // The TTL of a CNAME record applies to its target, and the other way round.
        let ttl = records.answers().iter().map(|record| record.ttl).min();
        let ttl = Duration::from_secs(ttl.unwrap_or_default().into());
        let addresses = records.answers().iter().filter_map(|record| match &record.data {
            RData::A(address) => Some(address.0.into()),
            RData::AAAA(address) => Some(address.0.into()),
            _ => None,
        });
        let addresses: Vec<_> = addresses.collect();
        Ok(if addresses.is_empty() {
            ServerAnswer::NoData { ttl }
        } else {
            ServerAnswer::Addresses { addresses, ttl }
        })
    }
}

/// Classifies a response without records.
fn no_records(nothing: &NoRecords) -> Result<ServerAnswer, String> {
    let ttl = Duration::from_secs(nothing.negative_ttl.unwrap_or_default().into());
    match nothing.response_code {
        ResponseCode::NXDomain => Ok(ServerAnswer::NxDomain { ttl }),
        // A referral: the response of a server that should be authoritative and is not.
        ResponseCode::NoError if nothing.soa.is_none() && nothing.ns.is_some() => {
            Err("referral to other servers".to_owned())
        }
        ResponseCode::NoError => Ok(ServerAnswer::NoData { ttl }),
        code => Err(format!("response code {code}")),
    }
}

impl fmt::Debug for DnsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers: Vec<SocketAddr> = self.servers.iter().map(|server| server.address).collect();
        f.debug_struct("DnsClient")
            .field("servers", &servers)
            .finish_non_exhaustive()
    }
}
