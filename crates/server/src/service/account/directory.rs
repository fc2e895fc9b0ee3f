//! Finding people: from a handle to the account's own chain, which proves
//! what it says. Only for whoever is signed in, and counted: sign-up tells
//! whether a handle is taken, and so does this, but neither tells all of them.

use std::collections::BTreeMap;

use sv_api::ErrorCode;
use sv_api::share::{Directory, DirectoryRequest};
use sv_api::vault::MembershipLog;
use sv_ledger::handle::Handle;
use sv_ledger::id::VaultId;
use sv_ledger::limits::HANDLES_PER_REQUEST;

use super::Accounts;
use super::session::{Full, Session};
use super::throttle::{DIRECTORY_BY_ACCOUNT, DIRECTORY_FROM_NETWORK};
use crate::db::Query;
use crate::service::{Error, Result};
use crate::store::accounts::account;
use crate::store::{entries, vaults};

/// Bytes of chains in one answer, about.
const ANSWER_LEN: usize = 4 * 1024 * 1024;

impl Accounts {
    /// The chains of some handles; whatever is no handle, nobody has. An
    /// account that is locked out is still who it is.
    ///
    /// # Errors
    /// [`ErrorCode::RateLimited`]; [`ErrorCode::BadRequest`] for too many.
    pub async fn look_up(
        &self,
        session: &Session<Full>,
        request: &DirectoryRequest,
        network: [u8; 16],
    ) -> Result<Directory> {
        let asked = request.handles.len();
        if asked == 0 || asked > HANDLES_PER_REQUEST {
            let message = "Ask for 1 to 100 user names at once.";
            return Err(Error::refused_because(ErrorCode::BadRequest, message));
        }
        let uid = session.uid();
        self.charge_many(
            asked as u64,
            &[
                (DIRECTORY_BY_ACCOUNT, &[uid.as_bytes()]),
                (DIRECTORY_FROM_NETWORK, &[&network]),
            ],
        )
        .await?;
        let handles: Vec<_> = request
            .handles
            .iter()
            .map(|h| Handle::parse(h).ok())
            .collect();
        let mut snapshot = self.db.read().await?;
        let wanted = handles.iter().flatten().map(Handle::as_str);
        let uids = account::uids_of(&mut snapshot, wanted).await?;
        let uids: BTreeMap<_, _> = uids.into_iter().collect();
        let (mut chains, mut len) = (Vec::with_capacity(asked), 0);
        for handle in handles {
            let uid = handle.and_then(|handle| uids.get(handle.as_str()).copied());
            let chain = match uid {
                Some(uid) => Some(chain(&mut snapshot, uid).await?),
                None => None,
            };
            len += chain.as_ref().map_or(0, bytes);
            if !chains.is_empty() && len > ANSWER_LEN {
                break;
            }
            chains.push(chain);
        }
        Ok(Directory { chains })
    }
}

async fn chain(q: &mut impl Query, uid: VaultId) -> Result<MembershipLog> {
    let genesis = vaults::genesis(q, uid).await?;
    Ok(MembershipLog {
        genesis: genesis.ok_or(Error::Internal("an account without its vault"))?,
        entries: entries::of_membership(q, uid).await?,
        more: false,
        is_gone: false,
    })
}

fn bytes(chain: &MembershipLog) -> usize {
    let entries = chain.entries.iter().map(|entry| entry.to_bytes().len());
    entries.sum()
}
