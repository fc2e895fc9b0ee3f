//! A vault's keys: the newest from an envelope (or from the root key, for the
//! account vault), older ones each out of a later one.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use rand_core::CryptoRng;
use sv_core::error::SealError;
use sv_core::{AccountKeys, LocalKey, VaultKey};
use sv_ledger::bootstrap::MembershipChain;
use sv_ledger::codec::{Reader, Writer};
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::Hash;
use sv_ledger::membership_op::EpochOp;

use crate::error::{Result, Tamper};

/// The keys of every epoch that somebody can open.
///
/// Where the log commits to a key that nobody has, or a new key does not lead
/// to the one before, as after an epoch by somebody of bad will, older keys
/// come from older envelopes. What was sealed under a lost key stays shut, and
/// only that.
#[derive(Default)]
pub(super) struct Keyring {
    keys: BTreeMap<u32, VaultKey>,
    /// Epochs whose keys came by themselves and not out of a later one.
    anchors: BTreeSet<u32>,
    /// The epoch at which the way back from the newest key ended too early.
    broken_at: Option<u32>,
    /// The epoch at which the way back ended that was gone last.
    ends_at: Option<u32>,
    /// Whether others who seal to this vault seal to the newest key.
    is_named: bool,
}

impl Keyring {
    /// The key of an account vault.
    pub(super) fn account(chain: &MembershipChain, keys: &AccountKeys) -> Result<Self> {
        let membership = chain.latest()?;
        if membership.kind != VaultKind::Account {
            return Err(Tamper::VaultKey.into());
        }
        Ok(Self {
            keys: BTreeMap::from([(membership.epoch, keys.vault_key().clone())]),
            is_named: true,
            ..Self::default()
        })
    }

    /// With the key of one epoch, which the caller has compared with the log's
    /// commitment, and with all that come out of it.
    pub(super) fn add(&mut self, chain: &MembershipChain, epoch: u32, key: VaultKey) {
        let ops: Vec<&EpochOp> = chain
            .entries()
            .iter()
            .filter_map(|entry| entry.epoch_op())
            .collect();
        let op = |epoch: u32| epoch.checked_sub(1).and_then(|k| ops.get(k as usize));
        if epoch as usize == ops.len() {
            self.is_named = op(epoch).is_some_and(|op| op.kem_pk == key.kem_public());
        }
        let is_newest = self.keys.keys().next_back().is_none_or(|e| *e < epoch);
        self.keys.insert(epoch, key);
        self.anchors.insert(epoch);
        self.ends_at = None;
        let commitments: Vec<(u32, Hash)> = (1..).zip(ops.iter().map(|op| op.commitment)).collect();
        let vault_id = chain.vault_id();
        let mut at = epoch;
        while let Some(sealed) = op(at).and_then(|op| op.previous_key.as_ref()) {
            let earlier = commitments.iter().rev().copied();
            let found = self
                .keys
                .get(&at)
                .and_then(|key| key.open_previous(sealed, &vault_id, at, earlier).ok());
            let Some((before, key)) = found else {
                self.ends_at = Some(at);
                break;
            };
            self.keys.insert(before, key);
            at = before;
        }
        if is_newest {
            self.broken_at = self.ends_at;
        }
    }

    /// With what an older keyring of the same vault had.
    pub(super) fn with(mut self, older: Self) -> Self {
        for (epoch, key) in older.keys {
            if let Entry::Vacant(place) = self.keys.entry(epoch) {
                place.insert(key);
                self.anchors.insert(epoch);
            }
        }
        self
    }

    /// Whether a key of that epoch would give more than is here.
    pub(super) fn lacks(&self, epoch: u32) -> bool {
        self.keys.is_empty() || self.ends_at.is_some_and(|at| epoch < at)
    }

    /// Whether it has the key of the chain's latest epoch and whatever comes
    /// before it.
    pub(super) fn is_whole(&self, newest: u32) -> bool {
        self.keys.contains_key(&newest) && self.ends_at.is_none()
    }

    /// Whether nothing in it opens anything.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether the newest key is here, is the one that the log names to whoever
    /// seals to this vault, and leads to all that came before it. If not, whoever
    /// may makes another before anything is written.
    pub(super) fn is_sound(&self, newest: u32) -> bool {
        self.is_named && self.keys.contains_key(&newest) && self.before_the_break().is_none()
    }

    /// The key that the next one is to lead to: the newest, but none that leads
    /// nowhere while there are older ones. What was written under such a key,
    /// which was its author's alone, is left behind.
    pub(super) fn previous(&self) -> Option<&VaultKey> {
        self.before_the_break()
            .or_else(|| self.keys.values().next_back())
    }

    fn before_the_break(&self) -> Option<&VaultKey> {
        let at = self.broken_at?;
        self.keys.range(..at).next_back().map(|(_, key)| key)
    }

    /// The keys as this device keeps them, each sealed for itself: those that
    /// do not come out of others.
    pub(super) fn seal_at_rest(
        &self,
        chain: &MembershipChain,
        local: &LocalKey,
        rng: &mut impl CryptoRng,
    ) -> std::result::Result<Vec<u8>, SealError> {
        let vault_id = chain.vault_id();
        let mut w = Writer::new();
        for epoch in self.anchors.iter().rev() {
            if let Some(key) = self.keys.get(epoch) {
                let sealed = key.seal_at_rest(local, &vault_id, *epoch, rng)?;
                w.u32(*epoch).bytes(&sealed);
            }
        }
        Ok(w.into_bytes())
    }

    /// Opens what [`Self::seal_at_rest`] sealed.
    pub(super) fn open_at_rest(
        chain: &MembershipChain,
        local: &LocalKey,
        kept: &[u8],
    ) -> Result<Self> {
        let altered = || Tamper::LocalState("vault key");
        let vault_id = chain.vault_id();
        let ops: Vec<&EpochOp> = chain
            .entries()
            .iter()
            .filter_map(|entry| entry.epoch_op())
            .collect();
        let mut keyring = Self::default();
        let mut r = Reader::new(kept);
        while !r.rest().is_empty() {
            let epoch = r.u32().map_err(|_| altered())?;
            let sealed = r.bytes(kept.len(), "key").map_err(|_| altered())?;
            let op = epoch.checked_sub(1).and_then(|k| ops.get(k as usize));
            let commitment = op.ok_or_else(altered)?.commitment;
            let key = VaultKey::open_at_rest(local, &vault_id, epoch, &commitment, sealed);
            keyring.add(chain, epoch, key.map_err(|_| altered())?);
        }
        match keyring.is_empty() {
            true => Err(altered().into()),
            false => Ok(keyring),
        }
    }

    pub(super) fn get(&self, epoch: u32) -> Option<&VaultKey> {
        self.keys.get(&epoch)
    }
}
