//! The signed-in account.

mod delete;
mod finish_proof;
mod finish_totp;
mod keep_half;
mod new_backup_codes;
mod replace_unlockers;
mod show;
mod show_half;
mod show_unlockers;
mod start_password;
mod start_proof;
mod start_totp;

use sv_api::endpoint::{
    DeleteAccount, GetAccount, GetSessionHalf, GetUnlockers, KeepSessionHalf, NewBackupCodes,
    PasswordStart, ProofFinish, ProofStart, ReplaceUnlockers, TotpFinish, TotpStart,
};

use crate::http::route::Routes;

pub(super) fn mount(routes: Routes) -> Routes {
    routes
        .add::<GetAccount, _, _, _>(show::show)
        .add::<KeepSessionHalf, _, _, _>(keep_half::keep_half)
        .add::<GetSessionHalf, _, _, _>(show_half::show_half)
        .add::<ProofStart, _, _, _>(start_proof::start_proof)
        .add::<ProofFinish, _, _, _>(finish_proof::finish_proof)
        .add::<PasswordStart, _, _, _>(start_password::start_password)
        .add::<GetUnlockers, _, _, _>(show_unlockers::show_unlockers)
        .add::<ReplaceUnlockers, _, _, _>(replace_unlockers::replace_unlockers)
        .add_raw::<DeleteAccount, _, _, _>(delete::delete)
        .add::<TotpStart, _, _, _>(start_totp::start_totp)
        .add::<TotpFinish, _, _, _>(finish_totp::finish_totp)
        .add::<NewBackupCodes, _, _, _>(new_backup_codes::new_backup_codes)
}
