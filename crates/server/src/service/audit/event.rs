//! Events: what happened, who did it, to whom, from where. No names: an
//! account is its uid, a vault its id, and a handle that nobody has a keyed
//! hash, since people type passwords into the wrong field.

use sv_ledger::codec::{Reader, Writer};
use sv_ledger::id::{SessionId, VaultId};
use sv_ledger::state::Role;

use crate::db::{self, Write};
use crate::secrets::random;
use crate::store::audit::{self as store, StoredEvent};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $tag:literal $text:literal;)*) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind {
            $($(#[$doc])* $name = $tag,)*
        }

        impl Kind {
            /// Every kind.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name in lists.
            pub(crate) const fn text(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// Reads its number.
            pub(crate) const fn from_tag(tag: u8) -> Option<Self> {
                match tag { $($tag => Some(Self::$name),)* _ => None }
            }
        }
    };
}

kinds! {
    /// An account came into being.
    SignedUp 1 "signed_up";
    /// Password and second factor were right.
    LoggedIn 2 "logged_in";
    /// A log-in on a device that had not logged in before.
    NewDevice 3 "new_device";
    /// A wrong password; of a handle that nobody has, the subject is its hash.
    PasswordWrong 4 "password_wrong";
    /// A wrong or used second factor.
    CodeWrong 5 "code_wrong";
    /// A backup code was used up.
    BackupCodeUsed 6 "backup_code_used";
    /// An administrator's reset code was used up.
    ResetCodeUsed 7 "reset_code_used";
    /// The recovery key and a second factor were right.
    Recovered 8 "recovered";
    /// A wrong recovery key.
    RecoveryWrong 9 "recovery_wrong";
    /// The password or the recovery key was replaced.
    UnlockersReplaced 10 "unlockers_replaced";
    /// The authenticator was replaced.
    AuthenticatorReplaced 11 "authenticator_replaced";
    /// The backup codes were replaced.
    BackupCodesReplaced 12 "backup_codes_replaced";
    /// A session was ended from another.
    SessionEnded 13 "session_ended";
    /// A session ended itself.
    LoggedOut 14 "logged_out";
    /// An account's deletion was asked for.
    DeletionAsked 15 "deletion_asked";
    /// A log-in called it off.
    DeletionCalledOff 16 "deletion_called_off";
    /// An account was deleted as its owner had asked.
    Deleted 17 "deleted";
    /// Somebody was invited.
    Invited 20 "invited";
    /// An account was locked out.
    Disabled 21 "disabled";
    /// It was let in again.
    Enabled 22 "enabled";
    /// How much it may store was set.
    QuotaSet 23 "quota_set";
    /// Its second factor was reset.
    SecondFactorReset 24 "second_factor_reset";
    /// The restored state was ended.
    RestoreEnded 25 "restore_ended";
    /// An invitation was revoked.
    InvitationRevoked 26 "invitation_revoked";
    /// Somebody was invited to administer.
    AdministratorInvited 27 "administrator_invited";
    /// A vault came into being.
    VaultCreated 30 "vault_created";
    /// Somebody became a member.
    MemberAdded 31 "member_added";
    /// A member's role or expiry changed.
    RoleChanged 32 "role_changed";
    /// Somebody is no longer a member.
    MemberRemoved 33 "member_removed";
    /// The oldest rows of this log were removed.
    Pruned 40 "pruned";
}

/// What else is known of an event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Detail {
    /// Nothing.
    #[default]
    None,
    /// A session.
    Session(SessionId),
    /// A member's role in a vault.
    Member {
        vault_id: VaultId,
        role: Role,
        /// Unix milliseconds; 0 for never.
        expires_ms: u64,
    },
    /// A number: bytes of a quota, a row's place.
    Number(u64),
}

/// Something that happened.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    kind: Kind,
    actor: VaultId,
    subject: [u8; 32],
    detail: Detail,
}

impl Event {
    /// By an account.
    pub(crate) const fn by(actor: VaultId, kind: Kind) -> Self {
        Self {
            kind,
            actor,
            subject: [0; 32],
            detail: Detail::None,
        }
    }

    /// By the host, or by nobody known.
    pub(crate) const fn by_nobody(kind: Kind) -> Self {
        Self::by(VaultId::ZERO, kind)
    }

    /// About somebody or something.
    pub(crate) const fn about(self, subject: [u8; 32]) -> Self {
        Self { subject, ..self }
    }

    /// With more.
    pub(crate) fn with(self, detail: Detail) -> Self {
        Self { detail, ..self }
    }
}

impl Detail {
    /// As it is stored, at most 64 bytes.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        match self {
            Self::None => {}
            Self::Session(id) => {
                w.u8(1).raw(id.as_bytes());
            }
            Self::Member {
                vault_id,
                role,
                expires_ms,
            } => {
                w.u8(2)
                    .raw(vault_id.as_bytes())
                    .u8(role.tag())
                    .u64(*expires_ms);
            }
            Self::Number(number) => {
                w.u8(3).u64(*number);
            }
        }
        w.into_bytes()
    }

    /// Reads that form; what is in no form says nothing.
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        Self::parse(bytes).unwrap_or_default()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut r = Reader::new(bytes);
        let detail = match r.u8().ok()? {
            1 => Self::Session(SessionId::new(r.array().ok()?)),
            2 => Self::Member {
                vault_id: r.vault_id().ok()?,
                role: Role::from_tag(r.u8().ok()?).ok()?,
                expires_ms: r.u64().ok()?,
            },
            3 => Self::Number(r.u64().ok()?),
            _ => return None,
        };
        r.finish().ok()?;
        Some(detail)
    }
}

tokio::task_local! {
    /// Where the request under way comes from. Not a parameter of every
    /// service: it decides nothing, it is only written down.
    static NETWORK: [u8; 16];
}

/// Runs what a request asks for, so that events noted by it say where it
/// comes from.
pub(crate) async fn from_network<F: Future>(network: [u8; 16], request: F) -> F::Output {
    NETWORK.scope(network, request).await
}

/// Notes an event in the unit of work that brings it about.
///
/// # Errors
/// [`db::Error`].
pub(crate) async fn note(w: &mut Write, at_ms: u64, event: Event) -> db::Result<()> {
    note_all(w, at_ms, [event]).await
}

/// Notes several.
///
/// # Errors
/// [`db::Error`].
pub(crate) async fn note_all(
    w: &mut Write,
    at_ms: u64,
    events: impl IntoIterator<Item = Event>,
) -> db::Result<()> {
    let network = NETWORK.try_with(|network| *network).unwrap_or_default();
    let stored = events.into_iter().map(|event| {
        let stored = StoredEvent {
            at_ms,
            kind: event.kind as u8,
            actor: event.actor,
            subject: event.subject,
            network,
            detail: event.detail.to_bytes(),
        };
        (random(), stored)
    });
    store::add(w, stored.collect()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_details_are_read_as_they_were_written() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_tag(*kind as u8), Some(*kind));
        }
        for detail in [
            Detail::None,
            Detail::Session(SessionId::new([7; 16])),
            Detail::Member {
                vault_id: VaultId::new([8; 32]),
                role: Role::Editor,
                expires_ms: 9,
            },
            Detail::Number(u64::MAX),
        ] {
            let bytes = detail.to_bytes();
            assert!(bytes.len() <= 64);
            assert_eq!(Detail::from_bytes(&bytes), detail);
        }
    }
}
