//! The DNS server of a mesh, which knows its names and no others.
//!
//! | asked for | answer |
//! |---|---|
//! | A of a name of tasks | up to eight addresses, as Route 53 with the policy `MULTIVALUE` |
//! | A of a virtual service's name, from a task of its mesh | an address from which Envoy takes over |
//! | anything else of it | nothing, and that there is nothing (`NOERROR`): who is told `NXDOMAIN` for AAAA, as musl asks for both, would not use A either |
//! | a name that does not exist in a zone of the mesh | `NXDOMAIN` |
//! | any other name | `REFUSED`: nothing is forwarded, as tasks have no way to the internet |
//!
//! Answers fit into the 512 bytes of a plain UDP message. Only those of names beyond a hundred letters may not;
//! then they say so, and are had over TCP.

mod names;

use std::io;
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::time::Duration;

use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Header, HeaderCounts, Metadata, OpCode, ResponseCode};
use hickory_server::proto::rr::rdata::{A, SOA};
use hickory_server::proto::rr::{DNSClass, Name, RData, Record, RecordType};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;

pub(crate) use self::names::{DnsLookup, DnsNames};

/// How long an answer may be remembered, in seconds, and that there is none. A task that has ended, or just begun,
/// should be noticed at once. Zero would say so, but Envoy takes it for no answer to the question and asks again only
/// after its own five seconds (`source/extensions/clusters/strict_dns/strict_dns_cluster.cc`, read 2026-11-23).
const REMEMBERED_FOR: u32 = 1;
/// How long a TCP connection may be silent.
const SILENT_FOR: Duration = Duration::from_secs(10);
/// Answers to one TCP connection that may wait for being sent.
const WAITING_ANSWERS: usize = 32;

/// A running server. It ends when this is dropped.
pub(crate) struct DnsServer {
    _server: Server<Answers>,
}

impl DnsServer {
    /// Answers what comes to these two sockets. Must be called on a Tokio runtime, on which it runs.
    ///
    /// # Errors
    ///
    /// If the sockets cannot be used without blocking.
    pub(crate) fn start(udp: UdpSocket, tcp: TcpListener, names: DnsNames) -> io::Result<Self> {
        udp.set_nonblocking(true)?;
        tcp.set_nonblocking(true)?;
        let mut server = Server::new(Answers(names));
        server.register_socket(tokio::net::UdpSocket::from_std(udp)?);
        server.register_listener(tokio::net::TcpListener::from_std(tcp)?, SILENT_FOR, WAITING_ANSWERS);
        Ok(Self { _server: server })
    }
}

struct Answers(DnsNames);

/// An answer without its envelope.
struct Answer {
    code: ResponseCode,
    records: Vec<Record>,
    /// From when on to ask again.
    soa: Option<Record>,
}

impl Answers {
    fn answer(&self, name: &Name, kind: RecordType, asker: IpAddr) -> Answer {
        let text = name.to_ascii();
        let (code, records) = match self.0.find(&text, asker) {
            DnsLookup::OutOfZone => return Answer::error(ResponseCode::Refused),
            DnsLookup::NxDomain => (ResponseCode::NXDomain, Vec::new()),
            DnsLookup::Addresses(addresses) if kind == RecordType::A => {
                let record = |address| Record::from_rdata(name.clone(), REMEMBERED_FOR, RData::A(A(address)));
                (ResponseCode::NoError, addresses.into_iter().map(record).collect())
            }
            DnsLookup::Addresses(_) | DnsLookup::NoData => (ResponseCode::NoError, Vec::new()),
        };
        let soa = records.is_empty().then(|| {
            let labels = self.0.zone_of(&text).map(|zone| zone.split('.').count());
            soa(labels.map_or_else(|| name.clone(), |labels| name.trim_to(labels)))
        });
        Answer { code, records, soa }
    }
}

impl Answer {
    fn error(code: ResponseCode) -> Self {
        Self {
            code,
            records: Vec::new(),
            soa: None,
        }
    }
}

/// Says how long nothing may be remembered. Nobody transfers the zone, so the other numbers mean nothing.
fn soa(zone: Name) -> Record {
    let soa = SOA::new(Name::root(), Name::root(), 1, 1, 1, 1, REMEMBERED_FOR);
    Record::from_rdata(zone, REMEMBERED_FOR, RData::SOA(soa))
}

#[async_trait::async_trait]
impl RequestHandler for Answers {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut response: R) -> ResponseInfo {
        let answer = match request.request_info() {
            _ if request.metadata.op_code != OpCode::Query => Answer::error(ResponseCode::NotImp),
            Err(_) => Answer::error(ResponseCode::FormErr),
            Ok(asked) if asked.query.query_class() != DNSClass::IN => Answer::error(ResponseCode::Refused),
            // In the letters it was asked in, which some resolvers insist on.
            Ok(asked) => {
                let asker = request.src().ip();
                self.answer(asked.query.original().name(), asked.query.query_type(), asker)
            }
        };
        let mut metadata = Metadata::response_from_request(&request.metadata);
        metadata.response_code = answer.code;
        metadata.authoritative = answer.code != ResponseCode::Refused;
        let message =
            MessageResponseBuilder::from_message_request(request).build(metadata, &answer.records, [], &answer.soa, []);
        response.send_response(message).await.unwrap_or_else(|error| {
            // Whoever asked is gone, or asks again.
            tracing::debug!(%error, "an answer was not delivered");
            let counts = HeaderCounts::default();
            ResponseInfo::from(Header { metadata, counts })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, SocketAddr, TcpStream};

    use hickory_server::proto::op::{Message, MessageType, Query};
    use hickory_server::proto::serialize::binary::{BinDecodable, BinEncodable};

    use super::*;

    /// A server on a thread of its own, so that tests can ask it with plain blocking sockets.
    struct Running {
        udp: SocketAddr,
        tcp: SocketAddr,
        names: DnsNames,
        _server: DnsServer,
        _runtime: tokio::runtime::Runtime,
    }

    impl Running {
        fn start() -> Self {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .expect("a thread");
            let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
            let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
            let addresses = (udp.local_addr().expect("bound"), tcp.local_addr().expect("bound"));
            let names = DnsNames::new(["mesh.local"]);
            let server = {
                let _on_it = runtime.enter();
                DnsServer::start(udp, tcp, names.clone()).expect("a server")
            };
            Self {
                udp: addresses.0,
                tcp: addresses.1,
                names,
                _server: server,
                _runtime: runtime,
            }
        }

        fn ask(&self, name: &str, kind: RecordType) -> Message {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
            socket
                .set_read_timeout(Some(Duration::from_secs(10)))
                .expect("it is not zero");
            socket.send_to(&question(name, kind), self.udp).expect("it listens");
            let mut answer = [0; 1024];
            let length = socket.recv(&mut answer).expect("an answer");
            assert!(length <= 512, "{length}");
            Message::from_bytes(&answer[..length]).expect("it can be read")
        }

        fn ask_over_tcp(&self, name: &str, kind: RecordType) -> Message {
            let mut stream = TcpStream::connect(self.tcp).expect("it listens");
            stream
                .set_read_timeout(Some(Duration::from_secs(10)))
                .expect("it is not zero");
            let question = question(name, kind);
            let length = u16::try_from(question.len()).expect("it is short");
            stream.write_all(&length.to_be_bytes()).expect("it reads");
            stream.write_all(&question).expect("it reads");
            let mut length = [0; 2];
            stream.read_exact(&mut length).expect("an answer");
            let mut answer = vec![0; u16::from_be_bytes(length).into()];
            stream.read_exact(&mut answer).expect("all of it");
            Message::from_bytes(&answer).expect("it can be read")
        }
    }

    fn question(name: &str, kind: RecordType) -> Vec<u8> {
        let mut message = Message::new(7, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(Name::from_ascii(name).expect("a name"), kind));
        message.to_bytes().expect("it is short")
    }

    fn addresses(message: &Message) -> Vec<String> {
        assert!(message.answers.iter().all(|record| record.ttl == 1), "{message}");
        message.answers.iter().map(|record| record.data.to_string()).collect()
    }

    fn nothing(message: &Message, code: ResponseCode, zone: &str) {
        assert_eq!(message.metadata.response_code, code, "{message}");
        assert!(message.answers.is_empty(), "{message}");
        let [record] = message.authorities.as_slice() else {
            panic!("it does not say for how long: {message}");
        };
        let RData::SOA(soa) = &record.data else {
            panic!("it does not say for how long: {message}");
        };
        assert_eq!(
            (record.name.to_string().as_str(), record.ttl, soa.minimum),
            (zone, 1, 1)
        );
    }

    #[test]
    fn names_have_addresses_and_nothing_else() {
        let dns = Running::start();
        let two = [Ipv4Addr::new(10, 77, 0, 2), Ipv4Addr::new(10, 77, 0, 3)];
        dns.names.replace([("blue.mesh.local", two.into())]);
        let answer = dns.ask("Blue.mesh.LOCAL.", RecordType::A);
        assert_eq!(addresses(&answer), ["10.77.0.2", "10.77.0.3"]);
        assert_eq!(answer.answers[0].name.to_ascii(), "Blue.mesh.LOCAL.");
        assert!(answer.metadata.authoritative);
        assert_eq!(
            addresses(&dns.ask_over_tcp("blue.mesh.local.", RecordType::A)),
            ["10.77.0.3", "10.77.0.2"]
        );
        let no_address = dns.ask("blue.mesh.local.", RecordType::AAAA);
        nothing(&no_address, ResponseCode::NoError, "mesh.local.");

        dns.names.replace([("blue.mesh.local", Vec::new())]);
        nothing(
            &dns.ask("blue.mesh.local.", RecordType::A),
            ResponseCode::NXDomain,
            "mesh.local.",
        );
    }

    #[test]
    fn only_the_names_of_the_mesh_are_answered_for() {
        let dns = Running::start();
        dns.names.replace([("front.test", vec![Ipv4Addr::new(10, 78, 0, 1)])]);
        assert_eq!(addresses(&dns.ask("front.test.", RecordType::A)), ["10.78.0.1"]);
        nothing(
            &dns.ask("front.test.", RecordType::AAAA),
            ResponseCode::NoError,
            "front.test.",
        );
        nothing(
            &dns.ask("x.y.mesh.local.", RecordType::AAAA),
            ResponseCode::NXDomain,
            "mesh.local.",
        );
        let foreign = dns.ask("example.com.", RecordType::A);
        assert_eq!(foreign.metadata.response_code, ResponseCode::Refused);
        assert!(foreign.answers.is_empty() && foreign.authorities.is_empty());
    }

    #[test]
    fn eight_addresses_fit_into_one_message_but_for_very_long_names() {
        let dns = Running::start();
        let label = "a".repeat(63);
        let long = format!("{label}.{}.mesh.local.", "a".repeat(25));
        assert!(long.len() > 100);
        let longest = format!("{label}.{label}.{label}.{}.mesh.local.", "a".repeat(50));
        let twenty: Vec<Ipv4Addr> = (1..=20).map(|last| Ipv4Addr::new(10, 77, 0, last)).collect();
        dns.names.replace([(&long, twenty.clone()), (&longest, twenty)]);
        for name in [&long, &longest] {
            assert_eq!(addresses(&dns.ask_over_tcp(name, RecordType::A)).len(), 8);
        }
        assert_eq!(addresses(&dns.ask(&long, RecordType::A)).len(), 8);
        assert!(dns.ask(&longest, RecordType::A).metadata.truncation);
    }
}
