//! Uploads and downloads: durable before acknowledged, never changed after
//! being committed, never more than the quota.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use sv_api::vault::BlockPage;
use sv_api::{ErrorCode, Wire};
use sv_ledger::entry::Entry;
use sv_ledger::id::Hash;
use sv_ledger::limits::{BLOCKS_PER_CONTENT, REQUEST_LEN, UPLOAD_TTL_MS};
use sv_ledger::sealed::SEALED_BLOCK_LEN;
use sv_server::args;
use sv_server::blocks::{
    BlockBody, BlockName, BlockStore, BlockStream, Error, FileBlocks, Fs, Listed, Owner, OwnerMark,
    Stored, SystemFs,
};
use sv_server::db::{Database, Query};
use sv_server::service::vault::Read;
use sv_server::store::blocks::{self, Block, Place, PlacedBlock};

use crate::append::{append, refusal};
use crate::author::{Put, content, content_id, sealed};
use crate::world::{World, pieces};

#[tokio::test]
pub(crate) async fn blocks_become_a_content_that_downloads_as_it_was() {
    let world = World::new().await;
    let (person, mut log) = world.person(1).await;
    let (full, tail) = (sealed(4 << 20, 1), sealed(70_000, 2));
    assert_eq!(full.len(), SEALED_BLOCK_LEN);
    let id = content_id(1);
    world.put(person.uid, id, 1, &tail).await.unwrap();
    world.put(person.uid, id, 0, &full).await.unwrap();
    assert_eq!(world.files().len(), 2);
    assert_eq!(
        world.used(person.uid).await,
        (full.len() + tail.len()) as u64
    );
    let page = world.vaults.upload(person.uid, id, 0).await.unwrap();
    let expected =
        [(0, &full), (1, &tail)].map(|(i, b)| (i, Hash::new(*blake3::hash(b).as_bytes())));
    assert_eq!((page.blocks, page.more), (expected.to_vec(), false));

    let read = world
        .vaults
        .authorise::<Read>(person.uid, log.vault_id())
        .await
        .unwrap();
    let early = world.vaults.block(&read, id, 0).await;
    assert_eq!(early.err().unwrap().code(), ErrorCode::NotFound);
    let added = content(1, &[&full, &tail]);
    let request = log.request(vec![Put::new(1, "big").adding(added)], &[], world.now_ms());
    append(&world, &mut log, request).await;
    for (index, expected) in [(0, &full), (1, &tail)] {
        let body = world.vaults.block(&read, id, index).await.unwrap();
        assert_eq!(body.len, expected.len() as u64);
        let pieces: Vec<Bytes> = body.bytes.try_collect().await.unwrap();
        assert!(pieces.iter().all(|piece| piece.len() <= 1 << 20));
        assert_eq!(&pieces.concat(), expected);
    }
    let gone = world.vaults.block(&read, id, 2).await;
    assert_eq!(gone.err().unwrap().code(), ErrorCode::NotFound);

    for index in [0, 1, 2] {
        let late = world.put(person.uid, id, index, &tail).await.unwrap_err();
        assert_eq!(
            late.code(),
            ErrorCode::Conflict,
            "a committed content never changes"
        );
    }
    let late = world
        .vaults
        .cancel_upload(person.uid, id)
        .await
        .unwrap_err();
    assert_eq!(late.code(), ErrorCode::NotFound);
    world.assert_whole().await;
}

/// An upload of more than a TiB. Fails if its blocks are one answer: no client
/// takes one that long, so that no such upload could go on.
#[tokio::test]
async fn what_is_there_of_a_huge_upload_comes_in_pages() {
    const BLOCKS: u32 = 300_000;
    let world = World::new().await;
    let (person, _) = world.person(1).await;
    let id = content_id(1);
    world.put(person.uid, id, 0, &sealed(10, 1)).await.unwrap();
    let mut write = world.db.write().await.unwrap();
    let rows = (1..BLOCKS).filter(|index| index % 7 != 0).map(|index| {
        let block = Block {
            index,
            len: SEALED_BLOCK_LEN as u64,
            hash: Hash::new([7; 32]),
        };
        let place = Place::Row(Vec::new());
        (id, PlacedBlock { block, place })
    });
    blocks::insert(&mut write, rows).await.unwrap();
    write.commit().await.unwrap();

    let there = BLOCKS - (BLOCKS - 1) / 7;
    let (mut from, mut seen) = (0, 0);
    loop {
        let page = world.vaults.upload(person.uid, id, from).await.unwrap();
        let bytes = page.to_bytes();
        assert!(bytes.len() < REQUEST_LEN / 16, "{}", bytes.len());
        assert_eq!(BlockPage::parse(&bytes).unwrap(), page);
        assert!(page.blocks.is_sorted_by(|(a, _), (b, _)| a < b));
        assert!(page.blocks.iter().all(|(index, _)| *index >= from));
        seen += page.blocks.len() as u32;
        let Some((last, _)) = page.blocks.last() else {
            break;
        };
        from = last + 1;
        assert_eq!(page.more, seen < there);
    }
    assert_eq!(seen, there);
}

#[tokio::test]
pub(crate) async fn a_block_that_comes_again_takes_the_place_of_the_first() {
    let world = World::new().await;
    let (person, mut log) = world.person(1).await;
    let id = content_id(1);
    for block in [sealed(200_000, 1), sealed(10, 2), sealed(300_000, 3)] {
        world.put(person.uid, id, 0, &block).await.unwrap();
        assert_eq!(world.used(person.uid).await, block.len() as u64);
    }
    assert_eq!(world.files().len(), 2);
    assert_eq!(world.jobs.run().await.unwrap().removed_files, 1);
    assert_eq!(world.files().len(), 1);
    let stale = content(1, &[&sealed(10, 2)]);
    let request = log.request(vec![Put::new(1, "x").adding(stale)], &[], world.now_ms());
    assert_eq!(
        refusal(&world, &log, request).await,
        ErrorCode::BlocksMissing
    );
    let last = content(1, &[&sealed(300_000, 3)]);
    let request = log.request(vec![Put::new(1, "x").adding(last)], &[], world.now_ms());
    append(&world, &mut log, request).await;
    world.assert_whole().await;
}

/// Together they are as long as two blocks may be, but the first is short.
#[tokio::test]
pub(crate) async fn only_the_last_block_may_be_short() {
    let world = World::new().await;
    let (person, log) = world.person(1).await;
    let (short, full) = (sealed((4 << 20) - 100, 1), sealed(4 << 20, 2));
    for (index, block) in [(0, &short), (1, &full)] {
        world
            .put(person.uid, content_id(1), index, block)
            .await
            .unwrap();
    }
    let put = Put::new(1, "x").adding(content(1, &[&short, &full]));
    let request = log.request(vec![put], &[], world.now_ms());
    assert!(Entry::parse(&request.entry.to_bytes()).is_ok());
    assert_eq!(
        refusal(&world, &log, request).await,
        ErrorCode::BlocksMissing
    );
}

#[tokio::test]
pub(crate) async fn what_cannot_be_a_block_is_refused_and_leaves_nothing() {
    let world = World::new().await;
    let (person, _) = world.person(1).await;
    let (other, _) = world.person(2).await;
    let id = content_id(1);
    let too_long = vec![0; SEALED_BLOCK_LEN + 1];
    let odd = vec![0; sealed(256 * 1024, 0).len() - 10];
    let cases = [
        (0, too_long, ErrorCode::TooLarge),
        (0, odd, ErrorCode::BadRequest),
        (0, Vec::new(), ErrorCode::BadRequest),
        (0, vec![0; sealed(0, 1).len() - 1], ErrorCode::BadRequest),
        (BLOCKS_PER_CONTENT, sealed(1, 1), ErrorCode::BadRequest),
    ];
    for (index, block, code) in cases {
        let refused = world.put(person.uid, id, index, &block).await.unwrap_err();
        assert_eq!(refused.code(), code, "{} bytes", block.len());
    }
    let broken = stream::iter([Ok(Bytes::from(vec![0; 100_000])), Err(Error::Interrupted)]);
    let refused = world
        .vaults
        .put_block(person.uid, id, 0, broken.boxed())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), ErrorCode::BadRequest);
    assert!(world.files().is_empty());
    assert_eq!(world.used(person.uid).await, 0);

    world
        .put(person.uid, id, 0, &sealed(100_000, 1))
        .await
        .unwrap();
    let refused = world
        .put(other.uid, id, 0, &sealed(100_000, 1))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Conflict);
    let hidden = world.vaults.upload(other.uid, id, 0).await.unwrap_err();
    assert_eq!(hidden.code(), ErrorCode::NotFound);
    let hidden = world.vaults.cancel_upload(other.uid, id).await.unwrap_err();
    assert_eq!(hidden.code(), ErrorCode::NotFound);
    assert_eq!(world.files().len(), 1);
}

#[tokio::test]
pub(crate) async fn uploads_end_by_cancelling_or_by_time() {
    let world = World::new().await;
    let (person, _) = world.person(1).await;
    for n in [1, 2] {
        world
            .put(person.uid, content_id(n), 0, &sealed(100_000, 1))
            .await
            .unwrap();
    }
    world
        .vaults
        .cancel_upload(person.uid, content_id(1))
        .await
        .unwrap();
    assert_eq!(
        world.used(person.uid).await,
        sealed(100_000, 1).len() as u64
    );
    world.pass(UPLOAD_TTL_MS - 1);
    world
        .put(person.uid, content_id(2), 1, &sealed(10, 1))
        .await
        .unwrap();
    world.pass(2);
    let report = world.jobs.run().await.unwrap();
    assert_eq!((report.expired_uploads, report.removed_files), (0, 1));
    world.pass(UPLOAD_TTL_MS);
    let report = world.jobs.run().await.unwrap();
    assert_eq!((report.expired_uploads, report.removed_files), (1, 1));
    assert_eq!(world.used(person.uid).await, 0);
    assert!(world.files().is_empty());
    world.assert_whole().await;
}

/// Notes the order of what makes a block durable.
#[derive(Debug, Default)]
struct Recording(Mutex<Vec<&'static str>>);

impl Recording {
    fn note(&self, what: &'static str) {
        self.0.lock().unwrap().push(what);
    }
}

impl Fs for Recording {
    fn create(&self, path: &Path) -> io::Result<File> {
        self.note("create");
        SystemFs.create(path)
    }
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        self.note("write");
        SystemFs.write(file, bytes)
    }
    fn sync_file(&self, file: &File) -> io::Result<()> {
        self.note("fsync");
        SystemFs.sync_file(file)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        assert!(from.exists() && !to.exists());
        self.note("rename");
        SystemFs.rename(from, to)
    }
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.note("fsync folder");
        SystemFs.sync_folder(folder)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.note("remove");
        SystemFs.remove(path)
    }
}

/// A block store that looks, when a block is durable, whether a row is there.
#[derive(Debug)]
struct Watching {
    inner: FileBlocks,
    recording: Arc<Recording>,
    db: Mutex<Option<Database>>,
}

impl BlockStore for Watching {
    fn put<'a>(
        &'a self,
        name: BlockName,
        bytes: BlockStream<'a>,
    ) -> BoxFuture<'a, Result<Stored, Error>> {
        async move {
            let stored = self.inner.put(name, bytes).await?;
            let db = self.db.lock().unwrap().clone().unwrap();
            if block_rows(&db).await == 0 {
                self.recording.note("no row yet");
            }
            Ok(stored)
        }
        .boxed()
    }
    fn read(&self, name: BlockName) -> BoxFuture<'_, Result<BlockBody, Error>> {
        self.inner.read(name)
    }
    fn delete(&self, name: BlockName) -> BoxFuture<'_, Result<(), Error>> {
        self.inner.delete(name)
    }
    fn list(&self, shard: u8) -> BoxFuture<'_, Result<Vec<Listed>, Error>> {
        self.inner.list(shard)
    }
    fn unfinished(&self, before_ms: u64) -> BoxFuture<'_, Result<Vec<BlockName>, Error>> {
        self.inner.unfinished(before_ms)
    }
    fn owner(&self, us: OwnerMark) -> BoxFuture<'_, Result<Owner, Error>> {
        self.inner.owner(us)
    }
    fn export<'a>(&'a self, name: BlockName, target: &'a Path) -> BoxFuture<'a, Result<(), Error>> {
        self.inner.export(name, target)
    }
}

async fn block_rows(db: &Database) -> usize {
    let mut snapshot = db.read().await.unwrap();
    snapshot
        .query("SELECT idx FROM blocks", args![])
        .await
        .unwrap()
        .len()
}

#[tokio::test]
pub(crate) async fn a_block_is_durable_before_its_row_is() {
    let recording = Arc::new(Recording::default());
    let mut watching = None;
    let world = World::with_blocks(|root| {
        let store = Arc::new(Watching {
            inner: FileBlocks::with_fs(root, recording.clone()).unwrap(),
            recording: recording.clone(),
            db: Mutex::new(None),
        });
        watching = Some(store.clone());
        store
    })
    .await;
    *watching.unwrap().db.lock().unwrap() = Some(world.db.clone());
    let (person, _) = world.person(1).await;
    recording.0.lock().unwrap().clear();
    world
        .put(person.uid, content_id(1), 0, &sealed(100_000, 1))
        .await
        .unwrap();
    assert_eq!(block_rows(&world.db).await, 1);
    recording.note("row");
    let mut order = recording.0.lock().unwrap().clone();
    order.dedup();
    assert_eq!(
        order,
        [
            "create",
            "write",
            "fsync",
            "rename",
            "fsync folder",
            "no row yet",
            "row"
        ]
    );
}

/// Fails at one step, as a full or failing disk does.
#[derive(Debug)]
struct Failing(&'static str, io::ErrorKind);

impl Failing {
    fn at(&self, step: &str) -> io::Result<()> {
        if step == self.0 {
            Err(self.1.into())
        } else {
            Ok(())
        }
    }
}

impl Fs for Failing {
    fn create(&self, path: &Path) -> io::Result<File> {
        self.at("create")?;
        SystemFs.create(path)
    }
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        SystemFs.write(file, &bytes[..bytes.len() / 2])?;
        self.at("write")?;
        SystemFs.write(file, &bytes[bytes.len() / 2..])
    }
    fn sync_file(&self, file: &File) -> io::Result<()> {
        self.at("fsync")?;
        SystemFs.sync_file(file)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.at("rename")?;
        SystemFs.rename(from, to)
    }
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        if folder.file_name().is_some_and(|name| name.len() == 2) {
            self.at("fsync folder")?;
        }
        SystemFs.sync_folder(folder)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        SystemFs.remove(path)
    }
}

#[tokio::test]
pub(crate) async fn a_disk_that_fails_loses_only_what_was_not_acknowledged() {
    let full = io::ErrorKind::StorageFull;
    let broken = io::ErrorKind::Other;
    let steps = [
        ("create", full, ErrorCode::StorageFull),
        ("write", full, ErrorCode::StorageFull),
        ("fsync", full, ErrorCode::StorageFull),
        ("fsync", broken, ErrorCode::Internal),
        ("rename", broken, ErrorCode::Internal),
        ("fsync folder", broken, ErrorCode::Internal),
    ];
    for (step, kind, code) in steps {
        let world = World::with_fs(Arc::new(Failing(step, kind))).await;
        let (person, _) = world.person(1).await;
        let failed = world
            .put(person.uid, content_id(1), 0, &sealed(2 << 20, 1))
            .await;
        assert_eq!(failed.unwrap_err().code(), code, "{step}");
        assert!(world.files().is_empty(), "{step}");
        assert_eq!(world.used(person.uid).await, 0, "{step}");
        // A short block needs no file.
        world
            .put(person.uid, content_id(1), 0, &sealed(10, 1))
            .await
            .unwrap();
    }
}

#[tokio::test]
pub(crate) async fn a_sender_that_goes_away_leaves_nothing_that_stays() {
    let world = World::new().await;
    let (person, _) = world.person(1).await;
    let endless = stream::iter([Ok(Bytes::from(vec![0; 700_000]))])
        .chain(stream::pending())
        .boxed();
    let put = world
        .vaults
        .put_block(person.uid, content_id(1), 0, endless);
    let gone = tokio::time::timeout(std::time::Duration::from_millis(50), put).await;
    assert!(gone.is_err());
    world.pass(UPLOAD_TTL_MS);
    world.jobs.run().await.unwrap();
    assert!(world.files().is_empty());
    assert_eq!(world.used(person.uid).await, 0);
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused_with_the_limit() {
    let world = World::new().await;
    let (person, _) = world.person(1).await;
    let limit = 5 << 20;
    let vaults = world.vaults.clone().with_max_file(Some(limit));
    let put = |index, bytes| vaults.put_block(person.uid, content_id(1), index, bytes);
    let full = sealed(4 << 20, 1);
    put(0, pieces(&full)).await.unwrap();

    let over = sealed((1 << 20) + 1, 2);
    // Its index alone says so: not a byte of it is read.
    let unread = stream::once(async { unreachable!("nobody reads this") }).boxed();
    for refused in [put(1, pieces(&over)).await, put(2, unread).await] {
        let told = refused.unwrap_err().to_api();
        assert_eq!(told.code, ErrorCode::FileTooLarge);
        assert_eq!(told.limit_bytes, Some(limit));
        assert!(told.message.contains("at most 5 MiB"), "{}", told.message);
    }
    assert_eq!(world.files().len(), 1);

    let rest = sealed(1 << 20, 2);
    put(1, pieces(&rest)).await.unwrap();
    let used = world.used(person.uid).await;
    assert_eq!(Some(used), sv_ledger::sealed::content_len(limit));
}
