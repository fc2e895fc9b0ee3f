//! One file, in up to three encodings, and how it is answered with.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::accept::Encoding;

/// A file in the program.
#[derive(Debug)]
pub(super) struct Asset {
    /// Its name among the sources.
    pub(super) name: &'static str,
    /// Where it is served.
    pub(super) address: &'static str,
    pub(super) media_type: &'static str,
    /// Whether another content would have another address.
    pub(super) is_hashed: bool,
    pub(super) plain: Variant,
    pub(super) brotli: Option<Variant>,
    pub(super) gzip: Option<Variant>,
}

/// One encoding of it.
#[derive(Debug)]
pub(super) struct Variant {
    pub(super) bytes: &'static [u8],
    /// Its entity tag, with quotes.
    pub(super) tag: &'static str,
}

impl Asset {
    /// The encoding that the client prefers, or that it has it already.
    pub(super) fn respond(&self, headers: &HeaderMap) -> Response {
        let Some((encoding, variant)) = self.choose(headers) else {
            return self.not_acceptable();
        };
        let mut response = match is_known(headers, variant.tag) {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => self.whole(encoding, variant),
        };
        let lifetime = match self.is_hashed {
            true => "public, max-age=31536000, immutable",
            false => "no-cache",
        };
        set(&mut response, header::CACHE_CONTROL, lifetime);
        set(&mut response, header::ETAG, variant.tag);
        set(&mut response, header::VARY, "accept-encoding");
        response
    }

    /// The same in place of something else: not to be kept.
    pub(super) fn respond_whole(&self, headers: &HeaderMap) -> Response {
        let Some((encoding, variant)) = self.choose(headers) else {
            return self.not_acceptable();
        };
        let mut response = self.whole(encoding, variant);
        set(&mut response, header::CACHE_CONTROL, "no-store");
        set(&mut response, header::VARY, "accept, accept-encoding");
        response
    }

    /// Parts of a file are never sent: of an encoded one they are of no use,
    /// and the files are short.
    fn whole(&self, encoding: Encoding, variant: &Variant) -> Response {
        let mut response = Body::from(variant.bytes).into_response();
        set(&mut response, header::CONTENT_TYPE, self.media_type);
        set(&mut response, header::ACCEPT_RANGES, "none");
        if encoding != Encoding::Identity {
            set(&mut response, header::CONTENT_ENCODING, encoding.name());
        }
        response
    }

    fn not_acceptable(&self) -> Response {
        let mut response = StatusCode::NOT_ACCEPTABLE.into_response();
        set(&mut response, header::CACHE_CONTROL, "no-store");
        set(&mut response, header::VARY, "accept-encoding");
        response
    }

    fn choose(&self, headers: &HeaderMap) -> Option<(Encoding, &Variant)> {
        let encoding = Encoding::choose(headers, |one| self.variant(one).is_some())?;
        Some((encoding, self.variant(encoding)?))
    }

    const fn variant(&self, encoding: Encoding) -> Option<&Variant> {
        match encoding {
            Encoding::Brotli => self.brotli.as_ref(),
            Encoding::Gzip => self.gzip.as_ref(),
            Encoding::Identity => Some(&self.plain),
        }
    }
}

/// Whether the client has this one already (RFC 9110 §13.1.2: weak comparison).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

fn set(response: &mut Response, name: HeaderName, value: &'static str) {
    let value = HeaderValue::from_static(value);
    response.headers_mut().insert(name, value);
}
