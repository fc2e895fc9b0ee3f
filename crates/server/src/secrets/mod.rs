//! What the server keeps secret, and the one key that guards it: the
//! key-encryption key. It lives outside the data folder, so a stolen database
//! or backup holds nothing from which a password, a TOTP secret or a backup
//! code can be tried (attacks.md A8).

mod key_file;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use sv_ledger::enc::enc;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

pub use key_file::{KeyFileError, KeySource};

/// Bytes of random salt before every sealed value.
const SALT_LEN: usize = 16;

/// Guards every other secret of the server.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct KeyEncryptionKey([u8; 32]);

/// What a sealed value is; no value opens as another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealed {
    /// The OPAQUE server keys.
    OpaqueSetup,
    /// The key of [`Keyed::CredentialIdentifier`].
    CredentialKey,
    /// A log-in between KE1 and KE3.
    LoginState,
    /// A TOTP secret.
    TotpSecret,
    /// A session's half of what opens a root key on its client.
    SessionHalf,
    /// The key that signs the audit log's checkpoints.
    AuditKey,
}

/// What a keyed hash is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyed {
    /// A backup code of an account.
    BackupCode,
    /// An invitation.
    Invitation,
    /// What a rate limit counts.
    RateLimit,
    /// A row of the audit log.
    AuditRow,
}

impl Sealed {
    const fn label(self) -> &'static str {
        match self {
            Self::OpaqueSetup => "SecureVault/v1/server/seal/opaque",
            Self::CredentialKey => "SecureVault/v1/server/seal/credential-key",
            Self::LoginState => "SecureVault/v1/server/seal/login",
            Self::TotpSecret => "SecureVault/v1/server/seal/totp",
            Self::SessionHalf => "SecureVault/v1/server/seal/session-half",
            Self::AuditKey => "SecureVault/v1/server/seal/audit-key",
        }
    }
}

impl Keyed {
    const fn label(self) -> &'static str {
        match self {
            Self::BackupCode => "SecureVault/v1/server/mac/backup-code",
            Self::Invitation => "SecureVault/v1/server/mac/invitation",
            Self::RateLimit => "SecureVault/v1/server/mac/rate-limit",
            Self::AuditRow => "SecureVault/v1/server/mac/audit-row",
        }
    }
}

/// A sealed value that this key does not open as what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored secret does not open under this key")]
pub struct DoesNotOpen;

impl KeyEncryptionKey {
    /// Takes the raw key.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A fresh one.
    pub fn generate() -> Self {
        Self(random())
    }

    /// Seals a secret for what it belongs to (an account, a log-in).
    ///
    /// `salt[16] ‖ ChaCha20-Poly1305(HMAC(key, enc(label, salt)), nonce 0, aad = owner)`:
    /// a key for every value, so that no nonce can repeat.
    pub fn seal(&self, what: Sealed, owner: &[u8], secret: &[u8]) -> Vec<u8> {
        let salt: [u8; SALT_LEN] = random();
        let payload = Payload {
            msg: secret,
            aad: owner,
        };
        let mut out = salt.to_vec();
        // Fails only for values of many gigabytes.
        let ciphertext = self.cipher(what, &salt).encrypt(&Nonce::default(), payload);
        out.extend(ciphertext.unwrap_or_default());
        out
    }

    /// Opens what [`Self::seal`] made for the same owner.
    ///
    /// # Errors
    /// [`DoesNotOpen`] for another key, kind or owner.
    pub fn open(
        &self,
        what: Sealed,
        owner: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
        let (salt, ciphertext) = sealed.split_first_chunk().ok_or(DoesNotOpen)?;
        let payload = Payload {
            msg: ciphertext,
            aad: owner,
        };
        self.cipher(what, salt)
            .decrypt(&Nonce::default(), payload)
            .map(Zeroizing::new)
            .map_err(|_| DoesNotOpen)
    }

    /// A hash that nobody can try values against without this key.
    pub fn keyed_hash(&self, what: Keyed, fields: &[&[u8]]) -> [u8; 32] {
        hmac_sha256(&self.0, &enc(what.label(), fields))
    }

    fn cipher(&self, what: Sealed, salt: &[u8; SALT_LEN]) -> ChaCha20Poly1305 {
        let key = Zeroizing::new(hmac_sha256(&self.0, &enc(what.label(), &[salt])));
        ChaCha20Poly1305::new(&Key::from(*key))
    }
}

impl std::fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyEncryptionKey(..)")
    }
}

/// HMAC-SHA-256.
pub(crate) fn hmac_sha256(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    // HMAC pads a key to its block, here 64 bytes.
    let mut block = Zeroizing::new([0; 64]);
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new((&*block).into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Bytes from the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    use rand_core::Rng;
    let mut bytes = [0; N];
    system_rng().fill_bytes(&mut bytes);
    bytes
}

/// The operating system's generator; a system without randomness stops the
/// request rather than weakening a key.
pub(crate) fn system_rng() -> rand_core::UnwrapErr<getrandom::SysRng> {
    rand_core::UnwrapErr(getrandom::SysRng)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_as_what_it_is() {
        let key = KeyEncryptionKey::generate();
        let sealed = key.seal(Sealed::TotpSecret, b"alice", b"secret");
        let open = |key: &KeyEncryptionKey, what, owner: &[u8], sealed: &[u8]| {
            key.open(what, owner, sealed).map(|v| v.to_vec())
        };
        assert_eq!(
            open(&key, Sealed::TotpSecret, b"alice", &sealed),
            Ok(b"secret".to_vec())
        );
        assert!(open(&key, Sealed::TotpSecret, b"bob", &sealed).is_err());
        assert!(open(&key, Sealed::LoginState, b"alice", &sealed).is_err());
        assert!(
            open(
                &KeyEncryptionKey::generate(),
                Sealed::TotpSecret,
                b"alice",
                &sealed
            )
            .is_err()
        );
        for i in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[i] ^= 1;
            assert!(open(&key, Sealed::TotpSecret, b"alice", &bad).is_err());
            assert!(open(&key, Sealed::TotpSecret, b"alice", &sealed[..i]).is_err());
        }
    }

    #[test]
    fn keyed_hashes_differ_by_purpose_and_field() {
        let key = KeyEncryptionKey::generate();
        let a = key.keyed_hash(Keyed::BackupCode, &[b"a", b"bc"]);
        assert_ne!(a, key.keyed_hash(Keyed::BackupCode, &[b"ab", b"c"]));
        assert_ne!(a, key.keyed_hash(Keyed::Invitation, &[b"a", b"bc"]));
    }
}
