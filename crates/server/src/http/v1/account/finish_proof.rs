//! Completes it: password and code.

use sv_api::endpoint::ProofFinish;
use sv_api::wire::Empty;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};

pub(crate) async fn finish_proof(call: Call<ProofFinish, Session<Full>>) -> Result<Empty, Refused> {
    call.app
        .accounts()
        .finish_proof(&call.caller, &call.body)
        .await?;
    Ok(Empty {})
}
