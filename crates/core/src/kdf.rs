//! HKDF-SHA-512 (RFC 5869; spec: `primitives.md` §2).

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac, digest::Key};
use sha2::Sha512;
use sv_ledger::enc::enc;
use zeroize::{Zeroize, Zeroizing};

use crate::label::Label;

type HmacSha512 = Hmac<Sha512>;

/// Bytes of SHA-512's input block, the longest key HMAC takes as it is.
const BLOCK_LEN: usize = 128;
/// Bytes of SHA-512's output.
const HASH_LEN: usize = 64;

/// The key of that label from `ikm`, bound to `fields`.
pub(crate) fn derive(label: Label, ikm: &[u8], fields: &[&[u8]]) -> Zeroizing<[u8; Label::LEN]> {
    let (mut extracted, _) = Hkdf::<Sha512>::extract(Some(label.salt().as_bytes()), ikm);
    let mut prk = Zeroizing::new([0; HASH_LEN]);
    fill(&mut *prk, &extracted);
    extracted.as_mut_slice().zeroize();
    expand(&prk, &[&enc(label.info(), fields)])
}

/// HKDF-Expand with a pseudo-random key of any length up to 128 bytes; `info`
/// is the concatenation of its parts. (The `hkdf` crate refuses keys shorter
/// than the hash, which the Box has.)
pub(crate) fn expand<const KEY: usize, const OUT: usize>(
    prk: &[u8; KEY],
    info: &[&[u8]],
) -> Zeroizing<[u8; OUT]> {
    const {
        assert!(KEY <= BLOCK_LEN && OUT <= 255 * HASH_LEN);
    }
    // HMAC pads a short key with zeros; doing so here makes keying infallible.
    let mut key = Key::<HmacSha512>::default();
    fill(&mut key, prk);
    let mac = HmacSha512::new(&key);
    key.as_mut_slice().zeroize();

    let mut okm = Zeroizing::new([0; OUT]);
    let mut previous = Zeroizing::new([0; HASH_LEN]);
    for (counter, part) in (1u8..).zip(okm.chunks_mut(HASH_LEN)) {
        let mut round = mac.clone();
        if counter > 1 {
            round.update(&*previous);
        }
        for piece in info {
            round.update(piece);
        }
        round.update(&[counter]);
        let mut output = round.finalize().into_bytes();
        fill(&mut *previous, &output);
        output.as_mut_slice().zeroize();
        fill(part, &*previous);
    }
    okm
}

/// Copies as much of `source` as both hold.
fn fill(target: &mut [u8], source: &[u8]) {
    target
        .iter_mut()
        .zip(source)
        .for_each(|(to, from)| *to = *from);
}
