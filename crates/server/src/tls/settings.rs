//! What the operator says about TLS.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Where Let's Encrypt's directory is.
const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";
/// Where a server with a self-signed certificate listens: for everybody on
/// its network, on a port that needs no privilege.
const SELF_SIGNED_LISTEN: &str = "0.0.0.0:8443";
/// Where browsers look, by IPv4 and IPv6.
const PUBLIC_LISTEN: &str = "[::]:443";

/// The flags.
#[derive(Debug, Clone, Args)]
pub struct TlsArgs {
    /// Encrypt connections here, with no proxy in front: with certificate
    /// files, with certificates by ACME, or with one made here
    #[arg(long, env = "SECUREVAULT_TLS", value_enum, default_value = "off")]
    tls: Mode,
    /// Certificate chain in PEM; read again when it changes
    #[arg(long, env = "SECUREVAULT_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Its private key in PEM
    #[arg(long, env = "SECUREVAULT_TLS_KEY", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Names to get a certificate for, by ACME
    #[arg(long, env = "SECUREVAULT_TLS_DOMAIN", value_delimiter = ',')]
    #[arg(value_name = "NAME")]
    tls_domain: Vec<String>,
    /// Mail address that the certificate authority may write to
    #[arg(long, env = "SECUREVAULT_TLS_CONTACT", value_name = "MAIL")]
    tls_contact: Option<String>,
    /// Certificate authority [default: Let's Encrypt]
    #[arg(long, env = "SECUREVAULT_ACME_DIRECTORY", value_name = "URL")]
    acme_directory: Option<String>,
    /// Root certificate, in PEM, that the authority's own server is checked
    /// by [default: the system's]
    #[arg(long, env = "SECUREVAULT_ACME_ROOT", value_name = "FILE")]
    acme_root: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    Off,
    Files,
    Acme,
    #[value(name = "self")]
    SelfSigned,
}

/// How connections are encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TlsSettings {
    /// Not here: on this machine alone, or by a proxy in front.
    #[default]
    Off,
    /// With files that somebody else renews.
    Files {
        /// The chain.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// With certificates that the server gets by itself.
    Acme(AcmeSettings),
    /// With a certificate of its own making.
    SelfSigned,
}

/// Whom to ask for a certificate, and for which names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcmeSettings {
    /// Names, at least one.
    pub domains: Vec<String>,
    /// A mail address.
    pub contact: Option<String>,
    /// URL of the authority's directory.
    pub directory: String,
    /// Root certificate of the authority's own server.
    pub root: Option<PathBuf>,
}

/// Settings that do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Something is missing.
    #[error("--tls {0} needs {1}")]
    Needs(&'static str, &'static str),
    /// Something would be ignored.
    #[error("{0} only goes with --tls {1}")]
    OnlyWith(&'static str, &'static str),
    /// Not a name.
    #[error("{0:?} is no name for a certificate; write it like vault.example.org")]
    Domain(String),
}

impl TlsArgs {
    /// Holds the flags against each other.
    ///
    /// # Errors
    /// [`SettingsError`] if one is missing, or would have no effect.
    pub(crate) fn resolve(self) -> Result<TlsSettings, SettingsError> {
        let of_files = [("--tls-cert", &self.tls_cert), ("--tls-key", &self.tls_key)];
        if self.tls != Mode::Files
            && let Some((flag, _)) = of_files.iter().find(|(_, value)| value.is_some())
        {
            return Err(SettingsError::OnlyWith(flag, "files"));
        }
        let of_acme = [
            ("--tls-domain", !self.tls_domain.is_empty()),
            ("--tls-contact", self.tls_contact.is_some()),
            ("--acme-directory", self.acme_directory.is_some()),
            ("--acme-root", self.acme_root.is_some()),
        ];
        if self.tls != Mode::Acme
            && let Some((flag, _)) = of_acme.iter().find(|(_, is_given)| *is_given)
        {
            return Err(SettingsError::OnlyWith(flag, "acme"));
        }
        match self.tls {
            Mode::Off => Ok(TlsSettings::Off),
            Mode::SelfSigned => Ok(TlsSettings::SelfSigned),
            Mode::Files => Ok(TlsSettings::Files {
                cert: self
                    .tls_cert
                    .ok_or(SettingsError::Needs("files", "--tls-cert"))?,
                key: self
                    .tls_key
                    .ok_or(SettingsError::Needs("files", "--tls-key"))?,
            }),
            Mode::Acme => {
                let names = self.tls_domain.iter();
                let domains = names
                    .map(|name| domain(name))
                    .collect::<Result<Vec<_>, _>>()?;
                if domains.is_empty() {
                    return Err(SettingsError::Needs("acme", "--tls-domain"));
                }
                Ok(TlsSettings::Acme(AcmeSettings {
                    domains,
                    contact: self.tls_contact,
                    directory: self
                        .acme_directory
                        .unwrap_or_else(|| LETS_ENCRYPT.to_owned()),
                    root: self.acme_root,
                }))
            }
        }
    }
}

impl TlsSettings {
    /// Whether connections are encrypted here.
    pub fn is_on(&self) -> bool {
        *self != Self::Off
    }

    /// Where such a server listens unless it is told.
    pub(crate) const fn default_listen(&self) -> &'static str {
        match self {
            Self::Off => "localhost:8080",
            Self::SelfSigned => SELF_SIGNED_LISTEN,
            Self::Files { .. } | Self::Acme(_) => PUBLIC_LISTEN,
        }
    }
}

/// Addresses and wildcards cannot be shown to lead here by this challenge.
fn domain(text: &str) -> Result<String, SettingsError> {
    let name = text.trim().trim_end_matches('.').to_ascii_lowercase();
    let is_label = |label: &str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !label.is_empty() && label.len() < 64 && label.chars().all(is_plain)
    };
    let is_address = name.parse::<std::net::IpAddr>().is_ok();
    match !is_address && name.len() < 254 && name.split('.').all(is_label) {
        true => Ok(name),
        false => Err(SettingsError::Domain(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        tls: TlsArgs,
    }

    fn resolve(flags: &[&str]) -> Result<TlsSettings, SettingsError> {
        let line = std::iter::once("test").chain(flags.iter().copied());
        Line::try_parse_from(line).unwrap().tls.resolve()
    }

    #[test]
    fn flags_without_effect_are_refused() {
        assert_eq!(resolve(&[]), Ok(TlsSettings::Off));
        assert_eq!(resolve(&["--tls", "self"]), Ok(TlsSettings::SelfSigned));
        assert_eq!(
            resolve(&["--tls", "self", "--tls-key", "k"]),
            Err(SettingsError::OnlyWith("--tls-key", "files"))
        );
        assert_eq!(
            resolve(&["--tls-domain", "a.example"]),
            Err(SettingsError::OnlyWith("--tls-domain", "acme"))
        );
        assert_eq!(
            resolve(&["--tls", "files", "--tls-cert", "c"]),
            Err(SettingsError::Needs("files", "--tls-key"))
        );
        assert!(resolve(&["--tls", "files", "--tls-cert", "c", "--tls-key", "k"]).is_ok());
    }

    #[test]
    fn a_certificate_by_acme_is_for_names() {
        let acme = |name: &str| resolve(&["--tls", "acme", "--tls-domain", name]);
        let Ok(TlsSettings::Acme(settings)) = acme("Vault.Example.org.,b.example") else {
            panic!("names are taken");
        };
        assert_eq!(settings.domains, ["vault.example.org", "b.example"]);
        assert_eq!(settings.directory, LETS_ENCRYPT);
        for odd in ["192.0.2.1", "*.example.org", "a..b", "a b", "::1", ""] {
            assert!(acme(odd).is_err(), "{odd}");
        }
        assert_eq!(
            resolve(&["--tls", "acme"]),
            Err(SettingsError::Needs("acme", "--tls-domain"))
        );
    }
}
