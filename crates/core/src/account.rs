//! The keys of an account, all derived from its root key and generation
//! (spec: `account-keys.md` §1).

use std::fmt;

use ed25519_dalek::{Signer, SigningKey};
use sv_ledger::enc::Statement;
use sv_ledger::genesis::KemPublicKey;
use sv_ledger::id::{Hash, SignPublicKey};

use crate::kdf::derive;
use crate::kem::KemSecretKey;
use crate::label::Label;
use crate::secret::{AccountRootKey, LocalKey, SecretKey, VaultKey};

/// What an account's vault says of it: the keys others verify and seal with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicIdentity {
    /// Verifies what the account signs.
    pub sign_pk: SignPublicKey,
    /// Receives vault keys.
    pub kem_pk: KemPublicKey,
}

/// Every key of an account in one generation.
pub struct AccountKeys {
    generation: u32,
    signing: SigningKey,
    kem: KemSecretKey,
    vault_key: VaultKey,
    local: LocalKey,
    public: PublicIdentity,
}

impl AccountKeys {
    /// Derives them. The uid does not enter: it hashes the public halves.
    pub fn derive(ark: &AccountRootKey, generation: u32) -> Self {
        let key = |label| derive(label, ark.expose(), &[&generation.to_be_bytes()]);
        let signing = SigningKey::from_bytes(&key(Label::IdSign));
        let kem = KemSecretKey::from_seed(&key(Label::IdKem));
        let public = PublicIdentity {
            sign_pk: SignPublicKey::new(signing.verifying_key().to_bytes()),
            kem_pk: kem.public().clone(),
        };
        Self {
            generation,
            signing,
            kem,
            vault_key: VaultKey::from_derived(key(Label::AccountVaultKey)),
            local: LocalKey::from_derived(key(Label::Local)),
            public,
        }
    }

    /// The generation they are of.
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// Their public halves.
    pub const fn public(&self) -> &PublicIdentity {
        &self.public
    }

    /// Signs a statement of that hash. The statement's own label goes in, so
    /// the signature is of no use for another kind.
    pub fn sign(&self, statement: Statement, hash: &Hash) -> [u8; 64] {
        self.signing.sign(&statement.signing_input(hash)).to_bytes()
    }

    /// Opens key envelopes to this account.
    pub const fn kem(&self) -> &KemSecretKey {
        &self.kem
    }

    /// Key of the account vault, whose epoch is the generation.
    pub const fn vault_key(&self) -> &VaultKey {
        &self.vault_key
    }

    /// Protects what this account keeps on a device.
    pub const fn local_key(&self) -> &LocalKey {
        &self.local
    }
}

impl fmt::Debug for AccountKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountKeys")
            .field("generation", &self.generation)
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}
