//! Cache of base URLs by address.
//!
//! Parsing a URL takes a tenth of the instructions of a whole call, and calls go to few addresses.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{PoisonError, RwLock};

use url::{ParseError, Url};

/// The most URLs kept: more than the tasks that a service calls. When it is reached the cache is cleared, because addresses
/// come and go.
const CAPACITY: usize = 1024;

/// Base URLs by address, such as `http://127.0.0.1:15001/`.
#[derive(Debug, Default)]
pub(crate) struct UrlCache(RwLock<HashMap<SocketAddr, Url>>);

impl UrlCache {
    /// The base URL of an address.
    pub(crate) fn base_url(&self, address: SocketAddr) -> Result<Url, ParseError> {
        let urls = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(url) = urls.get(&address) {
            return Ok(url.clone());
        }
        drop(urls);
        let url = Url::parse(&format!("http://{address}/"))?;
        let mut urls = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if urls.len() >= CAPACITY {
            urls.clear();
        }
        urls.insert(address, url.clone());
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_the_same_from_the_cache() {
        let cache = UrlCache::default();
        for _ in 0..2 {
            for (address, url) in [
                ("127.0.0.1:15001", "http://127.0.0.1:15001/"),
                ("127.0.0.1:80", "http://127.0.0.1/"),
                ("[::1]:8080", "http://[::1]:8080/"),
            ] {
                let address = address.parse().unwrap();
                assert_eq!(cache.base_url(address).map(String::from), Ok(url.to_owned()));
            }
        }
    }

    #[test]
    fn the_cache_is_bounded() {
        let cache = UrlCache::default();
        for port in 1..=3000 {
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            assert_eq!(
                cache.base_url(address).map(|url| url.port_or_known_default()),
                Ok(Some(port))
            );
            assert!(cache.0.read().unwrap().len() <= CAPACITY);
        }
    }
}
