//! `fernet genkey`, `encrypt` and `decrypt`: without a server or an account.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use getrandom::SysRng;
use rand_core::UnwrapErr;
use serde_json::json;
use sv_client::transfer::Sink;
use sv_core::FernetKey;
use sv_core::fernet::{FernetKeys, TokenWriter};
use sv_ledger::limits::{BLOCK_LEN, FERNET_LEN};

use super::keys::KeyArgs;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::human;
use crate::local::{StdoutSink, TokenFile, raw_sink};
use crate::platform::now_ms;

/// Draw a new Fernet key
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault fernet genkey
  securevault fernet genkey -o fernet.key      (readable by you alone)")]
pub(super) struct Genkey {
    /// A new file to write it to instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Genkey {
    pub(super) fn run(self, context: &Context) -> Result {
        let key =
            FernetKey::generate(&mut UnwrapErr(SysRng)).map_err(|e| Failure::local("key", e))?;
        let text = key.to_text();
        let Some(file) = self.output else {
            let value = json!({"key": text.as_str()});
            return context.out.show(&value, || text.to_string());
        };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(&file)
            .and_then(|mut out| writeln!(out, "{}", text.as_str()))
            .map_err(|error| Failure::local(file.display(), error))?;
        let shown = file.display();
        context
            .out
            .done(&json!({"file": file}), || format!("{shown}: a key written"))
    }
}

/// Make a Fernet token of a file
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault fernet encrypt contract.pdf --key-file fernet.key -o contract.pdf.token
  pg_dump db | securevault fernet encrypt - --key-file fernet.key -o db.token

At most 512 MiB. The token tells everyone when it was made and how large the file is, to 16 bytes.")]
pub(super) struct Encrypt {
    /// The file; `-` for standard input
    file: PathBuf,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    out: OutArgs,
}

/// Open a Fernet token
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault fernet decrypt contract.pdf.token --key-file fernet.key -o contract.pdf
  securevault fernet decrypt - --key-file fernet.key -o - < token

The whole token is verified before anything is written. One that was altered, or made with another \
key, leaves nothing and exits with 5. The key can also be in SECUREVAULT_KEY.")]
pub(super) struct Decrypt {
    /// The token; `-` for standard input
    file: PathBuf,
    #[command(flatten)]
    keys: KeyArgs,
    /// Refuse a token made more than so many seconds ago, by its own word
    #[arg(long, value_name = "SECONDS")]
    ttl: Option<u64>,
    #[command(flatten)]
    out: OutArgs,
}

/// Where the result goes.
#[derive(Debug, Args)]
struct OutArgs {
    /// File to write; `-` for standard output
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Overwrite OUT
    #[arg(short, long)]
    force: bool,
}

impl Encrypt {
    pub(super) async fn run(self, context: &Context) -> Result {
        let from_stdin = self.file.as_os_str() == "-";
        check_stdin(from_stdin, &self.keys)?;
        let key = self.keys.first()?;
        let source: Box<dyn Read> = if from_stdin {
            Box::new(std::io::stdin())
        } else {
            let name = self.file.display();
            Box::new(File::open(&self.file).map_err(|error| Failure::local(name, error))?)
        };
        let name = self.file.clone();
        if self.out.is_stdout() {
            return encrypt(&name, source, &key, StdoutSink).await.map(drop);
        }
        let sink = self.out.sink()?;
        let size = until_stopped(encrypt(&name, source, &key, sink)).await?;
        self.out.report(context, size)
    }
}

impl Decrypt {
    pub(super) async fn run(self, context: &Context) -> Result {
        let from_stdin = self.file.as_os_str() == "-";
        check_stdin(from_stdin, &self.keys)?;
        let keys = self.keys.keys()?;
        if from_stdin {
            self.open(context, TokenFile::from_stdin()?, &keys).await
        } else {
            self.open(context, TokenFile::open(&self.file)?, &keys)
                .await
        }
    }

    async fn open<R: Read + Seek>(
        &self,
        context: &Context,
        token: TokenFile<R>,
        keys: &FernetKeys,
    ) -> Result {
        if self.out.is_stdout() {
            return decrypt_token(token, keys, self.ttl, StdoutSink)
                .await
                .map(drop);
        }
        let sink = self.out.sink()?;
        let size = until_stopped(decrypt_token(token, keys, self.ttl, sink)).await?;
        self.out.report(context, size)
    }
}

impl OutArgs {
    fn is_stdout(&self) -> bool {
        self.output.as_os_str() == "-"
    }

    /// A file that gets its name after the last byte.
    fn sink(&self) -> Result<impl Sink + use<>> {
        if !self.force && self.output.symlink_metadata().is_ok() {
            return Err(Failure::Local(format!(
                "{}: is there already; use --force to replace it",
                self.output.display()
            )));
        }
        Ok(raw_sink(self.output.clone(), self.force))
    }

    fn report(&self, context: &Context, size: u64) -> Result {
        context
            .out
            .done(&json!({"file": self.output, "bytes": size}), || {
                format!("{}: {} written", self.output.display(), human::size(size))
            })
    }
}

/// Standard input is one thing only.
fn check_stdin(is_source: bool, keys: &KeyArgs) -> Result {
    if is_source && keys.uses_stdin() {
        return Err(Failure::usage(
            "standard input cannot be both the file and the key",
        ));
    }
    Ok(())
}

/// What was written goes with the sink.
async fn until_stopped(work: impl Future<Output = Result<u64>>) -> Result<u64> {
    tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted("Start it again.".to_owned())),
    }
}

async fn encrypt(
    name: &Path,
    mut source: impl Read,
    key: &FernetKey,
    mut sink: impl Sink,
) -> Result<u64> {
    let done = async {
        let now_s = now_ms() / 1000;
        let failed = |error| Failure::local(name.display(), error);
        let mut writer = TokenWriter::new(key, now_s, &mut UnwrapErr(SysRng)).map_err(failed)?;
        let mut size = 0;
        loop {
            let mut piece = Vec::new();
            let read = source
                .by_ref()
                .take(BLOCK_LEN as u64)
                .read_to_end(&mut piece);
            let read = read.map_err(|error| Failure::local(name.display(), error))?;
            let mut text = Vec::new();
            if read == 0 {
                writer.finish(&mut text).map_err(failed)?;
                size += text.len() as u64;
                sink.write(text).await?;
                return Ok(size);
            }
            writer
                .push(&piece, &mut text)
                .map_err(|_| too_large(name))?;
            size += text.len() as u64;
            sink.write(text).await?;
        }
    };
    let done = done.await;
    settle(sink, done).await
}

/// Verifies a token and hands on what is in it; nothing of one that is forged.
///
/// # Errors
/// [`Failure::Client`] for a forged token, or [`Failure::Local`].
pub(in crate::command) async fn decrypt_token<R: Read + Seek>(
    mut token: TokenFile<R>,
    keys: &FernetKeys,
    ttl_s: Option<u64>,
    mut sink: impl Sink,
) -> Result<u64> {
    let done = async {
        let verified = token.verify(keys)?;
        if let Some(ttl_s) = ttl_s {
            let aged = verified.check_age(ttl_s, now_ms() / 1000);
            aged.map_err(|error| Failure::Local(error.to_string()))?;
        }
        let size = verified.size();
        let mut plaintext = token.decrypt(verified);
        while let Some(mut piece) = plaintext.next_piece()? {
            sink.write(std::mem::take(&mut piece)).await?;
        }
        plaintext.finish()?;
        Ok(size)
    };
    let done = done.await;
    settle(sink, done).await
}

/// Gives the result its name, or leaves nothing of it.
async fn settle(sink: impl Sink, done: Result<u64>) -> Result<u64> {
    match done {
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

fn too_large(name: &Path) -> Failure {
    let limit = human::size(FERNET_LEN as u64);
    Failure::Local(format!(
        "{}: a Fernet token holds at most {limit}; use a raw download (`get --raw`) for more",
        name.display()
    ))
}
