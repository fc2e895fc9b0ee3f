//! A17 and who is inside: somebody who may write makes a new key and gives it
//! to nobody, or one that leads nowhere, or announces another than it is. The
//! server takes it, since nobody can see that from outside.

use std::collections::BTreeMap;

use sv_api::endpoint::{AppendEntry, GetBodies, GetMembership};
use sv_api::vault::{AppendRequest, BodiesRequest};
use sv_api::wire::Empty;
use sv_client::account::Session;
use sv_client::call::Repeat;
use sv_client::drive::Drive;
use sv_client::people::own_identity;
use sv_client::port::Platform as _;
use sv_client::sharing::{self, Last, Terms};
use sv_client::vault::Vault;
use sv_core::vault_key::{EnvelopeHeader, open_envelope, seal_envelope};
use sv_core::{AccountKeys, KemPublicKey, Name, VaultKey};
use sv_ledger::apply::{Touched, apply};
use sv_ledger::bootstrap::{Chains, ShownMembership};
use sv_ledger::enc::Statement;
use sv_ledger::entry::{Entry, EntryBody, Ops};
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::{Hash, VaultId};
use sv_ledger::membership_op::{EpochOp, MembershipOp, PREVIOUS_KEY_LEN};
use sv_ledger::principals::Principals;
use sv_ledger::sealed::{ContentSuite, ENVELOPE_LEN};
use sv_ledger::state::Role;
use sv_testkit::{Actor, TestPlatform, TestServer, file, folder, get, put, run};

type People = Session<TestPlatform>;

/// Anna's folder, with a file in it; bob may change it, mallory may add to it,
/// and eve has not been let in yet.
struct Scene {
    anna: People,
    bob: People,
    eve: People,
    mallory: People,
    work: VaultId,
    _server: TestServer,
}

/// What mallory does with a new key.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Malice {
    /// Nobody gets it.
    Nobody,
    /// Everybody gets it, and not the one before it.
    NotThePast,
    /// Everybody gets it, and others are told to seal to another.
    OtherKem,
    /// Everybody gets it, but who has access through a group that needs none.
    NoGroup,
}

impl Scene {
    async fn new() -> Self {
        Self::with_bob("bob").await
    }

    /// Bob has access through a group of anna's.
    async fn with_group() -> Self {
        Self::with_bob("group:team").await
    }

    async fn with_bob(name: &str) -> Self {
        let server = TestServer::start().await;
        let (_, anna) = Actor::sign_up(&server, "anna").await;
        let (_, bob) = Actor::sign_up(&server, "bob").await;
        let (_, eve) = Actor::sign_up(&server, "eve").await;
        let (_, mallory) = Actor::sign_up(&server, "mallory").await;
        let mut drive = Drive::open(&anna).await.unwrap();
        let files = vec![folder("work"), file("work/old", "old")];
        put(&mut drive, "/", files).await.unwrap();
        drop(drive);
        if name.starts_with("group:") {
            make_group(&anna, &[("bob", Role::Viewer)]).await;
        }
        let work = share(&anna, "/work", name, Role::Editor).await;
        share(&anna, "/work", "mallory", Role::Contributor).await;
        for session in [&bob, &mallory] {
            accept(session, work).await;
        }
        Self {
            anna,
            bob,
            eve,
            mallory,
            work,
            _server: server,
        }
    }

    /// Mallory signs a new epoch, properly, with improper contents.
    async fn spoil(&self, malice: Malice) {
        let session = &self.mallory;
        let account = Vault::account(session).await.unwrap();
        let identity = own_identity(&account).await.unwrap();
        let keys = session.platform().account_keys(&identity.sign_pk);
        // Mended is nothing here.
        let vault = Vault::open(session, self.work).await.unwrap();
        let kems = kems_of(account, &vault).await;
        let request = self.spoiled(malice, &vault, &keys, &kems).await;
        let endpoint = AppendEntry { vault: self.work };
        let server = session.server();
        server.call(&endpoint, request, Repeat::Safe).await.unwrap();
    }

    async fn spoiled(
        &self,
        malice: Malice,
        vault: &Vault<'_, TestPlatform>,
        keys: &AccountKeys,
        kems: &BTreeMap<VaultId, KemPublicKey>,
    ) -> AppendRequest {
        let mut random = self.mallory.platform().random();
        let state = vault.replica().state();
        let membership = &state.membership;
        let (id, epoch) = (state.vault_id(), membership.epoch + 1);
        let key = VaultKey::generate(&mut random).unwrap();
        let commitment = key.commitment(&id, epoch);
        let mut bodies = Vec::new();
        let mut envelopes = Vec::new();
        for (principal, member) in &membership.members {
            if member.keys.is_vault() {
                envelopes.push(Hash::ZERO);
                continue;
            }
            let header = EnvelopeHeader {
                vault_id: id,
                epoch,
                granter: self.mallory.uid(),
                granter_generation: 1,
                principal: *principal,
                principal_generation: member.keys.generation,
                principal_head: member.keys.head,
                kem_hash: member.keys.kem_hash,
                role: member.role,
                vk_commit: commitment,
                member_hash: membership.head.hash,
            };
            bodies.push(match malice {
                Malice::Nobody => {
                    let noise = self.mallory.platform().random_bytes::<ENVELOPE_LEN>();
                    noise.to_vec()
                }
                _ => seal_envelope(&header, &kems[principal], &key, &mut random).unwrap(),
            });
            envelopes.extend(bodies.last().map(|body| Statement::Body.hash(body)));
        }
        let other = VaultKey::generate(&mut random).unwrap();
        let op = EpochOp {
            commitment,
            kem_pk: match malice {
                Malice::OtherKem => other.kem_public(),
                _ => key.kem_public(),
            },
            previous_key: Some(match malice {
                Malice::OtherKem | Malice::NoGroup => {
                    let newest = self.newest_key(keys).await;
                    key.seal_previous(&newest, &id, epoch, &mut random).unwrap()
                }
                _ => self.mallory.platform().random_bytes::<PREVIOUS_KEY_LEN>(),
            }),
            envelopes,
        };
        let body = EntryBody {
            vault_id: id,
            seq: state.head.seq + 1,
            prev_hash: state.head.hash,
            member_seq: membership.head.seq,
            member_hash: membership.head.hash,
            epoch,
            author: self.mallory.uid(),
            author_generation: 1,
            via: Vec::new(),
            timestamp_ms: self.mallory.platform().now_ms(),
            ops: Ops::Membership(vec![MembershipOp::Epoch(op)]),
            state_digest: state.digest(),
        };
        let signature = keys.sign(Statement::Entry, &body.hash());
        let entry = body.with_signature(signature);
        apply(state, &Touched::new(), &Principals::new(), &entry).unwrap();
        AppendRequest {
            entry,
            bodies,
            inline: Vec::new(),
        }
    }
}

impl Scene {
    /// The vault's key, as mallory's own envelope has it.
    async fn newest_key(&self, keys: &AccountKeys) -> VaultKey {
        let (vault, server) = (self.work, self.mallory.server());
        let (mut shown, mut wanted) = (Vec::new(), vec![vault]);
        while let Some(vault_id) = wanted.pop() {
            let members = GetMembership {
                vault,
                of: vault_id,
                from: 0,
            };
            let log = server.call(&members, Empty {}, Repeat::Safe).await.unwrap();
            let named = log.entries.iter().flat_map(Entry::named_heads);
            wanted.extend(named.map(|via| via.vault_id));
            shown.push(ShownMembership {
                vault_id,
                genesis: log.genesis,
                entries: log.entries,
            });
        }
        let chains = Chains::verify(shown, []).unwrap();
        let chain = chains.of(&vault).unwrap();
        let named = chain.envelope(&self.mallory.uid()).unwrap();
        let request = BodiesRequest {
            hashes: vec![named.hash],
        };
        let bodies = GetBodies { vault };
        let found = server.call(&bodies, request, Repeat::Safe).await.unwrap();
        let header = EnvelopeHeader::named(vault, &named);
        open_envelope(&header, keys.kem(), &found.bodies[0]).unwrap()
    }

    /// Everything that somebody reads in the folder, on a device that has been
    /// there before or on a new one.
    async fn read(&self, session: &People) -> Vec<String> {
        let path = "shared:work".parse().unwrap();
        let (drive, inner) = sharing::open_at(session, &path, Last::Through)
            .await
            .unwrap();
        let place = drive.find_place(&inner).unwrap();
        let rows = drive.tree().rows(place).into_iter();
        rows.map(|row| row.name.to_string()).collect()
    }

    async fn write(&self, session: &People, name: &str) {
        let path = "shared:work".parse().unwrap();
        let (mut drive, _) = sharing::open_at(session, &path, Last::Through)
            .await
            .unwrap();
        put(&mut drive, "/", vec![file(name, name)]).await.unwrap();
    }
}

/// What keys are sealed to, of everybody in a vault.
async fn kems_of(
    mut account: Vault<'_, TestPlatform>,
    vault: &Vault<'_, TestPlatform>,
) -> BTreeMap<VaultId, KemPublicKey> {
    let mut found = BTreeMap::new();
    let members = &vault.replica().state().membership.members;
    for (uid, _) in members.iter().filter(|(_, m)| !m.keys.is_vault()) {
        found.insert(
            *uid,
            account.meet_member(vault.id(), *uid).await.unwrap().kem_pk,
        );
    }
    found
}

/// A group called team, with these people.
async fn make_group(session: &People, people: &[(&str, Role)]) -> VaultId {
    let mut account = Vault::account(session).await.unwrap();
    let name = Name::parse("team").unwrap();
    let (kind, suite) = (VaultKind::Group, ContentSuite::Blocks);
    sharing::make_vault(session, &mut account, &name, kind, suite)
        .await
        .unwrap();
    let team = account.shared_vaults()[0].1.vault_id;
    let mut group = account.open_beside(team).await.unwrap();
    for (name, role) in people {
        let person = sharing::invitees(&mut account, &[(*name).to_owned()]).await;
        sharing::give_access(&mut account, &mut group, &person.unwrap(), *role, 0)
            .await
            .unwrap();
    }
    team
}

async fn share(session: &People, path: &str, with: &str, role: Role) -> VaultId {
    let mut account = Vault::account(session).await.unwrap();
    let people = [with.to_owned()];
    let invitees = sharing::invitees(&mut account, &people).await.unwrap();
    let terms = Terms {
        role,
        expires_ms: 0,
        with_history: false,
    };
    let path = path.parse().unwrap();
    let done = sharing::share(session, &mut account, &path, &invitees, &terms).await;
    done.unwrap().vault_id.unwrap()
}

async fn accept(session: &People, vault: VaultId) {
    let mut account = Vault::account(session).await.unwrap();
    let name = Name::parse("work").unwrap();
    account.accept_share(vault, &name).await.unwrap();
}

async fn new_device(session: &People) -> People {
    Session::resume(session.platform().without_caches())
        .await
        .unwrap()
}

/// Fails without the older envelopes in `open_envelopes`, `Keyring::with` in
/// `adopt`, `is_sound` in `is_due`, and the choice of `Keyring::previous`.
#[test]
fn a17_a_new_key_that_is_no_good_loses_nothing_of_others() {
    run(async {
        for malice in [Malice::Nobody, Malice::NotThePast, Malice::OtherKem] {
            let scene = Scene::new().await;
            scene.spoil(malice).await;
            // Also for devices that see it first.
            for session in [&scene.bob, &new_device(&scene.bob).await] {
                let account = Vault::account(session).await.unwrap();
                let shares = sharing::shares(session, &account).await.unwrap();
                assert_eq!(shares.len(), 1, "{malice:?}");
                assert_eq!(scene.read(session).await, ["old"], "{malice:?}");
            }
            // Who may write makes another key first; who comes later has all.
            scene.write(&scene.bob, "new").await;
            share(&scene.anna, "/work", "eve", Role::Viewer).await;
            accept(&scene.eve, scene.work).await;
            for session in [&scene.bob, &scene.eve, &scene.mallory] {
                assert_eq!(scene.read(session).await, ["new", "old"], "{malice:?}");
            }
            let fresh = new_device(&scene.eve).await;
            let path = "shared:work".parse().unwrap();
            let (drive, _) = sharing::open_at(&fresh, &path, Last::Through)
                .await
                .unwrap();
            let files = get(&drive, "/").await.unwrap();
            assert_eq!(files.len(), 2, "{malice:?}");
            drop(drive);
            // And mallory can be put out.
            let account = Vault::account(&scene.anna).await.unwrap();
            let mut vault = account.open_beside(scene.work).await.unwrap();
            vault.revoke(scene.mallory.uid()).await.unwrap();
            // Once is enough: nobody makes keys for ever.
            let before = vault.replica().state().membership.epoch;
            drop(vault);
            scene.write(&scene.bob, "last").await;
            let vault = account.open_beside(scene.work).await.unwrap();
            assert_eq!(
                vault.replica().state().membership.epoch,
                before,
                "{malice:?}"
            );
        }
    });
}

/// As many bad keys as one contributor can make in a row: a device that begins
/// anew goes past them all, and one that was there makes another. Fails if what
/// did not open is forgotten.
#[test]
fn a17_many_keys_that_are_no_good_lose_nothing_either() {
    run(async {
        let scene = Scene::new().await;
        assert_eq!(scene.read(&scene.bob).await, ["old"]);
        for _ in 0..20 {
            scene.spoil(Malice::Nobody).await;
        }
        let fresh = new_device(&scene.bob).await;
        assert_eq!(scene.read(&fresh).await, ["old"]);
        scene.write(&scene.bob, "new").await;
        for session in [&fresh, &new_device(&scene.anna).await] {
            let path = match session.uid() == scene.anna.uid() {
                true => "/work",
                false => "shared:work",
            };
            let path = path.parse().unwrap();
            let opened = sharing::open_at(session, &path, Last::Through).await;
            let (drive, inner) = opened.unwrap();
            let rows = drive.tree().rows(drive.find_place(&inner).unwrap());
            assert_eq!(rows.len(), 2);
        }
    });
}

/// Mallory makes a key that leaves out a group for no reason. Nothing is
/// written under it; whoever writes next makes one for all, and whoever gets
/// access besides needs none. Fails if a group that was left out counts as
/// served until it has a newer key, or if only new keys are looked for.
#[test]
fn a17_a_group_that_was_left_out_for_no_reason_gets_the_next_key() {
    run(async {
        let scene = Scene::with_group().await;
        assert_eq!(scene.read(&scene.bob).await, ["old"]);
        scene.spoil(Malice::NoGroup).await;
        assert_eq!(scene.read(&scene.bob).await, ["old"]);
        // Who was left out makes none.
        let path = "shared:work".parse().unwrap();
        let opened = sharing::open_at(&scene.bob, &path, Last::Through).await;
        let (mut drive, _) = opened.unwrap();
        let refused = put(&mut drive, "/", vec![file("early", "early")]).await;
        assert!(refused.is_err());
        drop(drive);
        share(&scene.anna, "/work", "bob", Role::Editor).await;
        scene.write(&scene.bob, "new").await;
        for session in [&scene.bob, &scene.mallory, &new_device(&scene.bob).await] {
            assert_eq!(scene.read(session).await, ["new", "old"]);
        }
        // The same, and this time the owner writes.
        scene.spoil(Malice::NoGroup).await;
        let path = "/work".parse().unwrap();
        let opened = sharing::open_at(&scene.anna, &path, Last::Through).await;
        let (mut drive, _) = opened.unwrap();
        put(&mut drive, "/", vec![file("newer", "newer")])
            .await
            .unwrap();
        let membership = &drive.vault().replica().state().membership;
        assert!(membership.members.values().all(|member| member.is_sealed));
    });
}

/// Anna is not in the group that bob has her folder through. When somebody
/// leaves the group she cannot make its key, leaves it out of hers, and writes.
/// Bob, who has an older key, makes none that leads past what she wrote: he
/// waits for hers. Fails if whoever was left out counts as whoever got a key
/// that does not open.
#[test]
fn whoever_was_left_out_of_a_key_makes_none_past_it() {
    run(async {
        let server = TestServer::start().await;
        let (_, anna) = Actor::sign_up(&server, "anna").await;
        let (_, bob) = Actor::sign_up(&server, "bob").await;
        let (_, carol) = Actor::sign_up(&server, "carol").await;
        let mut drive = Drive::open(&anna).await.unwrap();
        let files = vec![folder("work"), file("work/old", "old")];
        put(&mut drive, "/", files).await.unwrap();
        drop(drive);
        let people = [("bob", Role::Manager), ("carol", Role::Viewer)];
        let team = make_group(&anna, &people).await;
        let work = share(&anna, "/work", "group:team", Role::Editor).await;
        let account = Vault::account(&anna).await.unwrap();
        let mut group = account.open_beside(team).await.unwrap();
        group.transfer(bob.uid()).await.unwrap();
        group.leave().await.unwrap();
        drop((group, account));
        for (vault, name) in [(team, "team"), (work, "work")] {
            let mut account = Vault::account(&bob).await.unwrap();
            let name = Name::parse(name).unwrap();
            account.accept_share(vault, &name).await.unwrap();
        }
        let names = async |session: &People, path: &str| {
            let path = path.parse().unwrap();
            let opened = sharing::open_at(session, &path, Last::Through).await;
            let (drive, inner) = opened.unwrap();
            let epoch = drive.vault().replica().state().membership.epoch;
            let rows = drive.tree().rows(drive.find_place(&inner).unwrap());
            let mut names: Vec<_> = rows.into_iter().map(|row| row.name).collect();
            names.sort();
            (epoch, names)
        };
        names(&bob, "shared:work").await;
        names(&anna, "/work").await;
        let account = Vault::account(&carol).await.unwrap();
        let mut group = account.open_beside(team).await.unwrap();
        group.leave().await.unwrap();
        drop((group, account));
        let path = "/work".parse().unwrap();
        let (mut drive, _) = sharing::open_at(&anna, &path, Last::Through).await.unwrap();
        put(&mut drive, "/", vec![file("late", "late")])
            .await
            .unwrap();
        let epoch = drive.vault().replica().state().membership.epoch;
        drop(drive);
        let (seen, _) = names(&bob, "shared:work").await;
        assert_eq!(seen, epoch, "bob made no key");
        let (next, seen) = names(&anna, "/work").await;
        assert_eq!(next, epoch + 1, "anna gives him the next");
        assert_eq!(seen, ["late", "old"]);
        for session in [&bob, &new_device(&bob).await] {
            let (_, seen) = names(session, "shared:work").await;
            assert_eq!(seen, ["late", "old"]);
        }
        let (_, seen) = names(&new_device(&anna).await, "/work").await;
        assert_eq!(seen, ["late", "old"]);
    });
}
