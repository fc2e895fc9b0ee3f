//! The address of a server, and which addresses are refused.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;
use serde::{Deserialize, Serialize};

/// Where a server is: `https`, or `http` on this very machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerUrl(Url);

/// Why an address cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerUrlError {
    /// Not an address at all.
    #[error("`{0}` is not the address of a server; write it like https://vault.example.org")]
    Malformed(String),
    /// Unencrypted, across a network.
    #[error(
        "{0} would be reached without encryption; use https:// (plain http:// is only for a \
         server on this machine)"
    )]
    Unencrypted(String),
}

impl ServerUrl {
    /// The address of an endpoint; `path` starts with a slash.
    pub fn endpoint(&self, path: &str) -> String {
        format!("{self}{path}")
    }

    /// Whether the server is on this machine, so that no proxy may be asked.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// Whether the connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl FromStr for ServerUrl {
    type Err = ServerUrlError;

    /// Reads an address; without a scheme, `https` is meant.
    fn from_str(text: &str) -> Result<Self, ServerUrlError> {
        let malformed = || ServerUrlError::Malformed(text.to_owned());
        let trimmed = text.trim();
        let full = if trimmed.contains("://") {
            trimmed.to_owned()
        } else {
            format!("https://{trimmed}")
        };
        let url = Url::parse(&full).map_err(|_| malformed())?;
        let is_plain_address = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.host_str().is_some();
        match url.scheme() {
            _ if !is_plain_address => Err(malformed()),
            "https" => Ok(Self(url)),
            "http" if is_loopback(&url) => Ok(Self(url)),
            "http" => Err(ServerUrlError::Unencrypted(trimmed.to_owned())),
            _ => Err(malformed()),
        }
    }
}

/// Without a slash at the end.
impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl TryFrom<String> for ServerUrl {
    type Error = ServerUrlError;

    fn try_from(text: String) -> Result<Self, ServerUrlError> {
        text.parse()
    }
}

impl From<ServerUrl> for String {
    fn from(url: ServerUrl) -> Self {
        url.to_string()
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost"
        || bare.ends_with(".localhost")
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine() {
        for good in [
            "http://localhost:8080",
            "http://127.0.0.1:1/",
            "http://[::1]:9",
            "https://vault.example.org/sv/",
        ] {
            assert!(good.parse::<ServerUrl>().is_ok(), "{good}");
        }
        for remote in [
            "http://example.org",
            "http://10.0.0.1",
            "http://localhost.example.org",
            "http://127.0.0.1.example.org",
        ] {
            let refused = remote.parse::<ServerUrl>();
            assert!(
                matches!(refused, Err(ServerUrlError::Unencrypted(_))),
                "{remote}"
            );
        }
    }

    #[test]
    fn odd_addresses_are_refused() {
        for odd in [
            "",
            "ftp://example.org",
            "https://user:pw@example.org",
            "https://example.org/?a",
            "https://example.org/#a",
            "file:///etc/passwd",
        ] {
            let refused = odd.parse::<ServerUrl>();
            assert!(
                matches!(refused, Err(ServerUrlError::Malformed(_))),
                "{odd}"
            );
        }
    }

    #[test]
    fn endpoints_are_below_the_address() {
        let url: ServerUrl = "vault.example.org/sv/".parse().unwrap();
        assert_eq!(url.endpoint("/v1/x"), "https://vault.example.org/sv/v1/x");
    }
}
