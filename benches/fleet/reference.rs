//! The reference server: sends prepared bytes.
//!
//! It keeps one message for each type and scenario, recorded from the control plane, and sends the same bytes to every
//! node. It knows nothing about meshes, names or versions.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use prost::Message;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use crate::AnyError;
use crate::client::next_message;
use crate::message::{RequestHead, Type};
use crate::process::{ServerCommand, commands, raise_file_limit, report};
use crate::recording::Recording;
use crate::scenario::Scenario;

/// State of all connections.
#[derive(Default)]
struct Shared {
    recording: Recording,
    /// Nodes that have the first configuration, and the responses that are not ACKed yet.
    progress: watch::Sender<Progress>,
    nodes: Mutex<HashMap<usize, mpsc::UnboundedSender<Bytes>>>,
}

#[derive(Debug, Clone, Default)]
struct Progress {
    ready: BTreeSet<usize>,
    unacked: usize,
}

pub(crate) fn serve(address: SocketAddr, recording: &str) -> Result<(), AnyError> {
    raise_file_limit()?;
    let shared = Arc::new(Shared {
        recording: Recording::decode(std::fs::read(recording)?.as_slice())?,
        ..Shared::default()
    });
    let runtime = tokio::runtime::Runtime::new()?;
    let listener = runtime.block_on(TcpListener::bind(address))?;
    let address = listener.local_addr()?;
    let accepting = Arc::clone(&shared);
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A connection ends with its client.
            tokio::spawn(connection(stream, Arc::clone(&accepting)));
        }
    });
    report(address)?;
    for command in commands() {
        let nodes = match command? {
            ServerCommand::Settle { nodes } => nodes,
            ServerCommand::Run { scenario, nodes, sends } => {
                shared.send(scenario, &sends);
                nodes
            }
        };
        let mut progress = shared.progress.subscribe();
        let is_settled = |progress: &Progress| progress.ready.len() >= nodes && progress.unacked == 0;
        runtime.block_on(progress.wait_for(is_settled))?;
        report(address)?;
    }
    Ok(())
}

impl Shared {
    /// Sends each node the messages of a scenario, in turn, so many times as there were messages.
    fn send(&self, scenario: Scenario, sends: &[(usize, usize)]) {
        let messages: Vec<&Bytes> = self.recording.of(scenario).map(|sent| &sent.frame).collect();
        let total = sends.iter().map(|(_, times)| times).sum::<usize>();
        self.progress.send_modify(|progress| progress.unacked += total);
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        for (node, times) in sends {
            if let Some(node) = nodes.get(node) {
                for message in messages.iter().copied().cycle().take(*times) {
                    // A node that has disconnected does not ACK, so the scenario does not end.
                    let _ = node.send(message.clone());
                }
            }
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) -> Result<(), AnyError> {
    stream.set_nodelay(true)?;
    let mut connection = h2::server::handshake(stream).await?;
    let Some(accepted) = connection.accept().await else {
        return Ok(());
    };
    let (request, mut respond) = accepted?;
    let driver = tokio::spawn(async move { while connection.accept().await.is_some() {} });
    let response = http::Response::builder()
        .header("content-type", "application/grpc")
        .body(())?;
    let mut out = respond.send_response(response, false)?;
    let mut body = request.into_body();
    let (sender, mut prepared) = mpsc::unbounded_channel();
    let mut sender = Some(sender);
    let mut number = 0;
    let mut answered = BTreeSet::new();
    let mut buffer = BytesMut::new();
    loop {
        tokio::select! {
            chunk = body.data() => {
                let Some(Ok(chunk)) = chunk else { break };
                body.flow_control().release_capacity(chunk.len())?;
                buffer.extend_from_slice(&chunk);
                while let Some(message) = next_message(&mut buffer) {
                    let head = RequestHead::decode(message.slice(5..))?;
                    if let (Some(node), Some(sender)) = (&head.node, sender.take()) {
                        number = node.cluster.parse()?;
                        shared.nodes.lock().unwrap_or_else(PoisonError::into_inner).insert(number, sender);
                    }
                    if !head.nonce.is_empty() {
                        shared.progress.send_modify(|progress| progress.unacked -= 1);
                    } else if answered.insert(Type::from_url(&head.type_url)) && head.initial_versions.is_empty() {
                        let first = shared.recording.of(Scenario::FirstConfiguration);
                        for sent in first.filter(|sent| sent.type_url == head.type_url) {
                            shared.progress.send_modify(|progress| progress.unacked += 1);
                            out.send_data(sent.frame.clone(), false)?;
                        }
                    }
                    if answered.len() == Type::ALL.len() {
                        shared.progress.send_modify(|progress| {
                            progress.ready.insert(number);
                        });
                    }
                }
            }
            Some(message) = prepared.recv() => out.send_data(message, false)?,
        }
    }
    driver.abort();
    Ok(())
}
