//! Bodies of what sharing needs besides the log: finding people, and who
//! fetched what.

use serde::{Deserialize, Serialize};
use sv_ledger::codec::{Reader, Writer};
use sv_ledger::id::{AccessId, ContentId, VaultId};
use sv_ledger::limits::HANDLES_PER_REQUEST;
use utoipa::ToSchema;

use crate::text::as_text;
use crate::vault::{MembershipLog, read_flag, read_list, read_membership, write_membership};
use crate::wire::{BINARY, Wire, WireError, json_wire};

/// Handles to look up, as people type them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DirectoryRequest {
    /// At most [`HANDLES_PER_REQUEST`].
    pub handles: Vec<String>,
}

/// What the server says of some handles, in the order in which they were
/// asked for; it may stop early, never skip.
#[derive(Debug, Clone)]
pub struct Directory {
    /// The account's own chain, or none for a handle that nobody has. Which
    /// keys are whose is what the chain proves, not the server's answer.
    pub chains: Vec<Option<MembershipLog>>,
}

impl Wire for Directory {
    const CONTENT_TYPE: &'static str = BINARY;

    fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u32(self.chains.len() as u32);
        for chain in &self.chains {
            w.u8(u8::from(chain.is_some()));
            if let Some(chain) = chain {
                write_membership(&mut w, chain);
            }
        }
        w.into_bytes()
    }

    fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let chains = read_list(&mut r, HANDLES_PER_REQUEST, |r| match read_flag(r)? {
            true => read_membership(r).map(Some),
            false => Ok(None),
        })?;
        r.finish()?;
        Ok(Self { chains })
    }
}

/// A content that somebody fetched from a shared vault, as the server saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContentAccess {
    /// Its place in the list.
    #[serde(with = "as_text")]
    #[schema(value_type = String)]
    pub access_id: AccessId,
    /// Who.
    #[serde(with = "as_text")]
    #[schema(value_type = String)]
    pub uid: VaultId,
    /// What.
    #[serde(with = "as_text")]
    #[schema(value_type = String)]
    pub content_id: ContentId,
    /// When the first block was asked for, Unix milliseconds by the server's clock.
    pub first_ms: u64,
    /// When the last was.
    pub last_ms: u64,
    /// How many blocks.
    pub blocks: u64,
}

/// Accesses, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessPage {
    /// In descending order of id.
    pub accesses: Vec<ContentAccess>,
    /// Whether there are older ones.
    pub more: bool,
}

json_wire!(DirectoryRequest, AccessPage);
