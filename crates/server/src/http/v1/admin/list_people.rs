//! Everybody with an account.

use sv_api::Endpoint;
use sv_api::endpoint::ListPeople;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Admin, Session};

pub(crate) async fn list_people(
    call: Call<ListPeople, Session<Admin>>,
) -> Result<<ListPeople as Endpoint>::Response, Refused> {
    let accounts = call.app.accounts();
    let by = accounts.administers(&call.caller);
    Ok(accounts.list_people(&by).await?)
}
