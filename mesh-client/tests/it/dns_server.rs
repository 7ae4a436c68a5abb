//! A real DNS server on loopback, whose zone and manners the test changes while it runs.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::net::xfer::Protocol;
use hickory_server::proto::op::{Header, HeaderCounts, Metadata, ResponseCode};
use hickory_server::proto::rr::rdata::{A, AAAA, CNAME, NS, SOA};
use hickory_server::proto::rr::{Name, RData, Record, RecordType};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::{TcpListener, UdpSocket};

/// The most addresses in an answer to a `multivalue` name.
const MULTIVALUE: usize = 8;

/// How a server behaves to whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Answers,
    /// Says `NXDOMAIN` where it means that there is no IPv6 address.
    HidesBehindAaaa,
    /// Never says anything.
    Silent,
    /// Never says anything about IPv6 addresses.
    SilentAboutAaaa,
    Refuses,
    Fails,
    /// Names other servers: what a server says that should know the zone and does not.
    Refers,
}

#[derive(Debug)]
struct Zone {
    behaviour: Behaviour,
    names: HashMap<String, Vec<IpAddr>>,
    /// Names that stand for others.
    aliases: HashMap<String, String>,
    ttl: u32,
    /// How long it may be remembered that there is nothing.
    negative_ttl: u32,
    multivalue: bool,
    questions: Vec<Question>,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) name: String,
    pub(crate) kind: RecordType,
    pub(crate) over_tcp: bool,
}

/// Stops with its value.
pub(crate) struct Dns {
    pub(crate) address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
    _server: Server<Answers>,
}

impl Dns {
    /// A server of no names, whose answers are valid for a second.
    pub(crate) async fn start() -> Self {
        let (udp, tcp) = same_port().await;
        let address = udp.local_addr().expect("it is bound");
        let zone = Arc::new(Mutex::new(Zone {
            behaviour: Behaviour::Answers,
            names: HashMap::new(),
            aliases: HashMap::new(),
            ttl: 1,
            negative_ttl: 900,
            multivalue: false,
            questions: Vec::new(),
        }));
        let mut server = Server::new(Answers(zone.clone()));
        server.register_socket(udp);
        server.register_listener(tcp, Duration::from_secs(10), 32);
        Self {
            address,
            zone,
            _server: server,
        }
    }

    /// A server that behaves like this, and knows no names.
    pub(crate) async fn with_behaviour(behaviour: Behaviour) -> Self {
        let dns = Self::start().await;
        dns.set_behaviour(behaviour);
        dns
    }

    pub(crate) fn set_behaviour(&self, behaviour: Behaviour) {
        self.zone.lock().unwrap().behaviour = behaviour;
    }

    /// Sets where a name leads. A name without addresses exists all the same.
    pub(crate) fn set(&self, name: &str, addresses: impl IntoIterator<Item = impl Into<IpAddr>>) {
        let addresses = addresses.into_iter().map(Into::into).collect();
        self.zone.lock().unwrap().names.insert(format!("{name}."), addresses);
    }

    /// Makes a name stand for another one, which may be anywhere.
    pub(crate) fn alias(&self, name: &str, target: &str) {
        let (name, target) = (format!("{name}."), format!("{target}."));
        self.zone.lock().unwrap().aliases.insert(name, target);
    }

    pub(crate) fn remove(&self, name: &str) {
        self.zone.lock().unwrap().names.remove(&format!("{name}."));
    }

    /// From now on, answers are valid for this many seconds.
    pub(crate) fn ttl(&self, seconds: u32) {
        self.zone.lock().unwrap().ttl = seconds;
    }

    /// From now on, answers have at most eight addresses, other ones each time.
    pub(crate) fn multivalue(&self) {
        self.zone.lock().unwrap().multivalue = true;
    }

    pub(crate) fn questions(&self) -> Vec<Question> {
        self.zone.lock().unwrap().questions.clone()
    }
}

/// A port for both protocols.
async fn same_port() -> (UdpSocket, TcpListener) {
    for _ in 0..100 {
        let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = tcp.local_addr().expect("it is bound");
        match UdpSocket::bind(address).await {
            Ok(udp) => return (udp, tcp),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => panic!("{address}: {error}"),
        }
    }
    panic!("no port is free for both protocols");
}

struct Answers(Arc<Mutex<Zone>>);

/// An answer without its envelope.
#[derive(Default)]
struct Answer {
    code: ResponseCode,
    records: Vec<Record>,
    name_servers: Vec<Record>,
    soa: Vec<Record>,
}

impl Zone {
    /// `None` if there is to be no answer at all.
    fn answer(&mut self, name: &Name, kind: RecordType) -> Option<Answer> {
        let text = name.to_ascii();
        let code = |code| Answer {
            code,
            ..Answer::default()
        };
        match self.behaviour {
            Behaviour::Silent => return None,
            Behaviour::SilentAboutAaaa if kind == RecordType::AAAA => return None,
            Behaviour::Refuses => return Some(code(ResponseCode::Refused)),
            Behaviour::Fails => return Some(code(ResponseCode::ServFail)),
            Behaviour::Refers => {
                let elsewhere = NS(Name::from_ascii("ns.elsewhere.").expect("a name"));
                let record = Record::from_rdata(Name::root(), 60, RData::NS(elsewhere));
                return Some(Answer {
                    name_servers: vec![record],
                    ..Answer::default()
                });
            }
            Behaviour::Answers | Behaviour::HidesBehindAaaa | Behaviour::SilentAboutAaaa => {}
        }
        let mut answer = Answer::default();
        if let Some(target) = self.aliases.get(&text) {
            let target = Name::from_ascii(target).expect("a name");
            let mut answer = self.answer(&target, kind)?;
            let alias = Record::from_rdata(name.clone(), self.ttl, RData::CNAME(CNAME(target)));
            answer.records.insert(0, alias);
            return Some(answer);
        }
        if let Some(addresses) = self.names.get_mut(&text) {
            let of_kind = |address: &&IpAddr| address.is_ipv4() == (kind == RecordType::A);
            let limit = if self.multivalue { MULTIVALUE } else { usize::MAX };
            let chosen = addresses.iter().filter(of_kind).take(limit);
            answer.records = chosen.map(|address| record(name, self.ttl, *address)).collect();
            if self.multivalue && kind == RecordType::A {
                let turn = MULTIVALUE.min(addresses.len());
                addresses.rotate_left(turn);
            }
            if answer.records.is_empty() && self.behaviour == Behaviour::HidesBehindAaaa {
                answer.code = ResponseCode::NXDomain;
            }
        } else {
            answer.code = ResponseCode::NXDomain;
        }
        if answer.records.is_empty() {
            let soa = SOA::new(Name::root(), Name::root(), 1, 1, 1, 1, self.negative_ttl);
            answer.soa = vec![Record::from_rdata(name.base_name(), self.negative_ttl, RData::SOA(soa))];
        }
        Some(answer)
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
impl RequestHandler for Answers {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut response: R) -> ResponseInfo {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        let counts = HeaderCounts::default();
        let answer = {
            let mut zone = self.0.lock().expect("no test panicked with it");
            let asked = request.request_info().expect("it is a question");
            let (name, kind) = (asked.query.original().name().clone(), asked.query.query_type());
            zone.questions.push(Question {
                name: name.to_ascii(),
                kind,
                over_tcp: asked.protocol == Protocol::Tcp,
            });
            zone.answer(&name, kind)
        };
        let Some(answer) = answer else {
            return ResponseInfo::from(Header { metadata, counts });
        };
        metadata.response_code = answer.code;
        metadata.authoritative = true;
        let message = MessageResponseBuilder::from_message_request(request).build(
            metadata,
            &answer.records,
            &answer.name_servers,
            &answer.soa,
            [],
        );
        // Whoever asked may be gone.
        let sent = response.send_response(message).await;
        sent.unwrap_or_else(|_| ResponseInfo::from(Header { metadata, counts }))
    }
}

/// An address that nobody uses but the test that listens there: loopback is 127.0.0.0/8.
pub(crate) const fn loopback(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, last)
}
