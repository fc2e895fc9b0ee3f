//! What two people compare to know that no server stands between them
//! (spec: `account-keys.md` §8).

use data_encoding::BASE64URL_NOPAD;
use sv_ledger::codec::{ParseError, Reader, Writer};
use sv_ledger::enc::hash_fields;
use sv_ledger::id::{Hash, SignPublicKey, VaultId};

/// Label of the hash that a person's half of a safety number comes from.
pub const FINGERPRINT: &str = "SecureVault/v1/fingerprint";
/// In front of an identity code.
const CODE_PREFIX: &str = "svid1-";
/// Digits in a group.
const GROUP_LEN: usize = 5;
/// Groups of each person.
const GROUPS: usize = 6;

/// Who somebody is: everything that others verify and seal with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Their account.
    pub uid: VaultId,
    /// The generation of their keys.
    pub generation: u32,
    /// Verifies what they sign.
    pub sign_pk: SignPublicKey,
    /// Hash of the key that vault keys are sealed to.
    pub kem_hash: Hash,
}

/// A text that is no identity code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not the code of a person")]
pub struct InvalidCode;

impl Identity {
    /// Thirty digits, of which two people's together are a safety number.
    fn digits(&self) -> [u8; GROUPS * GROUP_LEN] {
        let hash = hash_fields(
            FINGERPRINT,
            &[
                self.uid.as_bytes(),
                &self.generation.to_be_bytes(),
                self.sign_pk.as_bytes(),
                self.kem_hash.as_bytes(),
            ],
        );
        let mut digits = [0; GROUPS * GROUP_LEN];
        let groups = digits.chunks_exact_mut(GROUP_LEN);
        // 40 bits give five digits, each within 10^-7 of evenly spread.
        for (group, bytes) in groups.zip(hash.as_bytes().chunks_exact(5)) {
            let mut number = bytes.iter().fold(0_u64, |n, b| n << 8 | u64::from(*b));
            for digit in group.iter_mut().rev() {
                *digit = b'0' + (number % 10) as u8;
                number /= 10;
            }
        }
        digits
    }

    /// The safety number of two people: 60 digits in twelve groups, the same
    /// whoever asks.
    pub fn safety_number(&self, other: &Self) -> String {
        let (first, second) = if self.uid <= other.uid {
            (self, other)
        } else {
            (other, self)
        };
        let digits = [first.digits(), second.digits()].concat();
        let groups = digits
            .chunks(GROUP_LEN)
            .map(|group| group.iter().map(|digit| char::from(*digit)).collect());
        groups.collect::<Vec<String>>().join(" ")
    }

    /// The text of a QR code by which others verify this person.
    pub fn code(&self) -> String {
        let mut w = Writer::new();
        w.raw(self.uid.as_bytes())
            .u32(self.generation)
            .raw(self.sign_pk.as_bytes())
            .raw(self.kem_hash.as_bytes());
        format!("{CODE_PREFIX}{}", BASE64URL_NOPAD.encode(&w.into_bytes()))
    }

    /// Reads [`Self::code`].
    ///
    /// # Errors
    /// [`InvalidCode`] for anything else.
    pub fn parse_code(text: &str) -> Result<Self, InvalidCode> {
        let encoded = text.trim().strip_prefix(CODE_PREFIX).ok_or(InvalidCode)?;
        let bytes = BASE64URL_NOPAD
            .decode(encoded.as_bytes())
            .map_err(|_| InvalidCode)?;
        let read = || {
            let mut r = Reader::new(&bytes);
            let identity = Self {
                uid: r.vault_id()?,
                generation: r.u32()?,
                sign_pk: r.sign_public_key()?,
                kem_hash: r.hash()?,
            };
            r.finish()?;
            Ok::<_, ParseError>(identity)
        };
        read().map_err(|_| InvalidCode)
    }
}
