//! HTTP by `fetch`. The session is a cookie that no script can read: the token
//! of a request is never set here (spec: `wire.md` §9).

use futures::future::{Either, select};
use js_sys::{Reflect, Uint8Array};
use sv_api::Method;
use sv_client::port::{Http, HttpRequest, HttpResponse, Unreachable};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, DedicatedWorkerGlobalScope, Headers, ReadableStreamDefaultReader,
    RequestCredentials, RequestInit, RequestRedirect, Response,
};

use super::{explain, sleep};

/// What a page's requests carry, and a page of another site cannot send.
const PAGE_HEADER: (&str, &str) = ("x-securevault", "1");
/// Silence after which the server counts as away.
const SILENCE_MS: u64 = 60_000;
/// Bytes a second that a line must carry, or it counts as silent.
const SLOWEST: u64 = 16 * 1024;

/// Reaches the server that this page came from.
pub(crate) struct BrowserHttp(DedicatedWorkerGlobalScope);

/// Ends a request that nobody waits for any more.
struct Abort(AbortController);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl BrowserHttp {
    pub(super) const fn new(scope: DedicatedWorkerGlobalScope) -> Self {
        Self(scope)
    }

    async fn fetch(
        &self,
        request: &HttpRequest<'_>,
        abort: &Abort,
    ) -> Result<Response, Unreachable> {
        let init = RequestInit::new();
        init.set_method(match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        });
        let headers = Headers::new().map_err(|e| broken(&e))?;
        let (name, value) = PAGE_HEADER;
        headers.set(name, value).map_err(|e| broken(&e))?;
        if !request.content_type.is_empty() {
            headers
                .set("content-type", request.content_type)
                .map_err(|e| broken(&e))?;
        }
        init.set_headers(&headers);
        init.set_credentials(RequestCredentials::SameOrigin);
        init.set_redirect(RequestRedirect::Error);
        init.set_cache(web_sys::RequestCache::NoStore);
        init.set_signal(Some(&abort.0.signal()));
        if request.method != Method::Get {
            init.set_body(&Uint8Array::from(request.body.as_ref()));
        }
        let sent = self.0.fetch_with_str_and_init(&request.path, &init);
        let patience = SILENCE_MS + request.body.len() as u64 * 1000 / SLOWEST;
        let response = self.within(JsFuture::from(sent), patience).await?;
        response
            .dyn_into()
            .map_err(|_| Unreachable("the browser gave no response".to_owned()))
    }

    async fn within(&self, future: JsFuture, ms: u64) -> Result<JsValue, Unreachable> {
        let limit = std::pin::pin!(sleep(&self.0, ms));
        match select(future, limit).await {
            Either::Left((done, _)) => done.map_err(|error| broken(&error)),
            Either::Right(_) => Err(Unreachable("the server has stopped answering".to_owned())),
        }
    }

    /// Reads a body, and not one byte more than `limit`.
    async fn read(&self, response: &Response, limit: usize) -> Result<Vec<u8>, Unreachable> {
        let too_long = || Unreachable("the server sent more than was asked for".to_owned());
        let announced = response.headers().get("content-length").ok().flatten();
        let announced: usize = announced.and_then(|text| text.parse().ok()).unwrap_or(0);
        if announced > limit {
            return Err(too_long());
        }
        let mut body = Vec::with_capacity(announced);
        let Some(stream) = response.body() else {
            return Ok(body);
        };
        let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
        while let Some(chunk) = self.next_chunk(&reader).await? {
            let at = body.len();
            let len = chunk.length() as usize;
            if at + len > limit {
                let _ = reader.cancel();
                return Err(too_long());
            }
            body.resize(at + len, 0);
            if let Some(place) = body.get_mut(at..) {
                chunk.copy_to(place);
            }
        }
        Ok(body)
    }

    async fn next_chunk(
        &self,
        reader: &ReadableStreamDefaultReader,
    ) -> Result<Option<Uint8Array>, Unreachable> {
        let step = self
            .within(JsFuture::from(reader.read()), SILENCE_MS)
            .await?;
        read_step(&step)
    }

    /// Opens a stream of server-sent events.
    ///
    /// # Errors
    /// [`Unreachable`], also for an answer that is none; with the status.
    pub(crate) async fn events(&self, path: &str) -> Result<Events<'_>, (u16, Unreachable)> {
        let abort = Abort(AbortController::new().map_err(|e| (0, broken(&e)))?);
        let request = HttpRequest {
            method: Method::Get,
            path: path.to_owned(),
            content_type: "",
            token: None,
            body: bytes::Bytes::new(),
            max_response: 0,
        };
        let response = self.fetch(&request, &abort).await.map_err(|e| (0, e))?;
        let none = |why: &str| (response.status(), Unreachable(why.to_owned()));
        if !response.ok() {
            return Err(none("refused"));
        }
        let stream = response.body().ok_or_else(|| none("an empty answer"))?;
        Ok(Events {
            http: self,
            reader: stream.get_reader().unchecked_into(),
            _abort: abort,
            line: Vec::new(),
            data: String::new(),
        })
    }
}

impl Http for BrowserHttp {
    async fn send(&self, request: HttpRequest<'_>) -> Result<HttpResponse, Unreachable> {
        let abort = Abort(AbortController::new().map_err(|e| broken(&e))?);
        let response = self.fetch(&request, &abort).await?;
        let body = self.read(&response, request.max_response).await?;
        Ok(HttpResponse {
            status: response.status(),
            body,
        })
    }
}

/// A stream of server-sent events (WHATWG HTML §9.2): the data of each.
pub(crate) struct Events<'h> {
    http: &'h BrowserHttp,
    reader: ReadableStreamDefaultReader,
    _abort: Abort,
    line: Vec<u8>,
    data: String,
}

/// Bytes of a line that no event of ours has.
const LINE_LEN: usize = 64 * 1024;

impl Events<'_> {
    /// The data of the next events: those that came together, perhaps none, or
    /// `None` at the end of the stream.
    ///
    /// # Errors
    /// [`Unreachable`] if it breaks, or is silent for longer than it may be.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<String>>, Unreachable> {
        let Some(chunk) = self.http.next_chunk(&self.reader).await? else {
            return Ok(None);
        };
        let mut events = Vec::new();
        for byte in chunk.to_vec() {
            match byte {
                b'\r' => {}
                b'\n' => {
                    let line = std::mem::take(&mut self.line);
                    let line = String::from_utf8_lossy(&line);
                    if line.is_empty() && !self.data.is_empty() {
                        events.push(std::mem::take(&mut self.data));
                    } else if let Some(data) = line.strip_prefix("data:") {
                        self.data.push_str(data.trim_start());
                    }
                }
                byte if self.line.len() < LINE_LEN => self.line.push(byte),
                _ => return Err(Unreachable("an endless event".to_owned())),
            }
        }
        Ok(Some(events))
    }
}

fn read_step(step: &JsValue) -> Result<Option<Uint8Array>, Unreachable> {
    let is_done = Reflect::get(step, &"done".into()).is_ok_and(|done| done.is_truthy());
    if is_done {
        return Ok(None);
    }
    let value = Reflect::get(step, &"value".into()).map_err(|error| broken(&error))?;
    value
        .dyn_into()
        .map(Some)
        .map_err(|_| Unreachable("the browser gave no bytes".to_owned()))
}

fn broken(error: &JsValue) -> Unreachable {
    Unreachable(explain(error))
}
