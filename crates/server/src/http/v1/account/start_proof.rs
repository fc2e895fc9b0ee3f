//! Starts a fresh proof of the password.

use sv_api::Endpoint;
use sv_api::endpoint::ProofStart;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};

pub(crate) async fn start_proof(
    call: Call<ProofStart, Session<Full>>,
) -> Result<<ProofStart as Endpoint>::Response, Refused> {
    Ok(call
        .app
        .accounts()
        .start_proof(&call.caller, &call.body)
        .await?)
}
