//! Gives an upload up.

use sv_api::endpoint::CancelUpload;
use sv_api::wire::Empty;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};

pub(crate) async fn cancel(call: Call<CancelUpload, Session<Full>>) -> Result<Empty, Refused> {
    let content = call.param("content")?;
    call.app
        .vaults()
        .cancel_upload(call.caller.uid(), content)
        .await?;
    Ok(Empty {})
}
