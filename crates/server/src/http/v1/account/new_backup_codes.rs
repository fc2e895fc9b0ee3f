//! Replaces the backup codes.

use sv_api::Endpoint;
use sv_api::endpoint::NewBackupCodes;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};

pub(crate) async fn new_backup_codes(
    call: Call<NewBackupCodes, Session<Full>>,
) -> Result<<NewBackupCodes as Endpoint>::Response, Refused> {
    Ok(call.app.accounts().new_backup_codes(&call.caller).await?)
}
