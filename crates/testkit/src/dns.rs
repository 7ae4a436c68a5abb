//! A DNS server on loopback. Tests change its zone and its behaviour while it runs.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::net::xfer::Protocol;
use hickory_server::proto::op::{Header, HeaderCounts, Metadata, ResponseCode};
pub use hickory_server::proto::rr::RecordType;
use hickory_server::proto::rr::rdata::{A, AAAA, CNAME, NS, SOA};
use hickory_server::proto::rr::{Name, RData, Record};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::{TcpListener, UdpSocket};

/// The maximum number of addresses in a response with [`set_multivalue`](DnsServer::set_multivalue).
const MULTIVALUE_LIMIT: usize = 8;

/// How a server responds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// From its zone.
    Normal,
    /// From its zone, but with `NXDOMAIN` for a name without IPv6 addresses.
    NxDomainForAaaa,
    /// Not at all.
    Silent,
    /// Not to queries for IPv6 addresses.
    SilentForAaaa,
    /// With `REFUSED`.
    Refuses,
    /// With `SERVFAIL`.
    Fails,
    /// With a referral to other name servers, as a server without the zone does.
    Refers,
}

#[derive(Debug)]
struct Zone {
    behaviour: Behaviour,
    names: HashMap<String, Vec<IpAddr>>,
    /// Targets of CNAME records.
    aliases: HashMap<String, String>,
    ttl: u32,
    /// How long a resolver may cache a negative response.
    negative_ttl: u32,
    multivalue: bool,
    queries: Vec<Query>,
}

/// A query that the server received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The name, with the final dot.
    pub name: String,
    /// The record type.
    pub kind: RecordType,
    /// True for TCP, false for UDP.
    pub over_tcp: bool,
}

/// A DNS server. Stops on drop.
pub struct DnsServer {
    /// Where it listens, with UDP and TCP.
    pub address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
    _server: Server<Responder>,
}

impl DnsServer {
    /// Starts a server without names. The TTL of its responses is 1 s.
    pub async fn start() -> Self {
        let (udp, tcp) = same_port().await;
        let address = udp.local_addr().expect("the socket is bound");
        let zone = Arc::new(Mutex::new(Zone {
            behaviour: Behaviour::Normal,
            names: HashMap::new(),
            aliases: HashMap::new(),
            ttl: 1,
            negative_ttl: 900,
            multivalue: false,
            queries: Vec::new(),
        }));
        let mut server = Server::new(Responder(zone.clone()));
        server.register_socket(udp);
        server.register_listener(tcp, Duration::from_secs(10), 32);
        Self {
            address,
            zone,
            _server: server,
        }
    }

    /// Starts a server without names and with this behaviour.
    pub async fn with_behaviour(behaviour: Behaviour) -> Self {
        let dns = Self::start().await;
        dns.behave(behaviour);
        dns
    }

    /// Changes the behaviour.
    pub fn behave(&self, behaviour: Behaviour) {
        self.lock().behaviour = behaviour;
    }

    /// Sets the addresses of a name. A name without addresses exists.
    pub fn set(&self, name: &str, addresses: impl IntoIterator<Item = impl Into<IpAddr>>) {
        let addresses = addresses.into_iter().map(Into::into).collect();
        self.lock().names.insert(format!("{name}."), addresses);
    }

    /// Makes a name an alias (CNAME) of another one.
    pub fn alias(&self, name: &str, target: &str) {
        let (name, target) = (format!("{name}."), format!("{target}."));
        self.lock().aliases.insert(name, target);
    }

    /// Removes a name.
    pub fn remove(&self, name: &str) {
        self.lock().names.remove(&format!("{name}."));
    }

    /// Sets the TTL of responses.
    pub fn set_ttl(&self, seconds: u32) {
        self.lock().ttl = seconds;
    }

    /// Sets the TTL of negative responses (the minimum of the SOA record).
    pub fn set_negative_ttl(&self, seconds: u32) {
        self.lock().negative_ttl = seconds;
    }

    /// Limits responses to eight addresses, in rotation, as Cloud Map's multivalue routing does.
    pub fn set_multivalue(&self) {
        self.lock().multivalue = true;
    }

    /// All queries so far.
    #[must_use]
    pub fn queries(&self) -> Vec<Query> {
        self.lock().queries.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Zone> {
        self.zone.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Binds one port for both protocols.
async fn same_port() -> (UdpSocket, TcpListener) {
    for _ in 0..100 {
        let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = tcp.local_addr().expect("the socket is bound");
        match UdpSocket::bind(address).await {
            Ok(udp) => return (udp, tcp),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => panic!("{address}: {error}"),
        }
    }
    panic!("no port is free for both protocols");
}

struct Responder(Arc<Mutex<Zone>>);

/// The content of a response.
#[derive(Default)]
struct Response {
    code: ResponseCode,
    records: Vec<Record>,
    name_servers: Vec<Record>,
    soa: Vec<Record>,
}

impl Zone {
    /// `None` for no response.
    fn respond(&mut self, name: &Name, kind: RecordType) -> Option<Response> {
        let text = name.to_ascii();
        let code = |code| Response {
            code,
            ..Response::default()
        };
        match self.behaviour {
            Behaviour::Silent => return None,
            Behaviour::SilentForAaaa if kind == RecordType::AAAA => return None,
            Behaviour::Refuses => return Some(code(ResponseCode::Refused)),
            Behaviour::Fails => return Some(code(ResponseCode::ServFail)),
            Behaviour::Refers => {
                let other_server = NS(Name::from_ascii("ns.elsewhere.").expect("a name"));
                let record = Record::from_rdata(Name::root(), 60, RData::NS(other_server));
                return Some(Response {
                    name_servers: vec![record],
                    ..Response::default()
                });
            }
            Behaviour::Normal | Behaviour::NxDomainForAaaa | Behaviour::SilentForAaaa => {}
        }
        let mut content = Response::default();
        if let Some(target) = self.aliases.get(&text) {
            let target = Name::from_ascii(target).expect("a name");
            let mut content = self.respond(&target, kind)?;
            let alias = Record::from_rdata(name.clone(), self.ttl, RData::CNAME(CNAME(target)));
            content.records.insert(0, alias);
            return Some(content);
        }
        if let Some(addresses) = self.names.get_mut(&text) {
            let of_kind = |address: &&IpAddr| address.is_ipv4() == (kind == RecordType::A);
            let limit = if self.multivalue { MULTIVALUE_LIMIT } else { usize::MAX };
            let chosen = addresses.iter().filter(of_kind).take(limit);
            content.records = chosen.map(|address| record(name, self.ttl, *address)).collect();
            if self.multivalue && kind == RecordType::A {
                let turn = MULTIVALUE_LIMIT.min(addresses.len());
                addresses.rotate_left(turn);
            }
            if content.records.is_empty() && self.behaviour == Behaviour::NxDomainForAaaa {
                content.code = ResponseCode::NXDomain;
            }
        } else {
            content.code = ResponseCode::NXDomain;
        }
        if content.records.is_empty() {
            let soa = SOA::new(Name::root(), Name::root(), 1, 1, 1, 1, self.negative_ttl);
            content.soa = vec![Record::from_rdata(name.base_name(), self.negative_ttl, RData::SOA(soa))];
        }
        Some(content)
    }
}

fn record(name: &Name, ttl: u32, address: IpAddr) -> Record {
    let data = match address {
        IpAddr::V4(address) => RData::A(A(address)),
        IpAddr::V6(address) => RData::AAAA(AAAA(address)),
    };
    Record::from_rdata(name.clone(), ttl, data)
}

#[async_trait::async_trait]
impl RequestHandler for Responder {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut response: R) -> ResponseInfo {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        let counts = HeaderCounts::default();
        let content = {
            let mut zone = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let info = request.request_info().expect("the request has one query");
            let (name, kind) = (info.query.original().name().clone(), info.query.query_type());
            zone.queries.push(Query {
                name: name.to_ascii(),
                kind,
                over_tcp: info.protocol == Protocol::Tcp,
            });
            zone.respond(&name, kind)
        };
        let Some(content) = content else {
            return ResponseInfo::from(Header { metadata, counts });
        };
        metadata.response_code = content.code;
        metadata.authoritative = true;
        let message = MessageResponseBuilder::from_message_request(request).build(
            metadata,
            &content.records,
            &content.name_servers,
            &content.soa,
            [],
        );
        // The client may have closed its socket.
        let sent = response.send_response(message).await;
        sent.unwrap_or_else(|_| ResponseInfo::from(Header { metadata, counts }))
    }
}
