//! A vault's keys: the newest from the envelope to this account (or from the
//! root key, for the account vault), older ones each out of the next.

use std::collections::BTreeMap;

use sv_core::vault_key::{EnvelopeHeader, open_envelope};
use sv_core::{AccountKeys, VaultKey};
use sv_ledger::bootstrap::MembershipChain;
use sv_ledger::entry::Entry;
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::{Hash, VaultId};

use crate::error::{Result, Tamper};

/// The keys of every epoch.
pub(super) struct Keyring {
    keys: BTreeMap<u32, VaultKey>,
}

impl Keyring {
    /// The hash of the envelope that brings the newest key; none for an
    /// account vault.
    pub(super) fn wanted(chain: &MembershipChain, uid: VaultId) -> Result<Option<Hash>> {
        if chain.latest()?.kind == VaultKind::Account {
            return Ok(None);
        }
        let envelope = chain.envelope(&uid).ok_or(Tamper::VaultKey)?;
        Ok(Some(envelope.hash))
    }

    /// Opens all keys. `envelope` is the one that [`Self::wanted`] names.
    pub(super) fn open(
        chain: &MembershipChain,
        keys: &AccountKeys,
        uid: VaultId,
        envelope: Option<&[u8]>,
    ) -> Result<Self> {
        let membership = chain.latest()?;
        if membership.kind == VaultKind::Account {
            return Ok(Self {
                keys: BTreeMap::from([(membership.epoch, keys.vault_key().clone())]),
            });
        }
        let named = chain.envelope(&uid).ok_or(Tamper::VaultKey)?;
        let header = EnvelopeHeader::named(membership.vault_id, &named);
        let envelope = envelope.ok_or(Tamper::Missing("the key of a vault"))?;
        let mut key = open_envelope(&header, keys.kem(), envelope)?;
        let mut ring = BTreeMap::new();
        let ops = chain.entries().iter().filter_map(Entry::epoch_op);
        let mut epochs = ops.rev().peekable();
        let mut epoch = membership.epoch;
        while let Some(op) = epochs.next() {
            let Some((sealed, before)) = op.previous_key.as_ref().zip(epochs.peek()) else {
                break;
            };
            let previous = key
                .open_previous(sealed, &membership.vault_id, epoch, &before.commitment)
                .map_err(|_| Tamper::VaultKey)?;
            ring.insert(epoch, std::mem::replace(&mut key, previous));
            epoch -= 1;
        }
        ring.insert(epoch, key);
        Ok(Self { keys: ring })
    }

    pub(super) fn get(&self, epoch: u32) -> Option<&VaultKey> {
        self.keys.get(&epoch)
    }
}
