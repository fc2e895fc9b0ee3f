//! Stands in for a lost second factor.

use sv_api::Endpoint;
use sv_api::endpoint::ResetPersonSecondFactor;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Admin, Session};

pub(crate) async fn reset_second_factor(
    call: Call<ResetPersonSecondFactor, Session<Admin>>,
) -> Result<<ResetPersonSecondFactor as Endpoint>::Response, Refused> {
    let accounts = call.app.accounts();
    let (by, person) = (accounts.administers(&call.caller), call.param("person")?);
    Ok(accounts.reset_second_factor(&by, person).await?)
}
