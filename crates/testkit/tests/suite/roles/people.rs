//! The people of the story, and what each may read by the rules.

use std::collections::{BTreeMap, BTreeSet};

use sv_client::account::Session;
use sv_client::vault::{Grantee, Vault};
use sv_client::{people, sharing};
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::VaultId;
use sv_ledger::membership_op::PrincipalKeys;
use sv_ledger::sealed::ContentSuite;
use sv_ledger::state::Role;
use sv_testkit::{Actor, Insider, TestPlatform, TestServer};

/// Somebody with an account, one device, and a mind of their own.
pub(super) struct Person {
    pub(super) session: Session<TestPlatform>,
    pub(super) insider: Insider,
    /// As others see them.
    pub(super) found: Option<people::Person>,
}

impl Person {
    pub(super) async fn new(server: &TestServer, name: &str) -> Self {
        let (_, session) = Actor::sign_up(server, name).await;
        let insider = Insider::of(&session).await;
        Self {
            session,
            insider,
            found: None,
        }
    }

    pub(super) fn with(&self, role: Role, expires_ms: u64) -> Grantee {
        let mut grantee = self.found.as_ref().unwrap().grantee(role);
        grantee.expires_ms = expires_ms;
        grantee
    }

    pub(super) fn keys(&self) -> PrincipalKeys {
        let found = self.found.as_ref().unwrap();
        PrincipalKeys {
            generation: found.identity.generation,
            sign_pk: found.identity.sign_pk,
            kem_hash: found.identity.kem_hash,
            head: found.head,
        }
    }

    pub(super) async fn open(&self, vault_id: VaultId) -> Vault<'_, TestPlatform> {
        Vault::open(&self.session, vault_id).await.unwrap()
    }

    pub(super) async fn make(&self, kind: VaultKind) -> VaultId {
        let draft = sharing::draft_vault(&self.session, kind, ContentSuite::Blocks).unwrap();
        let vault_id = draft.vault_id();
        let made = sharing::create_vault(&self.session, draft).await;
        made.unwrap();
        vault_id
    }
}

/// Who reads what, by the rules: everything there is when access is given, and
/// everything that is written until it ends.
#[derive(Default)]
pub(super) struct Readers {
    written: BTreeMap<VaultId, Vec<String>>,
    now: BTreeSet<(VaultId, &'static str)>,
    pub(super) may_read: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Readers {
    pub(super) fn admit(&mut self, vault_id: VaultId, who: &'static str) {
        self.now.insert((vault_id, who));
        let there = self.written.entry(vault_id).or_default().iter().cloned();
        self.may_read.entry(who).or_default().extend(there);
    }

    pub(super) fn remove(&mut self, vault_id: VaultId, who: &'static str) {
        self.now.remove(&(vault_id, who));
    }

    pub(super) fn write(&mut self, vault_id: VaultId, text: &str) {
        let written = self.written.entry(vault_id).or_default();
        written.push(text.to_owned());
        for (_, who) in self.now.iter().filter(|(id, _)| *id == vault_id) {
            self.may_read
                .entry(who)
                .or_default()
                .insert(text.to_owned());
        }
    }
}
