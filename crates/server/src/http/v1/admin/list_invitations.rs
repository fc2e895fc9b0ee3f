//! Invitations that are still good.

use sv_api::Endpoint;
use sv_api::endpoint::ListInvitations;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Admin, Session};

pub(crate) async fn list_invitations(
    call: Call<ListInvitations, Session<Admin>>,
) -> Result<<ListInvitations as Endpoint>::Response, Refused> {
    let accounts = call.app.accounts();
    let by = accounts.administers(&call.caller);
    Ok(accounts.list_invitations(&by).await?)
}
