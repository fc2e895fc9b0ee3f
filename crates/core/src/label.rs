//! The registry of labels (spec: `primitives.md` §2 and §3): every key that is
//! derived and every context that is sealed has its own, so no value passes
//! for another. A test holds this file equal to the spec's tables.

/// A key derived by HKDF-SHA-512. The salt names what it is derived from, the
/// info what it is; all are 32 bytes long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// Key-encryption key of a password.
    KekPassword,
    /// Key-encryption key of a recovery key.
    KekRecovery,
    /// Seed of the Ed25519 key that answers a recovery challenge.
    RecoveryAuth,
    /// Seed of an account's Ed25519 key.
    IdSign,
    /// X-Wing private key of an account.
    IdKem,
    /// Key of the account vault.
    AccountVaultKey,
    /// Root of what is kept on a device.
    Local,
    /// Key of the root key's Box on a device.
    DeviceRoot,
    /// Key of a vault's records.
    Records,
    /// X-Wing private key of a vault.
    VaultKem,
    /// Public commitment to a vault key.
    VaultKeyCommitment,
    /// Key of the Box that holds the previous epoch's key.
    PreviousKey,
    /// Key of cached metadata on a device.
    LocalCache,
    /// Key of the state of unfinished transfers.
    LocalResume,
    /// Key of the newest heads a device has seen.
    LocalPins,
}

impl Label {
    /// Every label, for the registry test.
    pub const ALL: [Self; 15] = [
        Self::KekPassword,
        Self::KekRecovery,
        Self::RecoveryAuth,
        Self::IdSign,
        Self::IdKem,
        Self::AccountVaultKey,
        Self::Local,
        Self::DeviceRoot,
        Self::Records,
        Self::VaultKem,
        Self::VaultKeyCommitment,
        Self::PreviousKey,
        Self::LocalCache,
        Self::LocalResume,
        Self::LocalPins,
    ];

    /// Output length in bytes.
    pub const LEN: usize = 32;

    /// HKDF salt: what kind of key the input is.
    pub const fn salt(self) -> &'static str {
        match self {
            Self::KekPassword => "SecureVault/v1/from/export-key",
            Self::KekRecovery | Self::RecoveryAuth => "SecureVault/v1/from/recovery-key",
            Self::IdSign | Self::IdKem | Self::AccountVaultKey | Self::Local => {
                "SecureVault/v1/from/root-key"
            }
            Self::DeviceRoot => "SecureVault/v1/from/device-key",
            Self::Records | Self::VaultKem | Self::VaultKeyCommitment | Self::PreviousKey => {
                "SecureVault/v1/from/vault-key"
            }
            Self::LocalCache | Self::LocalResume | Self::LocalPins => {
                "SecureVault/v1/from/local-key"
            }
        }
    }

    /// HKDF info: what the output is. Fields follow it as `enc` (spec: `encoding.md` §1).
    pub const fn info(self) -> &'static str {
        match self {
            Self::KekPassword => "SecureVault/v1/kek/password",
            Self::KekRecovery => "SecureVault/v1/kek/recovery",
            Self::RecoveryAuth => "SecureVault/v1/recovery-auth",
            Self::IdSign => "SecureVault/v1/id-sign",
            Self::IdKem => "SecureVault/v1/id-kem",
            Self::AccountVaultKey => "SecureVault/v1/account-vk",
            Self::Local => "SecureVault/v1/local",
            Self::DeviceRoot => "SecureVault/v1/device-root",
            Self::Records => "SecureVault/v1/records",
            Self::VaultKem => "SecureVault/v1/vault-kem",
            Self::VaultKeyCommitment => "SecureVault/v1/vk-commit",
            Self::PreviousKey => "SecureVault/v1/previous-key",
            Self::LocalCache => "SecureVault/v1/local/cache",
            Self::LocalResume => "SecureVault/v1/local/resume",
            Self::LocalPins => "SecureVault/v1/local/pins",
        }
    }
}

/// What a Box or an HPKE envelope is bound to: the label of the `enc` that is
/// its context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// An account's root key under an unlocker.
    RootWrap,
    /// An account's root key on a device.
    RootAtRest,
    /// A vault's previous key under its next.
    PreviousKey,
    /// A vault key to a principal.
    Envelope,
    /// A record.
    Record,
    /// A block of a content.
    Block,
    /// State kept on a device.
    Local,
}

impl Context {
    /// Every context, for the registry test.
    pub const ALL: [Self; 7] = [
        Self::RootWrap,
        Self::RootAtRest,
        Self::PreviousKey,
        Self::Envelope,
        Self::Record,
        Self::Block,
        Self::Local,
    ];

    /// The label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::RootWrap => "SecureVault/v1/ctx/root-wrap",
            Self::RootAtRest => "SecureVault/v1/ctx/root-at-rest",
            Self::PreviousKey => "SecureVault/v1/ctx/previous-key",
            Self::Envelope => "SecureVault/v1/ctx/envelope",
            Self::Record => "SecureVault/v1/ctx/record",
            Self::Block => "SecureVault/v1/ctx/block",
            Self::Local => "SecureVault/v1/ctx/local",
        }
    }

    pub(crate) fn enc(self, fields: &[&[u8]]) -> Vec<u8> {
        sv_ledger::enc::enc(self.label(), fields)
    }
}

/// Box name of small values and records.
pub const BOX_SMALL: &str = "SecureVault/v1/box+chacha20poly1305";
/// Box name of file blocks.
pub const BOX_BLOCK: &str = "SecureVault/v1/box+aes256gcm";
