//! The fresh proof that changes of what opens an account want.

use sv_client::account::{Reproof, Session};

use crate::ask::{CodeArgs, with_code};
use crate::failure::Result;
use crate::output::Output;
use crate::platform::NativePlatform;

/// Proves password and second factor anew: for five minutes the session may
/// change what opens the account.
///
/// # Errors
/// Those of asking and of the proof.
pub(super) async fn prove(
    out: &Output,
    session: &mut Session<NativePlatform>,
    password: &str,
    code: &CodeArgs,
) -> Result {
    with_code(code.codes(out, None), async |code| {
        let proof = Reproof::start(session, password).await?;
        proof.finish(&code).await?;
        Ok(())
    })
    .await
}
