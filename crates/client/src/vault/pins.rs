//! Pins: the newest head of each vault that was seen, kept on this device, in
//! the account vault for the person's other devices, and on the emergency
//! sheet. A server that shows less, or something else, is caught.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::BASE64URL_NOPAD;
use sv_api::endpoint::GetEntries;
use sv_api::wire::Empty;
use sv_core::local::{Purpose, open_local, seal_local};
use sv_core::record::{Payload, Pin, Pins};
use sv_ledger::codec::{ParseError, Reader, Writer};
use sv_ledger::entry::Entry;
use sv_ledger::id::{Hash, NodeId, VaultId};
use sv_ledger::state::Head;

use super::{Change, Vault, withheld};
use crate::account::Session;
use crate::call::Repeat;
use crate::error::{ClientError, Result, Tamper};
use crate::port::{Platform, Storage};

/// Milliseconds between two writings of this device's pins to the account vault.
const PUBLISH_EVERY_MS: u64 = 60 * 60 * 1000;
/// Foreign heads remembered as part of the log.
const REMEMBERED: usize = 256;
/// When this device last told the others what it has seen.
pub(super) const PUBLISHED: &str = "pins/published";
const STATE_CHECK_PREFIX: &str = "svh1-";

/// What this device has seen of one vault.
pub(super) struct LocalPin {
    vault_id: VaultId,
    head: Option<Head>,
    /// Other devices' heads that were found in the log.
    confirmed: BTreeSet<Hash>,
    /// The restore after which a person last had this device start over here.
    accepted: Option<[u8; 16]>,
    /// Of each vault that is a member, directly or through others, the number
    /// of membership entries that were known before the log was seen to end at
    /// `head`: what comes later in the log names no fewer.
    below: BTreeMap<VaultId, u64>,
    /// Other devices' heads that the log must hold; not kept.
    others: Vec<Head>,
    keeping: Keeping,
}

/// Whether a pin is this device's, or of a replica that is only looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeping {
    Kept,
    Detached,
}

impl LocalPin {
    fn name(vault_id: &VaultId) -> String {
        format!(
            "pins/{}",
            data_encoding::HEXLOWER.encode(vault_id.as_bytes())
        )
    }

    pub(super) async fn load<P: Platform>(session: &Session<P>, vault_id: VaultId) -> Result<Self> {
        let stored = session
            .platform()
            .storage()
            .read(&Self::name(&vault_id))
            .await?;
        let Some(sealed) = stored else {
            return Ok(Self::new(vault_id, Keeping::Kept));
        };
        let key = session.keys().local_key();
        let opened = open_local(key, Purpose::Pins, vault_id.as_bytes(), &sealed)
            .map_err(|_| Tamper::LocalState("pins"))?;
        Ok(Self::parse(vault_id, &opened).map_err(|_| Tamper::LocalState("pins"))?)
    }

    fn parse(vault_id: VaultId, bytes: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(bytes);
        let head = Head {
            seq: r.u64()?,
            hash: r.hash()?,
        };
        let mut confirmed = BTreeSet::new();
        for _ in 0..r.u16()? {
            confirmed.insert(r.hash()?);
        }
        let accepted = match r.u8()? {
            0 => None,
            1 => Some(r.array()?),
            _ => return Err(ParseError::Malformed("accepted restore")),
        };
        let mut below = BTreeMap::new();
        for _ in 0..r.u32()? {
            below.insert(r.vault_id()?, r.u64()?);
        }
        r.finish()?;
        Ok(Self {
            head: Some(head),
            confirmed,
            accepted,
            below,
            ..Self::new(vault_id, Keeping::Kept)
        })
    }

    const fn new(vault_id: VaultId, keeping: Keeping) -> Self {
        Self {
            vault_id,
            head: None,
            confirmed: BTreeSet::new(),
            accepted: None,
            below: BTreeMap::new(),
            others: Vec::new(),
            keeping,
        }
    }

    /// Of a replica that is only looked at: nothing was seen, nothing is kept.
    pub(super) const fn detached(vault_id: VaultId) -> Self {
        Self::new(vault_id, Keeping::Detached)
    }

    /// A pin that starts over at a head, on a person's word.
    pub(super) fn at(vault_id: VaultId, head: Head) -> Self {
        Self {
            head: Some(head),
            ..Self::new(vault_id, Keeping::Kept)
        }
    }

    /// Whether what is seen is kept, and held against what was seen before.
    pub(super) fn is_kept(&self) -> bool {
        self.keeping == Keeping::Kept
    }

    /// The newest head that this device has seen.
    pub(super) const fn head(&self) -> Option<Head> {
        self.head
    }

    /// The restore that a person has accepted here.
    pub(super) const fn accepted(&self) -> Option<[u8; 16]> {
        self.accepted
    }

    /// The same, with the restore that was accepted.
    pub(super) fn accepting(self, restore_id: [u8; 16]) -> Self {
        // What was known of other vaults may have gone back as well.
        Self {
            accepted: Some(restore_id),
            below: BTreeMap::new(),
            ..self
        }
    }

    /// The same, held to what other devices have seen too: what contradicts
    /// them is never kept here.
    pub(super) fn with_others(self, others: Vec<Head>) -> Self {
        Self { others, ..self }
    }

    /// Heads that the log must hold.
    pub(super) fn witnesses(&self) -> impl Iterator<Item = Head> {
        self.head.into_iter().chain(self.others.iter().copied())
    }

    /// Moves the pin to a head that extends it. `known` are the membership
    /// entries of other vaults that were known before the server was asked
    /// where the log ends.
    pub(super) async fn raise<P: Platform>(
        &mut self,
        session: &Session<P>,
        head: Head,
        known: &BTreeMap<VaultId, u64>,
    ) -> Result<()> {
        let mut is_new = self.head != Some(head);
        self.head = Some(head);
        for (id, count) in known {
            let least = self.below.entry(*id).or_default();
            is_new |= *least < *count;
            *least = (*least).max(*count);
        }
        match is_new {
            true => self.save(session).await,
            false => Ok(()),
        }
    }

    /// Vaults of which it is kept how far they were known.
    pub(super) fn below(&self) -> impl Iterator<Item = VaultId> {
        self.below.keys().copied()
    }

    /// Keeps that of more vaults from the next time on.
    pub(super) async fn follow<P: Platform>(
        &mut self,
        session: &Session<P>,
        vaults: impl Iterator<Item = VaultId>,
    ) -> Result<()> {
        let before = self.below.len();
        for id in vaults {
            self.below.entry(id).or_insert(0);
        }
        match self.below.len() > before {
            true => self.save(session).await,
            false => Ok(()),
        }
    }

    /// Checks that an entry above the pin names no other vault as it was
    /// before what was known of it at the pin: an honest server admits only
    /// the newest heads, so this one kept something from the author, or from
    /// this device.
    ///
    /// # Errors
    /// [`Tamper::Fork`].
    pub(super) fn check_named(&self, entry: &Entry) -> Result<(), Tamper> {
        let seq = entry.body().seq;
        if self.head.is_none_or(|head| seq <= head.seq) {
            return Ok(());
        }
        let least = |id: &VaultId| self.below.get(id).copied().unwrap_or(0);
        match entry
            .named_heads()
            .any(|via| via.head.seq < least(&via.vault_id))
        {
            true => Err(Tamper::Fork(seq)),
            false => Ok(()),
        }
    }

    pub(super) async fn save<P: Platform>(&self, session: &Session<P>) -> Result<()> {
        let Some(head) = self.head.filter(|_| self.keeping == Keeping::Kept) else {
            return Ok(());
        };
        let mut w = Writer::new();
        w.u64(head.seq)
            .raw(head.hash.as_bytes())
            .u16(self.confirmed.len() as u16);
        self.confirmed.iter().for_each(|hash| {
            w.raw(hash.as_bytes());
        });
        match &self.accepted {
            None => w.u8(0),
            Some(restore_id) => w.u8(1).raw(restore_id),
        };
        w.u32(self.below.len() as u32);
        for (id, count) in &self.below {
            w.raw(id.as_bytes()).u64(*count);
        }
        let key = session.keys().local_key();
        let context = self.vault_id.as_bytes();
        let mut random = session.platform().random();
        let sealed = seal_local(key, Purpose::Pins, context, &w.into_bytes(), &mut random)?;
        Ok(session
            .platform()
            .storage()
            .write(&Self::name(&self.vault_id), &sealed)
            .await?)
    }
}

impl<P: Platform> Vault<'_, P> {
    /// Checks that every head that the person's other devices have seen of
    /// `vault` is part of the log it has. `self` is the account vault.
    ///
    /// # Errors
    /// [`Tamper::Rollback`] or [`Tamper::Fork`].
    pub(super) async fn check_shared_pin(&self, vault: &mut Vault<'_, P>) -> Result<()> {
        for pin in self.shared_pins(vault.id()) {
            vault.confirm(pin.head).await?;
        }
        Ok(())
    }

    pub(super) fn shared_pins(&self, vault_id: VaultId) -> Vec<Pin> {
        let pins = self
            .replica
            .nodes()
            .values()
            .filter_map(|node| match node.payload() {
                Some(Payload::Pins(pins)) => Some(pins),
                _ => None,
            });
        pins.flat_map(|pins| pins.pins.iter().copied())
            .filter(|pin| pin.vault_id == vault_id)
            .collect()
    }

    /// Checks that a head seen elsewhere is part of this log.
    ///
    /// # Errors
    /// [`Tamper::Rollback`] or [`Tamper::Fork`].
    pub(super) async fn confirm(&mut self, seen: Head) -> Result<()> {
        let head = self.replica.state().head;
        if seen == head || self.pin.confirmed.contains(&seen.hash) {
            return Ok(());
        }
        if seen.seq > head.seq {
            return Err(Tamper::Rollback {
                shown: head.seq,
                seen: seen.seq,
            }
            .into());
        }
        if seen.seq == head.seq || self.entry_hash(seen.seq).await? != seen.hash {
            return Err(Tamper::Fork(seen.seq).into());
        }
        if self.pin.confirmed.len() >= REMEMBERED {
            self.pin.confirmed.clear();
        }
        self.pin.confirmed.insert(seen.hash);
        self.pin.save(self.session).await
    }

    /// The hash of an entry below the head. It is only as good as the chain of
    /// predecessors from it to the head, which is therefore checked.
    async fn entry_hash(&self, seq: u64) -> Result<Hash> {
        let head = self.replica.state().head;
        let mut expected_seq = seq;
        let mut first = None;
        let mut last: Option<Head> = None;
        while last.is_none_or(|last| last.seq < head.seq) {
            let request = GetEntries {
                vault: self.id(),
                from: expected_seq,
            };
            let page = self
                .session
                .server()
                .call(&request, Empty {}, Repeat::Safe)
                .await
                .map_err(withheld)?;
            if page.entries.is_empty() {
                return Err(Tamper::Rollback {
                    shown: expected_seq,
                    seen: head.seq,
                }
                .into());
            }
            for entry in &page.entries {
                if last == Some(head) {
                    break;
                }
                let body = entry.body();
                let follows = last.is_none_or(|last| body.prev_hash == last.hash);
                if body.vault_id != self.id() || body.seq != expected_seq || !follows {
                    return Err(Tamper::Fork(expected_seq).into());
                }
                first.get_or_insert(entry.hash());
                last = Some(Head {
                    seq: body.seq,
                    hash: entry.hash(),
                });
                expected_seq += 1;
            }
        }
        match first {
            Some(hash) if last == Some(head) => Ok(hash),
            _ => Err(Tamper::Fork(head.seq).into()),
        }
    }
}

/// Tells the person's other devices what this one has seen, if that is due:
/// at most hourly, and whenever `now` is set.
///
/// # Errors
/// Those of opening vaults and of a call.
pub async fn publish_pins<P: Platform>(session: &Session<P>, now: bool) -> Result<()> {
    let storage = session.platform().storage();
    let stamp = storage.read(PUBLISHED).await?;
    let stamp = stamp
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u64::from_be_bytes);
    let now_ms = session.platform().now_ms();
    if !now && now_ms.saturating_sub(stamp) < PUBLISH_EVERY_MS {
        return Ok(());
    }
    let mut account = Vault::account(session).await?;
    let drive = Vault::drive(session).await?;
    let device_id = session.profile().device_id;
    let node_id = NodeId::new(*device_id.as_bytes());
    let mut beside = Vec::new();
    for (_, known) in account.shared_vaults() {
        // Of what this device has not seen it has nothing to tell.
        let pin = LocalPin::load(session, known.vault_id).await?;
        if pin.head().is_some() && !known.is_declined {
            beside.push(pin_of(&Vault::open_cached(session, known.vault_id).await?));
        }
    }
    let heads = |account: &Vault<'_, P>| {
        let mut pins = vec![pin_of(account), pin_of(&drive)];
        pins.extend(beside.iter().copied());
        pins.sort_by_key(|pin| pin.vault_id);
        pins
    };
    let published = account
        .replica
        .nodes()
        .get(&node_id)
        .and_then(|node| match node.payload() {
            Some(Payload::Pins(pins)) => Some(pins.pins.clone()),
            _ => None,
        });
    // The account's own head moves with this very record: only others count.
    let others = |pins: &[Pin]| -> Vec<Pin> {
        pins.iter()
            .copied()
            .filter(|pin| pin.vault_id != account.id())
            .collect()
    };
    if published.as_deref().map(others) == Some(others(&heads(&account))) {
        return Ok(());
    }
    let label = session.profile().device_label.clone();
    let pins = heads(&account);
    let payload = Payload::Pins(Pins {
        device_id,
        label,
        pins,
        unknown: Default::default(),
    });
    let change = move |_: &super::Replica| Ok(vec![Change::put(node_id, payload.clone())]);
    account.commit(&[], change).await?;
    Ok(storage.write(PUBLISHED, &now_ms.to_be_bytes()).await?)
}

fn pin_of<P: Platform>(vault: &Vault<'_, P>) -> Pin {
    let state = vault.replica.state();
    Pin {
        vault_id: vault.id(),
        head: state.head,
        state_digest: state.digest(),
        epoch: state.membership.epoch,
    }
}

/// The heads of account and drive as a short text for the emergency sheet:
/// what a device with no earlier state can hold a server to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateCheck {
    account: Head,
    drive: Head,
}

impl StateCheck {
    /// The heads now.
    ///
    /// # Errors
    /// Those of opening the vaults.
    pub async fn of<P: Platform>(session: &Session<P>) -> Result<Self> {
        let account = Vault::account(session).await?.replica.state().head;
        let drive = Vault::drive(session).await?.replica.state().head;
        Ok(Self { account, drive })
    }

    /// `svh1-` and base64url of both heads.
    pub fn to_text(&self) -> String {
        let mut w = Writer::new();
        for head in [self.account, self.drive] {
            w.u64(head.seq).raw(head.hash.as_bytes());
        }
        format!(
            "{STATE_CHECK_PREFIX}{}",
            BASE64URL_NOPAD.encode(&w.into_bytes())
        )
    }

    /// Reads that text.
    ///
    /// # Errors
    /// [`ClientError::Misuse`].
    pub fn parse(text: &str) -> Result<Self> {
        let read = || {
            let encoded = text.trim().strip_prefix(STATE_CHECK_PREFIX)?;
            let bytes = BASE64URL_NOPAD.decode(encoded.as_bytes()).ok()?;
            let mut r = Reader::new(&bytes);
            let account = Head {
                seq: r.u64().ok()?,
                hash: r.hash().ok()?,
            };
            let drive = Head {
                seq: r.u64().ok()?,
                hash: r.hash().ok()?,
            };
            r.finish().ok()?;
            Some(Self { account, drive })
        };
        read().ok_or_else(|| ClientError::misuse("this is not a state check code"))
    }

    /// Holds the server to it.
    ///
    /// # Errors
    /// [`Tamper::Rollback`] or [`Tamper::Fork`].
    pub async fn verify<P: Platform>(&self, session: &Session<P>) -> Result<()> {
        Vault::account(session).await?.confirm(self.account).await?;
        Vault::drive(session).await?.confirm(self.drive).await
    }
}
