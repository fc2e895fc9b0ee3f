//! X-Wing key pairs (spec: `primitives.md` §1; draft-connolly-cfrg-xwing-kem).
//! A private key is a 32-byte seed, always derived, never stored.

use std::fmt;

use hpke::{Deserializable, Kem, Serializable, kem::XWing};
use sv_ledger::genesis::KEM_PUBLIC_KEY_LEN;
pub use sv_ledger::genesis::KemPublicKey;
use zeroize::Zeroizing;

/// The private half of a KEM key of an account or a vault, with its public half.
pub struct KemSecretKey {
    secret: Box<<XWing as Kem>::PrivateKey>,
    public: KemPublicKey,
}

impl KemSecretKey {
    /// The key pair that X-Wing expands from the seed.
    pub(crate) fn from_seed(seed: &Zeroizing<[u8; 32]>) -> Self {
        // Total: the seed has the one length `from_bytes` takes, and
        // `derive_keypair` is never reached.
        let secret = <XWing as Kem>::PrivateKey::from_bytes(seed.as_slice())
            .unwrap_or_else(|_| XWing::derive_keypair(seed.as_slice()).0);
        let mut bytes = [0; KEM_PUBLIC_KEY_LEN];
        XWing::sk_to_pk(&secret).write_exact(&mut bytes);
        Self {
            secret: Box::new(secret),
            public: KemPublicKey::new(bytes),
        }
    }

    /// The public half.
    pub const fn public(&self) -> &KemPublicKey {
        &self.public
    }

    pub(crate) fn expose(&self) -> &<XWing as Kem>::PrivateKey {
        &self.secret
    }
}

impl fmt::Debug for KemSecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KemSecretKey({:?})", self.public)
    }
}
