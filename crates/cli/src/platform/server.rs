//! The server that a device belongs to: where it is, and how it is recognised.

use std::fmt;

use clap::Args;
use serde::{Deserialize, Serialize};

use super::pin::Fingerprint;
use super::server_url::ServerUrl;

/// A server as a device knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Where it is.
    #[serde(rename = "server")]
    pub url: ServerUrl,
    /// The one certificate it may have; otherwise the system's authorities
    /// decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
}

/// Says which server is meant.
#[derive(Debug, Clone, Default, Args)]
pub struct ServerArgs {
    /// Address of the server [default: the one this device knows]
    #[arg(long, value_name = "URL", env = "SECUREVAULT_SERVER")]
    server: Option<ServerUrl>,
    /// Trust the one certificate with this fingerprint, as a server on a home
    /// network prints it: sha256:… Remembered for this server
    #[arg(long, value_name = "SHA256", env = "SECUREVAULT_FINGERPRINT")]
    fingerprint: Option<Fingerprint>,
}

/// Why there is no server to talk to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoServer {
    /// None is given, and none known.
    #[error("which server? Give its address with --server https://…")]
    Unknown,
    /// There is no certificate without TLS.
    #[error("--fingerprint goes with an https:// address")]
    NoCertificate,
}

impl ServerArgs {
    /// What was given, completed by what this device knows.
    ///
    /// # Errors
    /// [`NoServer`].
    pub fn resolve(&self, known: Option<Server>) -> Result<Server, NoServer> {
        let mut server = match (&self.server, known) {
            (Some(url), Some(known)) if *url == known.url => known,
            (Some(url), _) => Server {
                url: url.clone(),
                fingerprint: None,
            },
            (None, Some(known)) => known,
            (None, None) => return Err(NoServer::Unknown),
        };
        if let Some(fingerprint) = self.fingerprint {
            if !server.url.is_encrypted() {
                return Err(NoServer::NoCertificate);
            }
            server.fingerprint = Some(fingerprint);
        }
        Ok(server)
    }
}

/// As it is written after `--server`, to find this very server again.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fingerprint {
            Some(fingerprint) => write!(f, "{} --fingerprint {fingerprint}", self.url),
            None => write!(f, "{}", self.url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(digit: &str) -> Fingerprint {
        digit.repeat(64).parse().unwrap()
    }

    fn args(server: Option<&str>, fingerprint: Option<Fingerprint>) -> ServerArgs {
        ServerArgs {
            server: server.map(|url| url.parse().unwrap()),
            fingerprint,
        }
    }

    #[test]
    fn a_pin_belongs_to_one_server() {
        let home = args(Some("https://192.168.1.5:8443"), Some(pin("1")));
        let known = home.resolve(None).unwrap();
        assert_eq!(known.fingerprint, Some(pin("1")));
        let again = args(None, None).resolve(Some(known.clone()));
        assert_eq!(again, Ok(known.clone()));
        let same = args(Some("https://192.168.1.5:8443/"), None).resolve(Some(known.clone()));
        assert_eq!(same.unwrap().fingerprint, Some(pin("1")));
        let renewed = args(None, Some(pin("2"))).resolve(Some(known.clone()));
        assert_eq!(renewed.unwrap().fingerprint, Some(pin("2")));
        let other = args(Some("https://192.168.1.6:8443"), None).resolve(Some(known));
        assert_eq!(other.unwrap().fingerprint, None);
    }

    #[test]
    fn without_tls_there_is_nothing_to_pin() {
        let plain = args(Some("http://localhost:8080"), Some(pin("1")));
        assert_eq!(plain.resolve(None), Err(NoServer::NoCertificate));
        assert_eq!(args(None, None).resolve(None), Err(NoServer::Unknown));
    }
}
