//! Answers what the service worker intercepted: bytes of files, pulled chunk by
//! chunk, each verified before it goes. If the end does not verify, the stream
//! fails, and with it the browser's download.
//!
//! On the port of a request: `[status, [[header, value]…]]` first, then for each
//! `1` that comes a chunk (`ArrayBuffer`), `null` at the end or a text when it
//! fails. `0` says that nobody reads on.

use std::rc::Rc;

use futures::channel::mpsc;
use futures::future::{Either, select};
use futures::stream::{self, LocalBoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use js_sys::{Array, JsString, Uint8Array};
use sv_client::account::Session;
use sv_client::transfer::{Seekable, SoFar};
use sv_core::fernet::token_len;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, MessageEvent, MessagePort};

use super::fernet;
use super::inbox::Fetch;
use super::links::{Links, Target, ZipItem};
use super::outlet::Outlet;
use super::platform::{Browser, explain, sleep};
use super::transfers::Transfer;
use crate::worker::failure::Failure;
use crate::zip;
use sv_bridge::{FailureKind, TransferState};

use crate::worker::mime::BINARY;
/// Bytes of a chunk at most: what comes from elsewhere is cut.
const CHUNK: usize = 1024 * 1024;
/// Milliseconds between tries while the server is away.
const AGAIN_MS: u64 = 2_000;

/// Bytes on their way out; the last item is a failure if they are not the right
/// ones.
pub(super) type Chunks<'a> = LocalBoxStream<'a, Result<Vec<u8>, Failure>>;

/// Answers one request. `session` is the one that is open.
pub(super) async fn answer(
    session: Option<&Session<Browser>>,
    outlet: &Outlet,
    links: &Links,
    fetch: Fetch,
) {
    let mut reader = Reader::listen(fetch.port);
    let Some(target) = links.find(&fetch.path) else {
        return reader.refuse(404);
    };
    match (&*target, session) {
        (Target::Decrypt { sealed, name, size }, _) => {
            reader.head(200, save_headers(name, Some(*size)));
            let chunks = sealed.plaintext();
            // A failure has been told to the reader, and by it to the person.
            let _ = reader.send(chunks, |_| ()).await;
        }
        (Target::Show { mime, .. }, Some(session)) => {
            show(session, &target, mime, fetch.range.as_deref(), &mut reader).await;
        }
        (Target::Save(reading, transfer), Some(session)) => {
            let name = transfer.name();
            reader.head(200, save_headers(&name, Some(reading.size())));
            let chunks = plain(session, outlet, reading, transfer);
            reader.save(transfer, chunks).await;
        }
        (Target::Raw(reading, transfer), Some(session)) => {
            let name = transfer.name();
            reader.head(200, save_headers(&name, reading.raw_len()));
            let header = reading.raw_header().map(|header| Ok(header.to_bytes()));
            let chunks = stream::iter(header).chain(sealed(session, outlet, reading, transfer));
            reader.save(transfer, chunks.boxed_local()).await;
        }
        (Target::Token(reading, key, transfer), Some(session)) => {
            let name = transfer.name();
            reader.head(200, save_headers(&name, token_len(reading.size())));
            let chunks = plain(session, outlet, reading, transfer);
            reader
                .save(transfer, fernet::tokens(session, chunks, key))
                .await;
        }
        (Target::Zip(items, transfer), Some(session)) => {
            let name = transfer.name();
            reader.head(200, save_headers(&name, Some(zip_len(items))));
            let chunks = zipped(session, outlet, items, transfer);
            reader.save(transfer, chunks).await;
        }
        _ => reader.refuse(410),
    }
}

/// Bytes of a local file.
///
/// # Errors
/// [`FailureKind::UnreadableFile`] if it was moved or changed.
pub(super) async fn read_slice(file: &Blob, from: u64, to: u64) -> Result<Vec<u8>, Failure> {
    let unreadable =
        |error: JsValue| Failure::with_detail(FailureKind::UnreadableFile, explain(&error));
    let slice = file
        .slice_with_f64_and_f64(from as f64, to as f64)
        .map_err(unreadable)?;
    let bytes = JsFuture::from(slice.array_buffer())
        .await
        .map_err(unreadable)?;
    Ok(Uint8Array::new(&bytes).to_vec())
}

/// A file in order. While the server is away it waits and goes on.
fn plain<'a>(
    session: &'a Session<Browser>,
    outlet: &'a Outlet,
    reading: &'a sv_client::transfer::Reading,
    transfer: &'a Rc<Transfer>,
) -> Chunks<'a> {
    patient(outlet, transfer, move |so_far| {
        reading.blocks(session, so_far).boxed_local()
    })
}

/// A file in order, as it is stored.
fn sealed<'a>(
    session: &'a Session<Browser>,
    outlet: &'a Outlet,
    reading: &'a sv_client::transfer::Reading,
    transfer: &'a Rc<Transfer>,
) -> Chunks<'a> {
    patient(outlet, transfer, move |so_far| {
        reading.sealed_blocks(session, so_far).boxed_local()
    })
}

type Blocks<'a> = LocalBoxStream<'a, sv_client::error::Result<(Vec<u8>, SoFar)>>;

fn patient<'a>(
    outlet: &'a Outlet,
    transfer: &'a Rc<Transfer>,
    from: impl Fn(SoFar) -> Blocks<'a> + 'a,
) -> Chunks<'a> {
    let start = (None::<Blocks<'a>>, SoFar::default(), from);
    stream::try_unfold(start, move |(blocks, so_far, from)| async move {
        let mut blocks = blocks.unwrap_or_else(|| from(so_far.clone()));
        loop {
            transfer.gate().pass().await;
            match blocks.try_next().await {
                Ok(Some((bytes, so_far))) => {
                    transfer.running(outlet);
                    return Ok(Some((bytes, (Some(blocks), so_far, from))));
                }
                Ok(None) => return Ok(None),
                Err(sv_client::ClientError::Offline(_)) => {
                    transfer.stall(outlet);
                    sleep(outlet.scope(), AGAIN_MS).await;
                    blocks = from(so_far.clone());
                }
                Err(error) => return Err(error.into()),
            }
        }
    })
    .boxed_local()
}

fn zipped<'a>(
    session: &'a Session<Browser>,
    outlet: &'a Outlet,
    items: &'a [ZipItem],
    transfer: &'a Rc<Transfer>,
) -> Chunks<'a> {
    let mut writer = zip::Writer::new();
    let (mut sender, chunks) = mpsc::channel::<Result<Vec<u8>, Failure>>(0);
    let write = async move {
        for item in items {
            let entry = zip::Entry {
                path: &item.path,
                modified_ms: item.modified_ms,
                size: item
                    .reading
                    .as_ref()
                    .map(sv_client::transfer::Reading::size),
            };
            let mut out = writer.begin(&entry);
            if let Some(reading) = &item.reading {
                let mut blocks = plain(session, outlet, reading, transfer);
                while let Some(block) = blocks.try_next().await? {
                    writer.bytes(&block);
                    if !out.is_empty() {
                        push(&mut sender, std::mem::take(&mut out)).await?;
                    }
                    push(&mut sender, block).await?;
                }
            }
            out.extend(writer.end());
            push(&mut sender, out).await?;
            transfer.file_done(outlet);
        }
        push(&mut sender, writer.finish()).await
    };
    // The writer is driven by whoever reads; its failure is the last item.
    let write =
        write
            .map(Some)
            .into_stream()
            .filter_map(|done: Option<Result<(), Failure>>| async {
                match done {
                    Some(Err(failure)) => Some(Err(failure)),
                    _ => None,
                }
            });
    stream::select(chunks, write).boxed_local()
}

async fn push(
    sender: &mut mpsc::Sender<Result<Vec<u8>, Failure>>,
    bytes: Vec<u8>,
) -> Result<(), Failure> {
    use futures::SinkExt;
    let gone = |_| Failure::new(FailureKind::Cancelled);
    sender.send(Ok(bytes)).await.map_err(gone)
}

pub(super) fn zip_len(items: &[ZipItem]) -> u64 {
    let entries = items.iter().map(|item| zip::Entry {
        path: &item.path,
        modified_ms: item.modified_ms,
        size: item
            .reading
            .as_ref()
            .map(sv_client::transfer::Reading::size),
    });
    zip::len_of(entries)
}

/// A file to be shown: whole, or the range that is asked for.
async fn show(
    session: &Session<Browser>,
    target: &Target,
    mime: &str,
    range: Option<&str>,
    reader: &mut Reader,
) {
    let Target::Show {
        reading, seekable, ..
    } = target
    else {
        return;
    };
    let size = reading.size();
    if reading.is_token() {
        // Nothing comes from its middle.
        let mut headers = safe_headers(mime);
        headers.push(("content-length".to_owned(), size.to_string()));
        headers.push(("accept-ranges".to_owned(), "none".to_owned()));
        reader.head(200, headers);
        let pieces = reading.blocks(session, SoFar::default());
        let chunks = pieces.map_ok(|(piece, _)| piece).map_err(Failure::from);
        let _ = reader.send(chunks.boxed_local(), |_| ()).await;
        return;
    }
    let (status, from, to) = match range.map(|range| parse_range(range, size)) {
        None => (200, 0, size),
        Some(Some((from, to))) => (206, from, to),
        Some(None) => {
            let headers = vec![("content-range".to_owned(), format!("bytes */{size}"))];
            reader.head(416, headers);
            return reader.end();
        }
    };
    let known = seekable.borrow().clone();
    let list = match known {
        Some(list) => list,
        None => match reading.clone().seekable(session).await {
            Ok(list) => {
                let list = Rc::new(list);
                *seekable.borrow_mut() = Some(list.clone());
                list
            }
            Err(_) => return reader.refuse(502),
        },
    };
    let mut headers = safe_headers(mime);
    headers.push(("content-length".to_owned(), (to - from).to_string()));
    headers.push(("accept-ranges".to_owned(), "bytes".to_owned()));
    if status == 206 {
        let last = to.saturating_sub(1);
        headers.push((
            "content-range".to_owned(),
            format!("bytes {from}-{last}/{size}"),
        ));
    }
    reader.head(status, headers);
    let chunks = slices(session, target, list, from, to);
    let _ = reader.send(chunks, |_| ()).await;
}

/// Bytes `from` to `to` of a file, from the blocks that hold them.
fn slices<'a>(
    session: &'a Session<Browser>,
    target: &'a Target,
    list: Rc<Seekable>,
    from: u64,
    to: u64,
) -> Chunks<'a> {
    stream::try_unfold(from, move |at| {
        let list = list.clone();
        async move {
            if at >= to {
                return Ok(None);
            }
            let index = at / Seekable::BLOCK;
            let block = block(session, target, &list, index).await?;
            let start = at - index * Seekable::BLOCK;
            let end = (to - index * Seekable::BLOCK)
                .min(block.len() as u64)
                .min(start + CHUNK as u64);
            let piece = block.get(start as usize..end as usize).unwrap_or_default();
            Ok(Some((piece.to_vec(), at + (end - start).max(1))))
        }
    })
    .boxed_local()
}

async fn block(
    session: &Session<Browser>,
    target: &Target,
    list: &Seekable,
    index: u64,
) -> Result<Rc<Vec<u8>>, Failure> {
    let Target::Show { last, .. } = target else {
        return Err(Failure::new(FailureKind::OutOfOrder));
    };
    let kept = last.borrow().clone();
    if let Some((kept, block)) = kept
        && kept == index
    {
        return Ok(block);
    }
    let block = Rc::new(list.block(session, index).await?);
    *last.borrow_mut() = Some((index, block.clone()));
    Ok(block)
}

/// The one range of a `Range` header; none if it cannot be served.
fn parse_range(range: &str, size: u64) -> Option<(u64, u64)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (from, to) = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(from), Ok(last)) => (from, last.saturating_add(1).min(size)),
        (Ok(from), Err(_)) if last.is_empty() => (from, size),
        (Err(_), Ok(count)) if first.is_empty() => (size.saturating_sub(count), size),
        _ => return None,
    };
    (from < to).then_some((from, to))
}

/// What keeps a file from being anything but bytes: not a page of this
/// origin, whatever it says of itself.
fn safe_headers(mime: &str) -> Vec<(String, String)> {
    [
        ("content-type", mime),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-embedder-policy", "require-corp"),
        ("cache-control", "no-store"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

fn save_headers(name: &str, size: Option<u64>) -> Vec<(String, String)> {
    let mut headers = safe_headers(BINARY);
    let encoded = String::from(js_sys::encode_uri_component(name)).replace('\'', "%27");
    headers.push((
        "content-disposition".to_owned(),
        format!("attachment; filename*=UTF-8''{encoded}"),
    ));
    if let Some(size) = size {
        headers.push(("content-length".to_owned(), size.to_string()));
    }
    headers
}

/// Whoever reads the answer.
struct Reader {
    port: MessagePort,
    pulls: mpsc::UnboundedReceiver<bool>,
}

impl Reader {
    fn listen(port: MessagePort) -> Self {
        let (sender, pulls) = mpsc::unbounded();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let _ = sender.unbounded_send(event.data().as_f64() == Some(1.0));
        });
        port.set_onmessage(Some(on_message.into_js_value().unchecked_ref()));
        Self { port, pulls }
    }

    fn head(&self, status: u16, headers: Vec<(String, String)>) {
        let headers: Array = headers
            .into_iter()
            .map(|(name, value)| Array::of2(&name.into(), &value.into()))
            .collect();
        let _ = self
            .port
            .post_message(&Array::of2(&status.into(), &headers));
    }

    fn refuse(&mut self, status: u16) {
        self.head(status, Vec::new());
        self.end();
    }

    fn end(&self) {
        let _ = self.port.post_message(&JsValue::NULL);
    }

    /// Whether another chunk is wanted.
    async fn wants(&mut self) -> bool {
        self.pulls.next().await.unwrap_or(false)
    }

    /// Sends chunks as they are asked for.
    async fn send(&mut self, mut chunks: Chunks<'_>, sent: impl Fn(u64)) -> Result<(), Failure> {
        let cancelled = || Failure::new(FailureKind::Cancelled);
        while self.wants().await {
            let next = {
                // Somebody who reads no more does not wait for the server.
                let gone = self.pulls.next();
                match select(chunks.next(), gone).await {
                    Either::Left((next, _)) => next,
                    Either::Right(_) => return Err(cancelled()),
                }
            };
            match next {
                Some(Ok(bytes)) => {
                    let array = Uint8Array::from(bytes.as_slice());
                    let buffer = array.buffer();
                    let posted = self
                        .port
                        .post_message_with_transferable(&buffer, &Array::of1(&buffer));
                    if posted.is_err() {
                        return Err(cancelled());
                    }
                    sent(bytes.len() as u64);
                }
                Some(Err(failure)) => {
                    let why = JsString::from(format!("{:?}", failure.kind));
                    let _ = self.port.post_message(&why);
                    return Err(failure);
                }
                None => {
                    self.end();
                    return Ok(());
                }
            }
        }
        Err(cancelled())
    }

    /// The same, shown in the transfer panel.
    async fn save(&mut self, transfer: &Rc<Transfer>, chunks: Chunks<'_>) {
        let Some((outlet, cancelled)) = transfer.begin() else {
            return self.refuse(410);
        };
        let done = {
            let send = std::pin::pin!(self.send(chunks, |bytes| transfer.moved(&outlet, bytes)));
            match select(send, cancelled).await {
                Either::Left((done, _)) => Some(done),
                Either::Right(_) => None,
            }
        };
        match done {
            Some(Ok(())) => transfer.complete(&outlet),
            Some(Err(failure)) => transfer.fail(&outlet, failure),
            None => {
                let _ = self.port.post_message(&JsString::from("Cancelled"));
                transfer.become_now(&outlet, TransferState::Cancelled);
            }
        }
    }
}
