//! Parts of lists. A `nextToken` names the last item of the part before, so that a list whose items change meanwhile
//! neither repeats nor skips one that exists throughout.
//!
//! A token belongs to its list, and has a checksum, so that other strings are rejected. It contains no secret and grants
//! nothing: it can be read by any replica, also after a restart.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mesh_model::app_mesh::ResourcePath;
use sha2::{Digest, Sha256};

use super::{MAX_TAGS, Record, Registry};
use crate::error::ApiError;
use crate::operation::{Collection, PageRequest};
use crate::settings::Settings;

/// Maximum number of resources in a part of a list, and the default.
const MAX_RESOURCES: usize = 100;
const CHECKSUM_BYTES: usize = 8;

/// A part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// Its items.
    pub items: Vec<T>,
    /// The token of the next part. `None` at the end.
    pub next_token: Option<String>,
}

impl Registry {
    /// A part of the list of resources, by name. `may_see` filters it.
    ///
    /// # Errors
    ///
    /// `NotFoundException` for the mesh, the router or the gateway; `BadRequestException` for an invalid limit or token.
    pub fn list(
        &self,
        collection: &Collection,
        page: &PageRequest,
        settings: &Settings,
        may_see: impl Fn(&Record) -> bool,
    ) -> Result<Page<Arc<Record>>, ApiError> {
        if let Some(mesh) = &collection.mesh {
            // The path of some resource in the collection.
            let inside = ResourcePath {
                mesh: mesh.clone(),
                kind: collection.kind,
                parent: collection.parent.clone(),
                name: String::new(),
            };
            self.require_container(&inside, settings)?;
        }
        let list = format!(
            "{:?}/{}/{}",
            collection.kind,
            collection.mesh.as_deref().unwrap_or_default(),
            collection.parent.as_deref().unwrap_or_default()
        );
        let (after, limit) = start(&list, page, MAX_RESOURCES)?;
        let items = self.after(collection, &after).filter(|record| may_see(record));
        Ok(take(&list, items.cloned(), limit, |record| &record.path.name))
    }

    /// A part of the list of a resource's tags, by key.
    ///
    /// # Errors
    ///
    /// `NotFoundException` for the resource; `BadRequestException` for an invalid limit or token.
    pub fn list_tags(
        &self,
        path: &ResourcePath,
        page: &PageRequest,
        settings: &Settings,
    ) -> Result<Page<(String, String)>, ApiError> {
        let record = self.require(path, settings)?;
        let list = format!("tags of {path}");
        // A part has as many as a resource may have, unless the caller wants fewer.
        let (after, limit) = start(&list, page, MAX_TAGS)?;
        let tags: &BTreeMap<String, String> = record.tags();
        let items = tags.iter().filter(|(key, _)| **key > after);
        let items = items.map(|(key, value)| (key.clone(), value.clone()));
        Ok(take(&list, items, limit, |(key, _)| key))
    }
}

/// Where a part starts, and how many items it has.
fn start(list: &str, page: &PageRequest, max: usize) -> Result<(String, usize), ApiError> {
    let limit = page.limit.unwrap_or(max);
    if !(1..=max).contains(&limit) {
        return Err(ApiError::bad_request(format!(
            "limit: is {limit}; allowed is a whole number from 1 to {max}"
        )));
    }
    let after = match &page.next_token {
        None => String::new(),
        Some(token) => {
            read_token(list, token).ok_or_else(|| ApiError::bad_request("nextToken: is not a token of this list"))?
        }
    };
    Ok((after, limit))
}

fn take<T>(list: &str, items: impl Iterator<Item = T>, limit: usize, name: impl Fn(&T) -> &String) -> Page<T> {
    // One more, to know whether there is a next part.
    let mut items: Vec<T> = items.take(limit.saturating_add(1)).collect();
    let next_token = if items.len() > limit {
        items.truncate(limit);
        items.last().map(|last| write_token(list, name(last)))
    } else {
        None
    };
    Page { items, next_token }
}

fn write_token(list: &str, after: &str) -> String {
    let mut token = checksum(list, after).to_vec();
    token.extend_from_slice(after.as_bytes());
    URL_SAFE_NO_PAD.encode(token)
}

fn read_token(list: &str, token: &str) -> Option<String> {
    let token = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (sum, after) = token.split_at_checked(CHECKSUM_BYTES)?;
    let after = std::str::from_utf8(after).ok()?;
    (checksum(list, after) == sum).then(|| after.to_owned())
}

fn checksum(list: &str, after: &str) -> [u8; CHECKSUM_BYTES] {
    let mut hash = Sha256::new();
    hash.update("app-mesh-api nextToken 1");
    hash.update(list.len().to_be_bytes());
    hash.update(list);
    hash.update(after);
    let hash = hash.finalize();
    std::array::from_fn(|index| hash[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_of_one_list() {
        let token = write_token("VirtualNode/m/", "blue");
        assert_eq!(read_token("VirtualNode/m/", &token).as_deref(), Some("blue"));
        assert_eq!(read_token("VirtualNode/n/", &token), None);
        for nonsense in ["", "blue", "AAAAAAAAAAAAAAAA", &token[1..], &format!("{token}A")] {
            assert_eq!(read_token("VirtualNode/m/", nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn parts_end_without_a_token() {
        let items = || ["a", "b", "c"].into_iter().map(str::to_owned);
        let page = take("l", items(), 3, |name| name);
        assert_eq!((page.items.len(), page.next_token), (3, None));
        let page = take("l", items(), 2, |name| name);
        assert_eq!(page.items, ["a", "b"]);
        assert_eq!(read_token("l", &page.next_token.unwrap()).as_deref(), Some("b"));
    }

    #[test]
    fn limits_are_checked() {
        let limit = |limit| PageRequest {
            limit: Some(limit),
            next_token: None,
        };
        assert!(start("l", &limit(100), 100).is_ok());
        let error = start("l", &limit(101), 100).unwrap_err();
        assert_eq!(
            error.message(),
            "limit: is 101; allowed is a whole number from 1 to 100"
        );
        assert!(start("l", &limit(0), 50).is_err());
    }
}
