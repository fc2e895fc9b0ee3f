//! The rows as an administrator reads them.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use serde::Serialize;
use sv_ledger::id::VaultId;
use sv_ledger::state::Role;

use super::Audit;
use super::event::{Detail, Kind};
use crate::service::Result;
use crate::store::accounts::account;
use crate::store::audit::{self as store, StoredRow};

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its place.
    pub seq: u64,
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// What happened.
    pub kind: String,
    /// Whose doing, by handle, or uid where the account is gone; none for the
    /// host, or nobody known.
    pub actor: Option<String>,
    /// About whom or what: a handle, else an id or hash.
    pub subject: Option<String>,
    /// The network that the request came from, /24 or /56.
    pub network: Option<String>,
    /// A session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// A vault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vault: Option<String>,
    /// A role in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'static str>,
    /// When that ends, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
    /// A number: bytes, or a row's place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// The row's hash.
    pub hash: String,
}

impl Audit {
    /// Rows beyond `after`, at most `limit`.
    ///
    /// # Errors
    /// [`crate::service::Error::Database`].
    pub async fn list(&self, after: u64, limit: u32) -> Result<Vec<Listed>> {
        let mut snapshot = self.db.read().await?;
        let handles = account::handles(&mut snapshot).await?;
        let handles: BTreeMap<_, _> = handles.into_iter().collect();
        let rows = store::rows(&mut snapshot, after, limit).await?;
        Ok(rows.iter().map(|row| listed(row, &handles)).collect())
    }
}

fn listed(row: &StoredRow, handles: &BTreeMap<VaultId, String>) -> Listed {
    let event = &row.event;
    let named = |id: VaultId| match handles.get(&id) {
        _ if id == VaultId::ZERO => None,
        Some(handle) => Some(handle.clone()),
        None => Some(id.to_string()),
    };
    let listed = Listed {
        seq: row.seq,
        at_ms: event.at_ms,
        kind: Kind::from_tag(event.kind).map_or_else(
            || format!("kind {}", event.kind),
            |kind| kind.text().to_owned(),
        ),
        actor: named(event.actor),
        subject: named(VaultId::new(event.subject)),
        network: network(event.network),
        session: None,
        vault: None,
        role: None,
        expires_ms: None,
        number: None,
        hash: row.hash.to_string(),
    };
    match Detail::from_bytes(&event.detail) {
        Detail::None => listed,
        Detail::Session(id) => Listed {
            session: Some(id.to_string()),
            ..listed
        },
        Detail::Member {
            vault_id,
            role,
            expires_ms,
        } => Listed {
            vault: Some(vault_id.to_string()),
            role: Some(role_name(role)),
            expires_ms: Some(expires_ms).filter(|ms| *ms > 0),
            ..listed
        },
        Detail::Number(number) => Listed {
            number: Some(number),
            ..listed
        },
    }
}

/// A network as a range of addresses.
fn network(bytes: [u8; 16]) -> Option<String> {
    let address = Ipv6Addr::from(bytes);
    match address.to_ipv4_mapped() {
        _ if bytes == [0; 16] => None,
        Some(v4) => Some(format!("{v4}/24")),
        None => Some(format!("{address}/56")),
    }
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Contributor => "contributor",
        Role::Editor => "editor",
        Role::Manager => "manager",
        Role::Owner => "owner",
    }
}
