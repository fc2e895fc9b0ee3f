//! Who is at the other end: the address of the connection or, where a
//! trusted proxy says so, the one it forwards for. Rate limits count
//! networks, not addresses, since one subscriber has many.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use axum::http::HeaderMap;

/// A range of addresses, as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    first: u128,
    prefix: u8,
}

/// A text that is no range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write a range of addresses as 10.0.0.0/8 or fd00::/8")]
pub struct InvalidRange;

/// The network that a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network(u128);

impl Network {
    /// A subscriber's network: /24 of IPv4, /56 of IPv6.
    pub(crate) fn of(address: IpAddr) -> Self {
        let prefix = match address.to_canonical() {
            IpAddr::V4(_) => 96 + 24,
            IpAddr::V6(_) => 56,
        };
        Self(bits(address) & mask(prefix))
    }

    /// For rate limits to name it by.
    pub(crate) const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl AddressRange {
    fn contains(&self, address: IpAddr) -> bool {
        bits(address) & mask(self.prefix) == self.first
    }
}

impl FromStr for AddressRange {
    type Err = InvalidRange;

    fn from_str(text: &str) -> Result<Self, InvalidRange> {
        let (address, len) = match text.split_once('/') {
            Some((address, len)) => (address, Some(len)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidRange)?;
        let (width, offset) = match address {
            IpAddr::V4(_) => (32, 96),
            IpAddr::V6(_) => (128, 0),
        };
        let len: u8 = len.map_or(Ok(width), |l| l.parse().map_err(|_| InvalidRange))?;
        if len > width {
            return Err(InvalidRange);
        }
        let prefix = offset + len;
        Ok(Self {
            first: bits(address) & mask(prefix),
            prefix,
        })
    }
}

/// The network a request comes from. `X-Forwarded-For` counts only on
/// connections from `trusted`, and of its addresses the last that is not
/// itself trusted: those before it may be anybody's invention.
pub(crate) fn network(
    connection: Option<SocketAddr>,
    headers: &HeaderMap,
    trusted: &[AddressRange],
) -> Network {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|range| range.contains(*address));
    let direct = connection.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |c| c.ip());
    if !is_trusted(&direct) {
        return Network::of(direct);
    }
    let forwarded = headers
        .get_all("x-forwarded-for")
        .iter()
        .rev()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.rsplit(','))
        .map_while(|part| part.trim().parse::<IpAddr>().ok())
        .find(|address| !is_trusted(address));
    Network::of(forwarded.unwrap_or(direct))
}

/// IPv4 as the IPv6 addresses it is mapped to, so that one comparison does.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
    .to_bits()
}

const fn mask(prefix: u8) -> u128 {
    match prefix {
        0 => 0,
        n => u128::MAX << (128 - n as u32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(connection: &str, forwarded: &[&str], trusted: &[&str]) -> Network {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted: Vec<_> = trusted.iter().map(|t| t.parse().unwrap()).collect();
        let connection = SocketAddr::new(connection.parse().unwrap(), 1);
        network(Some(connection), &headers, &trusted)
    }

    fn of(address: &str) -> Network {
        Network::of(address.parse().unwrap())
    }

    #[test]
    fn neighbours_are_one_network() {
        assert_eq!(of("192.0.2.1"), of("192.0.2.200"));
        assert_ne!(of("192.0.2.1"), of("192.0.3.1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.9"));
        assert_eq!(of("2001:db8:0:ff::1"), of("2001:db8:0:1::2"));
        assert_ne!(of("2001:db8:0:ff::1"), of("2001:db8:0:100::1"));
    }

    #[test]
    fn a_stranger_cannot_claim_an_address() {
        assert_eq!(
            seen("198.51.100.1", &["192.0.2.1"], &[]),
            of("198.51.100.1")
        );
        assert_eq!(
            seen("198.51.100.1", &["192.0.2.1"], &["10.0.0.0/8"]),
            of("198.51.100.1")
        );
    }

    #[test]
    fn behind_a_proxy_the_last_untrusted_address_counts() {
        let trusted = ["10.0.0.0/8", "127.0.0.1"];
        assert_eq!(seen("10.1.1.1", &["192.0.2.1"], &trusted), of("192.0.2.1"));
        assert_eq!(
            seen("127.0.0.1", &["1.2.3.4, 192.0.2.1, 10.2.2.2"], &trusted),
            of("192.0.2.1")
        );
        assert_eq!(
            seen("10.1.1.1", &["1.2.3.4", "192.0.2.1"], &trusted),
            of("192.0.2.1")
        );
        assert_eq!(
            seen("10.1.1.1", &["1.2.3.4, junk"], &trusted),
            of("10.1.1.1")
        );
        assert_eq!(seen("10.1.1.1", &[], &trusted), of("10.1.1.1"));
    }

    #[test]
    fn ranges_are_parsed_strictly() {
        for text in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "a/8",
            "10.0.0.0/-1",
        ] {
            assert_eq!(text.parse::<AddressRange>(), Err(InvalidRange), "{text}");
        }
        let all: AddressRange = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("9.9.9.9".parse().unwrap()));
        assert!(!all.contains("::1".parse().unwrap()));
    }
}
