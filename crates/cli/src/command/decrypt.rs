//! `decrypt`: opens a raw download, or a Fernet token, without a server or an
//! account.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use sv_client::transfer::Sink;
use sv_core::FernetKey;
use sv_core::content::{Decryptor, RAW_HEADER_LEN, RawHeader, RawKey};
use sv_core::error::ContentError;

use super::fernet::decrypt_token;
use crate::ask;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::human;
use crate::local::{StdoutSink, TokenFile, raw_sink};

const KEY_ENV: &str = "SECUREVAULT_KEY";

/// Open a raw download (`get --raw`) or a Fernet token, offline
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault decrypt contract.pdf.svraw --key sv1-… -o contract.pdf
  securevault decrypt contract.pdf.svraw --key-file key.txt -o - | less

Needs no server and no account. The result gets its name after the last check. The key can also \
be in SECUREVAULT_KEY; on the command line, other users of this computer may see it.")]
pub(super) struct Decrypt {
    /// The raw download, or the token
    file: PathBuf,
    /// Its key: `sv1-…`, or the 44 characters of a Fernet key
    #[arg(
        long,
        value_name = "KEY",
        allow_hyphen_values = true,
        conflicts_with = "key_file"
    )]
    key: Option<String>,
    /// A file with its key
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// File to write; `-` for standard output
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Overwrite OUT
    #[arg(short, long)]
    force: bool,
}

impl Decrypt {
    pub(super) async fn run(self, context: &Context) -> Result {
        let key = Key::parse(&self.key()?)?;
        if self.output.as_os_str() == "-" {
            return key.open(&self.file, StdoutSink).await.map(drop);
        }
        if !self.force && self.output.symlink_metadata().is_ok() {
            return Err(Failure::Local(format!(
                "{}: is there already; use --force to replace it",
                self.output.display()
            )));
        }
        let sink = raw_sink(self.output.clone(), self.force);
        // What was written goes with the sink.
        let size = tokio::select! {
            size = key.open(&self.file, sink) => size?,
            _ = tokio::signal::ctrl_c() => {
                return Err(Failure::Interrupted("Start it again.".to_owned()));
            }
        };
        context
            .out
            .done(&json!({"file": self.output, "bytes": size}), || {
                format!("{}: {} written", self.output.display(), human::size(size))
            })
    }

    fn key(&self) -> Result<String> {
        if let Some(key) = &self.key {
            return Ok(key.clone());
        }
        if let Some(file) = &self.key_file {
            return std::fs::read_to_string(file)
                .map_err(|error| Failure::local(file.display(), error));
        }
        match std::env::var(KEY_ENV) {
            Ok(key) => Ok(key),
            Err(_) if ask::is_interactive() => ask::line("Key: "),
            Err(_) => Err(Failure::usage(
                "which key? Give it with --key or --key-file",
            )),
        }
    }
}

/// What opens it, and so what it is.
enum Key {
    Raw(RawKey),
    Fernet(FernetKey),
}

impl Key {
    fn parse(text: &str) -> Result<Self> {
        if let Ok(key) = RawKey::parse(text) {
            return Ok(Self::Raw(key));
        }
        FernetKey::parse(text).map(Self::Fernet).map_err(|_| {
            Failure::usage("this is neither the key of a raw download (`sv1-…`) nor a Fernet key")
        })
    }

    async fn open(self, path: &Path, sink: impl Sink) -> Result<u64> {
        match self {
            Self::Raw(key) => {
                let file = File::open(path).map_err(|e| Failure::local(path.display(), e))?;
                decrypt(path, file, key, sink).await
            }
            Self::Fernet(key) => {
                let token = TokenFile::open(path)?;
                decrypt_token(token, &key.into(), None, sink).await
            }
        }
    }
}

async fn decrypt(path: &Path, file: File, key: RawKey, mut sink: impl Sink) -> Result<u64> {
    match open_all(path, file, key, &mut sink).await {
        Ok(size) => {
            sink.finish().await?;
            Ok(size)
        }
        Err(failure) => {
            sink.abandon().await?;
            Err(failure)
        }
    }
}

async fn open_all(path: &Path, file: File, key: RawKey, sink: &mut impl Sink) -> Result<u64> {
    let name = path.display().to_string();
    let refused = |error: ContentError| Failure::of_content(&name, &error);
    let mut file = BufReader::new(file);
    let mut header = [0; RAW_HEADER_LEN];
    if read_full(path, &mut file, &mut header)? != header.len() {
        return Err(refused(ContentError::Malformed("raw download")));
    }
    let header = RawHeader::parse(&header).map_err(refused)?;
    let mut decryptor = Decryptor::new(key, header.content_id, header.size).map_err(refused)?;
    let mut sealed = Vec::new();
    while let Some(len) = decryptor.next_sealed_len() {
        sealed.resize(len, 0);
        let read = read_full(path, &mut file, &mut sealed)?;
        sealed.truncate(read);
        let mut plaintext = Vec::new();
        decryptor
            .open_next(&sealed, &mut plaintext)
            .map_err(refused)?;
        sink.write(plaintext).await?;
    }
    if read_full(path, &mut file, &mut [0])? != 0 {
        return Err(refused(ContentError::Tampered));
    }
    decryptor.finish().map_err(refused)?;
    Ok(header.size)
}

/// Fills the buffer as far as the file goes.
fn read_full(path: &Path, file: &mut impl Read, buffer: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::local(path.display(), error)),
        }
    }
    Ok(filled)
}
