//! Fernet tokens and sealed files of this device. A token is read twice, slice
//! by slice: nothing of it is opened, or offered for saving, before all of it
//! was verified (spec: `fernet.md` §2).

use futures::stream::{self, StreamExt, TryStreamExt};
use sv_client::ClientError;
use sv_client::account::Session;
use sv_client::port::Platform;
use sv_core::FernetKey;
use sv_core::content::{Decryptor, RAW_HEADER_LEN, RawHeader, RawKey};
use sv_core::error::FernetError;
use sv_core::fernet::{FernetKeys, TokenReader, TokenWriter, Verified, Verifier, token_len};
use sv_ledger::limits::{BLOCK_LEN, FERNET_LEN};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Blob;
use zeroize::Zeroizing;

use super::links::{Links, Target};
use super::platform::{Browser, now_ms};
use super::service::{Chunks, read_slice};
use crate::worker::failure::Failure;
use crate::worker::mime::BINARY;
use sv_bridge::token::key_lines;
use sv_bridge::{DecryptFile, FailureKind, Link, TamperKind};

/// What a file begins with that was saved as it is stored.
const RAW_MAGIC: &[u8] = b"SVRAW1";
/// White space that is looked for at either end of a token.
const MARGIN: u64 = 64;
/// Keys that are tried on one token.
const KEYS: usize = 100;

/// Keys as a person wrote them.
///
/// # Errors
/// [`FailureKind::InvalidTokenKey`], also without any; those of
/// [`FernetKeys::new`].
pub(super) fn keys(text: &str) -> Result<FernetKeys, Failure> {
    let lines: Vec<&str> = key_lines(text).collect();
    if lines.len() > KEYS {
        return Err(Failure::new(FailureKind::TooLarge));
    }
    let keys = lines.into_iter().map(FernetKey::parse);
    Ok(FernetKeys::new(keys.collect::<Result<_, _>>()?)?)
}

/// A token of this device of which everything was verified.
pub(super) struct Token {
    text: Blob,
    start: u64,
    len: u64,
    verified: Verified,
}

impl Token {
    /// The first pass: whether one of the keys signed it all.
    ///
    /// # Errors
    /// [`FailureKind::ForgedToken`], [`FailureKind::NotSealed`],
    /// [`FailureKind::TooLarge`], or [`FailureKind::UnreadableFile`].
    pub(super) async fn verify(text: Blob, keys: &FernetKeys) -> Result<Self, Failure> {
        let (start, len) = trim(&text).await?;
        if len == 0 {
            return Err(FernetError::NotAToken.into());
        }
        if Some(len) > token_len(FERNET_LEN as u64) {
            return Err(FernetError::TooLarge.into());
        }
        let mut verifier = Verifier::new(keys);
        let mut at = 0;
        while at < len {
            verifier.push(&slice(&text, start, len, at).await?)?;
            at += BLOCK_LEN as u64;
        }
        Ok(Self {
            text,
            start,
            len,
            verified: verifier.finish()?,
        })
    }

    /// Bytes of what is in it.
    pub(super) const fn size(&self) -> u64 {
        self.verified.size()
    }

    /// When it was made, by its maker's word, Unix seconds.
    pub(super) const fn timestamp_s(&self) -> u64 {
        self.verified.timestamp_s()
    }

    /// The second pass.
    pub(super) fn read(&self) -> Reading {
        Reading {
            text: self.text.clone(),
            start: self.start,
            len: self.len,
            at: 0,
            reader: Some(self.verified.clone().into_reader()),
        }
    }
}

/// What is in a token, piece by piece.
pub(super) struct Reading {
    text: Blob,
    start: u64,
    len: u64,
    at: u64,
    reader: Option<TokenReader>,
}

impl Reading {
    /// The next up to 3 MiB, possibly none; `None` after the last.
    ///
    /// # Errors
    /// [`FailureKind::ForgedToken`] if it is not what was verified, or
    /// [`FailureKind::UnreadableFile`].
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let Some(mut reader) = self.reader.take() else {
            return Ok(None);
        };
        if self.at >= self.len {
            reader.finish()?;
            return Ok(None);
        }
        let block = slice(&self.text, self.start, self.len, self.at).await?;
        self.at += BLOCK_LEN as u64;
        let mut plaintext = Vec::new();
        reader.open_next(&block, &mut plaintext)?;
        self.reader = Some(reader);
        Ok(Some(plaintext))
    }
}

/// Up to 4 MiB of a token.
async fn slice(text: &Blob, start: u64, len: u64, at: u64) -> Result<Vec<u8>, Failure> {
    let end = (at + BLOCK_LEN as u64).min(len);
    let bytes = read_slice(text, start + at, start + end).await?;
    match bytes.len() as u64 == end - at {
        true => Ok(bytes),
        false => Err(Failure::new(FailureKind::UnreadableFile)),
    }
}

/// Where a token begins and how long it is without white space around it.
async fn trim(text: &Blob) -> Result<(u64, u64), Failure> {
    let whole = text.size() as u64;
    let margin = whole.min(MARGIN);
    let first = read_slice(text, 0, margin).await?;
    let start = (first.len() - first.trim_ascii_start().len()) as u64;
    let last = read_slice(text, whole - margin, whole).await?;
    let end = whole - (last.len() - last.trim_ascii_end().len()) as u64;
    Ok((start, end.saturating_sub(start)))
}

/// A file of this device that can be opened.
pub(super) enum Sealed {
    /// As it was stored, and what opens it.
    Raw(Blob, RawKey),
    /// A token that was verified.
    Token(Token),
}

impl Sealed {
    /// Looks which of the two a file is, and whether the key is one for it. Gives
    /// the bytes that are in it.
    async fn look(file: Blob, key: &str) -> Result<(Self, u64), Failure> {
        let start = read_slice(&file, 0, RAW_HEADER_LEN as u64).await?;
        if !start.starts_with(RAW_MAGIC) {
            let token = Token::verify(file, &keys(key)?).await?;
            let size = token.size();
            return Ok((Self::Token(token), size));
        }
        let key = RawKey::parse(key.trim())?;
        let header = RawHeader::parse(&start)?;
        if header.file_len().map(|len| len as f64) != Some(file.size()) {
            return Err(Failure::new(FailureKind::Tampered(TamperKind::Content)));
        }
        Ok((Self::Raw(file, key), header.size))
    }

    /// What is in it, block by block, each verified.
    pub(super) fn plaintext(&self) -> Chunks<'static> {
        match self {
            Self::Raw(file, key) => decrypted(file.clone(), key.clone()),
            Self::Token(token) => stream::try_unfold(token.read(), |mut reading| async {
                Ok(reading.next().await?.map(|piece| (piece, reading)))
            })
            .boxed_local(),
        }
    }
}

/// The plaintext of a file that was saved as it is stored.
fn decrypted(file: Blob, key: RawKey) -> Chunks<'static> {
    enum At {
        Start(RawKey),
        Block(Box<Decryptor>, u64),
    }
    stream::try_unfold(At::Start(key), move |at| {
        let file = file.clone();
        async move {
            let (mut decryptor, at) = match at {
                At::Block(decryptor, at) => (decryptor, at),
                At::Start(key) => {
                    let header = read_slice(&file, 0, RAW_HEADER_LEN as u64).await?;
                    let header = RawHeader::parse(&header)?;
                    let decryptor = Decryptor::new(key, header.content_id, header.size)?;
                    (Box::new(decryptor), RAW_HEADER_LEN as u64)
                }
            };
            let Some(len) = decryptor.next_sealed_len() else {
                decryptor.finish()?;
                return Ok(None);
            };
            let sealed = read_slice(&file, at, at + len as u64).await?;
            let mut plaintext = Vec::new();
            decryptor.open_next(&sealed, &mut plaintext)?;
            let at = at + len as u64;
            Ok(Some((plaintext, At::Block(decryptor, at))))
        }
    })
    .boxed_local()
}

/// Prepares to open a sealed file of this device.
///
/// # Errors
/// Why it does not open: see [`Sealed`] and [`Token::verify`].
pub(super) async fn decrypt(
    links: &Links,
    call: DecryptFile,
    objects: Vec<JsValue>,
) -> Result<Link, Failure> {
    let file = objects.into_iter().next().map(JsCast::dyn_into::<Blob>);
    let file = file.and_then(Result::ok);
    let file = file.ok_or(Failure::new(FailureKind::UnreadableFile))?;
    let key = Zeroizing::new(call.key);
    let (sealed, size) = Sealed::look(file, &key).await?;
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|e| Failure::with_detail(FailureKind::Other, e.to_string()))?;
    let name = call.name;
    let target = Target::Decrypt {
        sealed,
        name: name.clone(),
        size,
    };
    Ok(Link {
        url: links.add(random, &name, target),
        name,
        mime: BINARY.to_owned(),
        size: Some(size),
    })
}

/// A token of what `chunks` gives, made anew each time.
pub(super) fn tokens<'a>(
    session: &Session<Browser>,
    chunks: Chunks<'a>,
    key: &FernetKey,
) -> Chunks<'a> {
    let mut random = session.platform().random();
    let writer = TokenWriter::new(key, now_ms() / 1000, &mut random);
    let start = (chunks, Some(writer));
    stream::try_unfold(start, |(mut chunks, writer)| async {
        let Some(writer) = writer else {
            return Ok(None);
        };
        let (mut writer, mut text) = (writer.map_err(ClientError::from)?, Vec::new());
        let writer = match chunks.try_next().await? {
            Some(piece) => {
                let pushed = writer.push(&piece, &mut text);
                pushed.map_err(ClientError::from)?;
                Some(Ok(writer))
            }
            None => {
                writer.finish(&mut text).map_err(ClientError::from)?;
                None
            }
        };
        Ok(Some((text, (chunks, writer))))
    })
    .boxed_local()
}
