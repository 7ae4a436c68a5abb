//! A DNS server on loopback.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Header, HeaderCounts, Metadata, ResponseCode};
use hickory_server::proto::rr::rdata::{A, AAAA};
use hickory_server::proto::rr::{LowerName, Name, RData, Record, RecordType};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::UdpSocket;

/// The TTL in seconds: the shortest.
const REMEMBERED_FOR: u32 = 1;

/// A running server. It ends when this is dropped.
pub(crate) struct Dns {
    pub(crate) address: SocketAddr,
    names: Names,
    _server: Server<Answers>,
}

type Names = Arc<Mutex<BTreeMap<LowerName, Vec<IpAddr>>>>;

impl Dns {
    pub(crate) async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("bound");
        let names = Names::default();
        let mut server = Server::new(Answers(Arc::clone(&names)));
        server.register_socket(socket);
        Self {
            address,
            names,
            _server: server,
        }
    }

    /// Sets the addresses of a name; a name without any does not exist.
    pub(crate) fn name(&self, name: &str, addresses: &[IpAddr]) {
        let name = LowerName::new(&Name::from_ascii(format!("{name}.")).expect("a name"));
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.insert(name, addresses.to_vec());
    }
}

struct Answers(Names);

impl Answers {
    fn addresses(&self, name: &LowerName) -> Vec<IpAddr> {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(name).cloned().unwrap_or_default()
    }
}

#[tonic::async_trait]
impl RequestHandler for Answers {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut response: R) -> ResponseInfo {
        let asked = request.request_info().expect("Envoy asks one question").query;
        let addresses = self.addresses(asked.name());
        let data = addresses
            .iter()
            .filter_map(|address| match (address, asked.query_type()) {
                (IpAddr::V4(address), RecordType::A) => Some(RData::A(A(*address))),
                (IpAddr::V6(address), RecordType::AAAA) => Some(RData::AAAA(AAAA(*address))),
                _ => None,
            });
        let name = asked.original().name();
        let records: Vec<Record> = data
            .map(|data| Record::from_rdata(name.clone(), REMEMBERED_FOR, data))
            .collect();
        let mut metadata = Metadata::response_from_request(&request.metadata);
        metadata.authoritative = true;
        metadata.response_code = if addresses.is_empty() {
            ResponseCode::NXDomain
        } else {
            ResponseCode::NoError
        };
        let message = MessageResponseBuilder::from_message_request(request).build(metadata, &records, [], [], []);
        // An Envoy that has ended receives nothing.
        response.send_response(message).await.unwrap_or_else(|_| {
            let counts = HeaderCounts::default();
            ResponseInfo::from(Header { metadata, counts })
        })
    }
}
