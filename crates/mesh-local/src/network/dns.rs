//! The DNS server for the tasks of a mesh, authoritative for its names only.
//!
//! | query | response |
//! |---|---|
//! | A, AAAA, SRV or CNAME of a Cloud Map service | the records that the service has, with their time to live of up to a minute: those of up to eight instances, or of one with the policy `WEIGHTED` |
//! | `INSTANCE.SERVICE` of a service with SRV records | the addresses of that instance |
//! | A of a virtual service, from a task of its mesh | an address that is redirected to Envoy |
//! | A of a virtual node's own host name, from a task of it without that backend | the task's own address |
//! | another type of such a name | `NOERROR` without records: with `NXDOMAIN` for AAAA, resolvers such as musl's, which query both, would also ignore A |
//! | a name that does not exist in a zone of the mesh, or a service without instances | `NXDOMAIN` |
//! | any other name | `REFUSED`: nothing is forwarded, as tasks have no route to the internet |
//!
//! Responses fit into the 512 bytes of a plain UDP message. Only those for names of more than a hundred characters may
//! not; these are truncated, and complete over TCP.

mod names;

use std::io;
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::time::Duration;

use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Header, HeaderCounts, Metadata, OpCode, ResponseCode};
use hickory_server::proto::rr::rdata::{A, AAAA, CNAME, SOA, SRV};
use hickory_server::proto::rr::{DNSClass, Name, RData, Record, RecordType};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;

pub(crate) use self::names::{DnsInstance, DnsLookup, DnsNames, DnsRecord, DnsType, MAX_TTL, MIN_TTL};

/// Idle timeout of a TCP connection.
const TCP_TIMEOUT: Duration = Duration::from_secs(10);
/// Limit of unsent responses per TCP connection.
const TCP_RESPONSE_BUFFER: usize = 32;

/// A running DNS server. It ends when this is dropped.
pub(crate) struct DnsServer {
    _server: Server<MeshZone>,
}

impl DnsServer {
    /// Serves queries on these sockets, on the current Tokio runtime.
    ///
    /// # Errors
    ///
    /// If the sockets cannot be made non-blocking.
    pub(crate) fn start(udp: UdpSocket, tcp: TcpListener, names: DnsNames) -> io::Result<Self> {
        udp.set_nonblocking(true)?;
        tcp.set_nonblocking(true)?;
        let mut server = Server::new(MeshZone(names));
        server.register_socket(tokio::net::UdpSocket::from_std(udp)?);
        server.register_listener(
            tokio::net::TcpListener::from_std(tcp)?,
            TCP_TIMEOUT,
            TCP_RESPONSE_BUFFER,
        );
        Ok(Self { _server: server })
    }
}

struct MeshZone(DnsNames);

/// The content of a response.
struct DnsResponse {
    code: ResponseCode,
    records: Vec<Record>,
    /// Sets the TTL of a negative response.
    soa: Option<Record>,
}

impl MeshZone {
    fn answer(&self, name: &Name, kind: RecordType, client: IpAddr) -> DnsResponse {
        let text = name.to_ascii();
        let kind = match kind {
            RecordType::A => DnsType::A,
            RecordType::AAAA => DnsType::Aaaa,
            RecordType::SRV => DnsType::Srv,
            _ => DnsType::Other,
        };
        let (code, records) = match self.0.resolve(&text, kind, client) {
            DnsLookup::OutOfZone => return DnsResponse::error(ResponseCode::Refused),
            DnsLookup::NxDomain => (ResponseCode::NXDomain, Vec::new()),
            DnsLookup::Records { ttl, records } => {
                let records = records.into_iter().filter_map(data);
                let record = |data| Record::from_rdata(name.clone(), ttl, data);
                (ResponseCode::NoError, records.map(record).collect())
            }
            DnsLookup::NoData => (ResponseCode::NoError, Vec::new()),
        };
        let soa = records.is_empty().then(|| {
            let labels = self.0.zone_of(&text).map(|zone| zone.split('.').count());
            soa(labels.map_or_else(|| name.clone(), |labels| name.trim_to(labels)))
        });
        DnsResponse { code, records, soa }
    }
}

impl DnsResponse {
    fn error(code: ResponseCode) -> Self {
        Self {
            code,
            records: Vec::new(),
            soa: None,
        }
    }
}

/// The SOA record with the negative TTL. Its other values are only used in zone transfers.
fn soa(zone: Name) -> Record {
    let soa = SOA::new(Name::root(), Name::root(), 1, 1, 1, 1, MIN_TTL);
    Record::from_rdata(zone, MIN_TTL, RData::SOA(soa))
}

/// The data of a record in a message. `None` for a target that is no host name, which a template may have.
fn data(record: DnsRecord) -> Option<RData> {
    Some(match record {
        DnsRecord::A(address) => RData::A(A(address)),
        DnsRecord::Aaaa(address) => RData::AAAA(AAAA(address)),
        DnsRecord::Cname(target) => RData::CNAME(CNAME(absolute(&target)?)),
        // Cloud Map has this priority and weight for all.
        DnsRecord::Srv { port, target } => RData::SRV(SRV::new(1, 1, port, absolute(&target)?)),
    })
}

fn absolute(name: &str) -> Option<Name> {
    let mut name = Name::from_ascii(name).ok()?;
    name.set_fqdn(true);
    Some(name)
}

#[async_trait::async_trait]
impl RequestHandler for MeshZone {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut response: R) -> ResponseInfo {
        let answer = match request.request_info() {
            _ if request.metadata.op_code != OpCode::Query => DnsResponse::error(ResponseCode::NotImp),
            Err(_) => DnsResponse::error(ResponseCode::FormErr),
            Ok(info) if info.query.query_class() != DNSClass::IN => DnsResponse::error(ResponseCode::Refused),
            // With the name's original case, which some resolvers require.
            Ok(info) => {
                let client = request.src().ip();
                self.answer(info.query.original().name(), info.query.query_type(), client)
            }
        };
        let mut metadata = Metadata::response_from_request(&request.metadata);
        metadata.response_code = answer.code;
        metadata.authoritative = answer.code != ResponseCode::Refused;
        let message =
            MessageResponseBuilder::from_message_request(request).build(metadata, &answer.records, [], &answer.soa, []);
        response.send_response(message).await.unwrap_or_else(|error| {
            // The client is gone, or retries.
            tracing::debug!(%error, "cannot send DNS response");
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
    use crate::plan::DnsRecords;

    /// A server on a thread of its own, for tests with blocking sockets.
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

        fn query(&self, name: &str, kind: RecordType) -> Message {
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

        fn query_over_tcp(&self, name: &str, kind: RecordType) -> Message {
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

    fn set(dns: &Running, name: &str, addresses: &[Ipv4Addr]) {
        let instance = |address: &Ipv4Addr| DnsInstance {
            id: address.to_string(),
            addresses: vec![IpAddr::V4(*address)],
            port: Some(7800),
            cname: None,
        };
        dns.names
            .set_instances([(name, addresses.iter().map(instance).collect())]);
    }

    fn addresses(message: &Message) -> Vec<String> {
        assert!(message.answers.iter().all(|record| record.ttl == 1), "{message}");
        message.answers.iter().map(|record| record.data.to_string()).collect()
    }

    fn assert_negative(message: &Message, code: ResponseCode, zone: &str) {
        assert_eq!(message.metadata.response_code, code, "{message}");
        assert!(message.answers.is_empty(), "{message}");
        let [record] = message.authorities.as_slice() else {
            panic!("no SOA record: {message}");
        };
        let RData::SOA(soa) = &record.data else {
            panic!("no SOA record: {message}");
        };
        assert_eq!(
            (record.name.to_string().as_str(), record.ttl, soa.minimum),
            (zone, 1, 1)
        );
    }

    #[test]
    fn names_have_a_records_only() {
        let dns = Running::start();
        let two = [Ipv4Addr::new(10, 77, 0, 2), Ipv4Addr::new(10, 77, 0, 3)];
        set(&dns, "blue.mesh.local", &two);
        let answer = dns.query("Blue.mesh.LOCAL.", RecordType::A);
        assert_eq!(addresses(&answer), ["10.77.0.2", "10.77.0.3"]);
        assert_eq!(answer.answers[0].name.to_ascii(), "Blue.mesh.LOCAL.");
        assert!(answer.metadata.authoritative);
        assert_eq!(
            addresses(&dns.query_over_tcp("blue.mesh.local.", RecordType::A)),
            ["10.77.0.3", "10.77.0.2"]
        );
        let no_address = dns.query("blue.mesh.local.", RecordType::AAAA);
        assert_negative(&no_address, ResponseCode::NoError, "mesh.local.");

        set(&dns, "blue.mesh.local", &[]);
        assert_negative(
            &dns.query("blue.mesh.local.", RecordType::A),
            ResponseCode::NXDomain,
            "mesh.local.",
        );
    }

    #[test]
    fn srv_records_name_ports_and_hosts() {
        let dns = Running::start();
        let records = DnsRecords {
            a: None,
            srv: Some(30),
            ..DnsRecords::addresses(1)
        };
        dns.names.set_services([("_app._tcp.mesh.local", records)]);
        set(&dns, "_app._tcp.mesh.local", &[Ipv4Addr::new(10, 77, 0, 2)]);
        let answer = dns.query("_app._tcp.mesh.local.", RecordType::SRV);
        let [record] = answer.answers.as_slice() else {
            panic!("not one record: {answer}");
        };
        assert_eq!(record.ttl, 30);
        assert_eq!(record.data.to_string(), "1 1 7800 10-77-0-2._app._tcp.mesh.local.");
        let host = dns.query("10-77-0-2._app._tcp.mesh.local.", RecordType::A);
        assert_eq!(host.answers[0].data.to_string(), "10.77.0.2");
        let no_address = dns.query("_app._tcp.mesh.local.", RecordType::A);
        assert_negative(&no_address, ResponseCode::NoError, "mesh.local.");
    }

    #[test]
    fn names_outside_the_mesh_are_refused() {
        let dns = Running::start();
        set(&dns, "front.test", &[Ipv4Addr::new(10, 78, 0, 1)]);
        assert_eq!(addresses(&dns.query("front.test.", RecordType::A)), ["10.78.0.1"]);
        assert_negative(
            &dns.query("front.test.", RecordType::AAAA),
            ResponseCode::NoError,
            "front.test.",
        );
        assert_negative(
            &dns.query("x.y.mesh.local.", RecordType::AAAA),
            ResponseCode::NXDomain,
            "mesh.local.",
        );
        let foreign = dns.query("example.com.", RecordType::A);
        assert_eq!(foreign.metadata.response_code, ResponseCode::Refused);
        assert!(foreign.answers.is_empty() && foreign.authorities.is_empty());
    }

    #[test]
    fn only_very_long_names_do_not_fit_into_a_udp_message() {
        let dns = Running::start();
        let label = "a".repeat(63);
        let long = format!("{label}.{}.mesh.local.", "a".repeat(25));
        assert!(long.len() > 100);
        let longest = format!("{label}.{label}.{label}.{}.mesh.local.", "a".repeat(50));
        let twenty: Vec<Ipv4Addr> = (1..=20).map(|last| Ipv4Addr::new(10, 77, 0, last)).collect();
        set(&dns, &long, &twenty);
        assert_eq!(addresses(&dns.query_over_tcp(&long, RecordType::A)).len(), 8);
        assert_eq!(addresses(&dns.query(&long, RecordType::A)).len(), 8);
        set(&dns, &longest, &twenty);
        assert_eq!(addresses(&dns.query_over_tcp(&longest, RecordType::A)).len(), 8);
        assert!(dns.query(&longest, RecordType::A).metadata.truncation);
    }
}
