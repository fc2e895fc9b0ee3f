//! Ends this session.

use sv_api::endpoint::Logout;
use sv_api::wire::Empty;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{FullOrRecovery, Session};

pub(crate) async fn log_out(call: Call<Logout, Session<FullOrRecovery>>) -> Result<Empty, Refused> {
    call.app.accounts().log_out(&call.caller).await?;
    Ok(Empty {})
}
