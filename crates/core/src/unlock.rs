//! Unlockers: what opens an account's root key (spec: `account-keys.md` §2 to §5).

use bip39::{Language, Mnemonic};
use ed25519_dalek::{Signer, SigningKey};
use rand_core::CryptoRng;
use sv_ledger::enc::Statement;
use sv_ledger::id::{DeviceId, Hash, InstanceId, SessionId, SignPublicKey, UnlockerId, VaultId};
pub use sv_ledger::unlock::UnlockerKind;
use zeroize::{Zeroize, Zeroizing};

use crate::error::{KeyBlobInvalid, RecoveryKeyError, SealError, WeakKey};
use crate::kdf::derive;
use crate::label::{Context, Label};
use crate::sealed_box::SMALL;
pub use crate::secret::RecoveryKey;
use crate::secret::{AccountRootKey, DeviceKey, Kek, SecretKey};

/// Words of a recovery key.
pub const RECOVERY_WORDS: usize = 24;
/// Bytes of a wrapped root key.
pub const WRAP_LEN: usize = sv_ledger::sealed::box_len(32);

impl Kek {
    /// From OPAQUE's export key, 64 bytes that only the right password gives.
    ///
    /// # Errors
    /// [`WeakKey`] if it is all zero.
    pub fn from_export_key(export_key: &[u8; 64]) -> Result<Self, WeakKey> {
        if export_key.iter().all(|byte| *byte == 0) {
            return Err(WeakKey);
        }
        Ok(Self::from_derived(derive(
            Label::KekPassword,
            export_key,
            &[],
        )))
    }
}

impl RecoveryKey {
    /// Draws 256 bits.
    ///
    /// # Errors
    /// [`SealError::BrokenRandomness`].
    pub fn generate(rng: &mut impl CryptoRng) -> Result<Self, SealError> {
        Self::draw(rng)
    }

    /// Reads 24 words of the English BIP-39 list, in any case and with any
    /// white space around them.
    ///
    /// # Errors
    /// [`RecoveryKeyError`], which names the first unknown word by position.
    pub fn parse(text: &str) -> Result<Self, RecoveryKeyError> {
        let words = Zeroizing::new(text.to_lowercase());
        let count = words.split_whitespace().count();
        if count != RECOVERY_WORDS {
            return Err(RecoveryKeyError::WordCount(count));
        }
        let mut mnemonic = Mnemonic::parse_in_normalized(Language::English, &words).map_err(
            |error| match error {
                bip39::Error::UnknownWord(index) => RecoveryKeyError::UnknownWord(index + 1),
                _ => RecoveryKeyError::Checksum,
            },
        )?;
        let entropy = Zeroizing::new(mnemonic.to_entropy());
        mnemonic.zeroize();
        Self::from_bytes(&entropy).map_err(|_| RecoveryKeyError::Checksum)
    }

    /// The words, in lower case with one space between them, to be shown once.
    pub fn to_words(&self) -> Zeroizing<String> {
        let mut words = Zeroizing::new(String::with_capacity(RECOVERY_WORDS * 9));
        // 32 bytes are one of the lengths BIP-39 takes, so there is a mnemonic.
        if let Ok(mut mnemonic) = Mnemonic::from_entropy_in(Language::English, self.expose()) {
            for (index, word) in mnemonic.words().enumerate() {
                if index > 0 {
                    words.push(' ');
                }
                words.push_str(word);
            }
            mnemonic.zeroize();
        }
        words
    }

    /// The key that wraps the root key.
    pub fn kek(&self) -> Kek {
        Kek::from_derived(derive(Label::KekRecovery, self.expose(), &[]))
    }

    /// The key that answers the server's recovery challenge.
    pub fn auth(&self) -> RecoveryAuth {
        let seed = derive(Label::RecoveryAuth, self.expose(), &[]);
        RecoveryAuth(SigningKey::from_bytes(&seed))
    }
}

/// Signs recovery challenges, and nothing else. Wiped on drop.
pub struct RecoveryAuth(SigningKey);

impl RecoveryAuth {
    /// The half the server keeps.
    pub fn public(&self) -> SignPublicKey {
        SignPublicKey::new(self.0.verifying_key().to_bytes())
    }

    /// Signs a [`Statement::RecoveryProof`] of that hash.
    pub fn sign(&self, proof: &Hash) -> [u8; 64] {
        self.0
            .sign(&Statement::RecoveryProof.signing_input(proof))
            .to_bytes()
    }
}

impl std::fmt::Debug for RecoveryAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RecoveryAuth({})", self.public())
    }
}

/// What a wrapped root key is bound to. A wrap opens under no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrapContext {
    /// The account.
    pub uid: VaultId,
    /// Which of its unlockers.
    pub unlocker_id: UnlockerId,
    /// Password or recovery key.
    pub kind: UnlockerKind,
    /// Of the root key inside.
    pub generation: u32,
}

impl WrapContext {
    fn enc(&self) -> Vec<u8> {
        Context::RootWrap.enc(&[
            self.uid.as_bytes(),
            self.unlocker_id.as_bytes(),
            &[self.kind.tag()],
            &self.generation.to_be_bytes(),
        ])
    }
}

/// Wraps the root key: one Box of [`WRAP_LEN`] bytes.
///
/// # Errors
/// [`SealError`], never for reasons of the values.
pub fn wrap_root_key(
    kek: &Kek,
    ark: &AccountRootKey,
    ctx: &WrapContext,
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, SealError> {
    SMALL.seal(kek.expose(), &ctx.enc(), ark.expose(), rng)
}

/// Unwraps a root key that was wrapped for exactly this unlocker and generation.
///
/// # Errors
/// [`KeyBlobInvalid`], whatever the cause.
pub fn unwrap_root_key(
    kek: &Kek,
    wrap: &[u8],
    ctx: &WrapContext,
) -> Result<AccountRootKey, KeyBlobInvalid> {
    let bytes = SMALL.open(kek.expose(), &ctx.enc(), wrap)?;
    AccountRootKey::from_bytes(&bytes).map_err(|_| KeyBlobInvalid)
}

/// Whose copy of the root key rests on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A session; the device key is the half that the server keeps for it.
    Session(SessionId),
    /// An installed client; the device key is in its keyring or a private file.
    Device(DeviceId),
}

/// What a root key at rest is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestContext {
    /// The server.
    pub instance_id: InstanceId,
    /// The account.
    pub uid: VaultId,
    /// Of the root key inside.
    pub generation: u32,
    /// The session or device.
    pub holder: Holder,
}

impl RestContext {
    fn enc(&self) -> Vec<u8> {
        let (tag, holder) = match &self.holder {
            Holder::Session(id) => (1, id.as_bytes()),
            Holder::Device(id) => (2, id.as_bytes()),
        };
        Context::RootAtRest.enc(&[
            self.instance_id.as_bytes(),
            self.uid.as_bytes(),
            &self.generation.to_be_bytes(),
            &[tag],
            holder,
        ])
    }
}

/// Seals the root key to rest on a device: one Box of [`WRAP_LEN`] bytes.
///
/// # Errors
/// [`SealError`], never for reasons of the values.
pub fn seal_root_at_rest(
    device_key: &DeviceKey,
    ark: &AccountRootKey,
    ctx: &RestContext,
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, SealError> {
    let key = derive(Label::DeviceRoot, device_key.expose(), &[]);
    SMALL.seal(key.as_slice(), &ctx.enc(), ark.expose(), rng)
}

/// Opens a root key that rested on this device.
///
/// # Errors
/// [`KeyBlobInvalid`], whatever the cause: the person logs in again.
pub fn open_root_at_rest(
    device_key: &DeviceKey,
    sealed: &[u8],
    ctx: &RestContext,
) -> Result<AccountRootKey, KeyBlobInvalid> {
    let key = derive(Label::DeviceRoot, device_key.expose(), &[]);
    let bytes = SMALL.open(key.as_slice(), &ctx.enc(), sealed)?;
    AccountRootKey::from_bytes(&bytes).map_err(|_| KeyBlobInvalid)
}
