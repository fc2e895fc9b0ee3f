//! Who may do what with a shared vault, and who can read what of it: the
//! table of roles and operations of `log.md` §4.2, played by real clients
//! against a real server, for members, before a grant, after an expiry, after
//! a revocation, through a group and through a group in a group.
//!
//! What a client would not do is also tried by somebody with the same keys and
//! no such scruples. At the end everybody tries every key they ever had on
//! everything that the server was ever given.

mod people;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use sv_client::port::Platform as _;
use sv_client::sharing::{self, Invitee, Last};
use sv_client::vault::{Change, Vault};
use sv_core::Name;
use sv_ledger::genesis::VaultKind;
use sv_ledger::handle::Handle;
use sv_ledger::id::{NodeId, VaultId};
use sv_ledger::state::Role;
use sv_testkit::{Dump, Engine, Exchange, TestPlatform, TestServer, file, put, run};

use people::{Person, Readers};
use rows::folder_record;

const ROLES: [Role; 5] = [
    Role::Viewer,
    Role::Contributor,
    Role::Editor,
    Role::Manager,
    Role::Owner,
];
/// How long access lasts that ends in these stories.
const SOON_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * 60_000;
/// Rows that need new keys of an account. There is no such command yet, and
/// the server refuses them as long as the account has not changed.
const OF_ACCOUNTS: [&str; 2] = ["rekey, own", "rekey, own, epoch"];

/// How sam has access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Setting {
    /// As a member; before that every row is tried, too.
    Member,
    /// Through a group.
    Group,
    /// Through a group in a group.
    Nested,
    /// As a member whose time is up.
    Expired,
    /// As a member who was removed.
    Revoked,
}

const SETTINGS: [Setting; 5] = [
    Setting::Member,
    Setting::Group,
    Setting::Nested,
    Setting::Expired,
    Setting::Revoked,
];

/// Rows as (operation, verdict of each role, verdict through a vault).
fn table() -> Vec<(String, Vec<String>, String)> {
    let spec = include_str!("../../../../docs/spec/log.md");
    let (_, rows) = spec
        .split_once(
            "| operation | viewer | contributor | editor | manager | owner | through a vault |\n",
        )
        .unwrap();
    rows.lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            let verdicts = cells[1..6].iter().map(|&c| c.to_owned()).collect();
            (cells[0].to_owned(), verdicts, cells[6].to_owned())
        })
        .collect()
}

#[test]
fn every_role_does_and_reads_what_the_table_says_on_sqlite() {
    run(async { Stage::set(TestServer::start().await).await.play().await });
}

#[test]
fn every_role_does_and_reads_what_the_table_says_on_mariadb() {
    if let Err(lack) = Engine::MariaDb.is_here()
        && std::env::var_os("CI").is_none()
    {
        return sv_testkit::skip(&format!("roles on MariaDB: {lack}"));
    }
    run(async {
        let server = TestServer::start_on(Engine::MariaDb).await;
        Stage::set(server).await.play().await;
    });
}

/// Everybody, and the groups.
struct Stage {
    server: TestServer,
    people: BTreeMap<&'static str, Person>,
    /// Sam is a member.
    team: VaultId,
    /// Has a group that sam is a member of.
    outer: VaultId,
    inner: VaultId,
    /// Gets new keys now and then.
    stale: VaultId,
    readers: Readers,
    cells: usize,
}

/// One vault, and where sam stands in it.
struct Scene {
    vault_id: VaultId,
    setting: Setting,
    role: Role,
    own: [NodeId; 2],
    others: [NodeId; 2],
    /// When the access of whoever has it for a while ends.
    ends_ms: u64,
}

impl Stage {
    async fn set(server: TestServer) -> Self {
        let mut people = BTreeMap::new();
        for name in ["olga", "sam", "edda", "vic", "expi", "nina", "stranger"] {
            people.insert(name, Person::new(&server, name).await);
        }
        let names: Vec<&'static str> = people.keys().copied().collect();
        for name in names {
            let of = if name == "olga" { "sam" } else { "olga" };
            let mut account = Vault::account(&people[of].session).await.unwrap();
            let handle = Handle::parse(name).unwrap();
            let found = account.find_person(&handle).await.unwrap();
            drop(account);
            people.get_mut(name).unwrap().found = Some(found);
        }
        let olga = &people["olga"];
        let mut groups = Vec::new();
        for _ in 0..4 {
            groups.push(olga.make(VaultKind::Group).await);
        }
        let [team, outer, inner, stale] = groups[..] else {
            unreachable!()
        };
        for group in [team, inner] {
            let mut group = olga.open(group).await;
            let sam = people["sam"].with(Role::Manager, 0);
            group.grant(&[sam]).await.unwrap();
        }
        let stage = Self {
            server,
            team,
            outer,
            inner,
            stale,
            people,
            readers: Readers::default(),
            cells: 0,
        };
        stage.admit_vault(outer, inner, Role::Manager).await;
        stage
    }

    fn now_ms(&self) -> u64 {
        self.server.clock().now_ms()
    }

    /// Olga gives a vault access to another.
    async fn admit_vault(&self, to: VaultId, whom: VaultId, role: Role) {
        let session = &self.people["olga"].session;
        let mut account = Vault::account(session).await.unwrap();
        let mut vault = Vault::open(session, to).await.unwrap();
        let with = [Invitee::Group(whom, Name::parse("a group").unwrap())];
        let given = sharing::give_access(&mut account, &mut vault, &with, role, 0).await;
        given.unwrap();
    }

    async fn play(mut self) {
        let rows = table();
        assert_eq!(rows.len(), 15);
        for setting in SETTINGS {
            for (column, role) in ROLES.into_iter().enumerate() {
                if role == Role::Owner && setting != Setting::Member {
                    continue;
                }
                let scene = self.scene(setting, role, &rows).await;
                self.play_rows(&scene, &rows, column).await;
                self.write(scene.vault_id, 3).await;
                if role == Role::Manager {
                    self.end_groups(&scene).await;
                }
            }
        }
        // 25 less 4 owners, and members before they are some.
        assert_eq!(self.cells, 15 * (5 + 4 * 4 + 4));
        self.everybody_opens_what_they_may();
        self.server.stop().await;
    }

    /// Makes a vault in which sam has a role in some way.
    async fn scene(
        &mut self,
        setting: Setting,
        role: Role,
        rows: &[(String, Vec<String>, String)],
    ) -> Scene {
        // Of keys that are made for nothing a server takes few in an hour.
        self.server.clock().advance(HOUR_MS);
        let people = &self.people;
        let (olga, sam, edda) = (&people["olga"], &people["sam"], &people["edda"]);
        let ends_ms = self.now_ms() + SOON_MS;
        let vault_id = match role {
            Role::Owner => {
                let vault_id = sam.make(VaultKind::Shared).await;
                let mut vault = sam.open(vault_id).await;
                let olga = olga.with(Role::Manager, 0);
                vault.grant(&[olga]).await.unwrap();
                vault_id
            }
            _ => olga.make(VaultKind::Shared).await,
        };
        let mut vault = olga.open(vault_id).await;
        let others = [
            edda.with(Role::Editor, 0),
            people["vic"].with(Role::Viewer, 0),
            people["expi"].with(Role::Viewer, ends_ms),
        ];
        vault.grant(&others).await.unwrap();
        self.admit_vault(vault_id, self.stale, Role::Viewer).await;
        for who in ["olga", "edda", "vic", "expi"] {
            self.readers.admit(vault_id, who);
        }
        let nodes = [1, 2, 3, 4].map(|_| NodeId::new(olga.session.platform().random_bytes()));
        let [a, b, c, d] = nodes;
        let scene = Scene {
            vault_id,
            setting,
            role,
            own: [a, b],
            others: [c, d],
            ends_ms,
        };
        let mut of_edda = edda.open(vault_id).await;
        put_folders(&mut of_edda, &scene.others).await;
        drop(of_edda);
        let name = Name::parse(&vault_id.to_string()).unwrap();
        let mut account = Vault::account(&edda.session).await.unwrap();
        account.accept_share(vault_id, &name).await.unwrap();
        drop(account);
        vault.sync().await.unwrap();
        if setting == Setting::Member && role != Role::Owner {
            for (row, ..) in rows {
                self.insist(&scene, &vault, row, "NotAMember").await;
                let opened = Vault::open(&sam.session, vault_id).await;
                assert!(opened.is_err(), "{row} by nobody");
                self.cells += 1;
            }
        }
        // Whoever has nodes of their own was contributor once.
        let sams = sam.insider.uid();
        let principal = match setting {
            _ if role == Role::Owner => None,
            Setting::Group => Some(self.team),
            Setting::Nested => Some(self.outer),
            _ => Some(sams),
        };
        match principal {
            None => {}
            Some(id) if id == sams => {
                let sam = sam.with(Role::Contributor, 0);
                vault.grant(&[sam]).await.unwrap();
            }
            Some(id) => self.admit_vault(vault_id, id, Role::Contributor).await,
        }
        self.readers.admit(vault_id, "sam");
        let mut of_sam = sam.open(vault_id).await;
        put_folders(&mut of_sam, &scene.own).await;
        drop(of_sam);
        vault.sync().await.unwrap();
        if let Some(id) = principal {
            let expires_ms = match setting {
                Setting::Expired => ends_ms,
                _ => 0,
            };
            vault.set_role(id, role, expires_ms).await.unwrap();
        }
        drop(vault);
        self.write(vault_id, 1).await;
        // A device that has seen everything up to here.
        drop(self.people["sam"].open(vault_id).await);
        match setting {
            Setting::Expired => {
                self.server.clock().advance(SOON_MS + 1);
                self.readers.remove(vault_id, "sam");
                self.readers.remove(vault_id, "expi");
            }
            Setting::Revoked => {
                let mut vault = self.people["olga"].open(vault_id).await;
                vault.revoke(sams).await.unwrap();
                self.readers.remove(vault_id, "sam");
            }
            _ => {}
        }
        self.write(vault_id, 2).await;
        scene
    }

    /// Edda writes a file whose name and content are the same words.
    async fn write(&mut self, vault_id: VaultId, part: u32) {
        let edda = &self.people["edda"];
        let path = format!("shared:{vault_id}").parse().unwrap();
        let opened = sharing::open_at(&edda.session, &path, Last::Through).await;
        let (mut drive, _) = opened.unwrap();
        let words = format!("words {part} of {vault_id}");
        let files = vec![file(&words, words.as_str())];
        put(&mut drive, "/", files).await.unwrap();
        self.readers.write(vault_id, &words);
    }

    async fn play_rows(
        &mut self,
        scene: &Scene,
        rows: &[(String, Vec<String>, String)],
        column: usize,
    ) {
        // Who leaves has no access for what comes after.
        let mut in_order: Vec<_> = rows.iter().collect();
        if scene.role != Role::Owner {
            in_order.sort_by_key(|(row, ..)| row == "leave");
        }
        for (row, verdicts, through) in in_order {
            let said = match scene.setting {
                Setting::Member => &verdicts[column],
                Setting::Expired => "Expired",
                Setting::Revoked => "NotAMember",
                _ if through == "the same" => &verdicts[column],
                _ => through,
            };
            self.play_row(scene, row, said).await;
            self.cells += 1;
        }
    }

    async fn play_row(&mut self, scene: &Scene, row: &str, said: &str) {
        let what = format!("{row} by a {:?}, {:?}", scene.role, scene.setting);
        let (olga, sam) = (&self.people["olga"], &self.people["sam"]);
        if row == "rekey of a vault" {
            let mut stale = olga.open(self.stale).await;
            stale.renew_key().await.unwrap();
        }
        if row == "expire, epoch" && self.now_ms() < scene.ends_ms {
            self.server.clock().advance(SOON_MS + 1);
            self.readers.remove(scene.vault_id, "expi");
        }
        let mut seen = olga.open(scene.vault_id).await;
        let before = seen.replica().state().head;
        let is_in = !matches!(scene.setting, Setting::Expired | Setting::Revoked);
        if OF_ACCOUNTS.contains(&row) {
            let said = if is_in { "" } else { said };
            return self.insist(scene, &seen, row, said).await;
        }
        // With what it knew when sam had access: an honest client asks again.
        let vault = Vault::open_cached(&sam.session, scene.vault_id).await;
        let mut vault = vault.unwrap();
        if is_in {
            vault.sync().await.unwrap();
        }
        let done = self.do_row(scene, &mut vault, row).await;
        seen.sync().await.unwrap();
        let has_moved = seen.replica().state().head != before;
        if said == "Ok" {
            assert!(done.is_ok() && has_moved, "{what}: {done:?}");
            match row {
                "grant" => self.readers.admit(scene.vault_id, "nina"),
                "revoke, epoch" => self.readers.remove(scene.vault_id, "vic"),
                "leave" => self.readers.remove(scene.vault_id, "sam"),
                _ => {}
            }
            return;
        }
        assert!(!has_moved, "{what}");
        // A client that sees that it may not make a new key makes none.
        // Who has no access any more has left.
        let is_quiet = ["expire, epoch", "rekey of a vault"].contains(&row)
            || (row == "leave" && said == "NotAMember");
        assert!(done.is_err() || is_quiet, "{what}");
        self.insist(scene, &seen, row, said).await;
        seen.sync().await.unwrap();
        assert_eq!(seen.replica().state().head, before, "{what}");
    }

    /// One entry in a group takes somebody out of everything behind it.
    async fn end_groups(&mut self, scene: &Scene) {
        let group = match scene.setting {
            Setting::Group => self.team,
            Setting::Nested => self.inner,
            _ => return,
        };
        let sam = self.people["sam"].insider.uid();
        let mut vault = self.people["olga"].open(group).await;
        vault.revoke(sam).await.unwrap();
        drop(vault);
        self.readers.remove(scene.vault_id, "sam");
        self.write(scene.vault_id, 4).await;
    }

    /// With all keys that they ever had and all that the server ever got.
    fn everybody_opens_what_they_may(&self) {
        let mut requests: Vec<Exchange> = Vec::new();
        for person in self.people.values() {
            let network = &person.session.platform().network;
            let recorded = network.take_recording();
            let pairs = recorded.requests.into_iter().zip(recorded.answers);
            // What it refused it has not kept.
            let taken = pairs.filter(|(_, answer)| {
                let status = answer.as_ref().map(|(status, _)| *status);
                status.is_some_and(|status| (200..300).contains(&status))
            });
            requests.extend(taken.map(|(request, _)| request));
        }
        let dump = Dump::of(&requests);
        for (name, person) in &self.people {
            let opened = person.insider.open(&dump);
            let is_ours = |words: &&str| words.starts_with("words ");
            let names: BTreeSet<&str> = opened.names().filter(is_ours).collect();
            let contents = opened.contents.values();
            let contents: BTreeSet<&str> = contents
                .map(|bytes| std::str::from_utf8(bytes).unwrap())
                .collect();
            let may_read = self.readers.may_read.get(name).cloned().unwrap_or_default();
            let may_read: BTreeSet<&str> = may_read.iter().map(String::as_str).collect();
            assert_eq!(names, may_read, "names that {name} can read");
            assert_eq!(contents, may_read, "contents that {name} can read");
        }
        let read = |name| self.readers.may_read.get(name).map_or(0, BTreeSet::len);
        assert!(read("olga") > read("sam") && read("sam") > read("nina"));
        assert_eq!(read("stranger"), 0);
    }
}

async fn put_folders(vault: &mut Vault<'_, TestPlatform>, nodes: &[NodeId; 2]) {
    let nodes = *nodes;
    let changes = move || {
        nodes
            .iter()
            .map(|node| Change::put(*node, folder_record()))
            .collect::<Vec<_>>()
    };
    vault.commit(&[], |_| Ok(changes())).await.unwrap();
}
