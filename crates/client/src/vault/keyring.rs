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
    /// Epochs from whose keys the way back ends at the first.
    whole: BTreeSet<u32>,
    /// The epoch of an envelope that was there for this account and gave no key.
    spoiled: Option<u32>,
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
        self.keys.insert(epoch, key);
        self.anchors.insert(epoch);
        let commitments: Vec<(u32, Hash)> = (1..).zip(ops.iter().map(|op| op.commitment)).collect();
        let vault_id = chain.vault_id();
        let (mut at, mut way) = (epoch, vec![epoch]);
        while let Some(sealed) = op(at).and_then(|op| op.previous_key.as_ref()) {
            let earlier = commitments.iter().rev().copied();
            let found = self
                .keys
                .get(&at)
                .and_then(|key| key.open_previous(sealed, &vault_id, at, earlier).ok());
            let Some((before, key)) = found else {
                return;
            };
            self.keys.insert(before, key);
            way.push(before);
            at = before;
        }
        self.whole.extend(way);
    }

    /// An envelope of that epoch was there for this account and gave no key.
    pub(super) fn spoil(&mut self, epoch: u32) {
        self.spoiled = self.spoiled.max(Some(epoch));
    }

    /// With what an older keyring of the same vault had.
    pub(super) fn with(mut self, older: Self) -> Self {
        for (epoch, key) in older.keys {
            if let Entry::Vacant(place) = self.keys.entry(epoch) {
                place.insert(key);
                self.anchors.insert(epoch);
            }
        }
        self.whole.extend(older.whole);
        self.spoiled = self.spoiled.max(older.spoiled);
        self
    }

    /// Whether it has no key of that epoch.
    pub(super) fn lacks(&self, epoch: u32) -> bool {
        !self.keys.contains_key(&epoch)
    }

    /// Whether it has the key of every epoch.
    pub(super) fn is_full(&self, newest: u32) -> bool {
        (1..=newest).all(|epoch| !self.lacks(epoch))
    }

    /// Whether nothing in it opens anything.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether others have the newest key, and no envelope was there for this
    /// account.
    pub(super) fn is_left_out(&self, newest: u32) -> bool {
        self.lacks(newest) && self.spoiled != Some(newest)
    }

    /// Whether nothing is wrong with the newest key. It is if an envelope was
    /// there and gave no key, if the log names another than it to whoever seals
    /// to this vault, or if it does not lead back as far as older ones do. Whoever
    /// may makes another then, before anything is written. Who was left out, and
    /// waits for a key of their own, has nothing to mend.
    pub(super) fn is_sound(&self, newest: u32) -> bool {
        match self.lacks(newest) {
            true => self.is_left_out(newest),
            false => self.is_named && (self.whole.contains(&newest) || self.whole.is_empty()),
        }
    }

    /// The key that a new one after that of epoch `newest` is to lead to: the
    /// newest, but none that leads nowhere while there are others. What was
    /// written under such a key, which was its author's alone, is left behind.
    /// None for whoever was left out: others have a newer one.
    pub(super) fn previous(&self, newest: u32) -> Option<&VaultKey> {
        if self.is_left_out(newest) {
            return None;
        }
        let held = self.keys.range(..=newest).next_back();
        match held.filter(|(epoch, _)| self.whole.contains(epoch)) {
            Some((_, key)) => Some(key),
            None => {
                let whole = self.whole.range(..=newest).next_back();
                let whole = whole.and_then(|epoch| self.keys.get(epoch));
                whole.or(held.map(|(_, key)| key))
            }
        }
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
        w.u32(self.spoiled.unwrap_or(0));
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
        let spoiled = r.u32().map_err(|_| altered())?;
        keyring.spoiled = Some(spoiled).filter(|epoch| *epoch > 0);
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
