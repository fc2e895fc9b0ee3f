//! Blocks whose AES is computed elsewhere are the same blocks.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use sv_ledger::limits::{BLOCK_LEN, CHUNK_LEN};

use super::support::{CONTENT, key, rng};
use crate::aead::portable::Aes256Gcm;
use crate::aead::{Aead, KEY_LEN, NONCE_LEN};
use crate::content::{ForeignAes, open_block, open_block_with, seal_block, seal_block_with};
use crate::error::{SealError, Tampered};
use crate::secret::ContentKey;

/// An AES that works so many times, and then no more.
struct Fickle(Cell<usize>);

impl Fickle {
    const fn times(count: usize) -> Self {
        Self(Cell::new(count))
    }

    fn works(&self) -> Option<()> {
        self.0.set(self.0.get().checked_sub(1)?);
        Some(())
    }
}

impl ForeignAes for Fickle {
    type Key = Aes256Gcm;

    async fn key(&self, key: &[u8; KEY_LEN]) -> Option<Aes256Gcm> {
        self.works()?;
        Aes256Gcm::new(key).ok()
    }

    async fn seal(
        &self,
        key: &Aes256Gcm,
        nonce: &[u8; NONCE_LEN],
        plaintext: &[u8],
        sealed: &mut [u8],
    ) -> Option<()> {
        self.works()?;
        key.seal(nonce, &[], plaintext, sealed).ok()
    }

    async fn open(
        &self,
        key: &Aes256Gcm,
        nonce: &[u8; NONCE_LEN],
        sealed: &[u8],
        plaintext: &mut [u8],
    ) -> Option<()> {
        self.works()?;
        key.open(nonce, &[], sealed, plaintext).ok()
    }
}

fn ready<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("nothing here waits"),
    }
}

#[test]
fn blocks_are_the_same_whoever_computes_them() {
    let content: ContentKey = key(7);
    for len in [1, 100, CHUNK_LEN, CHUNK_LEN + 1, 3 * CHUNK_LEN, BLOCK_LEN] {
        let plaintext: Vec<u8> = (0..len).map(|i| i as u8).collect();
        let ours = seal_block(&content, &CONTENT, 3, &plaintext, &mut rng("salt")).unwrap();
        let always = Fickle::times(usize::MAX);
        let mut salt = rng("salt");
        let theirs = seal_block_with(&always, &content, &CONTENT, 3, &plaintext, &mut salt);
        assert_eq!(ready(theirs).unwrap(), ours);
        assert_eq!(open_block(&content, &CONTENT, 3, &ours).unwrap(), plaintext);
        let opened = ready(open_block_with(&always, &content, &CONTENT, 3, &ours));
        assert_eq!(opened.unwrap(), plaintext);
        for (at, index) in [(0, 3), (ours.len() - 1, 3), (ours.len() / 2, 3), (0, 4)] {
            let mut altered = ours.clone();
            altered[at] ^= u8::from(index == 3);
            let opened = open_block_with(&always, &content, &CONTENT, index, &altered);
            assert_eq!(ready(opened), Err(Tampered));
        }
        let cut = open_block_with(&always, &content, &CONTENT, 3, &ours[..ours.len() - 16]);
        assert_eq!(ready(cut), Err(Tampered));
    }
}

/// A browser that has no memory left has not been lied to: what it does not
/// open is opened here. What it does not seal is not sealed.
#[test]
fn a_cipher_that_fails_alters_nothing() {
    let content: ContentKey = key(7);
    let plaintext = vec![9; 2 * CHUNK_LEN + 5];
    let sealed = seal_block(&content, &CONTENT, 0, &plaintext, &mut rng("salt")).unwrap();
    for times in 0..4 {
        let fickle = Fickle::times(times);
        let opened = open_block_with(&fickle, &content, &CONTENT, 0, &sealed);
        assert_eq!(ready(opened).as_ref(), Ok(&plaintext));
        let fickle = Fickle::times(times);
        let mut salt = rng("salt");
        let failed = seal_block_with(&fickle, &content, &CONTENT, 0, &plaintext, &mut salt);
        assert_eq!(ready(failed), Err(SealError::Cipher));
    }
}
