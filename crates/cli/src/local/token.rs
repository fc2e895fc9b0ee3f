//! Fernet tokens in files: read twice, once to verify and once to decrypt.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use sv_core::error::FernetError;
use sv_core::fernet::{FernetKeys, TokenReader, Verified, Verifier};
use sv_ledger::limits::BLOCK_LEN;
use zeroize::Zeroizing;

use crate::failure::{Failure, Result};

/// White space that is looked for at either end of a file.
const MARGIN: usize = 64;
/// Bytes of a token from a pipe, which is kept in memory to be read twice.
const PIPE_LEN: u64 = 64 * 1024 * 1024;

/// A token that can be read twice, without white space around it.
pub struct TokenFile<R> {
    /// What it is called, for a person.
    name: String,
    text: R,
    start: u64,
    len: u64,
}

impl TokenFile<File> {
    /// A token in a regular file.
    ///
    /// # Errors
    /// [`Failure::Local`].
    pub fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|error| Failure::local(&name, error))?;
        Self::new(name, file)
    }
}

impl TokenFile<Cursor<Vec<u8>>> {
    /// A token from standard input.
    ///
    /// # Errors
    /// [`Failure::Local`], also if it is over 64 MiB.
    pub fn from_stdin() -> Result<Self> {
        let mut text = Vec::new();
        let name = "standard input".to_owned();
        std::io::stdin()
            .lock()
            .take(PIPE_LEN + 1)
            .read_to_end(&mut text)
            .map_err(|error| Failure::local(&name, error))?;
        if text.len() as u64 > PIPE_LEN {
            return Err(Failure::Local(format!(
                "{name}: a token is read twice, and one of more than 64 MiB must be in a file"
            )));
        }
        Self::new(name, Cursor::new(text))
    }
}

impl<R: Read + Seek> TokenFile<R> {
    fn new(name: String, mut text: R) -> Result<Self> {
        let trimmed = trim(&mut text).map_err(|error| Failure::local(&name, error))?;
        let (start, len) = trimmed;
        Ok(Self {
            name,
            text,
            start,
            len,
        })
    }

    /// The first pass: whether one of the keys signed it all.
    ///
    /// # Errors
    /// [`Failure::Client`] for a forged token, or [`Failure::Local`].
    pub fn verify(&mut self, keys: &FernetKeys) -> Result<Verified> {
        let mut verifier = Verifier::new(keys);
        let refused = |error: FernetError| Failure::of_token(&self.name, &error);
        if self.len == 0 {
            return Err(refused(FernetError::NotAToken));
        }
        let mut at = 0;
        while at < self.len {
            let block = read_at(&mut self.text, self.start + at, self.len - at);
            let block = block.map_err(|error| Failure::local(&self.name, error))?;
            verifier.push(&block).map_err(refused)?;
            at += BLOCK_LEN as u64;
        }
        verifier.finish().map_err(refused)
    }

    /// Goes on to the second pass.
    pub fn decrypt(self, verified: Verified) -> DecryptedToken<R> {
        DecryptedToken {
            token: self,
            at: 0,
            reader: verified.into_reader(),
        }
    }
}

/// What a verified token says, piece by piece.
pub struct DecryptedToken<R> {
    token: TokenFile<R>,
    at: u64,
    reader: TokenReader,
}

impl<R: Read + Seek> DecryptedToken<R> {
    /// The next up to 3 MiB, possibly none; `None` when all have come.
    ///
    /// # Errors
    /// [`Failure::Client`] if the file is not what was verified, or
    /// [`Failure::Local`].
    pub fn next_piece(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let token = &mut self.token;
        if self.at >= token.len {
            return Ok(None);
        }
        let block = read_at(&mut token.text, token.start + self.at, token.len - self.at);
        let block = block.map_err(|error| Failure::local(&token.name, error))?;
        self.at += BLOCK_LEN as u64;
        let mut plaintext = Zeroizing::new(Vec::new());
        self.reader
            .open_next(&block, &mut plaintext)
            .map_err(|error| Failure::of_token(&token.name, &error))?;
        Ok(Some(plaintext))
    }

    /// Says whether that was all.
    ///
    /// # Errors
    /// [`Failure::Client`].
    pub fn finish(self) -> Result {
        let finished = self.reader.finish();
        finished.map_err(|error| Failure::of_token(&self.token.name, &error))
    }
}

/// Up to 4 MiB from a place on; at the end of the file, what there is.
fn read_at<R: Read + Seek>(text: &mut R, at: u64, left: u64) -> std::io::Result<Vec<u8>> {
    text.seek(SeekFrom::Start(at))?;
    let mut block = Vec::new();
    let len = left.min(BLOCK_LEN as u64);
    text.take(len).read_to_end(&mut block)?;
    Ok(block)
}

/// Where the text begins and how long it is without white space around it.
fn trim<R: Read + Seek>(text: &mut R) -> std::io::Result<(u64, u64)> {
    let whole = text.seek(SeekFrom::End(0))?;
    let first = read_at(text, 0, whole.min(MARGIN as u64))?;
    let start = (first.len() - first.trim_ascii_start().len()) as u64;
    let tail = whole.min(MARGIN as u64);
    let last = read_at(text, whole - tail, tail)?;
    let end = whole - (last.len() - last.trim_ascii_end().len()) as u64;
    Ok((start, end.saturating_sub(start)))
}

#[cfg(test)]
mod tests {
    use sv_core::FernetKey;
    use sv_core::fernet::seal_token;

    use super::*;

    #[test]
    fn white_space_around_a_token_is_left_out() {
        let mut random = rand_core::UnwrapErr(getrandom::SysRng);
        let key = FernetKey::generate(&mut random).unwrap();
        let token = seal_token(&key, 0, b"hello", &mut random).unwrap();
        let keys = FernetKeys::from(key);
        let read = |text: &[u8]| {
            let mut file = TokenFile::new("x".to_owned(), Cursor::new(text.to_vec()))?;
            let verified = file.verify(&keys)?;
            let mut token = file.decrypt(verified);
            let mut plaintext = Vec::new();
            while let Some(piece) = token.next_piece()? {
                plaintext.extend_from_slice(&piece);
            }
            token.finish()?;
            Ok::<_, Failure>(plaintext)
        };
        for (before, after) in [("", ""), ("", "\n"), (" \t\r\n", "\r\n\r\n")] {
            let text = [before.as_bytes(), &token, after.as_bytes()].concat();
            assert_eq!(read(&text).unwrap(), b"hello");
        }
        assert_eq!(
            read(&[&token, b" x".as_slice()].concat())
                .unwrap_err()
                .exit_code(),
            5
        );
        for empty in ["", " ", "\n\n"] {
            assert_eq!(read(empty.as_bytes()).unwrap_err().exit_code(), 1);
        }
    }
}
