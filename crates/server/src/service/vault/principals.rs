//! Other vaults that an entry depends on: those it is written through, those
//! it gives access or new keys to, and those that are members. An entry names
//! their heads, and the server admits only the newest it holds: if one moved
//! on, the author has to look again.

use std::collections::{BTreeMap, BTreeSet};

use sv_api::{ApiError, ErrorCode};
use sv_ledger::apply::Reject;
use sv_ledger::entry::Entry;
use sv_ledger::id::VaultId;
use sv_ledger::limits::NESTING;
use sv_ledger::membership_op::{MembershipOp, PrincipalKeys};
use sv_ledger::principals::Principals;
use sv_ledger::state::{Head, Membership};

use super::named::Names;
use super::prepare::rejected;
use crate::db::{Query, Write};
use crate::service::account::throttle::SPARE_KEY;
use crate::service::{Error, Result};
use crate::store::accounts::throttle as buckets;
use crate::store::{members, remains, vaults};

/// The memberships that an entry was prepared against.
#[derive(Debug, Default)]
pub(super) struct Dependencies {
    /// For `apply`.
    pub(super) principals: Principals,
    /// What must still be so when the entry is committed.
    heads: BTreeMap<VaultId, Head>,
    /// What was looked at if the entry makes a vault a member.
    pub(super) names: Option<Names>,
    /// How many vaults stand one inside the other below the vault after the
    /// entry; none if more than anybody follows.
    below: Option<usize>,
    /// Whether the entry makes a new key and nothing made one due.
    has_spare_key: bool,
}

impl Dependencies {
    /// Reads them as they stand.
    ///
    /// # Errors
    /// [`ErrorCode::Conflict`] if the entry names an older head of one.
    pub(super) async fn read(
        q: &mut impl Query,
        vault: &Membership,
        entry: &Entry,
    ) -> Result<Self> {
        let mut wanted: BTreeSet<VaultId> = entry.named_heads().map(|via| via.vault_id).collect();
        wanted.extend(vault.vault_members().map(|(id, _)| *id));
        let mut found = BTreeMap::<VaultId, Membership>::new();
        let mut heads = BTreeMap::<VaultId, Head>::new();
        for _ in 0..=NESTING {
            let level: Vec<_> = wanted
                .difference(&found.keys().copied().collect())
                .copied()
                .collect();
            if level.is_empty() {
                break;
            }
            for membership in vaults::memberships(q, level.iter().copied()).await? {
                heads.insert(membership.vault_id, membership.head);
                found.insert(membership.vault_id, membership);
            }
            // Those that are gone stand as they stood then.
            let gone = level.iter().filter(|id| !found.contains_key(id)).copied();
            for membership in remains::memberships(q, gone).await? {
                found.insert(membership.vault_id, membership);
            }
            let inside = level.iter().filter_map(|id| found.get(id));
            wanted.extend(inside.flat_map(|m| m.vault_members().map(|(id, _)| *id)));
        }
        for named in entry.named_heads() {
            let newest = found.get(&named.vault_id).map(|m| m.head);
            if newest.is_some_and(|newest| newest != named.head) {
                return Err(ErrorCode::Conflict.into());
            }
        }
        // Nobody comes in through a vault that is gone, nor does it.
        let body = entry.body();
        let through = body.via.iter().map(|via| via.vault_id);
        let granted = entry.membership_ops().iter().filter_map(|op| match op {
            MembershipOp::Grant(op) if op.keys.is_vault() => Some(op.principal),
            _ => None,
        });
        if through.chain(granted).any(|id| !heads.contains_key(&id)) {
            return Err(Reject::Principal.into());
        }
        Ok(Self {
            heads,
            principals: found.into_values().collect(),
            names: None,
            below: None,
            has_spare_key: false,
        })
    }

    /// Looks whether the entry makes a key that nobody needs, or that leaves due
    /// what was due. Somebody of bad will could fill the log with them, which
    /// every new device has to read.
    pub(super) fn look_at_key(&mut self, before: &Membership, after: &Membership, entry: &Entry) {
        let ops = entry.membership_ops();
        let makes_due = |op: &MembershipOp| {
            matches!(
                op,
                MembershipOp::Revoke(_) | MembershipOp::Expire(_) | MembershipOp::Rekey(_)
            )
        };
        let is_due = |membership: &Membership| membership.needs_key(&self.principals);
        let settles = is_due(before) && !is_due(after);
        let has_key = entry.epoch_op().is_some();
        self.has_spare_key = has_key && !settles && !ops.iter().any(makes_due);
    }

    /// Counts such a key.
    ///
    /// # Errors
    /// [`ErrorCode::RateLimited`] if the author has made too many.
    pub(super) async fn charge_key(
        &self,
        write: &mut Write,
        entry: &Entry,
        now_ms: u64,
    ) -> Result<()> {
        if !self.has_spare_key {
            return Ok(());
        }
        // No keyed hash: the log itself says who wrote in which vault.
        let mut bucket = blake3::Hasher::new_derive_key("SecureVault 2026 bucket of spare keys");
        bucket.update(entry.body().vault_id.as_bytes());
        bucket.update(entry.body().author.as_bytes());
        let bucket = *bucket.finalize().as_bytes();
        let free_at_ms = buckets::free_at_ms(write, bucket).await?;
        match SPARE_KEY.take(1, free_at_ms, now_ms) {
            Ok(free_at_ms) => Ok(buckets::put(write, bucket, free_at_ms).await?),
            Err(wait_ms) => Err(Error::Refused(ApiError {
                retry_after_ms: Some(wait_ms),
                ..ApiError::new(ErrorCode::RateLimited)
            })),
        }
    }

    /// Looks how deep the vault goes after the entry. Costly for many vaults,
    /// so it comes before the unit of work; [`Self::hold`] makes sure that it
    /// still holds there.
    pub(super) fn measure(&mut self, after: &Membership) {
        if self.names.is_some() {
            self.below = after.depth(&self.principals);
        }
    }

    /// Locks them, and finds them as they were read.
    ///
    /// # Errors
    /// [`ErrorCode::Conflict`] if one has moved on, or a vault came in somewhere
    /// that [`Names::check`] looked at.
    pub(super) async fn hold(&self, write: &mut Write) -> Result<()> {
        if self.heads.is_empty() {
            return Ok(());
        }
        if let Some(names) = &self.names {
            names.hold(write).await?;
        }
        let ids = self.heads.keys().copied();
        let now = vaults::lock_memberships(write, ids).await?;
        let now: BTreeMap<_, _> = now.into_iter().map(|m| (m.vault_id, m.head)).collect();
        match now == self.heads {
            true => Ok(()),
            false => Err(ErrorCode::Conflict.into()),
        }
    }

    /// Refuses vaults inside vaults, deeper than anybody follows, or in a
    /// circle. After [`Self::measure`] and [`Self::hold`].
    ///
    /// # Errors
    /// [`ErrorCode::Rejected`].
    pub(super) async fn check_nesting(&self, q: &mut impl Query, vault_id: VaultId) -> Result<()> {
        if self.names.is_none() {
            return Ok(());
        }
        let mut above = 0;
        let mut level = BTreeSet::from([vault_id]);
        while above <= NESTING {
            let up = members::vaults_of(q, level.into_iter()).await?;
            level = up.into_iter().collect();
            if level.is_empty() {
                break;
            }
            above += 1;
        }
        match self.below {
            Some(below) if above + below <= NESTING => Ok(()),
            _ => Err(rejected(
                "groups and shared folders inside one another go at most four deep, and never \
                 in a circle",
            )),
        }
    }

    /// Refuses a change of records while a new key is due in a vault that is
    /// a member: whoever lost access there could read what is written here.
    ///
    /// # Errors
    /// [`Reject::Due`].
    pub(super) fn check_key(&self, vault: &Membership, entry: &Entry) -> Result<()> {
        if !entry.is_membership() && vault.needs_key(&self.principals) {
            return Err(Reject::Due.into());
        }
        Ok(())
    }
}

/// People are given access with the keys that their account has now, and
/// nobody is who has no account here.
///
/// # Errors
/// [`ErrorCode::Conflict`] for keys of another generation or an older head;
/// [`ErrorCode::Rejected`] for keys that were never the account's.
pub(super) async fn check_people(q: &mut impl Query, entry: &Entry) -> Result<()> {
    let named: BTreeMap<VaultId, PrincipalKeys> = entry
        .membership_ops()
        .iter()
        .filter_map(|op| match op {
            MembershipOp::Grant(op) => Some((op.principal, op.keys)),
            MembershipOp::Rekey(op) if op.principal != entry.body().vault_id => {
                Some((op.principal, op.keys))
            }
            _ => None,
        })
        .filter(|(_, keys)| !keys.is_vault())
        .collect();
    if named.is_empty() {
        return Ok(());
    }
    let accounts = vaults::memberships(q, named.keys().copied()).await?;
    let accounts: BTreeMap<_, _> = accounts
        .iter()
        .map(|m| (m.vault_id, m.principal()))
        .collect();
    for (uid, keys) in named {
        let is_person = |keys: &&PrincipalKeys| !keys.is_vault();
        let account = accounts.get(&uid).filter(is_person);
        let account = account.ok_or_else(|| rejected("nobody here has this account"))?;
        if account.head.seq != keys.head.seq {
            return Err(ErrorCode::Conflict.into());
        }
        if *account != keys {
            return Err(rejected("the keys are not those of this account"));
        }
    }
    Ok(())
}
