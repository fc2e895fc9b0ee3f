//! A vault's keys: the newest from an envelope (or from the root key, for the
//! account vault), older ones each out of a later one.

use std::collections::BTreeMap;

use sv_core::{AccountKeys, LocalKey, VaultKey};
use sv_ledger::bootstrap::MembershipChain;
use sv_ledger::entry::Entry;
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::Hash;

use crate::error::{Result, Tamper};

/// The keys of every epoch that somebody can open.
pub(super) struct Keyring {
    keys: BTreeMap<u32, VaultKey>,
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
        })
    }

    /// All keys, from the newest: that of the chain's latest epoch.
    ///
    /// Where the log commits to a key that nobody has, as after an epoch by
    /// somebody of bad will, what was sealed under it stays shut, and only that.
    pub(super) fn from_newest(chain: &MembershipChain, newest: VaultKey) -> Self {
        let ops: Vec<_> = chain.entries().iter().filter_map(Entry::epoch_op).collect();
        let commitments: Vec<(u32, Hash)> = (1..).zip(ops.iter().map(|op| op.commitment)).collect();
        let vault_id = chain.vault_id();
        let mut epoch = ops.len() as u32;
        let mut keys = BTreeMap::from([(epoch, newest)]);
        while let Some(op) = epoch.checked_sub(1).and_then(|k| ops.get(k as usize)) {
            let Some(sealed) = &op.previous_key else {
                break;
            };
            let earlier = commitments.iter().rev().copied();
            let found = keys
                .get(&epoch)
                .and_then(|key| key.open_previous(sealed, &vault_id, epoch, earlier).ok());
            let Some((at, key)) = found else { break };
            keys.insert(at, key);
            epoch = at;
        }
        Self { keys }
    }

    /// The newest key as this device keeps it, sealed for itself.
    pub(super) fn open_at_rest(
        chain: &MembershipChain,
        local: &LocalKey,
        sealed: &[u8],
    ) -> Result<Self> {
        let membership = chain.latest()?;
        let key = VaultKey::open_at_rest(
            local,
            &membership.vault_id,
            membership.epoch,
            &membership.commitment,
            sealed,
        )
        .map_err(|_| Tamper::LocalState("vault key"))?;
        Ok(Self::from_newest(chain, key))
    }

    pub(super) fn get(&self, epoch: u32) -> Option<&VaultKey> {
        self.keys.get(&epoch)
    }
}
