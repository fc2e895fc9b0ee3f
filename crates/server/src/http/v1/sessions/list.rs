//! Every session of the account.

use sv_api::Endpoint;
use sv_api::endpoint::ListSessions;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};

pub(crate) async fn list(
    call: Call<ListSessions, Session<Full>>,
) -> Result<<ListSessions as Endpoint>::Response, Refused> {
    Ok(call.app.accounts().list_sessions(&call.caller).await?)
}
