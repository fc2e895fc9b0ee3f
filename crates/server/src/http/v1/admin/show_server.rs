//! How the server stands.

use sv_api::Endpoint;
use sv_api::endpoint::GetServerStatus;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Admin, Session};

pub(crate) async fn show_server(
    call: Call<GetServerStatus, Session<Admin>>,
) -> Result<<GetServerStatus as Endpoint>::Response, Refused> {
    let accounts = call.app.accounts();
    let max_file_bytes = call.app.vaults().max_file_bytes();
    let by = accounts.administers(&call.caller);
    Ok(accounts.server_status(&by, max_file_bytes).await?)
}
