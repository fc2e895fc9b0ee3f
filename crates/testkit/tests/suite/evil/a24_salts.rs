//! A24: no salt, and so no key and nonce, is ever used twice.

use std::collections::BTreeMap;

use sv_api::Wire;
use sv_api::endpoint::{AppendEntry, PutBlock};
use sv_api::vault::AppendRequest;
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::port::Unreachable;
use sv_ledger::limits::BLOCK_LEN;
use sv_testkit::{Actor, Recording, TestServer, file, put, run, scaled};

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
        for round in 0..scaled(20, 2000) {
            let files = vec![
                file("short", vec![1; 20 + round]),
                file("middle", vec![1; 70_000 + round]),
            ];
            put(&mut drive, "/", files).await.unwrap();
        }
        salts.add(network.take_recording());

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
            salts.add(network.take_recording());
        }
        assert!(salts.0.len() >= 80, "{}", salts.0.len());
    });
}

/// Salts, and what was sealed under each.
#[derive(Default)]
struct Salts(BTreeMap<[u8; SALT_LEN], Vec<u8>>);

impl Salts {
    fn add(&mut self, recording: Recording) {
        for request in recording.requests {
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

    /// The same bytes sent again are no second sealing.
    fn note(&mut self, sealed: &[u8]) {
        let salt = *sealed.first_chunk().unwrap();
        let before = self.0.insert(salt, sealed.to_vec());
        assert!(before.is_none_or(|before| before == sealed), "a salt twice");
    }
}
