//! A25: ciphertexts that open under two keys. The AEADs accept them, as they
//! must by their design; the Box does not.

use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::{BlockCipherEncrypt, KeyInit};

use super::support::rng;
use crate::aead::Aead;
use crate::sealed_box::{BLOCK, Format, SMALL};

/// Puts a body that two derived keys accept behind each one's own header.
/// Needs: the comparison of the commitment in `Format::start`.
fn accepted_by_at_most_one<A: Aead>(
    format: &Format<A>,
    forge: impl Fn([([u8; 32], [u8; 12]); 2]) -> Vec<u8>,
) {
    let (one, two, salt) = ([1; 32], [2; 32], [3; 24]);
    let keys = [one, two].map(|key| format.keys(&key, &salt, b"ctx").unwrap());
    let body = forge([0, 1].map(|i| (*keys[i].key, keys[i].base_nonce)));
    for derived in &keys {
        let mut plaintext = vec![0; body.len() - 16];
        let cipher = A::new(&derived.key).unwrap();
        let raw = cipher.open(&derived.base_nonce, &[], &body, &mut plaintext);
        assert!(
            raw.is_ok(),
            "the forged ciphertext opens under both raw keys"
        );
    }
    for derived in &keys {
        let sealed = [salt.as_slice(), &derived.commit, &body].concat();
        let opened = [one, two].map(|key| format.open(&key, b"ctx", &sealed).is_ok());
        assert_eq!(opened.iter().filter(|ok| **ok).count(), 1);
    }
    let neither = [salt.as_slice(), &[0; 32], &body].concat();
    assert!(
        [one, two]
            .iter()
            .all(|key| format.open(key, b"ctx", &neither).is_err())
    );
}

#[test]
fn a25_two_key_aes_gcm() {
    accepted_by_at_most_one(&BLOCK, two_key_gcm);
}

#[test]
fn a25_two_key_chacha20_poly1305() {
    accepted_by_at_most_one(&SMALL, two_key_poly1305);
}

/// Needs: the commitment (or the tag: one suffices here).
#[test]
fn a25_one_of_a_thousand_keys() {
    let key = |i: u32| {
        let mut key = [9; 32];
        key[..4].copy_from_slice(&i.to_be_bytes());
        key
    };
    let sealed = SMALL
        .seal(&key(500), b"", b"guess", &mut rng("a25"))
        .unwrap();
    let opened = (0..1000)
        .filter(|i| SMALL.open(&key(*i), b"", &sealed).is_ok())
        .count();
    assert_eq!(opened, 1);
}

/// One ciphertext block is free: it is set so that both tags are equal.
/// tag = c·H² ⊕ len·H ⊕ E(J0), over GF(2^128).
fn two_key_gcm(keys: [([u8; 32], [u8; 12]); 2]) -> Vec<u8> {
    let len_block = 128_u128;
    let [(h1, m1), (h2, m2)] = keys.map(|(key, nonce)| {
        let cipher = Aes256::new(&key.into());
        let encrypt = |block: [u8; 16]| {
            let mut block = block.into();
            cipher.encrypt_block(&mut block);
            u128::from_be_bytes(block.into())
        };
        let mut j0 = [0; 16];
        j0[..12].copy_from_slice(&nonce);
        j0[15] = 1;
        (encrypt([0; 16]), encrypt(j0))
    });
    let rest = |h, mask| gf_mul(len_block, h) ^ mask;
    let coefficient = gf_mul(h1, h1) ^ gf_mul(h2, h2);
    let block = gf_mul(rest(h1, m1) ^ rest(h2, m2), gf_invert(coefficient));
    let tag = gf_mul(block, gf_mul(h1, h1)) ^ rest(h1, m1);
    [block.to_be_bytes(), tag.to_be_bytes()].concat()
}

/// Multiplication in GCM's field; the first bit is the coefficient of 1.
fn gf_mul(a: u128, b: u128) -> u128 {
    let (mut product, mut v) = (0, b);
    for bit in (0..128).rev() {
        if a >> bit & 1 == 1 {
            product ^= v;
        }
        v = if v & 1 == 1 {
            v >> 1 ^ 0xe1 << 120
        } else {
            v >> 1
        };
    }
    product
}

/// `a^(2^128 - 2)`.
fn gf_invert(a: u128) -> u128 {
    let (mut power, mut inverse) = (gf_mul(a, a), 1 << 127);
    for _ in 1..128 {
        inverse = gf_mul(inverse, power);
        power = gf_mul(power, power);
    }
    inverse
}

/// Two free blocks solve two linear equations modulo 2^130 − 5; a tag is
/// tried until both fit into 128 bits.
/// tag = (x·r³ + y·r² + len·r mod p) + s mod 2^128, blocks with a bit on top.
fn two_key_poly1305(keys: [([u8; 32], [u8; 12]); 2]) -> Vec<u8> {
    let top = Fp::new(1, 0);
    let len_block = Fp::new(1, 32 << 64);
    let polys = keys.map(|(key, nonce)| {
        let stream = chacha20_block(&key, &nonce);
        let r = u128::from_le_bytes(stream[..16].try_into().unwrap());
        let s = u128::from_le_bytes(stream[16..32].try_into().unwrap());
        (Fp::new(0, r & 0x0fff_fffc_0fff_fffc_0fff_fffc_0fff_ffff), s)
    });
    for tag in 1_u128.. {
        // a·x + b·y = c for each key.
        let [(a1, b1, c1), (a2, b2, c2)] = polys.map(|(r, s)| {
            let (r2, r3) = (r.mul(r), r.mul(r).mul(r));
            (
                r3,
                r2,
                Fp::new(0, tag.wrapping_sub(s)).sub(len_block.mul(r)),
            )
        });
        let inverse = a1.mul(b2).sub(a2.mul(b1)).invert();
        let x = c1.mul(b2).sub(c2.mul(b1)).mul(inverse).sub(top);
        let y = a1.mul(c2).sub(a2.mul(c1)).mul(inverse).sub(top);
        if x.hi == 0 && y.hi == 0 {
            return [x.lo.to_le_bytes(), y.lo.to_le_bytes(), tag.to_le_bytes()].concat();
        }
    }
    unreachable!()
}

/// A number modulo 2^130 − 5.
#[derive(Clone, Copy)]
struct Fp {
    hi: u128,
    lo: u128,
}

impl Fp {
    const P: Self = Self {
        hi: 3,
        lo: u128::MAX - 4,
    };

    fn new(hi: u128, lo: u128) -> Self {
        Self { hi, lo }
    }

    fn less(self, other: Self) -> bool {
        (self.hi, self.lo) < (other.hi, other.lo)
    }

    fn add(self, other: Self) -> Self {
        let (lo, carry) = self.lo.overflowing_add(other.lo);
        let sum = Self {
            hi: self.hi + other.hi + u128::from(carry),
            lo,
        };
        if sum.less(Self::P) {
            sum
        } else {
            sum.minus(Self::P)
        }
    }

    fn minus(self, other: Self) -> Self {
        let (lo, borrow) = self.lo.overflowing_sub(other.lo);
        Self {
            hi: self.hi - other.hi - u128::from(borrow),
            lo,
        }
    }

    fn sub(self, other: Self) -> Self {
        if other.hi == 0 && other.lo == 0 {
            self
        } else {
            self.add(Self::P.minus(other))
        }
    }

    fn mul(self, other: Self) -> Self {
        let mut product = Self::new(0, 0);
        for bit in (0..130).rev() {
            product = product.add(product);
            let set = if bit < 128 {
                other.lo >> bit & 1
            } else {
                other.hi >> (bit - 128) & 1
            };
            if set == 1 {
                product = product.add(self);
            }
        }
        product
    }

    /// `self^(p − 2)`.
    fn invert(self) -> Self {
        let exponent = Self::P.minus(Self::new(0, 2));
        let mut power = Self::new(0, 1);
        for bit in (0..130).rev() {
            power = power.mul(power);
            let set = if bit < 128 {
                exponent.lo >> bit & 1
            } else {
                exponent.hi >> (bit - 128) & 1
            };
            if set == 1 {
                power = power.mul(self);
            }
        }
        power
    }
}

/// Block 0 of the ChaCha20 key stream (RFC 8439 §2.3).
fn chacha20_block(key: &[u8; 32], nonce: &[u8; 12]) -> [u8; 64] {
    let word =
        |bytes: &[u8], i: usize| u32::from_le_bytes(bytes[4 * i..4 * i + 4].try_into().unwrap());
    let mut start = [
        0x6170_7865,
        0x3320_646e,
        0x7962_2d32,
        0x6b20_6574,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
    ];
    (0..8).for_each(|i| start[4 + i] = word(key, i));
    (0..3).for_each(|i| start[13 + i] = word(nonce, i));
    let mut state: [u32; 16] = start;
    let quarter = |state: &mut [u32; 16], [a, b, c, d]: [usize; 4]| {
        for (x, y, z, turn) in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)] {
            state[x] = state[x].wrapping_add(state[y]);
            state[z] = (state[z] ^ state[x]).rotate_left(turn);
        }
    };
    for _ in 0..10 {
        (0..4).for_each(|i| quarter(&mut state, [i, i + 4, i + 8, i + 12]));
        (0..4).for_each(|i| {
            quarter(
                &mut state,
                [i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4],
            )
        });
    }
    let mut out = [0; 64];
    for i in 0..16 {
        out[4 * i..4 * i + 4].copy_from_slice(&state[i].wrapping_add(start[i]).to_le_bytes());
    }
    out
}
