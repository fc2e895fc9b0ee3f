//! Errors, one enum per domain. Where an attacker could learn from the
//! difference, there is one value for every cause.

/// Sealed data does not open: altered, moved to another place, under another
/// key, or cut. Deliberately says no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the data was altered, or is not what it was said to be")]
pub struct Tampered;

/// A wrap of an account's root key does not open (spec: `account-keys.md` §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed account key does not open")]
pub struct KeyBlobInvalid;

/// Bytes that cannot be a key: the wrong length, or all zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a usable key")]
pub struct WeakKey;

/// Why something could not be generated or sealed. Never an attacker's doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The source of randomness gave only zeros.
    #[error("the system's source of randomness is broken")]
    BrokenRandomness,
    /// A value above a limit of the format.
    #[error("{0} is over its limit")]
    TooLarge(&'static str),
    /// A value the format does not allow: a bug in the caller.
    #[error("cannot seal: {0}")]
    Misuse(&'static str),
    /// The value came from a newer version of SecureVault and must not be written.
    #[error("made by a newer version of SecureVault; update to change it")]
    ReadOnly,
    /// The cipher implementation failed.
    #[error("the cipher failed")]
    Cipher,
}

/// Why a text is not a recovery key (spec: `account-keys.md` §3). Positions
/// count from 1; the words themselves stay out of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryKeyError {
    /// Not 24 words.
    #[error("a recovery key has 24 words, this one has {0}")]
    WordCount(usize),
    /// A word that is not in the list.
    #[error("word {0} is not one a recovery key can contain; check its spelling")]
    UnknownWord(usize),
    /// Every word is known, but they do not belong together.
    #[error("the words do not fit together; check their order and spelling")]
    Checksum,
}

/// Why a key envelope was refused (spec: `account-keys.md` §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// A suite other than the only one that exists.
    #[error("unsupported suite {0}")]
    UnsupportedSuite(u8),
    /// Any other cause.
    #[error("the key envelope was altered, or is not the one the log names")]
    Tampered,
}

/// Why a record was refused (spec: `records.md` §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A suite other than the only one that exists.
    #[error("unsupported suite {0}")]
    UnsupportedSuite(u8),
    /// It does not open, or is not of the entry's epoch.
    #[error("the record was altered, or is not the one the log names")]
    Tampered,
    /// It opens, but its author sealed something the format does not allow.
    #[error("malformed record: {0}")]
    Malformed(&'static str),
}

/// Why a name was refused (spec: `records.md` §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No characters.
    #[error("a name cannot be empty")]
    Empty,
    /// More than 255 bytes of UTF-8.
    #[error("a name cannot be longer than 255 bytes; this one has {0}")]
    TooLong(usize),
    /// `.` or `..`.
    #[error("“.” and “..” are not names")]
    Reserved,
    /// A slash, a control character or one that reverses the text.
    #[error("a name cannot contain the character U+{:04X}", u32::from(*.0))]
    Forbidden(char),
}

/// Why a content was refused (spec: `content.md` §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// A suite other than the only one that exists.
    #[error("unsupported suite {0}")]
    UnsupportedSuite(u8),
    /// Not a raw download or not a content key.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// More than 2^20 blocks.
    #[error("the content is over 4 TiB")]
    TooLarge,
    /// A block or the list of blocks is not what the record names.
    #[error("the content was altered, cut or exchanged")]
    Tampered,
}

/// Why a Fernet key or token was refused (spec: `fernet.md` §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FernetError {
    /// Not 32 bytes in URL-safe base64, or zeros.
    #[error("not a Fernet key: 44 characters of URL-safe base64")]
    NotAKey,
    /// Two keys that would read two contents in one token.
    #[error("two of the keys share their signing half: which one made a token cannot be told")]
    AmbiguousKeys,
    /// It does not begin like one.
    #[error("not a Fernet token")]
    NotAToken,
    /// More than 512 MiB of plaintext.
    #[error("the token is over 512 MiB")]
    TooLarge,
    /// None of the keys signed it as it is. Deliberately says no more.
    #[error("the token was altered, cut, or made with another key")]
    Tampered,
    /// Older than was asked for.
    #[error("the token is older than allowed")]
    Expired,
    /// Made after now.
    #[error("the token says it was made in the future")]
    FromTheFuture,
}

impl From<Tampered> for EnvelopeError {
    fn from(_: Tampered) -> Self {
        Self::Tampered
    }
}

impl From<Tampered> for RecordError {
    fn from(_: Tampered) -> Self {
        Self::Tampered
    }
}

impl From<Tampered> for ContentError {
    fn from(_: Tampered) -> Self {
        Self::Tampered
    }
}

impl From<Tampered> for KeyBlobInvalid {
    fn from(_: Tampered) -> Self {
        Self
    }
}
