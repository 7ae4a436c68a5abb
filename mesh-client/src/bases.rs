//! The URLs of addresses, each made once: to make one takes a tenth of a whole call's instructions, and calls go to few
//! addresses.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{PoisonError, RwLock};

use url::{ParseError, Url};

/// As many are kept: more than a service has tasks that it calls. Beyond that all are forgotten, for addresses come and go.
const MOST: usize = 1024;

/// The URLs of addresses, `http://127.0.0.1:15001/` for instance.
#[derive(Debug, Default)]
pub(crate) struct Bases(RwLock<HashMap<SocketAddr, Url>>);

impl Bases {
    /// The URL of an address.
    pub(crate) fn of(&self, address: SocketAddr) -> Result<Url, ParseError> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(url) = known.get(&address) {
            return Ok(url.clone());
        }
        drop(known);
        let url = Url::parse(&format!("http://{address}/"))?;
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(address, url.clone());
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_urls_whether_they_are_remembered_or_not() {
        let bases = Bases::default();
        for _ in 0..2 {
            for (address, url) in [
                ("127.0.0.1:15001", "http://127.0.0.1:15001/"),
                ("127.0.0.1:80", "http://127.0.0.1/"),
                ("[::1]:8080", "http://[::1]:8080/"),
            ] {
                let address = address.parse().unwrap();
                assert_eq!(bases.of(address).map(String::from), Ok(url.to_owned()));
            }
        }
    }

    #[test]
    fn no_more_are_kept_than_are_of_use() {
        let bases = Bases::default();
        for port in 1..=3000 {
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            assert_eq!(bases.of(address).map(|url| url.port_or_known_default()), Ok(Some(port)));
            assert!(bases.0.read().unwrap().len() <= MOST);
        }
    }
}
