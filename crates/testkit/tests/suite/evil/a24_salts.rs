//! A24: no salt, and so no key and nonce, is ever used twice.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use sv_api::Wire;
use sv_api::endpoint::{AppendEntry, PutBlock};
use sv_api::vault::AppendRequest;
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::port::Unreachable;
use sv_ledger::limits::BLOCK_LEN;
use sv_testkit::{Actor, Exchange, TestServer, file, put, run, scaled};

use super::world::pattern;

/// Bytes of a Box's salt, which comes first.
const SALT_LEN: usize = 24;
/// Bytes in front of a record's Box: suite and epoch.
const RECORD_PREFIX: usize = 1 + 4;

/// Overwriting, and taking up an interrupted upload of a file that was changed
/// meanwhile without showing it. Fails if a salt is derived from what is
/// sealed, or a resumed block is sealed again under its old salt.
#[test]
fn a24_every_sealing_on_the_wire_has_its_own_salt() {
    run(async {
        let server = TestServer::start().await;
        let (_, session) = Actor::sign_up(&server, "alice").await;
        let network = session.platform().network.clone();
        let mut drive = Drive::open(&session).await.unwrap();
        network.take_recording();
        let mut salts = Salts::default();
        for round in 0..scaled(20, 500) {
            // Each is overwritten a few times, or their histories fill the disk.
            let set = round % scaled(1, 50);
            let short = |n| file(&format!("short {set} {n}"), vec![1; 20 + round]);
            let mut files: Vec<_> = (0..scaled(1, 100)).map(short).collect();
            files.push(file("middle", vec![1; 70_000 + round]));
            put(&mut drive, "/", files).await.unwrap();
            salts.add(&network.take_recording().requests);
        }

        for round in 0..scaled(2, 30) {
            // The third block is lost, and the client with it.
            network.rewrite(|request, answer| {
                if request.is::<PutBlock>() && request.path.ends_with("/2") {
                    return Err(Unreachable("the lights go out".into()));
                }
                Ok(answer)
            });
            let name = format!("long {round}");
            let long = |seed| vec![file(&name, pattern(2 * BLOCK_LEN + 5000, seed))];
            put(&mut drive, "/", long(1)).await.unwrap_err();
            network.be_honest();
            let session = Session::resume(session.platform().clone()).await.unwrap();
            let mut drive = Drive::open(&session).await.unwrap();
            put(&mut drive, "/", long(2)).await.unwrap();
            salts.add(&network.take_recording().requests);
        }
        assert!(salts.len() >= scaled(80, 100_000), "{}", salts.len());
    });
}

/// Nothing is sealed, and so nothing sent, while the system's randomness gives
/// only zeros. Fails without the refusal of such a draw.
#[test]
fn a24_nothing_is_sent_without_randomness() {
    run(async {
        let server = TestServer::start().await;
        let (_, session) = Actor::sign_up(&server, "alice").await;
        let device = session.platform().clone();
        let mut drive = Drive::open(&session).await.unwrap();
        let files = || vec![file("short", "a"), file("middle", vec![1; 70_000])];
        device.network.take_recording();
        device.break_randomness(true);
        put(&mut drive, "/", files()).await.unwrap_err();
        let folder = "/folder".parse().unwrap();
        drive.make_folder(&folder, false).await.unwrap_err();
        let sent = device.network.take_recording().requests;
        let sealed = |request: &&Exchange| request.is::<PutBlock>() || request.is::<AppendEntry>();
        assert_eq!(sent.iter().filter(sealed).count(), 0);
        device.break_randomness(false);
        put(&mut drive, "/", files()).await.unwrap();
    });
}

/// Salts, and the hash of what was sealed under each.
#[derive(Default)]
pub(crate) struct Salts(BTreeMap<[u8; SALT_LEN], [u8; 32]>);

impl Salts {
    /// No salt may be there already.
    pub(crate) fn add(&mut self, requests: &[Exchange]) {
        for request in requests {
            if request.is::<PutBlock>() {
                self.note(&request.body);
            }
            if request.is::<AppendEntry>() {
                let append = AppendRequest::parse(&request.body).unwrap();
                for body in &append.bodies {
                    self.note(&body[RECORD_PREFIX..]);
                }
                for content in &append.inline {
                    self.note(&content.block);
                }
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The same bytes sent again are no second sealing.
    fn note(&mut self, sealed: &[u8]) {
        let Some(salt) = sealed.first_chunk() else {
            // Its sender was killed.
            return;
        };
        let hash = Sha256::digest(sealed).into();
        let before = self.0.insert(*salt, hash);
        assert!(before.is_none_or(|before| before == hash), "a salt twice");
    }
}
