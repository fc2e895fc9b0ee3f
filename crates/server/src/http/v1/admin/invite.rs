//! Invites somebody.

use sv_api::Endpoint;
use sv_api::endpoint::CreateInvitation;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Admin, Session};

pub(crate) async fn invite(
    call: Call<CreateInvitation, Session<Admin>>,
) -> Result<<CreateInvitation as Endpoint>::Response, Refused> {
    let accounts = call.app.accounts();
    let by = accounts.administers(&call.caller);
    Ok(accounts
        .invite(&by, call.body.administrator, call.body.lives_ms)
        .await?)
}
