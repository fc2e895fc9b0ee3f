//! A strict reader and writer of fixed binary structs: big-endian integers,
//! length-prefixed fields, nothing optional, nothing trailing.

use crate::id::{ContentId, Hash, InstanceId, NodeId, SignPublicKey, UnlockerId, VaultId};

/// Why bytes were refused by a parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The bytes end in the middle of a field.
    #[error("the data ends too early")]
    Truncated,
    /// Bytes are left over after the last field.
    #[error("there is data after the end")]
    Trailing,
    /// A suite or version other than the only one that exists.
    #[error("unsupported suite or version {0}")]
    UnsupportedSuite(u8),
    /// A tag, count or order that the format does not allow.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// A count or length above its limit.
    #[error("{0} is over its limit")]
    TooLarge(&'static str),
}

/// Reads fields from the front of a slice.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the front of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// [`ParseError::Truncated`] if there are fewer.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], ParseError> {
        let (head, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or(ParseError::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`ParseError::Truncated`] if there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], ParseError> {
        let (head, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(ParseError::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    /// One byte.
    ///
    /// # Errors
    /// [`ParseError::Truncated`] at the end.
    pub fn u8(&mut self) -> Result<u8, ParseError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Two bytes, big-endian.
    ///
    /// # Errors
    /// [`ParseError::Truncated`] if there are fewer.
    pub fn u16(&mut self) -> Result<u16, ParseError> {
        self.array().map(u16::from_be_bytes)
    }

    /// Four bytes, big-endian.
    ///
    /// # Errors
    /// [`ParseError::Truncated`] if there are fewer.
    pub fn u32(&mut self) -> Result<u32, ParseError> {
        self.array().map(u32::from_be_bytes)
    }

    /// Eight bytes, big-endian.
    ///
    /// # Errors
    /// [`ParseError::Truncated`] if there are fewer.
    pub fn u64(&mut self) -> Result<u64, ParseError> {
        self.array().map(u64::from_be_bytes)
    }

    /// A field of `u32` length, of at most `max` bytes.
    ///
    /// # Errors
    /// [`ParseError::TooLarge`] before anything is read, or [`ParseError::Truncated`].
    pub fn bytes(&mut self, max: usize, what: &'static str) -> Result<&'a [u8], ParseError> {
        let len = self.u32()? as usize;
        if len > max {
            return Err(ParseError::TooLarge(what));
        }
        self.take(len)
    }

    /// The suite byte, of which there is one.
    ///
    /// # Errors
    /// [`ParseError::UnsupportedSuite`] for any other.
    pub fn suite(&mut self) -> Result<(), ParseError> {
        match self.u8()? {
            SUITE => Ok(()),
            other => Err(ParseError::UnsupportedSuite(other)),
        }
    }

    /// Ends the parse.
    ///
    /// # Errors
    /// [`ParseError::Trailing`] if anything is left.
    pub const fn finish(self) -> Result<(), ParseError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(ParseError::Trailing)
        }
    }
}

macro_rules! read_ids {
    ($($(#[$doc:meta])* $method:ident -> $id:ident),* $(,)?) => {
        impl Reader<'_> {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// [`ParseError::Truncated`] if there are too few bytes.
                pub fn $method(&mut self) -> Result<$id, ParseError> {
                    self.array().map($id::new)
                }
            )*
        }
    };
}

read_ids! {
    /// A vault id or uid.
    vault_id -> VaultId,
    /// An instance id.
    instance_id -> InstanceId,
    /// A hash.
    hash -> Hash,
    /// A signing public key.
    sign_public_key -> SignPublicKey,
    /// A node id.
    node_id -> NodeId,
    /// A content id.
    content_id -> ContentId,
    /// An unlocker id.
    unlocker_id -> UnlockerId,
}

/// The only suite: see `docs/spec/primitives.md`.
pub const SUITE: u8 = 1;

/// Appends fields to a buffer.
#[derive(Debug, Default, Clone)]
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// An empty buffer.
    pub const fn new() -> Self {
        Self { out: Vec::new() }
    }

    /// Raw bytes of a length the format fixes.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.out.extend_from_slice(bytes);
        self
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.raw(&[value])
    }

    /// Two bytes, big-endian.
    pub fn u16(&mut self, value: u16) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// Four bytes, big-endian.
    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// Eight bytes, big-endian.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// A field of `u32` length.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.u32(bytes.len() as u32).raw(bytes)
    }

    /// The finished buffer.
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }
}
