//! Who people are, and how sure that is.

use sv_client::people::{self, Scanned, own_identity};
use sv_client::sharing::Unmet;
use sv_client::{ClientError, Tamper};
use sv_ledger::handle::Handle;
use sv_ledger::id::VaultId;

use super::Account;
use crate::worker::failure::Failure;
use crate::worker::open::Open;
use sv_bridge::{
    ConfirmPerson, Confirmation, FailureKind, Found, GetSafety, LookUp, PersonTag, Safety, Trust,
};

impl<'s> Open<'s> {
    /// Who somebody in a vault is. Whoever is not known yet is met: this is for those
    /// whom a verified log names.
    pub(super) async fn tag(
        &self,
        account: &mut Account<'s>,
        vault: VaultId,
        uid: VaultId,
    ) -> Result<PersonTag, Failure> {
        if uid == account.id() {
            return Ok(PersonTag {
                name: self.session.profile().handle.clone(),
                trust: None,
            });
        }
        if let Some(tag) = self.known(account, uid) {
            return Ok(tag);
        }
        match account.meet_member(vault, uid).await {
            Ok(person) => Ok(tag_of(&person)),
            Err(error) => self.not_met(uid, error),
        }
    }

    /// Somebody who was met before.
    pub(super) fn known(&self, account: &Account<'s>, uid: VaultId) -> Option<PersonTag> {
        let contacts = account.contacts().into_iter();
        let mut contacts = contacts.filter(|contact| contact.identity.uid == uid);
        let contact = contacts.next()?;
        let name = contact.handle.to_string();
        let trust = match self.has_changed(&name) {
            true => Trust::Changed,
            false => trust(people::Trust::of(&contact)),
        };
        Some(PersonTag {
            name,
            trust: Some(trust),
        })
    }

    /// Whoever cannot be shown as they are, as what they are.
    pub(super) fn not_met(&self, uid: VaultId, error: ClientError) -> Result<PersonTag, Failure> {
        let (name, trust) = match Unmet::of(error)? {
            Unmet::Changed(name) => {
                self.saw_change(&name);
                (name, Trust::Changed)
            }
            Unmet::Gone => (short(&uid), Trust::Gone),
        };
        Ok(PersonTag {
            name,
            trust: Some(trust),
        })
    }

    fn has_changed(&self, name: &str) -> bool {
        self.sharing.changed.borrow().contains(name)
    }

    pub(super) fn saw_change(&self, name: &str) {
        self.sharing.changed.borrow_mut().insert(name.to_owned());
    }

    /// What there is under each of some user names, one by one: a bad one must
    /// not hide the others.
    pub(crate) async fn look_up(&self, call: LookUp) -> Result<Vec<Found>, Failure> {
        let mut account = self.newest_account().await?;
        let mut found = Vec::new();
        for name in &call.names {
            found.push(self.look_up_one(&mut account, name).await?);
        }
        Ok(found)
    }

    async fn look_up_one(&self, account: &mut Account<'s>, name: &str) -> Result<Found, Failure> {
        let Some(handle) = handle(name) else {
            return Ok(Found::Impossible);
        };
        match account.find_person(&handle).await {
            Ok(person) if person.identity.uid == account.id() => Ok(Found::You),
            Ok(person) => {
                self.sharing.changed.borrow_mut().remove(handle.as_str());
                Ok(Found::Person(tag_of(&person)))
            }
            Err(ClientError::NoSuchPerson(name)) => Ok(Found::Pending(name)),
            Err(ClientError::Tampered(Tamper::Contact(name))) => {
                self.saw_change(&name);
                self.saw_change(handle.as_str());
                Ok(Found::Person(PersonTag {
                    name: handle.to_string(),
                    trust: Some(Trust::Changed),
                }))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Everybody who was met, without asking the server.
    pub(crate) async fn contacts(&self) -> Result<Vec<PersonTag>, Failure> {
        let account = self.account_vault().await;
        let contacts = account.contacts().into_iter();
        let tags = contacts.filter_map(|contact| self.known(&account, contact.identity.uid));
        Ok(tags.collect())
    }

    pub(crate) async fn own_code(&self) -> Result<String, Failure> {
        let account = self.account_vault().await;
        Ok(own_identity(&account).await?.code())
    }

    /// What two people compare: of the keys that the server shows now, which
    /// extend what was seen before.
    pub(crate) async fn safety(&self, call: GetSafety) -> Result<Safety, Failure> {
        let mut account = self.newest_account().await?;
        let own = own_identity(&account).await?;
        let handle = handle(&call.name).ok_or(Failure::new(FailureKind::InvalidHandle))?;
        let own_code = own.code();
        let unknown = |trust| Safety {
            who: PersonTag {
                name: handle.to_string(),
                trust: Some(trust),
            },
            number: None,
            their_code: None,
            own_code: own.code(),
        };
        match account.find_person(&handle).await {
            Ok(person) => {
                self.sharing.changed.borrow_mut().remove(handle.as_str());
                Ok(Safety {
                    who: tag_of(&person),
                    number: Some(own.safety_number(&person.identity)),
                    their_code: Some(person.identity.code()),
                    own_code,
                })
            }
            Err(ClientError::Tampered(Tamper::Contact(name))) => {
                self.saw_change(&name);
                self.saw_change(handle.as_str());
                Ok(unknown(Trust::Changed))
            }
            Err(ClientError::NoSuchPerson(_)) => Ok(unknown(Trust::Gone)),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn confirm(&self, call: ConfirmPerson) -> Result<Confirmation, Failure> {
        let handle = handle(&call.name).ok_or(Failure::new(FailureKind::InvalidHandle))?;
        let Ok(scanned) = Scanned::parse(&call.code) else {
            return Ok(Confirmation::NoCode);
        };
        let mut account = self.newest_account().await?;
        match account.confirm_scanned(&handle, &scanned).await {
            Ok(_) => {
                self.shares_changed();
                Ok(Confirmation::Confirmed)
            }
            Err(ClientError::Tampered(Tamper::Contact(_))) => Ok(Confirmation::Another),
            Err(error) => Err(error.into()),
        }
    }
}

/// A user name as people type it.
pub(super) fn handle(name: &str) -> Option<Handle> {
    Handle::parse(name.trim().trim_start_matches('@')).ok()
}

fn tag_of(person: &people::Person) -> PersonTag {
    PersonTag {
        name: person.handle.to_string(),
        trust: Some(trust(person.trust)),
    }
}

pub(super) const fn trust(trust: people::Trust) -> Trust {
    match trust {
        people::Trust::Unverified => Trust::Unverified,
        people::Trust::Verified => Trust::Verified,
        people::Trust::Rotated => Trust::Rotated,
    }
}

/// The first characters of an id, where there is no name to show.
pub(super) fn short(id: &VaultId) -> String {
    id.to_string().chars().take(8).collect()
}
