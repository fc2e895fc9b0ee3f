//! The newest membership head that this device was ever shown of each shared
//! vault and group, also of those it never opens but finds as members of
//! others (spec: `log.md` §6.1). A server that later shows less of one, or
//! something else, is caught: a removal from a group cannot be hidden from
//! whoever has seen it.

use sv_core::local::{Purpose, open_local, seal_local};
use sv_ledger::codec::{ParseError, Reader, Writer};
use sv_ledger::entry::Entry;
use sv_ledger::id::VaultId;
use sv_ledger::state::Head;

use crate::account::Session;
use crate::error::{Result, Tamper};
use crate::port::{Platform, Storage};

/// What this device has seen of who is in a vault. Load it before asking the
/// server: what is shown then cannot be older without its doing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen(Option<Head>);

impl Seen {
    fn name(vault_id: &VaultId) -> String {
        let id = data_encoding::HEXLOWER.encode(vault_id.as_bytes());
        format!("pins/members/{id}")
    }

    /// Another context than that of the pin of the vault's own log.
    fn context(vault_id: &VaultId) -> Vec<u8> {
        [b"members".as_slice(), vault_id.as_bytes()].concat()
    }

    pub(super) async fn load<P: Platform>(session: &Session<P>, vault_id: VaultId) -> Result<Self> {
        let storage = session.platform().storage();
        let Some(sealed) = storage.read(&Self::name(&vault_id)).await? else {
            return Ok(Self(None));
        };
        let key = session.keys().local_key();
        let opened = open_local(key, Purpose::Pins, &Self::context(&vault_id), &sealed)
            .map_err(|_| Tamper::LocalState("pins"))?;
        let head = parse(&opened).map_err(|_| Tamper::LocalState("pins"))?;
        Ok(Self(Some(head)))
    }

    /// Of a vault that is only looked at, as if for the first time.
    pub(super) const NOTHING: Self = Self(None);

    /// Starts over at a head, on a person's word.
    pub(super) async fn start_over<P: Platform>(
        session: &Session<P>,
        vault_id: VaultId,
        head: Head,
    ) -> Result<()> {
        let storage = session.platform().storage();
        storage.remove(&Self::name(&vault_id)).await?;
        Self::raise(session, vault_id, head).await
    }

    /// How many membership entries were seen.
    pub(super) fn count(&self) -> u64 {
        self.0.map_or(0, |head| head.seq)
    }

    /// Checks that membership entries, from the first one on, hold what was
    /// seen.
    ///
    /// # Errors
    /// [`Tamper::Rollback`] or [`Tamper::Fork`].
    pub(super) fn require_in<'e>(
        &self,
        entries: impl IntoIterator<Item = &'e Entry>,
    ) -> Result<(), Tamper> {
        let Some(seen) = self.0 else { return Ok(()) };
        let mut shown = 0;
        for entry in entries {
            shown += 1;
            if shown == seen.seq {
                return match entry.hash() == seen.hash {
                    true => Ok(()),
                    false => Err(Tamper::Fork(entry.body().seq)),
                };
            }
        }
        Err(Tamper::Rollback {
            shown,
            seen: seen.seq,
        })
    }

    /// Remembers a head that was verified to extend what was seen.
    pub(super) async fn raise<P: Platform>(
        session: &Session<P>,
        vault_id: VaultId,
        head: Head,
    ) -> Result<()> {
        // Another program of the same profile may have seen more meanwhile.
        if Self::load(session, vault_id).await?.count() >= head.seq {
            return Ok(());
        }
        let mut w = Writer::new();
        w.u64(head.seq).raw(head.hash.as_bytes());
        let (key, context) = (session.keys().local_key(), Self::context(&vault_id));
        let mut random = session.platform().random();
        let sealed = seal_local(key, Purpose::Pins, &context, &w.into_bytes(), &mut random)?;
        let storage = session.platform().storage();
        Ok(storage.write(&Self::name(&vault_id), &sealed).await?)
    }
}

fn parse(bytes: &[u8]) -> Result<Head, ParseError> {
    let mut r = Reader::new(bytes);
    let head = Head {
        seq: r.u64()?,
        hash: r.hash()?,
    };
    r.finish()?;
    Ok(head)
}
