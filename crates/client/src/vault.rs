//! A verified replica of one vault on this device, kept in step with the
//! server's log (spec: `log.md`).
//!
//! [`Vault::open`] restores or bootstraps it, [`Vault::sync`] follows the log,
//! [`Vault::commit`] appends to it. Whatever comes from the server is checked
//! here before anything above sees it.

mod birth;
mod bootstrap;
mod cache;
mod commit;
mod grants;
mod identity;
mod keyring;
mod leaving;
mod members;
mod others;
mod pins;
mod replica;
mod restored;
mod seen;
mod sync;

pub use birth::{NewVaultBuilder, VaultBirth};
pub use commit::{Added, Change};
pub(crate) use commit::{BODIES_LEN, OPS_LEN};
pub use grants::Grantee;
pub use identity::verify_identity;
pub(crate) use others::{require_instance, show, show_marked};
pub use pins::{StateCheck, publish_pins};
pub use replica::{Node, Replica};
pub use restored::{AccessChange, Loss, Lost, RestoreReview, Setback};

use sv_api::ErrorCode;
use sv_core::record::Payload;
use sv_ledger::bootstrap::MembershipChain;
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::VaultId;
use sv_ledger::state::Head;

use crate::account::Session;
use crate::error::{ClientError, Result, Tamper};
use crate::port::Platform;
use cache::CacheFile;
use leaving::Leaving;
use others::Others;
use pins::LocalPin;

/// An open vault.
pub struct Vault<'s, P> {
    session: &'s Session<P>,
    replica: Replica,
    cache: CacheFile,
    pin: LocalPin,
    /// The vaults that its log names.
    others: Others,
    /// Keys of contents that left and have not landed, once that is asked for.
    leaving: Option<Leaving>,
}

impl<'s, P: Platform> Vault<'s, P> {
    /// Opens a vault from this device's cache, or from the server if there is
    /// none, and follows its log to the newest entry.
    ///
    /// # Errors
    /// Any [`Tamper`], or those of a call.
    pub async fn open(session: &'s Session<P>, vault_id: VaultId) -> Result<Self> {
        Self::open_held_to(session, vault_id, Vec::new()).await
    }

    /// The same, held to heads that the person's other devices have seen.
    async fn open_held_to(
        session: &'s Session<P>,
        vault_id: VaultId,
        others: Vec<Head>,
    ) -> Result<Self> {
        let pin = LocalPin::load(session, vault_id).await?.with_others(others);
        let mut vault = Self::cached_or_new(session, vault_id, pin).await?;
        vault.sync().await?;
        Ok(vault)
    }

    /// Opens a vault as this device saw it last, without asking the server
    /// where there is a cache.
    ///
    /// # Errors
    /// Any [`Tamper`], or those of a call.
    pub async fn open_cached(session: &'s Session<P>, vault_id: VaultId) -> Result<Self> {
        let pin = LocalPin::load(session, vault_id).await?;
        Self::cached_or_new(session, vault_id, pin).await
    }

    async fn cached_or_new(
        session: &'s Session<P>,
        vault_id: VaultId,
        pin: LocalPin,
    ) -> Result<Self> {
        if let Some((replica, cache)) = CacheFile::load(session, &vault_id).await? {
            return Ok(Self {
                session,
                replica,
                cache,
                pin,
                others: Others::default(),
                leaving: None,
            });
        }
        bootstrap::bootstrap(session, CacheFile::new(&vault_id), vault_id, pin).await
    }

    /// The account's own vault.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn account(session: &'s Session<P>) -> Result<Self> {
        let mut vault = Self::open(session, session.uid()).await?;
        vault.confirm_own_pins().await?;
        Ok(vault)
    }

    /// Holds an account vault to what its own records say of it.
    async fn confirm_own_pins(&mut self) -> Result<()> {
        for head in self.shared_heads(self.id()) {
            self.confirm(head).await?;
        }
        Ok(())
    }

    /// The account's drive, which its account vault names.
    ///
    /// # Errors
    /// As [`Self::open`]; [`Tamper::Missing`] if the account names none.
    pub async fn drive(session: &'s Session<P>) -> Result<Self> {
        Self::account(session).await?.open_drive().await
    }

    /// The drive that this account vault names, held to what it records.
    /// `self` is the account vault.
    ///
    /// # Errors
    /// As [`Self::open`]; [`Tamper::Missing`] if the account names none.
    pub async fn open_drive(&self) -> Result<Self> {
        let drive_id = self.drive_id()?;
        let mut vault =
            Self::open_held_to(self.session, drive_id, self.shared_heads(drive_id)).await?;
        vault.require_own_drive()?;
        self.check_shared_pin(&mut vault).await?;
        Ok(vault)
    }

    /// A pointer of the account's own leads to a drive of the account's own.
    fn require_own_drive(&self) -> Result<()> {
        let genesis = self.replica.genesis.body();
        let is_ours = genesis.kind == VaultKind::Drive
            && genesis.creator == self.session.uid()
            && genesis.instance_id == self.session.profile().instance.id;
        if is_ours {
            Ok(())
        } else {
            Err(Tamper::Identity.into())
        }
    }

    /// The drive's id, as the account vault names it.
    pub(crate) fn drive_vault_id(&self) -> Result<VaultId> {
        self.drive_id()
    }

    /// Any vault, held to what this account's other devices have seen of it.
    pub(crate) async fn open_held(&self, vault_id: VaultId) -> Result<Self> {
        let heads = self.shared_heads(vault_id);
        let opened = Self::open_held_to(self.session, vault_id, heads).await;
        let mut vault = opened.map_err(taken_away)?;
        self.check_shared_pin(&mut vault).await?;
        self.check_granters_view(&vault).await?;
        if vault.replica.genesis.body().instance_id == self.session.profile().instance.id {
            Ok(vault)
        } else {
            Err(Tamper::Identity.into())
        }
    }

    /// Whoever gave this account access signed which head of it they saw: it
    /// must be part of what the server shows here. `self` is the account vault.
    async fn check_granters_view(&self, vault: &Self) -> Result<()> {
        let member = vault.replica.state().membership.members.get(&self.id());
        let Some(seen) = member.map(|member| member.keys.head) else {
            return Ok(());
        };
        // A vault's maker is in it without having been given access.
        if seen == Head::NONE {
            return Ok(());
        }
        if seen.seq <= self.replica.state().membership.head.seq {
            return self.require_own_head(seen);
        }
        // Another device may have changed the account meanwhile.
        let newer = Self::open(self.session, self.id()).await?;
        newer.require_own_head(seen)
    }

    /// That the membership has been at that head.
    fn require_own_head(&self, seen: Head) -> Result<()> {
        let shown = self.replica.state().membership.head.seq;
        if seen.seq > shown {
            let seen = seen.seq;
            return Err(Tamper::Rollback { shown, seen }.into());
        }
        let count = usize::try_from(seen.seq).ok();
        let chain = self.replica.membership_chain()?;
        let then = count.and_then(|count| chain.after(count));
        if then.is_some_and(|membership| membership.head == seen) {
            Ok(())
        } else {
            Err(Tamper::Fork(seen.seq).into())
        }
    }

    /// The log of this vault, or of one that leads into it as far as that is
    /// known here.
    pub(crate) fn chain_behind(&self, via: Option<&VaultId>) -> Result<Option<MembershipChain>> {
        match via {
            None => self.replica.membership_chain().map(Some),
            Some(id) => Ok(self.others.of(id).cloned()),
        }
    }

    fn drive_id(&self) -> Result<VaultId> {
        let pointer = self
            .replica
            .nodes()
            .values()
            .find_map(|node| match node.payload() {
                Some(Payload::DrivePointer(pointer)) => Some(pointer.vault_id),
                _ => None,
            });
        Ok(pointer.ok_or(Tamper::Missing("the pointer to the drive"))?)
    }

    fn shared_heads(&self, vault_id: VaultId) -> Vec<Head> {
        let pins = self.shared_pins(vault_id);
        pins.iter().map(|pin| pin.head).collect()
    }

    /// Others can take a shared vault away, which the account's own are safe
    /// from.
    fn perhaps_taken_away(&self, error: ClientError) -> ClientError {
        match self.replica.state().membership.kind.is_shareable() {
            true => taken_away(error),
            false => error,
        }
    }

    /// What is known of the vault.
    pub const fn replica(&self) -> &Replica {
        &self.replica
    }

    /// The session it is open in.
    pub const fn session(&self) -> &'s Session<P> {
        self.session
    }

    /// The vault's id.
    pub const fn id(&self) -> VaultId {
        self.replica.state().vault_id()
    }
}

/// What is missing when a vault is not to be had.
const WITHHELD: &str = "a vault of this account";

/// What is withheld of a shared vault was taken away.
fn taken_away(error: ClientError) -> ClientError {
    match error {
        ClientError::Tampered(Tamper::Missing(WITHHELD)) => ClientError::NoAccess,
        error => error,
    }
}

/// A vault that this person must have access to and is told does not exist.
fn withheld(error: ClientError) -> ClientError {
    if error.is_refusal(ErrorCode::NotFound) {
        Tamper::Missing(WITHHELD).into()
    } else {
        error
    }
}
