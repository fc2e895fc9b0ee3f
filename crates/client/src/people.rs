//! Other people: found by their handle, pinned when they are first seen, and
//! verified by a person (spec: `account-keys.md` §8, `records.md` §4). The
//! server says which account has a handle; everything else the account's own
//! log has to prove.

use std::collections::BTreeMap;

use sv_api::endpoint::LookUpHandles;
use sv_api::share::DirectoryRequest;
use sv_core::record::{Contact, Payload};
use sv_core::{Identity, KemPublicKey};
use sv_ledger::bootstrap::{MembershipChain, ShownMembership};
use sv_ledger::entry::Entry;
use sv_ledger::genesis::VaultKind;
use sv_ledger::handle::Handle;
use sv_ledger::id::{NodeId, SignPublicKey, VaultId};
use sv_ledger::membership_op::{MembershipOp, PrincipalKeys};
use sv_ledger::principals::Principals;
use sv_ledger::state::{Head, Member, Role};

use crate::account::Session;
use crate::call::Repeat;
use crate::error::{ClientError, Result, Tamper};
use crate::port::Platform;
use crate::vault::{Change, Grantee, Replica, Vault, require_instance, show, show_marked};

/// Digits of a safety number.
const SAFETY_DIGITS: usize = 60;

/// What can be scanned from somebody's screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scanned {
    /// Their code.
    Code(Identity),
    /// The digits of a safety number.
    Number(String),
}

impl Scanned {
    /// Reads what a scanner gives, or what was typed.
    ///
    /// # Errors
    /// [`ClientError::Misuse`] for any other text.
    pub fn parse(text: &str) -> Result<Self> {
        if let Ok(code) = Identity::parse_code(text) {
            return Ok(Self::Code(code));
        }
        let number = digits(text);
        if number.len() != SAFETY_DIGITS || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ClientError::misuse(
                "this is neither a safety number nor the code of a person",
            ));
        }
        Ok(Self::Number(number))
    }
}

/// A number without what stands between its groups.
fn digits(text: &str) -> String {
    text.split_whitespace().collect()
}

/// How sure it is that somebody is who they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The first keys that were ever seen under this handle; nobody compared them.
    Unverified,
    /// A person compared these very keys.
    Verified,
    /// A person compared earlier keys, and those have signed the new ones.
    Rotated,
}

impl Trust {
    /// As far as a person has compared what is known of somebody.
    pub fn of(contact: &Contact) -> Self {
        match contact.verified_generation {
            Some(generation) if generation == contact.identity.generation => Self::Verified,
            Some(_) => Self::Rotated,
            None => Self::Unverified,
        }
    }
}

/// Somebody with an account, whose keys their own log proves.
#[derive(Debug, Clone)]
pub struct Person {
    /// The name they signed.
    pub handle: Handle,
    /// Their keys.
    pub identity: Identity,
    /// Their account's newest membership head.
    pub head: Head,
    /// What vault keys are sealed to.
    pub kem_pk: KemPublicKey,
    /// How sure it is that they are who they say.
    pub trust: Trust,
    /// Whether their account was deleted, as the server says.
    pub is_gone: bool,
    /// Their keys of every generation.
    all: Vec<Identity>,
}

impl Person {
    /// Whether keys that stand for this person somewhere are, or were, those
    /// of their account.
    pub fn has_had(&self, keys: &PrincipalKeys) -> bool {
        has_had(&self.all, keys)
    }

    /// What verified their signatures in a generation.
    pub(crate) fn sign_key(&self, generation: u32) -> Option<&SignPublicKey> {
        let mut all = self.all.iter();
        let found = all.find(|identity| identity.generation == generation);
        found.map(|identity| &identity.sign_pk)
    }
}

/// Contacts that are new or have changed, by their nodes.
type News = BTreeMap<NodeId, Contact>;

fn has_had(all: &[Identity], keys: &PrincipalKeys) -> bool {
    let is_it = |own: &Identity| {
        (own.generation, own.sign_pk, own.kem_hash)
            == (keys.generation, keys.sign_pk, keys.kem_hash)
    };
    all.iter().any(is_it)
}

impl Person {
    /// The same as they can be given access.
    pub fn grantee(&self, role: Role) -> Grantee {
        Grantee::person(&self.identity, self.head, self.kem_pk.clone(), role)
    }
}

/// An account as its own log shows it.
struct Shown {
    handle: Handle,
    identity: Identity,
    kem_pk: KemPublicKey,
    chain: MembershipChain,
}

impl Shown {
    fn verify<P: Platform>(session: &Session<P>, shown: &ShownMembership) -> Result<Self> {
        require_instance(session, shown)?;
        let uid = shown.vault_id;
        let none = Principals::new();
        let chain = MembershipChain::verify(&uid, &shown.genesis, &shown.entries, &none)?;
        let latest = chain.latest()?;
        let itself = latest.members.get(&uid).ok_or(Tamper::Identity)?;
        let handle = shown.entries.iter().rev().find_map(Entry::handle_op);
        let handle = handle.ok_or(Tamper::Identity)?.clone();
        let kem_pk = chain.kem_key().ok_or(Tamper::Identity)?.clone();
        if latest.kind != VaultKind::Account {
            return Err(Tamper::Identity.into());
        }
        let identity = identity_of(uid, itself);
        Ok(Self {
            handle,
            identity,
            kem_pk,
            chain,
        })
    }

    /// Whether their log has that head: what was seen once is still there.
    fn extends(&self, head: Head) -> bool {
        let count = usize::try_from(head.seq).ok();
        let then = count.and_then(|count| self.chain.after(count));
        then.is_some_and(|membership| membership.head == head)
    }

    fn head(&self) -> Result<Head> {
        Ok(self.chain.latest()?.head)
    }

    /// The keys of every generation that the account has had.
    fn identities(&self) -> Vec<Identity> {
        let uid = self.identity.uid;
        let first = self.chain.after(0);
        let first = first.and_then(|begin| Some(identity_of(uid, begin.members.get(&uid)?)));
        let ops = self.chain.entries().iter().flat_map(Entry::membership_ops);
        let later = ops.filter_map(|op| match op {
            MembershipOp::Rekey(op) if op.principal == uid => Some(Identity {
                uid,
                generation: op.keys.generation,
                sign_pk: op.keys.sign_pk,
                kem_hash: op.keys.kem_hash,
            }),
            _ => None,
        });
        first.into_iter().chain(later).collect()
    }
}

fn identity_of(uid: VaultId, member: &Member) -> Identity {
    Identity {
        uid,
        generation: member.keys.generation,
        sign_pk: member.keys.sign_pk,
        kem_hash: member.keys.kem_hash,
    }
}

/// Checks that keys which stand for a person in a vault are, or were, those of
/// their account.
///
/// # Errors
/// [`Tamper::MemberKeys`] if not; any other [`Tamper`]; those of a call.
pub(crate) async fn require_own_keys<P: Platform>(
    session: &Session<P>,
    vault: VaultId,
    uid: VaultId,
    keys: &PrincipalKeys,
) -> Result<()> {
    let shown = show(session, vault, uid).await?;
    let shown = Shown::verify(session, &shown)?;
    match has_had(&shown.identities(), keys) {
        true => Ok(()),
        false => Err(Tamper::MemberKeys(shown.handle.to_string()).into()),
    }
}

/// This account's own identity, for others to compare.
///
/// # Errors
/// Any [`Tamper`], or those of a call.
pub async fn own_identity<P: Platform>(account: &Vault<'_, P>) -> Result<Identity> {
    let uid = account.id();
    let members = &account.replica().state().membership.members;
    let itself = members.get(&uid).ok_or(Tamper::Identity)?;
    Ok(identity_of(uid, itself))
}

impl<P: Platform> Vault<'_, P> {
    /// Everybody this account knows, by handle. `self` is the account vault.
    pub fn contacts(&self) -> Vec<Contact> {
        let mut all: Vec<Contact> = self.contact_nodes().map(|(_, c)| c.clone()).collect();
        all.sort_by(|a, b| a.handle.cmp(&b.handle));
        all.dedup_by(|a, b| a.identity.uid == b.identity.uid);
        all
    }

    fn contact_nodes(&self) -> impl Iterator<Item = (NodeId, &Contact)> {
        let nodes = self.replica().nodes().iter();
        nodes.filter_map(|(id, node)| match node.payload() {
            Some(Payload::Contact(contact)) => Some((*id, contact)),
            _ => None,
        })
    }

    /// Finds people by handle; `None` where nobody has it. Whoever is new is
    /// pinned, all of them in as few entries as possible, and nobody if there is
    /// something wrong with one. `self` is the account vault.
    ///
    /// # Errors
    /// [`Tamper::Contact`] if another account, or another history, stands
    /// under a handle that is known; any other [`Tamper`]; those of a call.
    pub async fn find_people(&mut self, handles: &[Handle]) -> Result<Vec<Option<Person>>> {
        let (mut found, mut news) = (Vec::new(), News::new());
        while let Some(rest) = handles.get(found.len()..).filter(|rest| !rest.is_empty()) {
            let some = rest.iter().take(sv_ledger::limits::HANDLES_PER_REQUEST);
            let asked: Vec<&Handle> = some.collect();
            let request = DirectoryRequest {
                handles: asked.iter().map(ToString::to_string).collect(),
            };
            let server = self.session().server();
            let answer = server.call(&LookUpHandles, request, Repeat::Safe).await?;
            if answer.chains.is_empty() || answer.chains.len() > asked.len() {
                return Err(ClientError::Misbehaved("another number of accounts".into()));
            }
            for (handle, log) in asked.into_iter().zip(answer.chains) {
                let Some(log) = log else {
                    // Somebody who was there does not just vanish.
                    found.push(None);
                    continue;
                };
                let shown = ShownMembership {
                    vault_id: log.genesis.vault_id(),
                    genesis: log.genesis,
                    entries: log.entries,
                };
                let shown = Shown::verify(self.session(), &shown)?;
                if shown.handle != *handle {
                    return Err(Tamper::Contact(handle.to_string()).into());
                }
                let (person, new) = self.hold(shown, &news)?;
                news.extend(new);
                found.push(Some(person));
            }
        }
        self.keep_contacts(news).await?;
        Ok(found)
    }

    /// One person, by handle.
    ///
    /// # Errors
    /// As [`Self::find_people`]; [`ClientError::NotFound`].
    pub async fn find_person(&mut self, handle: &Handle) -> Result<Person> {
        let found = self.find_people(std::slice::from_ref(handle)).await?;
        let person = found.into_iter().next().flatten();
        person.ok_or_else(|| ClientError::NoSuchPerson(handle.to_string()))
    }

    /// Somebody who is a member of a vault that this account can read, or of
    /// one to which its log leads.
    ///
    /// # Errors
    /// As [`Self::find_people`].
    pub async fn meet_member(&mut self, vault: VaultId, uid: VaultId) -> Result<Person> {
        let (shown, is_gone) = show_marked(self.session(), vault, uid).await?;
        let shown = Shown::verify(self.session(), &shown)?;
        let person = self.meet(shown).await?;
        Ok(Person { is_gone, ..person })
    }

    /// The same, of whom nothing is remembered: to show a name.
    ///
    /// # Errors
    /// As [`Self::find_people`].
    pub async fn recognise(&self, vault: VaultId, uid: VaultId) -> Result<Person> {
        let shown = show(self.session(), vault, uid).await?;
        let shown = Shown::verify(self.session(), &shown)?;
        Ok(self.hold(shown, &News::new())?.0)
    }

    /// Holds an account to what is known of it, and remembers what is new.
    async fn meet(&mut self, shown: Shown) -> Result<Person> {
        let (person, new) = self.hold(shown, &News::new())?;
        self.keep_contacts(new.into_iter().collect()).await?;
        Ok(person)
    }

    /// Holds an account to what is known of it, and to what is `new` besides;
    /// what there is to remember.
    fn hold(&self, shown: Shown, new: &News) -> Result<(Person, Option<(NodeId, Contact)>)> {
        let head = shown.head()?;
        let handle = shown.handle.to_string();
        let changed = || Tamper::Contact(handle.clone());
        let new = new.iter().map(|(id, contact)| (*id, contact));
        let known: Vec<(NodeId, Contact)> = new
            .chain(self.contact_nodes())
            .filter(|(_, c)| c.identity.uid == shown.identity.uid || c.handle == shown.handle)
            .map(|(id, contact)| (id, contact.clone()))
            .collect();
        for (_, contact) in &known {
            let is_same = contact.identity.uid == shown.identity.uid
                && contact.handle == shown.handle
                && shown.extends(contact.head);
            if !is_same {
                return Err(changed().into());
            }
        }
        let verified = known
            .iter()
            .filter_map(|(_, c)| c.verified_generation)
            .max();
        let contact = Contact {
            identity: shown.identity,
            handle: shown.handle.clone(),
            head,
            verified_generation: verified,
            unknown: Default::default(),
        };
        let trust = Trust::of(&contact);
        let is_known = known
            .first()
            .is_some_and(|(_, c)| c.identity == contact.identity && c.head == head);
        let is_worth_it = !is_known && shown.identity.uid != self.id();
        let node = known.first().map(|(id, _)| *id);
        let node = node.unwrap_or_else(|| NodeId::new(self.session().platform().random_bytes()));
        let new = is_worth_it.then_some((node, contact));
        let person = Person {
            all: shown.identities(),
            handle: shown.handle,
            identity: shown.identity,
            head,
            kem_pk: shown.kem_pk,
            trust,
            is_gone: false,
        };
        Ok((person, new))
    }

    async fn keep_contacts(&mut self, news: News) -> Result<()> {
        let news: Vec<(NodeId, Contact)> = news.into_iter().collect();
        let plan = |_: &Replica, (node, contact): &(NodeId, Contact)| {
            let payload = Payload::Contact(contact.clone());
            Ok(Some(Change::put(*node, payload)))
        };
        self.commit_each(&news, plan).await
    }

    /// Compares what was scanned from somebody's screen, and remembers that it
    /// was what it should be.
    ///
    /// # Errors
    /// [`Tamper::Contact`] if it is another number or another's code; as
    /// [`Self::find_people`].
    pub async fn confirm_scanned(&mut self, handle: &Handle, scanned: &Scanned) -> Result<Person> {
        let number = match scanned {
            Scanned::Code(code) => return self.confirm_person(handle, Some(*code)).await,
            Scanned::Number(number) => number,
        };
        let person = self.find_person(handle).await?;
        let own = own_identity(self).await?;
        if digits(&own.safety_number(&person.identity)) != *number {
            return Err(Tamper::Contact(handle.to_string()).into());
        }
        self.confirm_person(handle, Some(person.identity)).await
    }

    /// Remembers that a person compared somebody's keys, by safety number or
    /// by their code.
    ///
    /// # Errors
    /// As [`Self::find_people`]; [`Tamper::Contact`] if the code is another's.
    pub async fn confirm_person(
        &mut self,
        handle: &Handle,
        code: Option<Identity>,
    ) -> Result<Person> {
        let person = self.find_person(handle).await?;
        if code.is_some_and(|code| code != person.identity) {
            return Err(Tamper::Contact(handle.to_string()).into());
        }
        let known = self
            .contact_nodes()
            .find(|(_, c)| c.identity.uid == person.identity.uid)
            .map(|(id, contact)| (id, contact.clone()));
        let Some((node, mut contact)) = known else {
            return Err(ClientError::misuse("this is you"));
        };
        contact.verified_generation = Some(person.identity.generation);
        self.keep_contacts(News::from([(node, contact)])).await?;
        Ok(Person {
            trust: Trust::Verified,
            ..person
        })
    }
}

#[cfg(test)]
mod tests {
    use sv_ledger::id::{Hash, SignPublicKey};
    use sv_ledger::state::Head;

    use super::*;

    fn theirs(generation: u32, key: u8) -> Identity {
        Identity {
            uid: VaultId::ZERO,
            generation,
            sign_pk: SignPublicKey::new([key; 32]),
            kem_hash: Hash::new([key; 32]),
        }
    }

    fn on_record(identity: &Identity) -> PrincipalKeys {
        PrincipalKeys {
            generation: identity.generation,
            sign_pk: identity.sign_pk,
            kem_hash: identity.kem_hash,
            head: Head {
                seq: 1,
                hash: Hash::new([0; 32]),
            },
        }
    }

    /// Fails without the comparison of either key, or of the generation.
    #[test]
    fn a13_keys_that_are_not_the_accounts_are_a_ghosts() {
        let all = [theirs(1, 7), theirs(2, 1)];
        let good = on_record(&theirs(2, 1));
        assert!(has_had(&all, &good));
        assert!(has_had(&all, &on_record(&theirs(1, 7))));
        let mut signs = good;
        signs.sign_pk = SignPublicKey::new([9; 32]);
        let mut opens = good;
        opens.kem_hash = Hash::new([9; 32]);
        let mut ahead = good;
        ahead.generation = 3;
        let older = on_record(&theirs(1, 1));
        for keys in [signs, opens, ahead, older] {
            assert!(!has_had(&all, &keys));
        }
    }
}
