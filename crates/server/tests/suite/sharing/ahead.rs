//! A key for more people than one transaction of the database has room for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sv_api::ErrorCode;
use sv_api::vault::{AppendRequest, BodiesRequest};
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::NodeId;
use sv_ledger::membership_op::MembershipOp;
use sv_ledger::sealed::ENVELOPE_LEN;
use sv_ledger::state::{Leaf, Role};
use sv_server::db::Error;
use sv_server::db::faults::{Fault, Faults, Point};
use sv_server::random::Random;
use sv_server::service::vault::{Read, Vaults};
use sv_server::store::{bodies, leaves};

use super::signer::{Shared, Signer, grant};
use super::stories::{change, send, shared, somebody};
use crate::world::World;

const PEOPLE: u8 = 220;
/// As TiDB Cloud over its quota, which takes a mebibyte, but for fewer people.
const TRANSACTION: usize = 280 * 1024;
const HOUR_MS: u64 = 60 * 60 * 1000;

/// Refuses transactions that are too large as TiDB does; and every entry, if
/// it is told to.
#[derive(Debug, Default)]
struct Small {
    written: AtomicUsize,
    refused: AtomicUsize,
    takes_no_entry: AtomicBool,
}

impl Faults for Small {
    fn strike(&self, point: Point<'_>) -> Option<Fault> {
        let (is_over, is_entry) = match point {
            Point::Begin => {
                self.written.store(0, Ordering::Relaxed);
                (false, false)
            }
            Point::Statement(sql, bytes) if !sql.starts_with("SELECT") => {
                let before = self.written.fetch_add(bytes, Ordering::Relaxed);
                (before + bytes > TRANSACTION, sql.contains("INTO entries"))
            }
            Point::Statement(..) | Point::Commit | Point::Committed => (false, false),
        };
        let strikes = is_over || (is_entry && self.takes_no_entry.load(Ordering::Relaxed));
        strikes.then(|| {
            self.refused.fetch_add(1, Ordering::Relaxed);
            Fault::Number(8004)
        })
    }
}

/// Alice's vault with many people in it, one of whom is to go; and the vaults
/// of a server whose transactions are small.
struct Stage {
    world: World,
    alice: Signer,
    vault: Shared,
    removal: AppendRequest,
    small: Arc<Small>,
    vaults: Vaults,
}

impl Stage {
    async fn new() -> Self {
        let world = World::new().await;
        let (alice, _) = somebody(&world, 1).await;
        let mut vault = shared(&world, &alice, VaultKind::Shared).await;
        let mut people = Vec::new();
        for seed in 2..=PEOPLE {
            people.push(somebody(&world, seed).await.0);
        }
        let grants = people
            .iter()
            .map(|who| grant(who.uid, who.keys, Role::Viewer));
        change(&world, &mut vault, &alice, grants.collect()).await;
        let gone = vec![MembershipOp::Revoke(people[0].uid)];
        let removal = vault.change(&alice, &[], gone, true, world.now_ms());
        let small = Arc::new(Small::default());
        let vaults = Vaults::new(
            world.db.clone().failing(small.clone()),
            world.blocks.clone(),
            world.clock.clone(),
            Random::system(),
        );
        Self {
            world,
            alice,
            vault,
            removal,
            small,
            vaults,
        }
    }

    async fn append(&self) -> Result<u64, ErrorCode> {
        let access = self.vaults.authorise(self.alice.uid, self.vault.vault_id());
        let access = access.await.unwrap();
        let appended = self.vaults.append(&access, self.removal.clone()).await;
        appended.map(|done| done.seq).map_err(|error| error.code())
    }

    /// How many of the new key's envelopes are there.
    async fn envelopes(&self) -> usize {
        let id = self.vault.vault_id();
        let access = self.world.vaults.authorise::<Read>(self.alice.uid, id);
        let access = access.await.unwrap();
        let mut there = 0;
        for hash in self.removal.entry.body_hashes() {
            let asked = BodiesRequest { hashes: vec![hash] };
            there += usize::from(self.world.vaults.bodies(&access, &asked).await.is_ok());
        }
        there
    }
}

/// Without envelopes that go ahead this is too large, and the one who was to
/// lose access keeps it.
#[tokio::test]
pub(crate) async fn a_key_for_many_goes_in_as_many_transactions_as_it_takes() {
    let mut stage = Stage::new().await;
    let before = stage.world.charged(stage.alice.uid).await;
    let seq = stage.vault.state.head.seq + 1;
    assert_eq!(stage.append().await, Ok(seq));
    assert_eq!(stage.small.refused.load(Ordering::Relaxed), 1);
    let others = usize::from(PEOPLE) - 1;
    assert_eq!(stage.envelopes().await, others);
    let entry = stage.removal.entry.to_bytes().len();
    let more = stage.world.charged(stage.alice.uid).await - before;
    assert_eq!(more, (others * ENVELOPE_LEN + entry) as u64);
    // The same again succeeds, and nothing is left to be removed.
    assert_eq!(stage.append().await, Ok(seq));
    stage.world.pass(HOUR_MS);
    assert_eq!(stage.world.jobs.run().await.unwrap().left_envelopes, 0);
    assert_eq!(stage.envelopes().await, others);
    stage.vault.accept(&stage.removal.entry);
    stage.world.assert_whole().await;
}

/// Fails if what came ahead stays for ever, is charged for after it is gone,
/// or goes although its entry came by another way.
#[tokio::test]
pub(crate) async fn envelopes_whose_entry_never_comes_are_removed() {
    let stage = Stage::new().await;
    let before = stage.world.charged(stage.alice.uid).await;
    let others = usize::from(PEOPLE) - 1;
    stage.small.takes_no_entry.store(true, Ordering::Relaxed);
    assert_eq!(stage.append().await, Err(ErrorCode::TooLarge));
    assert_eq!(stage.envelopes().await, others);
    stage.world.assert_whole().await;
    // Not yet: it might still come.
    stage.world.pass(HOUR_MS - 1);
    assert_eq!(stage.world.jobs.run().await.unwrap().left_envelopes, 0);
    stage.world.pass(1);
    let left = stage.world.jobs.run().await.unwrap().left_envelopes;
    assert_eq!((left, stage.envelopes().await), (others as u64, 0));
    assert_eq!(stage.world.charged(stage.alice.uid).await, before);
    stage.world.assert_whole().await;

    let mut stage = Stage::new().await;
    stage.small.takes_no_entry.store(true, Ordering::Relaxed);
    assert_eq!(stage.append().await, Err(ErrorCode::TooLarge));
    // The database takes more again.
    send(&stage.world, &stage.alice, stage.removal.clone())
        .await
        .unwrap();
    stage.vault.accept(&stage.removal.entry);
    stage.world.pass(HOUR_MS);
    assert_eq!(stage.world.jobs.run().await.unwrap().left_envelopes, 0);
    assert_eq!(stage.envelopes().await, others);
    stage.world.assert_whole().await;
}

/// Whoever writes may make a record of the very bytes of an envelope. Fails if
/// that goes, which would keep everybody else from opening the vault.
#[tokio::test]
pub(crate) async fn an_envelope_that_is_a_record_as_well_stays() {
    let stage = Stage::new().await;
    stage.small.takes_no_entry.store(true, Ordering::Relaxed);
    assert_eq!(stage.append().await, Err(ErrorCode::TooLarge));
    let (id, seq) = (stage.vault.vault_id(), stage.vault.state.head.seq + 1);
    let leaf = Leaf {
        rev: 1,
        record_hash: stage.removal.entry.body_hashes()[7],
        creator: stage.alice.uid,
        creator_role: Role::Owner,
    };
    let name = || async {
        let mut write = stage.world.db.write().await?;
        let node = NodeId::new([7; NodeId::LEN]);
        leaves::insert(&mut write, id, seq, [(node, leaf)].into_iter()).await?;
        write.commit().await
    };
    stage.world.db.retry(name).await.unwrap();
    stage.world.pass(HOUR_MS);
    let left = stage.world.jobs.run().await.unwrap().left_envelopes;
    assert_eq!((left, stage.envelopes().await), (u64::from(PEOPLE) - 2, 1));
    // It goes like any other record.
    let go = || async {
        let mut write = stage.world.db.write().await?;
        let removed = bodies::remove_records(&mut write, id, &[leaf.record_hash]).await?;
        write.commit().await?;
        Ok::<_, Error>(removed)
    };
    let removed = stage.world.db.retry(go).await.unwrap();
    assert_eq!(removed, ENVELOPE_LEN as u64);
}
