//! Which encoding of a file a client wants (RFC 9110 §12.5.3).

use axum::http::{HeaderMap, header};

/// How a file is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Brotli,
    Gzip,
    Identity,
}

/// What the client said about one encoding, in thousandths.
type Weight = u16;

impl Encoding {
    /// Best first, for clients that do not care.
    pub(super) const ALL: [Self; 3] = [Self::Brotli, Self::Gzip, Self::Identity];

    /// Its name in headers.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Identity => "identity",
        }
    }

    /// The one to send of those that there are; `None` if the client wants
    /// none of them.
    pub(super) fn choose(headers: &HeaderMap, there: impl Fn(Self) -> bool) -> Option<Self> {
        let wishes = Wishes::of(headers);
        let mut best: Option<(Weight, Self)> = None;
        for encoding in Self::ALL.into_iter().filter(|one| there(*one)) {
            let weight = wishes.weight(encoding);
            if weight > 0 && best.is_none_or(|(most, _)| weight > most) {
                best = Some((weight, encoding));
            }
        }
        best.map(|(_, encoding)| encoding)
    }
}

/// The weights in an `Accept-Encoding`.
struct Wishes(Vec<(String, Weight)>);

impl Wishes {
    fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::ACCEPT_ENCODING).iter();
        let all = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(wish)
            .collect();
        Self(all)
    }

    fn weight(&self, encoding: Encoding) -> Weight {
        let of = |name: &str| {
            let named = self.0.iter().find(|(one, _)| one == name);
            named.map(|(_, weight)| *weight)
        };
        let named = of(encoding.name()).or_else(|| match encoding {
            Encoding::Gzip => of("x-gzip"),
            _ => None,
        });
        match (named, of("*"), encoding) {
            (Some(weight), _, _) => weight,
            // Plain bytes are fine unless they are ruled out, but whoever
            // names encodings would rather have those.
            (None, Some(0), Encoding::Identity) => 0,
            (None, _, Encoding::Identity) => 1,
            (None, any, _) => any.unwrap_or(0),
        }
    }
}

/// `gzip;q=0.5`. What cannot be read is no wish.
fn wish(text: &str) -> Option<(String, Weight)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let mut weight = 1000;
    for part in parts {
        let (key, value) = part.split_once('=')?;
        if key.trim().eq_ignore_ascii_case("q") {
            let value: f32 = value.trim().parse().ok()?;
            if !(0.0..=1.0).contains(&value) {
                return None;
            }
            weight = (value * 1000.0).round() as Weight;
        }
    }
    Some((name.to_ascii_lowercase(), weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(accept: Option<&str>) -> Option<Encoding> {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(header::ACCEPT_ENCODING, accept.parse().unwrap());
        }
        Encoding::choose(&headers, |_| true)
    }

    #[test]
    fn weights_decide_and_ties_go_to_the_smaller_file() {
        use Encoding::{Brotli, Gzip, Identity};
        for (accept, expected) in [
            (None, Some(Identity)),
            (Some(""), Some(Identity)),
            (Some("gzip, deflate, br, zstd"), Some(Brotli)),
            (Some("gzip"), Some(Gzip)),
            (Some("x-gzip"), Some(Gzip)),
            (Some("GZIP;Q=1"), Some(Gzip)),
            (Some("br;q=0.5, gzip;q=0.8"), Some(Gzip)),
            (Some("br;q=0, gzip"), Some(Gzip)),
            (Some("gzip;q=0.001"), Some(Gzip)),
            (Some("gzip;q=0.5, identity"), Some(Identity)),
            (Some("*"), Some(Brotli)),
            (Some("*;q=0.5, gzip"), Some(Gzip)),
            (Some("*;q=0, gzip"), Some(Gzip)),
            (Some("deflate"), Some(Identity)),
            (Some("br;q=2"), Some(Identity)),
            (Some("br;q=x, gzip;q="), Some(Identity)),
            (Some("*;q=0"), None),
            (Some("identity;q=0, deflate"), None),
        ] {
            assert_eq!(choose(accept), expected, "{accept:?}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_chosen() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, "br, gzip".parse().unwrap());
        let plain = Encoding::choose(&headers, |one| one == Encoding::Identity);
        assert_eq!(plain, Some(Encoding::Identity));
    }
}
