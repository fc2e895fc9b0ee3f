//! The strict CBOR profile (spec: `encoding.md` §2): one encoding of a value,
//! so what was signed is what is read. Bytes are validated as a whole first;
//! the readers after that only look at items that are known to be well formed.

use std::fmt;

use sv_ledger::codec::Reader;
use zeroize::Zeroizing;

/// Maps and arrays inside each other.
const DEPTH: usize = 8;

/// Why bytes are not of the profile. Static, so no data reaches a log.
pub(crate) type Malformed = &'static str;

/// A map key: non-negative ones sort first, each side by magnitude, which is
/// the order of their bytes (RFC 8949 §4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    negative: bool,
    magnitude: u64,
}

impl Key {
    pub(super) const fn new(key: u64) -> Self {
        Self {
            negative: false,
            magnitude: key,
        }
    }
}

/// Fields of a newer version, kept byte for byte when the record is rewritten.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Unknown(Vec<(Key, Vec<u8>)>);

impl Unknown {
    /// Whether one of them has a negative key: its meaning cannot be ignored,
    /// so the record may be shown but not written.
    pub fn is_critical(&self) -> bool {
        self.0.iter().any(|(key, _)| key.negative)
    }

    /// Whether there are any.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unknown({} fields)", self.0.len())
    }
}

/// A map of the profile being read: each field is taken once, the rest is unknown.
pub(super) struct Map<'a>(Vec<(Key, &'a [u8])>);

impl<'a> Map<'a> {
    /// Validates `bytes` as exactly one item of the profile, a map.
    pub(super) fn validate(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut r = Reader::new(bytes);
        skip(&mut r, 1)?;
        r.finish().map_err(|_| "data after the end")?;
        Self::of(bytes)
    }

    /// Splits an item that was validated as part of a larger one.
    pub(super) fn of(item: &'a [u8]) -> Result<Self, Malformed> {
        let mut r = Reader::new(item);
        let (5, count) = head(&mut r)? else {
            return Err("not a map");
        };
        let fields = (0..count).map(|_| Ok((key(&mut r)?, next_item(&mut r)?)));
        Ok(Self(fields.collect::<Result<_, Malformed>>()?))
    }

    /// Takes the item of a field.
    pub(super) fn take(&mut self, key: u64) -> Option<&'a [u8]> {
        let at = self.0.iter().position(|(k, _)| *k == Key::new(key))?;
        Some(self.0.remove(at).1)
    }

    /// Takes the item of a field that must be there.
    pub(super) fn require(&mut self, key: u64) -> Result<&'a [u8], Malformed> {
        self.take(key).ok_or("missing field")
    }

    /// What was not taken.
    pub(super) fn into_unknown(self) -> Unknown {
        Unknown(
            self.0
                .into_iter()
                .map(|(key, item)| (key, item.to_vec()))
                .collect(),
        )
    }
}

/// An unsigned integer.
pub(super) fn uint(item: &[u8]) -> Result<u64, Malformed> {
    match head(&mut Reader::new(item))? {
        (0, value) => Ok(value),
        _ => Err("not an unsigned integer"),
    }
}

/// `true`: `false` is written by leaving the field out.
pub(super) fn flag(item: Option<&[u8]>) -> Result<bool, Malformed> {
    match item {
        None => Ok(false),
        Some([0xf5]) => Ok(true),
        Some(_) => Err("not a set flag"),
    }
}

/// A byte string.
pub(super) fn bytes(item: &[u8]) -> Result<&[u8], Malformed> {
    let mut r = Reader::new(item);
    match head(&mut r)? {
        (2, _) => Ok(r.rest()),
        _ => Err("not a byte string"),
    }
}

/// A byte string of exactly `N` bytes.
pub(super) fn array<const N: usize>(item: &[u8]) -> Result<[u8; N], Malformed> {
    bytes(item)?.try_into().map_err(|_| "wrong length")
}

/// A text string.
pub(super) fn text(item: &[u8]) -> Result<&str, Malformed> {
    let mut r = Reader::new(item);
    match head(&mut r)? {
        (3, _) => std::str::from_utf8(r.rest()).map_err(|_| "not UTF-8"),
        _ => Err("not a text string"),
    }
}

/// The items of an array that is not empty: an empty one is left out.
pub(super) fn items(item: &[u8], max: usize) -> Result<Vec<&[u8]>, Malformed> {
    let mut r = Reader::new(item);
    let (4, count) = head(&mut r)? else {
        return Err("not an array");
    };
    match usize::try_from(count) {
        Ok(count) if (1..=max).contains(&count) => (0..count).map(|_| next_item(&mut r)).collect(),
        Ok(0) => Err("empty array"),
        _ => Err("too many items"),
    }
}

/// Writes maps of the profile. Fields may be added in any order.
#[derive(Default)]
pub(super) struct MapWriter(Vec<(Key, Zeroizing<Vec<u8>>)>);

impl MapWriter {
    pub(super) fn field(&mut self, key: u64, item: Zeroizing<Vec<u8>>) -> &mut Self {
        self.0.push((Key::new(key), item));
        self
    }

    pub(super) fn optional(&mut self, key: u64, item: Option<Zeroizing<Vec<u8>>>) -> &mut Self {
        if let Some(item) = item {
            self.field(key, item);
        }
        self
    }

    pub(super) fn unknown(&mut self, unknown: &Unknown) -> &mut Self {
        self.0.extend(
            unknown
                .0
                .iter()
                .map(|(key, item)| (*key, Zeroizing::new(item.clone()))),
        );
        self
    }

    pub(super) fn finish(&mut self) -> Zeroizing<Vec<u8>> {
        self.0.sort_by_key(|(key, _)| *key);
        let len: usize = self.0.iter().map(|(_, item)| item.len() + 9).sum();
        let mut out = Zeroizing::new(Vec::with_capacity(len + 9));
        write_head(&mut out, 5, self.0.len() as u64);
        for (key, item) in &self.0 {
            write_head(&mut out, u8::from(key.negative), key.magnitude);
            out.extend_from_slice(item);
        }
        out
    }
}

pub(super) fn write_uint(value: u64) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(9));
    write_head(&mut out, 0, value);
    out
}

pub(super) fn write_flag(value: bool) -> Option<Zeroizing<Vec<u8>>> {
    value.then(|| Zeroizing::new(vec![0xf5]))
}

pub(super) fn write_bytes(value: &[u8]) -> Zeroizing<Vec<u8>> {
    write_string(2, value)
}

pub(super) fn write_text(value: &str) -> Zeroizing<Vec<u8>> {
    write_string(3, value.as_bytes())
}

/// An array, or nothing if it would be empty.
pub(super) fn write_items(
    items: impl ExactSizeIterator<Item = Zeroizing<Vec<u8>>>,
) -> Option<Zeroizing<Vec<u8>>> {
    let count = items.len();
    let items: Vec<_> = items.collect();
    let len: usize = items.iter().map(|item| item.len()).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(len + 9));
    write_head(&mut out, 4, count as u64);
    items.iter().for_each(|item| out.extend_from_slice(item));
    (count > 0).then_some(out)
}

fn write_string(major: u8, value: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(value.len() + 9));
    write_head(&mut out, major, value.len() as u64);
    out.extend_from_slice(value);
    out
}

/// Major type and argument, in the shortest form.
fn write_head(out: &mut Vec<u8>, major: u8, value: u64) {
    let major = major << 5;
    if value < 24 {
        out.push(major | value as u8);
    } else if let Ok(value) = u8::try_from(value) {
        out.extend_from_slice(&[major | 24, value]);
    } else if let Ok(value) = u16::try_from(value) {
        out.push(major | 25);
        out.extend_from_slice(&value.to_be_bytes());
    } else if let Ok(value) = u32::try_from(value) {
        out.push(major | 26);
        out.extend_from_slice(&value.to_be_bytes());
    } else {
        out.push(major | 27);
        out.extend_from_slice(&value.to_be_bytes());
    }
}

/// Major type and argument; refuses indefinite, reserved and longer forms.
fn head(r: &mut Reader<'_>) -> Result<(u8, u64), Malformed> {
    const CUT: Malformed = "cut short";
    let first = r.u8().map_err(|_| CUT)?;
    let (value, shorter) = match first & 0x1f {
        value @ 0..24 => (u64::from(value), 0),
        24 => (u64::from(r.u8().map_err(|_| CUT)?), 24),
        25 => (u64::from(r.u16().map_err(|_| CUT)?), 1 << 8),
        26 => (u64::from(r.u32().map_err(|_| CUT)?), 1 << 16),
        27 => (r.u64().map_err(|_| CUT)?, 1 << 32),
        _ => return Err("indefinite length"),
    };
    if value < shorter {
        return Err("not the shortest form");
    }
    Ok((first >> 5, value))
}

fn key(r: &mut Reader<'_>) -> Result<Key, Malformed> {
    match head(r)? {
        (0, magnitude) => Ok(Key {
            negative: false,
            magnitude,
        }),
        (1, magnitude) => Ok(Key {
            negative: true,
            magnitude,
        }),
        _ => Err("not an integer key"),
    }
}

/// The bytes of the next item, which was validated before.
fn next_item<'a>(r: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let before = r.rest();
    skip(r, 1)?;
    let len = before.len() - r.rest().len();
    before.get(..len).ok_or("cut short")
}

/// Passes over one item of the profile. Every step takes a byte, so a count
/// that lies costs nothing.
fn skip(r: &mut Reader<'_>, depth: usize) -> Result<(), Malformed> {
    let start = r.rest().first().copied();
    let (major, value) = head(r)?;
    if matches!(major, 4 | 5) && depth > DEPTH {
        return Err("nested too deeply");
    }
    match major {
        0 | 1 => Ok(()),
        2 | 3 => {
            let len = usize::try_from(value).map_err(|_| "cut short")?;
            let content = r.take(len).map_err(|_| "cut short")?;
            let valid = major == 2 || std::str::from_utf8(content).is_ok();
            if valid { Ok(()) } else { Err("not UTF-8") }
        }
        4 => (0..value).try_for_each(|_| skip(r, depth + 1)),
        5 => {
            let mut previous = None;
            (0..value).try_for_each(|_| {
                let key = key(r)?;
                if previous.is_some_and(|previous| previous >= key) {
                    return Err("keys not ascending");
                }
                previous = Some(key);
                skip(r, depth + 1)
            })
        }
        _ if matches!(start, Some(0xf4 | 0xf5)) => Ok(()),
        _ => Err("tag, float or other value that is not allowed"),
    }
}
