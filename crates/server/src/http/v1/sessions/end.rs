//! Ends a session.

use sv_api::endpoint::EndSession;
use sv_api::wire::Empty;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};

pub(crate) async fn end(call: Call<EndSession, Session<Full>>) -> Result<Empty, Refused> {
    let session = call.param("session")?;
    call.app
        .accounts()
        .end_session(&call.caller, session)
        .await?;
    Ok(Empty {})
}
