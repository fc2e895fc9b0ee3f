//! Sessions of the web application. A browser keeps the token in a cookie
//! that no script can read and sends it with every request to this server,
//! whoever caused it. So the cookie counts only beside a header that pages of
//! other sites cannot send, and only if the browser says that the request is
//! one of our own pages' (spec: `wire.md` §9).

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use sv_api::page::{PAGE_HEADER, PAGE_VALUE};
use sv_api::{ApiError, ErrorCode};

use super::answer::Refused;

/// The cookie on TLS. Browsers take one of this name from the host itself by
/// TLS alone, so that neither a neighbour's page nor the network plants one.
const COOKIE: &str = "__Host-securevault";
/// The same on plain HTTP to this very machine, where browsers that keep the
/// former there are not all.
const LOCAL_COOKIE: &str = "securevault-local";
/// Seconds that browsers keep a cookie, as long as they do at all: when a
/// session ends is the server's to say.
const KEPT_S: u64 = 400 * 24 * 60 * 60;

/// Evidence that a request was sent by one of this server's own pages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    jar: Option<Jar>,
    is_local: bool,
}

/// Where a page's cookie is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Jar {
    /// By TLS.
    Tls,
    /// On this machine, in plain HTTP.
    Local,
}

impl Page {
    /// None for a request that does not say that a page has sent it.
    ///
    /// # Errors
    /// [`ErrorCode::CrossSite`] if the browser does not bear it out.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Option<Self>, Refused> {
        let mut said = headers.get_all(PAGE_HEADER).iter();
        match (said.next(), said.next()) {
            (None, _) => return Ok(None),
            (Some(value), None) if value == PAGE_VALUE => {}
            _ => return Err(ErrorCode::BadRequest.into()),
        }
        let host = text(headers, header::HOST).unwrap_or_default();
        let origin = text(headers, header::ORIGIN);
        let site = text(headers, HeaderName::from_static("sec-fetch-site"));
        let is_own = match (site, origin) {
            // What a browser says of itself is not changed by a proxy that
            // changes `Host`; not all say it.
            (Some(site), _) => site == "same-origin",
            (None, Some(origin)) => {
                let authority = origin.split_once("://").map(|(_, authority)| authority);
                authority.is_some_and(|one| !host.is_empty() && one.eq_ignore_ascii_case(host))
            }
            (None, None) => false,
        };
        if !is_own {
            return Err(ErrorCode::CrossSite.into());
        }
        Ok(Some(Self {
            jar: origin.and_then(Jar::of),
            is_local: is_loopback(host),
        }))
    }

    /// Where a session that is about to be opened can be kept.
    ///
    /// # Errors
    /// [`ErrorCode::TlsRequired`] on plain HTTP to another machine.
    pub(crate) fn jar(&self) -> Result<Jar, Refused> {
        self.jar
            .ok_or_else(|| ApiError::new(ErrorCode::TlsRequired).into())
    }

    /// The token in its cookie.
    pub(crate) fn token<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        cookie(headers, COOKIE).or_else(|| match self.is_local {
            true => cookie(headers, LOCAL_COOKIE),
            false => None,
        })
    }

    /// Has the browser forget it.
    pub(crate) fn forget(&self, headers: &mut HeaderMap) {
        Jar::Tls.set(headers, "", 0);
        if self.is_local {
            Jar::Local.set(headers, "", 0);
        }
    }
}

impl Jar {
    fn of(origin: &str) -> Option<Self> {
        match origin.split_once("://")? {
            ("https", _) => Some(Self::Tls),
            ("http", authority) if is_loopback(authority) => Some(Self::Local),
            _ => None,
        }
    }

    /// Has the browser keep a token, in place of any other.
    pub(crate) fn keep(self, headers: &mut HeaderMap, token: &str) {
        if self == Self::Local {
            // One of a time with TLS would go before it.
            Self::Tls.set(headers, "", 0);
        }
        self.set(headers, token, KEPT_S);
    }

    fn set(self, headers: &mut HeaderMap, token: &str, kept_s: u64) {
        let (name, secure) = match self {
            Self::Tls => (COOKIE, " Secure;"),
            Self::Local => (LOCAL_COOKIE, ""),
        };
        let cookie =
            format!("{name}={token}; Path=/;{secure} HttpOnly; SameSite=Strict; Max-Age={kept_s}");
        // A token is base64url, so this is always a header's value.
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
}

/// A cookie's value; none also if it is there twice.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).iter();
    let mut named = all
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(one, _)| *one == name)
        .map(|(_, value)| value);
    let value = named.next()?;
    named.next().is_none().then_some(value)
}

/// Whether a host, with or without a port, is this very machine.
fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    host.eq_ignore_ascii_case("localhost")
        || bare
            .unwrap_or(host)
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    // What cannot be read is no reason to look elsewhere.
    headers
        .get(name)
        .map(|value| value.to_str().unwrap_or("unreadable"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn of(pairs: &[(&'static str, &str)]) -> Result<Option<Option<Jar>>, ()> {
        let mut all = vec![(PAGE_HEADER, PAGE_VALUE)];
        all.extend_from_slice(pairs);
        let page = Page::of(&headers(&all)).map_err(drop)?;
        Ok(page.map(|page| page.jar))
    }

    #[test]
    fn only_our_own_pages_are_our_own() {
        let host = ("host", "vault.example");
        let tls = Ok(Some(Some(Jar::Tls)));
        for (pairs, expected) in [
            (&[("sec-fetch-site", "same-origin")][..], Ok(Some(None))),
            (&[("origin", "https://vault.example"), host], tls),
            (&[("origin", "https://Vault.Example"), host], tls),
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("origin", "https://vault.example"),
                    ("host", "a-name-inside:1"),
                ],
                tls,
            ),
            (&[("origin", "http://vault.example"), host], Ok(Some(None))),
            (
                &[("origin", "http://[::1]:8443"), ("host", "[::1]:8443")],
                Ok(Some(Some(Jar::Local))),
            ),
            (&[host], Err(())),
            (&[("origin", "https://evil.example"), host], Err(())),
            (&[("origin", "https://vault.example:1"), host], Err(())),
            (&[("origin", "null"), host], Err(())),
            (&[("origin", "https://")], Err(())),
            (&[("sec-fetch-site", "same-site"), host], Err(())),
            (&[("sec-fetch-site", "cross-site"), host], Err(())),
            (&[("sec-fetch-site", "none"), host], Err(())),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://vault.example"),
                    host,
                ],
                Err(()),
            ),
            (
                &[(PAGE_HEADER, "1"), ("sec-fetch-site", "same-origin")],
                Err(()),
            ),
        ] {
            assert_eq!(of(pairs), expected, "{pairs:?}");
        }
        assert!(Page::of(&headers(&[(PAGE_HEADER, "2")])).is_err());
        assert!(Page::of(&HeaderMap::new()).unwrap().is_none());
    }

    #[test]
    fn a_cookie_is_read_by_its_whole_name_and_once() {
        let page = |is_local| Page {
            jar: None,
            is_local,
        };
        let token = |is_local, cookies: &[&str]| {
            let pairs: Vec<_> = cookies.iter().map(|one| ("cookie", *one)).collect();
            let headers = headers(&pairs);
            page(is_local).token(&headers).map(str::to_owned)
        };
        let found = Some("t".to_owned());
        assert_eq!(token(false, &["a=b; __Host-securevault=t;c=d"]), found);
        assert_eq!(token(false, &["a=b", "__Host-securevault=t"]), found);
        assert_eq!(token(true, &["securevault-local=t"]), found);
        assert_eq!(token(false, &["securevault-local=t"]), None);
        assert_eq!(
            token(true, &["securevault-local=x; __Host-securevault=t"]),
            found
        );
        for strange in [
            "__host-securevault=t",
            "x__Host-securevault=t",
            "__Host-securevault",
            "__Host-securevault=t; __Host-securevault=u",
        ] {
            assert_eq!(token(false, &[strange]), None, "{strange}");
        }
    }

    #[test]
    fn this_machine_has_few_names() {
        for here in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1:80",
            "[::1]",
            "[::1]:9",
        ] {
            assert!(is_loopback(here), "{here}");
        }
        for there in [
            "",
            "example",
            "localhost.example",
            "127.0.0.1.example:80",
            "10.0.0.1",
            "[::2]",
        ] {
            assert!(!is_loopback(there), "{there}");
        }
    }
}
