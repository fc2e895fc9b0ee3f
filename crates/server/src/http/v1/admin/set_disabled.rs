//! Locks an account out, or lets it in again.

use sv_api::endpoint::SetPersonDisabled;
use sv_api::wire::Empty;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Admin, Session};

pub(crate) async fn set_disabled(
    call: Call<SetPersonDisabled, Session<Admin>>,
) -> Result<Empty, Refused> {
    let accounts = call.app.accounts();
    let (by, person) = (accounts.administers(&call.caller), call.param("person")?);
    accounts
        .set_disabled(&by, person, call.body.disabled)
        .await?;
    Ok(Empty {})
}
