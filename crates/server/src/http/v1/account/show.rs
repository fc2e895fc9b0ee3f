//! The signed-in account.

use sv_api::Endpoint;
use sv_api::endpoint::GetAccount;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{FullOrRecovery, Session};

pub(crate) async fn show(
    call: Call<GetAccount, Session<FullOrRecovery>>,
) -> Result<<GetAccount as Endpoint>::Response, Refused> {
    Ok(call.app.accounts().status(&call.caller).await?)
}
