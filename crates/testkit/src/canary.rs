//! Canaries: secrets that must not be found anywhere, in any disguise
//! (attacks.md A39).

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, Encoding, HEXLOWER, HEXUPPER};
use sha2::Digest;

/// Bytes of a canary at least: shorter ones turn up by chance.
const MIN_LEN: usize = 16;

/// Secrets, each with a name, in every form in which they could leak.
pub struct Canaries {
    /// What each pattern stands for.
    meanings: Vec<String>,
    patterns: Vec<Vec<u8>>,
    finder: AhoCorasick,
}

impl Canaries {
    /// Looks for these, given as name and bytes.
    pub fn new<'c>(canaries: impl IntoIterator<Item = (&'c str, &'c [u8])>) -> Self {
        let (mut meanings, mut patterns) = (Vec::new(), Vec::new());
        for (name, canary) in canaries {
            assert!(canary.len() >= MIN_LEN, "{name} is too short for a canary");
            for (form, pattern) in forms(canary) {
                meanings.push(format!("{name} ({form})"));
                patterns.push(pattern);
            }
        }
        let finder = AhoCorasick::new(&patterns).expect("a finder");
        Self {
            meanings,
            patterns,
            finder,
        }
    }

    /// Which of them, in which forms, are in some bytes.
    pub fn found_in(&self, bytes: &[u8]) -> BTreeSet<&str> {
        let found = self.finder.find_overlapping_iter(bytes);
        found
            .map(|found| self.meanings[found.pattern().as_usize()].as_str())
            .collect()
    }

    /// Every form of every canary, by what it is: to see that each is found.
    pub fn patterns(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let patterns = self.patterns.iter().map(Vec::as_slice);
        self.meanings.iter().map(String::as_str).zip(patterns)
    }
}

/// A canary in every form that bytes and text commonly take, and its hashes.
fn forms(canary: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut forms = encoded("", canary);
    if let Ok(text) = std::str::from_utf8(canary) {
        let units = || text.encode_utf16();
        let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
        forms.push(("UTF-16LE".to_owned(), little));
        forms.push(("UTF-16BE".to_owned(), big));
    }
    let hashes: [(&str, Vec<u8>); 4] = [
        ("MD5", md5::Md5::digest(canary).to_vec()),
        ("SHA-1", sha1::Sha1::digest(canary).to_vec()),
        ("SHA-256", sha2::Sha256::digest(canary).to_vec()),
        ("BLAKE3", blake3::hash(canary).as_bytes().to_vec()),
    ];
    for (hash, bytes) in hashes {
        forms.extend(encoded(hash, &bytes));
    }
    forms
}

fn encoded(of: &str, bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut forms = vec![
        (format!("{of} raw"), bytes.to_vec()),
        (format!("{of} hex"), HEXLOWER.encode(bytes).into_bytes()),
        (format!("{of} HEX"), HEXUPPER.encode(bytes).into_bytes()),
        (format!("{of} URL"), url(bytes, &HEXUPPER, true)),
        (format!("{of} url"), url(bytes, &HEXLOWER, true)),
        (format!("{of} URL, all of it"), url(bytes, &HEXUPPER, false)),
        (format!("{of} url, all of it"), url(bytes, &HEXLOWER, false)),
    ];
    for shift in 0..3 {
        let name = |kind| format!("{of} {kind} at {shift}");
        forms.push((name("base64"), base64(bytes, shift, &BASE64_NOPAD)));
        forms.push((name("base64url"), base64(bytes, shift, &BASE64URL_NOPAD)));
    }
    forms
}

/// The characters that the bytes alone decide, where `shift` others go before.
fn base64(bytes: &[u8], shift: usize, alphabet: &Encoding) -> Vec<u8> {
    let padded = [&[0; 3][..shift], bytes].concat();
    let text = alphabet.encode(&padded).into_bytes();
    let (first, end) = ((shift * 8).div_ceil(6), padded.len() * 8 / 6);
    text[first..end].to_vec()
}

fn url(bytes: &[u8], hex: &Encoding, spare_plain: bool) -> Vec<u8> {
    let escaped = bytes.iter().map(|byte| match byte {
        b'-' | b'.' | b'_' | b'~' if spare_plain => char::from(*byte).to_string(),
        byte if spare_plain && byte.is_ascii_alphanumeric() => char::from(*byte).to_string(),
        byte => format!("%{}", hex.encode(&[*byte])),
    });
    escaped.collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_disguise_is_seen_through() {
        let canary = "a canary: zoë's secret #1".as_bytes();
        let canaries = Canaries::new([("it", canary)]);
        for (meaning, pattern) in canaries.patterns() {
            let planted = [b"before ", pattern, b" after"].concat();
            assert!(canaries.found_in(&planted).contains(meaning), "{meaning}");
        }
        assert!(canaries.found_in(b"nothing of the kind").is_empty());
    }

    /// The forms are those that others write: computed with coreutils.
    #[test]
    fn disguises_are_the_usual_ones() {
        let canaries = Canaries::new([("it", &b"sixteen bytes at least"[..])]);
        for (text, form) in [
            ("c2l4dGVlbiBieXRlcyBhdCBsZWFzdA==", "it ( base64 at 0)"),
            ("eHNpeHRlZW4gYnl0ZXMgYXQgbGVhc3Q=", "it ( base64 at 1)"),
            ("eHhzaXh0ZWVuIGJ5dGVzIGF0IGxlYXN0", "it ( base64 at 2)"),
            ("7369787465656e206279746573206174206c65617374", "it ( hex)"),
            ("q=sixteen%20bytes%20at%20least", "it ( URL)"),
        ] {
            assert!(canaries.found_in(text.as_bytes()).contains(form), "{form}");
        }
    }
}
