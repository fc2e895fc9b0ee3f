//! Limits what an account may store.

use sv_api::endpoint::SetPersonQuota;
use sv_api::wire::Empty;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Admin, Session};

pub(crate) async fn set_quota(
    call: Call<SetPersonQuota, Session<Admin>>,
) -> Result<Empty, Refused> {
    let accounts = call.app.accounts();
    let (by, person) = (accounts.administers(&call.caller), call.param("person")?);
    accounts
        .set_quota(&by, person, call.body.quota_bytes)
        .await?;
    Ok(Empty {})
}
