//! Replacing the second factor; each wants a fresh [`super::Reproof`] first.

use sv_api::account::{CodeRequest, TotpSetup};
use sv_api::endpoint::{NewBackupCodes, TotpFinish, TotpStart};
use sv_api::wire::Empty;

use super::session::Session;
use crate::call::Repeat;
use crate::error::Result;
use crate::port::Platform;

/// A new TOTP secret; the present one stays in force until
/// [`confirm_totp`].
///
/// # Errors
/// Those of a call.
pub async fn new_totp<P: Platform>(session: &Session<P>) -> Result<TotpSetup> {
    session
        .server()
        .call(&TotpStart, Empty {}, Repeat::Never)
        .await
}

/// Puts the new TOTP secret in force, by a code of it.
///
/// # Errors
/// Those of a call.
pub async fn confirm_totp<P: Platform>(session: &Session<P>, code: &str) -> Result<()> {
    let request = CodeRequest {
        code: code.to_owned(),
        device_label: String::new(),
    };
    session
        .server()
        .call(&TotpFinish, request, Repeat::Never)
        .await
        .map(drop)
}

/// Ten new backup codes; the old ones stop working.
///
/// # Errors
/// Those of a call.
pub async fn new_backup_codes<P: Platform>(session: &Session<P>) -> Result<Vec<String>> {
    let codes = session
        .server()
        .call(&NewBackupCodes, Empty {}, Repeat::Never)
        .await?;
    Ok(codes.backup_codes)
}
