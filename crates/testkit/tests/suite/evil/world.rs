//! The scene of most attacks: a person with a used drive and three devices.

use std::collections::BTreeMap;
use std::time::Duration;

use sv_client::ClientError;
use sv_client::account::Session;
use sv_client::drive::{Drive, Item, Trashed, VersionInfo};
use sv_client::error::Result;
use sv_client::progress::Reporter;
use sv_client::transfer::DownloadPlan;
use sv_client::vault::{Vault, publish_pins};
use sv_core::record::Kind;
use sv_ledger::id::VaultId;
use sv_testkit::{Actor, MemoryTarget, Recording, TestPlatform, TestServer, file, folder, put};

/// No look takes longer than this, whatever the server answers.
const HANG: Duration = Duration::from_secs(60);

/// A person, a server and what the person put there.
pub(crate) struct World {
    pub(crate) server: TestServer,
    pub(crate) alice: Actor,
    /// Put everything there.
    pub(crate) first: TestPlatform,
    /// Logged in and has opened nothing yet.
    pub(crate) fresh: TestPlatform,
    /// Saw the drive when only half of it was there.
    pub(crate) behind: TestPlatform,
    pub(crate) account_id: VaultId,
    pub(crate) drive_id: VaultId,
    /// What an honest server shows.
    pub(crate) honest: Seen,
    /// What was answered when only half of it was there.
    pub(crate) older: Recording,
}

/// Everything a person gets to see of a drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) items: Vec<Item>,
    pub(crate) trashed: Vec<Trashed>,
    pub(crate) histories: Vec<Vec<VersionInfo>>,
    pub(crate) unreadable: usize,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

/// How an attack ended.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The client showed what an honest server shows.
    Harmless,
    /// The client stopped.
    Caught(ClientError),
}

impl World {
    /// Without a file of more than one block.
    pub(crate) async fn new() -> Self {
        Self::with_long_file(0).await
    }

    /// With a long file of that many bytes, or none if that is zero.
    pub(crate) async fn with_long_file(long: usize) -> Self {
        let server = TestServer::start().await;
        let (alice, session) = Actor::sign_up(&server, "alice").await;
        let mut drive = Drive::open(&session).await.unwrap();
        let files = vec![
            folder("docs"),
            folder("docs/empty"),
            file("docs/a.txt", "hello"),
            file("docs/b.txt", "world"),
            file("docs/nothing", ""),
            file("docs/old", "soon gone"),
            file("docs/binned", "in the bin"),
            file("middle", pattern(100_000, 1)),
        ];
        put(&mut drive, "/", files).await.unwrap();

        let (fresh, behind) = (server.device(), server.device());
        alice.try_log_in(&server, fresh.clone()).await.unwrap();
        let other = alice.try_log_in(&server, behind.clone()).await.unwrap();
        Drive::open(&other).await.unwrap();
        let then = fresh.copy(&server.url());
        look(&then, &MemoryTarget::default()).await.unwrap();
        let older = then.network.take_recording();

        let mut files = vec![
            folder("docs"),
            file("docs/a.txt", "hello again"),
            file("twin", pattern(100_000, 2)),
        ];
        if long > 0 {
            files.push(file("long", pattern(long, 3)));
        }
        put(&mut drive, "/", files).await.unwrap();
        let path = |text: &str| text.parse().unwrap();
        drive.trash(&path("/docs/binned")).await.unwrap();
        drive.remove(&path("/docs/old")).await.unwrap();
        drive
            .rename(&path("/docs/b.txt"), &path("/docs/c.txt"))
            .await
            .unwrap();
        publish_pins(&session, true).await.unwrap();
        let (account_id, drive_id) = (session.uid(), drive.vault().id());
        drop(drive);
        let first = session.platform().clone();
        let honest = look(&first, &MemoryTarget::default()).await.unwrap();
        assert!(honest.items.len() >= 7, "{:?}", honest.items);
        Self {
            server,
            alice,
            first,
            fresh,
            behind,
            account_id,
            drive_id,
            honest,
            older,
        }
    }

    /// What is asked and answered when a copy of a device looks honestly.
    pub(crate) async fn record(&self, device: &TestPlatform) -> Recording {
        let device = self.copy(device);
        look(&device, &MemoryTarget::default()).await.unwrap();
        device.network.take_recording()
    }

    /// Another device with the state of one of the three.
    pub(crate) fn copy(&self, device: &TestPlatform) -> TestPlatform {
        device.copy(&self.server.url())
    }

    /// Lets a device look at what the server shows. Whatever that is, the
    /// person sees the honest drive or an error that says who is to blame,
    /// soon, and no other byte arrives anywhere.
    pub(crate) async fn attack(&self, device: &TestPlatform) -> Verdict {
        let pinned = self.cached_heads(device).await;
        let target = MemoryTarget::default();
        let looked = tokio::time::timeout(HANG, look(device, &target)).await;
        for (name, bytes) in target.files.borrow().iter() {
            assert!(
                self.honest.files.get(name) == Some(bytes),
                "{name} is forged"
            );
        }
        for (name, bytes) in target.partial.borrow().iter() {
            assert!(
                self.honest.files[name].starts_with(bytes),
                "{name} is forged"
            );
        }
        let after = self.cached_heads(device).await;
        for (before, after) in pinned.iter().zip(&after) {
            assert!(
                after >= before,
                "this device has forgotten what it has seen"
            );
        }
        match looked.expect("the client hangs") {
            Ok(seen) => {
                assert_eq!(seen.without_bytes(), self.honest.without_bytes());
                assert!(seen.files == self.honest.files, "other bytes");
                Verdict::Harmless
            }
            Err(error) => {
                assert!(says_who(&error), "{error:?}");
                Verdict::Caught(error)
            }
        }
    }

    /// With an honest server the device works again.
    pub(crate) async fn recovers(&self, device: &TestPlatform) {
        device.network.be_honest();
        let seen = look(device, &MemoryTarget::default()).await;
        let seen = seen.expect("the honest server is believed again");
        assert_eq!(seen.without_bytes(), self.honest.without_bytes());
        assert!(seen.files == self.honest.files, "other bytes");
    }

    /// Attack and recovery; the attack must be noticed.
    pub(crate) async fn caught(&self, device: &TestPlatform, what: &str) -> ClientError {
        match self.attack(device).await {
            Verdict::Caught(error) => {
                self.recovers(device).await;
                error
            }
            Verdict::Harmless => panic!("nobody noticed: {what}"),
        }
    }

    /// The heads of account and drive that a device has kept.
    async fn cached_heads(&self, device: &TestPlatform) -> Vec<u64> {
        let offline = device.copy("http://localhost:1");
        let session = Session::resume(offline).await.unwrap();
        let mut heads = Vec::new();
        for vault in [self.account_id, self.drive_id] {
            let file = format!(
                "vaults/{}",
                data_encoding::HEXLOWER.encode(vault.as_bytes())
            );
            let head = if device.storage.snapshot().contains_key(&file) {
                let vault = Vault::open_cached(&session, vault).await.unwrap();
                vault.replica().state().head.seq
            } else {
                0
            };
            heads.push(head);
        }
        heads
    }
}

impl Seen {
    fn without_bytes(&self) -> Self {
        Self {
            files: BTreeMap::new(),
            ..self.clone()
        }
    }
}

/// Opens the drive and gets everything that is in it.
pub(crate) async fn look(device: &TestPlatform, into: &MemoryTarget) -> Result<Seen> {
    let session = Session::resume(device.clone()).await?;
    let drive = Drive::open(&session).await?;
    let root = "/".parse()?;
    let items = drive.walk(&root)?;
    let histories = items
        .iter()
        .filter(|item| matches!(item.kind, Kind::File | Kind::Note))
        .map(|item| drive.history(&item.path.parse()?))
        .collect::<Result<_>>()?;
    let plan = DownloadPlan::new(&drive, &root, None)?;
    plan.run(&drive, into, &Reporter::silent()).await?;
    let files = into.files.borrow().clone();
    Ok(Seen {
        items,
        trashed: drive.trashed(),
        histories,
        unreadable: drive.quarantined().len(),
        files,
    })
}

/// Bytes that no compressor or copy would give.
pub(crate) fn pattern(len: usize, seed: u64) -> Vec<u8> {
    sv_testkit::Dice::seeded(seed).bytes(len)
}

/// Whether an error says what the server did wrong.
pub(crate) fn says_who(error: &ClientError) -> bool {
    matches!(
        error,
        ClientError::Tampered(_)
            | ClientError::Misbehaved(_)
            | ClientError::Refused(_)
            | ClientError::Offline(_)
            | ClientError::WrongPassword
    )
}
