//! A certificate that the server makes for itself at its first start, for a
//! network without names. What makes it trustworthy is its fingerprint, which
//! people compare and clients pin; so it is kept.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use zeroize::Zeroizing;

use super::certificate::{About, Identity};
use super::{TlsError, private_file};
use crate::clock::Clock;

const FILE: &str = "self-signed.pem";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The most that some systems accept is 825 days.
const LIFETIME: Duration = DAY.saturating_mul(820);

/// Loads the certificate, or makes it where there is none yet.
///
/// # Errors
/// [`TlsError`] if it cannot be kept, or what is kept cannot be used.
pub(super) fn load_or_make(folder: &Path) -> Result<Identity, TlsError> {
    let path = folder.join(FILE);
    if let Some(identity) = load(&path)? {
        return Ok(identity);
    }
    let pem = make(&own_names()).map_err(|error| TlsError::Setup(error.to_string()))?;
    private_file::replace(&path, pem.as_bytes())
        .map_err(|error| TlsError::Io(path.clone(), error))?;
    Identity::from_pem(pem.as_bytes(), pem.as_bytes()).map_err(|error| TlsError::Bad(path, error))
}

/// The certificate that is kept, if there is one.
///
/// # Errors
/// [`TlsError`] if it cannot be used.
pub(super) fn stored(folder: &Path) -> Result<Option<About>, TlsError> {
    Ok(load(&folder.join(FILE))?.map(|identity| identity.about))
}

/// This machine's address on the network that leads elsewhere, or on any.
pub(super) fn network_address() -> Option<IpAddr> {
    let others = || {
        let all = addresses().into_iter();
        all.filter(|address| !address.is_loopback())
            .min_by_key(IpAddr::is_ipv6)
    };
    routed_address().or_else(others)
}

fn load(path: &Path) -> Result<Option<Identity>, TlsError> {
    let read = private_file::read(path).map_err(|error| TlsError::Io(path.to_owned(), error))?;
    read.map(|pem| Identity::from_pem(&pem, &pem))
        .transpose()
        .map_err(|error| TlsError::Bad(PathBuf::from(path), error))
}

/// Key and certificate in one file, so that neither is ever without the other.
fn make(names: &[String]) -> Result<Zeroizing<String>, rcgen::Error> {
    let key = KeyPair::generate()?;
    let now = date_time_ymd(1970, 1, 1) + Duration::from_millis(Clock::system().now_ms());
    let mut params = CertificateParams::new(names)?;
    params.not_before = now - DAY;
    params.not_after = now + LIFETIME;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let subject = &mut params.distinguished_name;
    subject.push(DnType::CommonName, "SecureVault on this network");
    let certificate = params.self_signed(&key)?;
    let secret = Zeroizing::new(key.serialize_pem());
    Ok(Zeroizing::new(format!(
        "{}{}",
        secret.as_str(),
        certificate.pem()
    )))
}

/// Whatever this machine is called by those around it.
fn own_names() -> Vec<String> {
    let mut names = vec!["localhost".to_owned()];
    let system = rustix::system::uname();
    let host = system.nodename().to_string_lossy().to_ascii_lowercase();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if !host.is_empty() && host.chars().all(is_name) && host != "localhost" {
        if !host.contains('.') {
            names.push(format!("{host}.local"));
        }
        names.push(host);
    }
    names.extend(addresses().iter().map(IpAddr::to_string));
    names
}

/// Loopback first. Addresses that mean something on one cable only are no names.
fn addresses() -> Vec<IpAddr> {
    let mut all: Vec<IpAddr> = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    for interface in if_addrs::get_if_addrs().unwrap_or_default() {
        let address = interface.ip();
        let is_local = match address {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        };
        if !is_local && !all.contains(&address) {
            all.push(address);
        }
    }
    all
}

/// Asks the routing table: nothing is sent. The address is one for documents.
fn routed_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_is_made_once_and_only_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("tls");
        assert!(stored(&folder).unwrap().is_none());
        let first = load_or_make(&folder).unwrap().about;
        assert_eq!(load_or_make(&folder).unwrap().about, first);
        assert_eq!(stored(&folder).unwrap(), Some(first.clone()));
        for name in ["localhost", "127.0.0.1", "::1"] {
            assert!(first.covers(&[name.to_owned()]), "{name}");
        }
        let now_ms = Clock::system().now_ms();
        assert!((810..=820).contains(&first.days_left(now_ms)));
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join(FILE))), (0o700, 0o600));
        std::fs::write(folder.join(FILE), "nothing").unwrap();
        assert!(matches!(load_or_make(&folder), Err(TlsError::Bad(..))));
    }
}
