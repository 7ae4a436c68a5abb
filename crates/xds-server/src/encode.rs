//! Responses as bytes that streams share.
//!
//! A response is a list of segments. A large resource is a segment of its own, and many small ones that follow each other in
//! the same way on several streams are encoded once. So the configuration of a thousand Envoys that see the same services is
//! in memory once, however slowly they read it.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::fmt;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::session::Push;
use crate::snapshot::{Resource, encode_header, field_len};

/// Resources from this size on are not copied.
const LARGE: usize = 4096;

/// A response with more resources is made of blocks.
const MANY: usize = 64;

/// The average number of resources in a block. Blocks end at resources that their content selects, so that one resource
/// more or less changes one block.
const BLOCK: u64 = 32;

/// Fields of `DeltaDiscoveryResponse` and of `DiscoveryResponse`.
struct Fields {
    version: u32,
    resources: u32,
    type_url: u32,
    nonce: u32,
    /// SotW has no such field.
    removed: Option<u32>,
    control_plane: u32,
}

const DELTA: Fields = Fields {
    version: 1,
    resources: 2,
    type_url: 4,
    nonce: 5,
    removed: Some(6),
    control_plane: 7,
};

const SOTW: Fields = Fields {
    version: 1,
    resources: 2,
    type_url: 4,
    nonce: 5,
    removed: None,
    control_plane: 6,
};

/// The field `version` of `Resource`.
const RESOURCE_VERSION: u32 = 1;
/// The field `identifier` of `ControlPlane`.
const IDENTIFIER: u32 = 1;

/// The identifier of this server in Envoy's `config_dump`.
const CONTROL_PLANE: &str = concat!("meshwright/", env!("CARGO_PKG_VERSION"));

/// The segments of a response, in its gRPC frame.
pub(crate) type Segments = VecDeque<Bytes>;

/// A delta response.
pub(crate) fn delta_response(push: &Push, blocks: &Blocks) -> Segments {
    let mut message = Message::default();
    if push.set.len() > MANY {
        for block in blocks_of(&push.set) {
            message.append(blocks.encoded(block));
        }
    } else {
        for resource in &push.set {
            encode_resource(resource, &mut message);
        }
    }
    finish(message, push, &DELTA)
}

/// A SotW response.
pub(crate) fn sotw_response(push: &Push) -> Segments {
    let mut message = Message::default();
    for resource in &push.resources {
        message.append(resource.encoded_body());
    }
    finish(message, push, &SOTW)
}

/// Adds all fields but the resources, and the gRPC frame.
fn finish(mut message: Message, push: &Push, fields: &Fields) -> Segments {
    message.text(fields.version, &push.version);
    message.text(fields.type_url, push.kind.type_url());
    message.text(fields.nonce, &push.nonce);
    for name in &push.removed {
        if let Some(removed) = fields.removed {
            message.text(removed, name);
        }
    }
    let control_plane = field_len(IDENTIFIER, CONTROL_PLANE.len());
    encode_header(fields.control_plane, control_plane, &mut message.tail);
    message.text(IDENTIFIER, CONTROL_PLANE);
    message.into_frame()
}

fn encode_resource(resource: &Resource, message: &mut Message) {
    let length = field_len(RESOURCE_VERSION, resource.version().len()) + resource.encoded().len();
    encode_header(DELTA.resources, length, &mut message.tail);
    message.text(RESOURCE_VERSION, resource.version());
    message.append(resource.encoded().clone());
}

/// A message in parts.
#[derive(Default)]
struct Message {
    segments: Segments,
    tail: BytesMut,
}

impl Message {
    fn text(&mut self, field: u32, text: &str) {
        encode_header(field, text.len(), &mut self.tail);
        self.tail.put_slice(text.as_bytes());
    }

    fn append(&mut self, bytes: Bytes) {
        if bytes.len() < LARGE {
            self.tail.put_slice(&bytes);
            return;
        }
        self.flush();
        self.segments.push_back(bytes);
    }

    fn flush(&mut self) {
        if !self.tail.is_empty() {
            self.segments.push_back(self.tail.split().freeze());
        }
    }

    /// The message after its gRPC header: no compression, and its length.
    fn into_frame(mut self) -> Segments {
        self.flush();
        let length: usize = self.segments.iter().map(Bytes::len).sum();
        // Envoy's own limit for a message is lower.
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        let mut header = BytesMut::with_capacity(5);
        header.put_u8(0);
        header.put_u32(length);
        // Each segment is a frame of HTTP/2 of its own.
        if let Some(first) = self.segments.pop_front_if(|first| first.len() < LARGE) {
            header.put_slice(&first);
        }
        self.segments.push_front(header.freeze());
        self.segments
    }
}

/// Blocks of resources in use, by their content.
#[derive(Default)]
pub(crate) struct Blocks {
    known: Mutex<HashMap<u64, Weak<Block>>>,
}

/// Blocks up to which dropped ones are kept.
const MIN_SWEEP: usize = 1024;

struct Block {
    resources: Vec<Arc<Resource>>,
    encoded: Bytes,
}

/// A reference to an encoded block, which lives as long as a response with it.
struct EncodedBlock(Arc<Block>);

impl AsRef<[u8]> for EncodedBlock {
    fn as_ref(&self) -> &[u8] {
        &self.0.encoded
    }
}

/// Cuts resources into blocks.
fn blocks_of(mut resources: &[Arc<Resource>]) -> impl Iterator<Item = &[Arc<Resource>]> {
    std::iter::from_fn(move || {
        let is_last = |resource: &Arc<Resource>| hash(resource.name()).is_multiple_of(BLOCK);
        let length = resources
            .iter()
            .position(is_last)
            .map_or(resources.len(), |last| last + 1);
        let (block, rest) = resources.split_at(length);
        resources = rest;
        (!block.is_empty()).then_some(block)
    })
}

fn hash(value: impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Blocks {
    fn encoded(&self, resources: &[Arc<Resource>]) -> Bytes {
        let addresses: Vec<*const Resource> = resources.iter().map(Arc::as_ptr).collect();
        let key = hash(&addresses);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |block: &Arc<Block>| {
            let pairs = block.resources.iter().zip(resources);
            block.resources.len() == resources.len() && pairs.into_iter().all(|(one, other)| Arc::ptr_eq(one, other))
        };
        let block = match known.get(&key).and_then(Weak::upgrade).filter(same) {
            Some(block) => block,
            None => {
                if known.len() >= MIN_SWEEP {
                    known.retain(|_, block| block.strong_count() > 0);
                }
                let block = Arc::new(Block::new(resources));
                known.insert(key, Arc::downgrade(&block));
                block
            }
        };
        Bytes::from_owner(EncodedBlock(block))
    }
}

impl fmt::Debug for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocks").finish_non_exhaustive()
    }
}

impl Block {
    fn new(resources: &[Arc<Resource>]) -> Self {
        let mut message = Message::default();
        for resource in resources {
            encode_resource(resource, &mut message);
        }
        message.flush();
        let encoded = match message.segments.make_contiguous() {
            [only] => only.clone(),
            several => several.concat().into(),
        };
        Self {
            resources: resources.to_vec(),
            encoded,
        }
    }
}

#[cfg(test)]
mod tests {
    use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;
    use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryResponse, DiscoveryResponse};
    use prost::Message as _;

    use super::*;
    use crate::snapshot::ResourceType;

    fn resources(sizes: &[usize]) -> Vec<Arc<Resource>> {
        let resource = |(number, size): (usize, &usize)| {
            let message = RouteConfiguration {
                name: "r".repeat(*size),
                ..Default::default()
            };
            Arc::new(Resource::new(
                ResourceType::Route,
                &format!("routes-{number:04}"),
                &message,
            ))
        };
        sizes.iter().enumerate().map(resource).collect()
    }

    fn push(set: Vec<Arc<Resource>>) -> Push {
        Push {
            kind: ResourceType::Route,
            nonce: "routes-7".to_owned(),
            version: "0123".to_owned(),
            resources: set.clone(),
            set,
            removed: vec!["gone".into(), "also gone".into()],
        }
    }

    fn message(segments: &Segments) -> Vec<u8> {
        let frame: Vec<u8> = segments.iter().flatten().copied().collect();
        let (header, message) = frame.split_at(5);
        assert_eq!(header[0], 0, "not compressed");
        assert_eq!(header[1..], u32::try_from(message.len()).expect("short").to_be_bytes());
        message.to_vec()
    }

    #[test]
    fn responses_decode_as_envoys_messages() {
        let blocks = Blocks::default();
        for sizes in [
            vec![],
            vec![3],
            vec![3, 5000, 4],
            vec![40; 200],
            vec![400; 200],
            vec![9000; 70],
        ] {
            let push = push(resources(&sizes));
            let delta = delta_response(&push, &blocks);
            let delta = DeltaDiscoveryResponse::decode(message(&delta).as_slice()).expect("a response");
            assert_eq!(delta.nonce, push.nonce);
            assert_eq!(delta.system_version_info, push.version);
            assert_eq!(delta.type_url, ResourceType::Route.type_url());
            assert_eq!(delta.removed_resources, ["gone", "also gone"]);
            assert_eq!(delta.control_plane.expect("there").identifier, CONTROL_PLANE);
            let names = delta.resources.iter().map(|resource| resource.name.as_str());
            assert!(names.eq(push.set.iter().map(|resource| resource.name())));
            let versions = delta.resources.iter().map(|resource| resource.version.as_str());
            assert!(versions.eq(push.set.iter().map(|resource| resource.version())));

            let sotw = sotw_response(&push);
            let sotw = DiscoveryResponse::decode(message(&sotw).as_slice()).expect("a response");
            assert_eq!(sotw.nonce, push.nonce);
            assert_eq!(sotw.version_info, push.version);
            assert_eq!(sotw.type_url, ResourceType::Route.type_url());
            assert_eq!(sotw.control_plane.expect("there").identifier, CONTROL_PLANE);
            let bodies = sotw.resources.iter().map(|body| body.value.as_slice());
            assert!(bodies.eq(push.set.iter().map(|resource| resource.message())));
        }
    }

    #[test]
    fn responses_with_many_resources_share_their_blocks() {
        let blocks = Blocks::default();
        let all = resources(&[200; 1000]);
        let one = delta_response(&push(all.clone()), &blocks);
        let mut others = all;
        others.remove(500);
        let other = delta_response(&push(others), &blocks);
        let addresses: Vec<*const u8> = one.iter().map(|segment| segment.as_ptr()).collect();
        let shared = other.iter().filter(|segment| addresses.contains(&segment.as_ptr()));
        let shared: usize = shared.map(Bytes::len).sum();
        let total: usize = other.iter().map(Bytes::len).sum();
        assert!(shared * 10 > total * 8, "{shared} of {total} bytes are shared");
        drop((one, other));
        let known = blocks.known.lock().expect("not poisoned");
        assert!(known.values().all(|block| block.strong_count() == 0), "nothing is kept");
    }
}
