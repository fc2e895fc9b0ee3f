//! Append: compare-and-swap on a vault's head, with everything the entry
//! names durable in the same unit of work (spec: `log.md` §4).
//!
//! Validity is computed against a snapshot, without the writer. Every change
//! of a vault moves its head, so if the head is still the same once the
//! vault's row is locked, what was computed holds.

use sv_api::ErrorCode;
use sv_api::vault::{AppendRequest, Appended};
use sv_ledger::apply::{Reject, Touched};
use sv_ledger::entry::Entry;
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::VaultId;
use sv_ledger::state::{Head, Role};
use tokio::task::spawn_blocking;

use super::access::{Access, Vault, Write};
use super::admission::{Verified, admit, verify_uploads};
use super::named::Names;
use super::prepare::{PreparedEntry, rejected};
use super::principals::{Dependencies, check_people};
use super::{Vaults, is_timely};
use crate::db::{self, Query, Read};
use crate::service::{Error, Result};
use crate::store::vaults::StoredVault;
use crate::store::{entries, leaves, vaults};

impl Vaults {
    /// Appends an entry. A retry of the entry that stands at its place
    /// already succeeds without doing anything.
    ///
    /// # Errors
    /// [`ErrorCode::Conflict`] if the head is another than the one it
    /// follows; [`ErrorCode::Rejected`], `ClockSkew`, `BlocksMissing` or
    /// `QuotaExceeded`; then nothing has changed.
    pub async fn append(
        &self,
        access: &Access<Write, Vault>,
        request: AppendRequest,
    ) -> Result<Appended> {
        let seq = request.entry.body().seq;
        check_author(access, &request.entry)?;
        if !request.entry.is_membership() && !access.is_at_least(Role::Contributor) {
            return Err(ErrorCode::Forbidden.into());
        }
        let mut snapshot = self.db.read().await?;
        let (stored, touched) = state_before(&mut snapshot, &request.entry).await?;
        if stored.state.head.seq >= seq {
            self.require_same(&mut snapshot, &request.entry).await?;
            return Ok(Appended { seq });
        }
        require_next(&request.entry, stored.state.head)?;
        // New keys of an account come together with what opens it.
        if stored.state.membership.kind == VaultKind::Account && request.entry.is_membership() {
            return Err(rejected("an account changes its keys by rotation only"));
        }
        let now_ms = self.clock.now_ms();
        if !is_timely(request.entry.body().timestamp_ms, now_ms) {
            return Err(ErrorCode::ClockSkew.into());
        }
        let AppendRequest {
            entry,
            bodies,
            inline,
        } = request;
        let (owner, state) = (stored.owner, stored.state);
        let mut depends = Dependencies::read(&mut snapshot, &state.membership, &entry).await?;
        check_people(&mut snapshot, &entry).await?;
        depends.names = Names::check(&mut snapshot, &entry).await?;
        let (prepared, depends) = spawn_blocking(move || {
            depends.check_key(&state.membership, &entry)?;
            let principals = &depends.principals;
            let prepared = PreparedEntry::new(&state, &touched, principals, entry, bodies, inline)?;
            let after = &prepared.transition.state.membership;
            depends.look_at_key(&state.membership, after, &prepared.entry);
            depends.measure(after);
            Ok::<_, Error>((prepared, depends))
        })
        .await??;
        let verified = verify_uploads(&mut snapshot, &prepared, access.principal()).await?;
        drop(snapshot);

        let uid = access.principal();
        let commit = || self.commit(&prepared, &depends, &verified, uid, owner, now_ms);
        let committed = match self.db.retry(commit).await {
            Err(Error::Database(db::Error::TooLarge)) if prepared.entry.is_membership() => {
                self.send_ahead(&prepared, owner, now_ms).await?;
                self.db.retry(commit).await?
            }
            done => done?,
        };
        if committed {
            self.announce(&prepared.transition.state).await;
        }
        Ok(Appended { seq })
    }

    /// Whether it was committed now; `false` if an equal request came first.
    async fn commit(
        &self,
        prepared: &PreparedEntry,
        depends: &Dependencies,
        verified: &Verified,
        uid: VaultId,
        owner: VaultId,
        now_ms: u64,
    ) -> Result<bool> {
        let mut write = self.db.write().await?;
        let head = vaults::lock_head(&mut write, prepared.vault_id())
            .await?
            .ok_or(ErrorCode::NotFound)?;
        if head.seq >= prepared.entry.body().seq {
            self.require_same(&mut write, &prepared.entry).await?;
            return Ok(false);
        }
        require_next(&prepared.entry, head)?;
        depends.hold(&mut write).await?;
        depends
            .check_nesting(&mut write, prepared.vault_id())
            .await?;
        depends
            .charge_key(&mut write, &prepared.entry, now_ms)
            .await?;
        admit(&mut write, prepared, verified, uid, owner, now_ms).await?;
        write.commit().await?;
        Ok(true)
    }

    /// The entry that stands at this one's place is this one.
    async fn require_same(&self, q: &mut impl Query, entry: &Entry) -> Result<()> {
        let body = entry.body();
        match entries::hash_at(q, body.vault_id, body.seq).await? {
            Some(hash) if hash == entry.hash() => Ok(()),
            _ => Err(ErrorCode::Conflict.into()),
        }
    }
}

/// The entry is for this vault and by this user.
fn check_author(access: &Access<Write, Vault>, entry: &Entry) -> Result<()> {
    if entry.body().vault_id != access.vault_id() {
        return Err(Reject::WrongVault.into());
    }
    if entry.body().author != access.principal() {
        return Err(Reject::NotAMember.into());
    }
    Ok(())
}

/// Whether an entry comes right after a head.
pub(super) fn is_next(entry: &Entry, head: Head) -> bool {
    let body = entry.body();
    head.seq.checked_add(1) == Some(body.seq) && head.hash == body.prev_hash
}

fn require_next(entry: &Entry, head: Head) -> Result<()> {
    match is_next(entry, head) {
        true => Ok(()),
        false => Err(ErrorCode::Conflict.into()),
    }
}

async fn state_before(snapshot: &mut Read, entry: &Entry) -> Result<(StoredVault, Touched)> {
    let vault_id = entry.body().vault_id;
    let stored = vaults::lookup(snapshot, vault_id)
        .await?
        .ok_or(ErrorCode::NotFound)?;
    let nodes = entry.state_ops().iter().map(|op| *op.node_id());
    let touched = leaves::current(snapshot, vault_id, nodes).await?;
    Ok((stored, touched))
}
