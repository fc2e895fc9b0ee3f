//! What is already durable of an upload, a page at a time.

use sv_api::Endpoint;
use sv_api::endpoint::GetUpload;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};

pub(crate) async fn show(
    call: Call<GetUpload, Session<Full>>,
) -> Result<<GetUpload as Endpoint>::Response, Refused> {
    let (content, from) = (call.param("content")?, call.param("from")?);
    let uid = call.caller.uid();
    Ok(call.app.vaults().upload(uid, content, from).await?)
}
