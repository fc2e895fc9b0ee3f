//! What the server says of itself.

use sv_api::Endpoint;
use sv_api::endpoint::GetInstance;

use crate::http::answer::Refused;
use crate::http::caller::Anybody;
use crate::http::route::Call;

pub(crate) async fn show(
    call: Call<GetInstance, Anybody>,
) -> Result<<GetInstance as Endpoint>::Response, Refused> {
    Ok(call.app.accounts().describe().await?)
}
