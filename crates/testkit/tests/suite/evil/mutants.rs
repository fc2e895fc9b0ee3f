//! The generic run: recorded honest sessions, played back without a server,
//! one answer at a time changed in one way. The person sees what an honest
//! server shows, or an error that says who is to blame; never anything else.
//! A sample here; `cargo xtask mutants` runs hundreds of thousands.

use std::collections::BTreeMap;
use std::rc::Rc;

use sv_api::endpoint::{
    GetBodies, GetCheckpoint, GetContents, GetEntries, GetLeaves, GetMembership,
};
use sv_client::ClientError;
use sv_client::account::Session;
use sv_client::drive::Drive;
use sv_client::progress::Reporter;
use sv_client::sharing::{self, Last, Terms};
use sv_client::transfer::DownloadPlan;
use sv_client::vault::Vault;
use sv_core::Name;
use sv_ledger::state::Role;
use sv_testkit::{
    Actor, Dice, Exchange, MemoryTarget, Recording, TestPlatform, TestServer, file, folder, put,
    run,
};

use super::mutations::answer_with;
use super::sampling::flip;
use super::world::{Seen, World, look, pattern, says_who};

/// Mutants of the sample.
const SAMPLE: usize = 5_000;
/// Bytes of a leaf on the wire.
const LEAF_LEN: usize = 16 + 8 + 32 + 32 + 1;

/// A recorded look, and the device that looked.
struct Scene {
    /// Where the server is that the recording is of.
    url: String,
    device: TestPlatform,
    what: What,
    honest: Seen,
    recording: Rc<Recording>,
    /// Answers of other looks, by the kind of request.
    others: BTreeMap<Vec<String>, Vec<Vec<u8>>>,
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// One's own drive.
    Drive,
    /// A folder that somebody else shares.
    Share,
}

impl What {
    async fn look(self, device: &TestPlatform, into: &MemoryTarget) -> Result<Seen, ClientError> {
        match self {
            Self::Drive => look(device, into).await,
            Self::Share => look_at_share(device, into).await,
        }
    }
}

/// Opens what is shared and gets everything that is in it.
async fn look_at_share(device: &TestPlatform, into: &MemoryTarget) -> Result<Seen, ClientError> {
    let session = Session::resume(device.clone()).await?;
    let path = "shared:work".parse()?;
    let (drive, root) = sharing::open_at(&session, &path, Last::Through).await?;
    let items = drive.walk(&root)?;
    let plan = DownloadPlan::new(&drive, &root, None)?;
    plan.run(&drive, into, &Reporter::silent()).await?;
    let files = into.files.borrow().clone();
    Ok(Seen {
        items,
        trashed: Vec::new(),
        histories: Vec::new(),
        unreadable: drive.quarantined().len(),
        files,
    })
}

/// Ways in which an answer is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// One bit is another.
    Flip,
    /// It ends early, goes on, or is empty.
    Cut,
    /// A part of a list is left out.
    Drop,
    /// Two parts of a list change places, or one comes twice.
    Swap,
    /// A part of another answer of the same kind, in a part's place.
    Plant,
    /// Another whole answer of the same kind: an older one, or of another
    /// vault.
    Replay,
    /// A field of an object is gone, or something else.
    Field,
    /// A refusal.
    Refuse,
}

const KINDS: [Kind; 8] = [
    Kind::Flip,
    Kind::Cut,
    Kind::Drop,
    Kind::Swap,
    Kind::Plant,
    Kind::Replay,
    Kind::Field,
    Kind::Refuse,
];

/// How many mutants: of a sample, or as `SV_MUTANTS` says.
fn count() -> usize {
    let given = std::env::var("SV_MUTANTS").ok();
    given.map_or(SAMPLE, |text| text.parse().expect("SV_MUTANTS is a number"))
}

/// Fails without the body's hash in `fetch_bodies`, without the comparison of
/// the membership at the head, and without the digest in `apply`.
#[test]
fn no_mutant_of_a_session_is_believed() {
    run(async {
        let world = World::new().await;
        let (_server, share) = shared().await;
        let scenes = [
            scene(&world, &world.fresh).await,
            scene(&world, &world.behind).await,
            share,
        ];
        for scene in &scenes {
            let (seen, _) = scene.look(None).await;
            let seen = seen.expect("the honest recording is believed");
            assert!(seen == scene.honest, "the honest recording shows the same");
        }
        let mut dice = Dice::thrown("mutants");
        let mut table: BTreeMap<Kind, BTreeMap<String, usize>> = BTreeMap::new();
        let wanted = count();
        let mut tried = 0;
        while tried < wanted {
            let scene = &scenes[dice.below(scenes.len())];
            let place = dice.below(scene.recording.requests.len());
            let kind = *dice.pick(&KINDS).unwrap();
            let Some((status, body)) = scene.mutant(place, kind, &mut dice) else {
                continue;
            };
            let request = &scene.recording.requests[place];
            let outcome = scene.try_out(request, status, body, tried).await;
            *table.entry(kind).or_default().entry(outcome).or_default() += 1;
            tried += 1;
        }
        let without = print(&table, tried);
        assert!(without * 20 < tried, "{without} of {tried} had no effect");
        for kind in KINDS {
            let of_kind: usize = table[&kind].values().sum();
            assert!(of_kind * 50 > tried, "{kind:?}: only {of_kind} of {tried}");
        }
    });
}

/// Prints the table; gives how many had no effect.
fn print(table: &BTreeMap<Kind, BTreeMap<String, usize>>, tried: usize) -> usize {
    println!("{tried} mutants, 0 accepted");
    let mut without = 0;
    for (kind, outcomes) in table {
        let cells: Vec<_> = outcomes
            .iter()
            .map(|(what, n)| format!("{what} {n}"))
            .collect();
        println!("{kind:?}: {}", cells.join(", "));
        without += outcomes.get(WITHOUT_EFFECT).copied().unwrap_or(0);
    }
    without
}

const WITHOUT_EFFECT: &str = "without effect";

async fn scene(world: &World, device: &TestPlatform) -> Scene {
    let recording = world.record(device).await;
    let others = others(&[&world.older, &recording]);
    Scene {
        url: world.server.url(),
        device: world.copy(device),
        what: What::Drive,
        honest: world.honest.clone(),
        recording: Rc::new(recording),
        others,
    }
}

/// Bob's new device looks at what anna shares with him.
async fn shared() -> (TestServer, Scene) {
    let server = TestServer::start().await;
    let (_, anna) = Actor::sign_up(&server, "anna").await;
    let (bob, session) = Actor::sign_up(&server, "bob").await;
    let mut drive = Drive::open(&anna).await.unwrap();
    let files = vec![
        folder("work"),
        file("work/a.txt", "hello"),
        file("work/b.txt", pattern(100_000, 1)),
        folder("work/c"),
    ];
    put(&mut drive, "/", files).await.unwrap();
    drop(drive);
    let mut account = Vault::account(&anna).await.unwrap();
    let with = sharing::invitees(&mut account, &["bob".to_owned()])
        .await
        .unwrap();
    let terms = Terms {
        role: Role::Editor,
        expires_ms: 0,
        with_history: false,
    };
    let path = "/work".parse().unwrap();
    let done = sharing::share(&anna, &mut account, &path, &with, &terms)
        .await
        .unwrap();
    let vault_id = done.vault_id.unwrap();
    let mut account = Vault::account(&session).await.unwrap();
    let name = Name::parse("work").unwrap();
    account.accept_share(vault_id, &name).await.unwrap();
    drop(account);

    let device = server.device();
    bob.try_log_in(&server, device.clone()).await.unwrap();
    let then = device.copy(&server.url());
    let honest = look_at_share(&then, &MemoryTarget::default())
        .await
        .unwrap();
    assert!(honest.files.len() >= 2, "{:?}", honest.items);
    let recording = then.network.take_recording();
    // Of another person, so that there is something of the same kind to plant.
    let elsewhere = anna.platform().copy(&server.url());
    look(&elsewhere, &MemoryTarget::default()).await.unwrap();
    let others = others(&[&elsewhere.network.take_recording(), &recording]);
    let scene = Scene {
        url: server.url(),
        device,
        what: What::Share,
        honest,
        recording: Rc::new(recording),
        others,
    };
    (server, scene)
}

/// Answers by the kind of request.
fn others(recordings: &[&Recording]) -> BTreeMap<Vec<String>, Vec<Vec<u8>>> {
    let mut others: BTreeMap<Vec<String>, Vec<Vec<u8>>> = BTreeMap::new();
    for recorded in recordings {
        for (request, answer) in recorded.requests.iter().zip(&recorded.answers) {
            if let Some((200, body)) = answer {
                others
                    .entry(kind_of(request))
                    .or_default()
                    .push(body.clone());
            }
        }
    }
    others
}

/// Method and path without the ids in it.
fn kind_of(request: &Exchange) -> Vec<String> {
    let is_name = |part: &&str| part.len() < 20 && part.parse::<u64>().is_err();
    let path = request.path.split('/').filter(is_name).map(str::to_owned);
    std::iter::once(request.method.to_owned())
        .chain(path)
        .collect()
}

impl Scene {
    /// A look at the recording, with one answer replaced.
    async fn look(
        &self,
        lie: Option<(&Exchange, u16, Vec<u8>)>,
    ) -> (Result<Seen, ClientError>, TestPlatform) {
        let device = self.device.copy(&self.url);
        device.network.play_back(self.recording.clone());
        if let Some((request, status, body)) = lie {
            answer_with(&device, request, &(String::new(), status, body));
        }
        let target = MemoryTarget::default();
        let seen = self.what.look(&device, &target).await;
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
        (seen, device)
    }

    /// What becomes of a mutant.
    async fn try_out(
        &self,
        request: &Exchange,
        status: u16,
        body: Vec<u8>,
        number: usize,
    ) -> String {
        let (seen, device) = self.look(Some((request, status, body))).await;
        let outcome = match seen {
            Ok(seen) => {
                assert!(seen == self.honest, "accepted: {:?}", request.path);
                WITHOUT_EFFECT.to_owned()
            }
            Err(error) => {
                assert!(says_who(&error), "{error:?}");
                name_of(&error)
            }
        };
        if number.is_multiple_of(20) {
            // Whatever it kept of the lie does not outlive the lie.
            device.network.be_honest();
            let seen = self.what.look(&device, &MemoryTarget::default()).await;
            let seen = seen.expect("the honest server is believed again");
            assert!(seen == self.honest, "something of the lie was kept");
        }
        outcome
    }

    /// Another answer to a request; none if there is none of that kind.
    fn mutant(&self, place: usize, kind: Kind, dice: &mut Dice) -> Option<(u16, Vec<u8>)> {
        let request = &self.recording.requests[place];
        let (_, honest) = self.recording.answers[place].as_ref()?;
        let body = match kind {
            Kind::Flip => {
                let mut body = honest.clone();
                let bits = body.len().checked_mul(8).filter(|bits| *bits > 0)?;
                flip(&mut body, dice.below(bits));
                body
            }
            Kind::Cut => match dice.below(3) {
                0 => honest[..dice.below(honest.len().max(1))].to_vec(),
                1 => [honest.as_slice(), &dice.bytes(1)].concat(),
                _ => Vec::new(),
            },
            Kind::Drop | Kind::Swap | Kind::Plant => {
                self.rearranged(request, honest, kind, dice)?
            }
            Kind::Replay => dice.pick(self.others.get(&kind_of(request))?)?.clone(),
            Kind::Field => changed_field(honest, dice)?,
            Kind::Refuse => {
                let codes = [
                    "not_found",
                    "forbidden",
                    "checkpoint_gone",
                    "conflict",
                    "internal",
                ];
                let code = dice.pick(&codes)?;
                let body = format!(r#"{{"code":"{code}","message":"no"}}"#);
                return Some((404, body.into_bytes()));
            }
        };
        (body != *honest).then_some((200, body))
    }

    /// The parts of a list in another way.
    fn rearranged(
        &self,
        request: &Exchange,
        honest: &[u8],
        kind: Kind,
        dice: &mut Dice,
    ) -> Option<Vec<u8>> {
        let (head, mut parts) = parts(request, honest)?;
        let at = dice.below(parts.len().max(1));
        match kind {
            Kind::Drop => {
                (at < parts.len()).then(|| parts.remove(at))?;
            }
            Kind::Swap if dice.chance(50) => parts.push(parts.get(at)?.clone()),
            Kind::Swap => {
                let other = dice.below(parts.len().max(1));
                (parts.len() > 1).then(|| parts.swap(at, other))?;
            }
            _ => {
                let other = dice.pick(self.others.get(&kind_of(request))?)?;
                let (_, others) = self::parts(request, other)?;
                let planted = dice.pick(&others)?.clone();
                *parts.get_mut(at)? = planted;
            }
        }
        let count = u32::try_from(parts.len()).ok()?.to_be_bytes();
        Some([head, count.to_vec(), parts.concat()].concat())
    }
}

/// The name of an error: of tampering, of which kind.
fn name_of(error: &ClientError) -> String {
    let text = match error {
        ClientError::Tampered(tamper) => format!("{tamper:?}"),
        other => format!("{other:?}"),
    };
    let name = text.split(|c: char| !c.is_alphanumeric()).next();
    name.unwrap_or_default().to_owned()
}

/// What is before the list of an answer, and its parts.
fn parts(request: &Exchange, body: &[u8]) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
    let long = |at: usize| {
        let len = body.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(len) as usize)
    };
    // Bytes before the list, and before each part's own length; a part without
    // one is as long as a leaf.
    let (head, before) = if request.is::<GetMembership>() {
        (4 + long(0)?, Some(0))
    } else if request.is::<GetEntries>() || request.is::<GetCheckpoint>() {
        (1, Some(0))
    } else if request.is::<GetLeaves>() {
        (1, None)
    } else if request.is::<GetBodies>() {
        (0, Some(0))
    } else if request.is::<GetContents>() {
        (0, Some(16))
    } else {
        return None;
    };
    let count = long(head)?;
    let (mut at, mut found) = (head + 4, Vec::new());
    for _ in 0..count {
        let len = match before {
            Some(before) => before + 4 + long(at + before)?,
            None => LEAF_LEN,
        };
        found.push(body.get(at..at + len)?.to_vec());
        at += len;
    }
    Some((body.get(..head)?.to_vec(), found))
}

/// A JSON document with one field gone, of another type, or of another's
/// value.
fn changed_field(honest: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let whole: serde_json::Value = serde_json::from_slice(honest).ok()?;
    let mut pointers = Vec::new();
    collect(&whole, String::new(), &mut pointers);
    let pointer = dice.pick(&pointers)?;
    let mut changed = whole.clone();
    match dice.below(3) {
        0 => {
            let (parent, name) = pointer.rsplit_once('/')?;
            match changed.pointer_mut(parent)? {
                serde_json::Value::Object(fields) => fields.remove(name)?,
                serde_json::Value::Array(list) => list.remove(name.parse().ok()?),
                _ => return None,
            };
        }
        1 => {
            let others = [
                serde_json::Value::Null,
                "AAAA".into(),
                0.into(),
                u64::MAX.into(),
                serde_json::json!([]),
            ];
            *changed.pointer_mut(pointer)? = dice.pick(&others)?.clone();
        }
        _ => {
            let other = whole.pointer(dice.pick(&pointers)?)?.clone();
            *changed.pointer_mut(pointer)? = other;
        }
    }
    (changed != whole).then(|| serde_json::to_vec(&changed).unwrap())
}

/// Pointers to everything in a document.
fn collect(value: &serde_json::Value, at: String, into: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, inner) in fields {
                collect(inner, format!("{at}/{name}"), into);
            }
        }
        serde_json::Value::Array(list) => {
            for (place, inner) in list.iter().enumerate() {
                collect(inner, format!("{at}/{place}"), into);
            }
        }
        _ => {}
    }
    if !at.is_empty() {
        into.push(at);
    }
}
