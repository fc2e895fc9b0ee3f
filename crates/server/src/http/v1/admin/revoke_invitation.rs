//! Revokes an invitation.

use sv_api::endpoint::RevokeInvitation;
use sv_api::wire::Empty;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Admin, Session};

pub(crate) async fn revoke_invitation(
    call: Call<RevokeInvitation, Session<Admin>>,
) -> Result<Empty, Refused> {
    let accounts = call.app.accounts();
    let (by, id) = (
        accounts.administers(&call.caller),
        call.param("invitation")?,
    );
    accounts.revoke_invitation(&by, id).await?;
    Ok(Empty {})
}
