//! The fresh proof that changes of what opens an account want.

use sv_api::ErrorCode;
use sv_client::ClientError;
use sv_client::account::{Reproof, Session};

use crate::ask::{CodeArgs, PasswordArgs, with_code};
use crate::failure::{Failure, Result};
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

/// Does what wants a fresh proof, and asks for one only where the session has
/// none: after a log-in with an administrator's reset code there is one, and
/// nothing to prove another by.
///
/// # Errors
/// Those of `action`, and of [`prove`].
pub(super) async fn proved<T>(
    out: &Output,
    session: &mut Session<NativePlatform>,
    password: &PasswordArgs,
    code: &CodeArgs,
    action: impl AsyncFn(&Session<NativePlatform>) -> Result<T, ClientError>,
) -> Result<T> {
    match action(session).await {
        Err(error) if error.is_refusal(ErrorCode::ProofRequired) => {}
        outcome => return Ok(outcome?),
    }
    if !session.status().await?.has_authenticator {
        return Err(Failure::Refused(
            "the time after the administrator's reset is over; ask for another code, log in with \
             it, and set up the authenticator within 30 minutes"
                .to_owned(),
        ));
    }
    let password = password.present()?;
    prove(out, session, &password, code).await?;
    Ok(action(session).await?)
}
