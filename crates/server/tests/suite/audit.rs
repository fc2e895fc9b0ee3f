//! The audit log: what is written down, and that nothing of it is changed or
//! left out unnoticed.

use std::collections::BTreeMap;
use std::sync::Arc;

use sv_api::account::SignupPolicy;
use sv_api::endpoint::*;
use sv_api::wire::Empty;
use sv_ledger::id::Hash;
use sv_server::app::App;
use sv_server::args;
use sv_server::blocks::{BlockStore, FileBlocks};
use sv_server::check::{Finding, check};
use sv_server::db::{Query, Value};
use sv_server::service::account::Administers;
use sv_server::service::audit::{BadRow, Listed};

use crate::account::actor::{Person, START_MS, STEP_MS, World, code};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

async fn rows(app: &App) -> Vec<Listed> {
    app.audit().chain().await.unwrap();
    app.audit().list(0, 10_000).await.unwrap()
}

async fn bad(app: &App) -> Option<BadRow> {
    app.audit().verify(None).await.unwrap().bad
}

async fn execute(app: &App, sql: &'static str, args: Vec<Value>) {
    let work = || async {
        let mut write = app.db().write().await?;
        write.execute(sql, args.clone()).await?;
        write.commit().await
    };
    app.db().retry(work).await.unwrap();
}

#[tokio::test]
pub(crate) async fn what_happens_is_written_down() {
    let world = World::with_policy(SignupPolicy::Open).await;
    let app = &world.app;
    let alice = Person::sign_up(&world, "alice").await;
    let wrong = alice.prove(&world, "wrong").await;
    code(wrong);
    let mut nobody = alice.clone();
    nobody.handle = "nobody".to_owned();
    code(nobody.prove(&world, "a password in the wrong field").await);
    let waiting = alice.prove(&world, &alice.password).await.unwrap();
    let mut digits = alice.code(&world);
    digits.code = "000000".to_owned();
    code(world.call(LoginSecondFactor, Some(&waiting), &digits).await);
    world.pass(STEP_MS);
    let login = alice.log_in(&world).await.unwrap();
    world
        .call(Logout, login.session.as_deref(), &Empty {})
        .await
        .unwrap();
    set_quota(app, Some(1 << 30)).await;
    let by = Administers::at_the_machine();
    let uid = app.accounts().uid_of("alice").await.unwrap();
    app.accounts().reset_second_factor(&by, uid).await.unwrap();
    app.accounts().set_disabled(&by, uid, true).await.unwrap();

    let rows = rows(app).await;
    let kinds: Vec<_> = rows.iter().map(|row| row.kind.as_str()).collect();
    let mut wanted: BTreeMap<&str, usize> = BTreeMap::new();
    for kind in [
        "signed_up",
        "vault_created",
        "vault_created",
        "member_added",
        "member_added",
        "logged_in",
        "password_wrong",
        "password_wrong",
        "code_wrong",
        "new_device",
        "logged_in",
        "logged_out",
        "quota_set",
        "second_factor_reset",
        "disabled",
    ] {
        *wanted.entry(kind).or_default() += 1;
    }
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    kinds
        .iter()
        .for_each(|kind| *found.entry(kind).or_default() += 1);
    wanted.remove("member_added");
    assert_eq!(found, wanted);
    let of = |kind: &str| {
        rows.iter()
            .filter(|row| row.kind == kind)
            .collect::<Vec<_>>()
    };
    let wrong: Vec<_> = of("password_wrong")
        .iter()
        .map(|r| r.subject.clone())
        .collect();
    assert!(wrong.contains(&Some("alice".to_owned())) && wrong.contains(&None));
    assert_eq!(of("quota_set")[0].number, Some(1 << 30));
    assert_eq!(of("quota_set")[0].actor, None);
    let in_and_out = [of("logged_in")[1], of("logged_out")[0]];
    assert!(
        in_and_out
            .iter()
            .all(|row| row.actor.as_deref() == Some("alice"))
    );
    assert_eq!(in_and_out[0].session, in_and_out[1].session);
    assert_eq!(in_and_out[0].network.as_deref(), Some("192.0.2.0/24"));
    assert_eq!(bad(app).await, None);

    // Neither what was typed nor who was tried is in any table.
    let mut snapshot = app.db().read().await.unwrap();
    let sql = "SELECT actor, subject, network, detail FROM audit_rows";
    for mut row in snapshot.query(sql, args![]).await.unwrap() {
        for column in 0..4 {
            let bytes: Vec<u8> = row.take(column).unwrap();
            for word in [b"nobody".as_slice(), b"alice", b"password"] {
                assert!(!bytes.windows(word.len()).any(|w| w == word));
            }
        }
    }
}

async fn set_quota(app: &App, quota_bytes: Option<u64>) {
    let by = Administers::at_the_machine();
    let uid = app.accounts().uid_of("alice").await.unwrap();
    let set = app.accounts().set_quota(&by, uid, quota_bytes).await;
    set.unwrap();
}

/// Some rows over several checkpoints.
async fn world() -> World {
    let world = World::open().await;
    Person::sign_up(&world, "alice").await;
    for round in 0..6_u64 {
        for _ in 0..3 {
            set_quota(&world.app, Some(round)).await;
        }
        world.app.audit().chain().await.unwrap();
        world.pass(1000);
    }
    world
}

#[tokio::test]
pub(crate) async fn the_first_bad_row_is_named() {
    let world = world().await;
    let app = &world.app;
    let verdict = app.audit().verify(None).await.unwrap();
    assert_eq!((verdict.bad, verdict.first), (None, 1));
    let (rows, last) = (verdict.rows, verdict.last.unwrap());
    assert_eq!((rows, last.seq), (last.seq, rows));
    assert!(verdict.checkpoints >= 6);

    // Every column of a row in the middle; back, and it is whole again.
    let changes: [(&'static str, &'static str, Value, BadRow); 8] = [
        (
            "at_ms",
            "UPDATE audit_rows SET at_ms = ? WHERE seq = 9",
            Value::Int(1),
            BadRow::Changed(9),
        ),
        (
            "kind",
            "UPDATE audit_rows SET kind = ? WHERE seq = 9",
            Value::Int(1),
            BadRow::Changed(9),
        ),
        (
            "actor",
            "UPDATE audit_rows SET actor = ? WHERE seq = 9",
            Value::Bytes(vec![5; 32]),
            BadRow::Changed(9),
        ),
        (
            "subject",
            "UPDATE audit_rows SET subject = ? WHERE seq = 9",
            Value::Bytes(vec![5; 32]),
            BadRow::Changed(9),
        ),
        (
            "network",
            "UPDATE audit_rows SET network = ? WHERE seq = 9",
            Value::Bytes(vec![5; 16]),
            BadRow::Changed(9),
        ),
        (
            "detail",
            "UPDATE audit_rows SET detail = ? WHERE seq = 9",
            Value::Bytes(vec![5; 3]),
            BadRow::Changed(9),
        ),
        (
            "hash",
            "UPDATE audit_rows SET hash = ? WHERE seq = 9",
            Value::Bytes(vec![5; 32]),
            BadRow::Changed(9),
        ),
        (
            "mac",
            "UPDATE audit_rows SET mac = ? WHERE seq = 9",
            Value::Bytes(vec![5; 32]),
            BadRow::Forged(9),
        ),
    ];
    let selects: BTreeMap<&str, &'static str> = [
        ("at_ms", "SELECT at_ms FROM audit_rows WHERE seq = 9"),
        ("kind", "SELECT kind FROM audit_rows WHERE seq = 9"),
        ("actor", "SELECT actor FROM audit_rows WHERE seq = 9"),
        ("subject", "SELECT subject FROM audit_rows WHERE seq = 9"),
        ("network", "SELECT network FROM audit_rows WHERE seq = 9"),
        ("detail", "SELECT detail FROM audit_rows WHERE seq = 9"),
        ("hash", "SELECT hash FROM audit_rows WHERE seq = 9"),
        ("mac", "SELECT mac FROM audit_rows WHERE seq = 9"),
    ]
    .into();
    for (column, update, value, expected) in changes {
        let mut snapshot = app.db().read().await.unwrap();
        let row = snapshot.lookup(selects[column], args![]).await.unwrap();
        let before: Value = row.unwrap().take(0).unwrap();
        drop(snapshot);
        execute(app, update, vec![value]).await;
        assert_eq!(bad(app).await, Some(expected), "{column}");
        execute(app, update, vec![before]).await;
        assert_eq!(bad(app).await, None, "{column}");
    }

    // A checkpoint that somebody else signed.
    let sql = "UPDATE audit_checkpoints SET signature = ? WHERE seq = ?";
    execute(app, sql, args![[5_u8; 64], last.seq]).await;
    assert_eq!(bad(app).await, Some(BadRow::Checkpoint(last.seq)));
    execute(app, sql, args![last.signature, last.seq]).await;

    // An end that is cut off with care is seen by whoever noted it.
    let mut snapshot = app.db().read().await.unwrap();
    let sql = "SELECT seq, hash FROM audit_checkpoints WHERE seq < ? ORDER BY seq DESC LIMIT 1";
    let mut row = snapshot
        .lookup(sql, args![last.seq])
        .await
        .unwrap()
        .unwrap();
    let (seq, hash): (u64, Hash) = (row.take(0).unwrap(), row.take(1).unwrap());
    drop(snapshot);
    execute(app, "DELETE FROM audit_rows WHERE seq > ?", args![seq]).await;
    assert_eq!(bad(app).await, Some(BadRow::Missing(seq + 1)));
    execute(
        app,
        "DELETE FROM audit_checkpoints WHERE seq > ?",
        args![seq],
    )
    .await;
    assert_eq!(bad(app).await, Some(BadRow::Missing(seq + 1)));
    let sql = "UPDATE audit_chain SET seq = ?, hash = ? WHERE id = 1";
    execute(app, sql, args![seq, hash]).await;
    assert_eq!(bad(app).await, None);
    let noted = app
        .audit()
        .verify(Some((last.seq, last.hash)))
        .await
        .unwrap();
    assert_eq!(noted.bad, Some(BadRow::Missing(seq + 1)));
    let other = app.audit().verify(Some((seq, last.hash))).await.unwrap();
    assert_eq!(other.bad, Some(BadRow::NotAsNoted(seq)));
    let same = app.audit().verify(Some((seq, hash))).await.unwrap();
    assert_eq!(same.bad, None);

    // A row that is taken out is missing where it was.
    execute(app, "DELETE FROM audit_rows WHERE seq = 4", args![]).await;
    assert_eq!(bad(app).await, Some(BadRow::Missing(4)));
    // Which `check` says too, without the key.
    let blocks = FileBlocks::open(&world.dir.path().join("blocks")).unwrap();
    let report = check(app.db(), &(Arc::new(blocks) as Arc<dyn BlockStore>)).await;
    let missing = Finding::Audit(BadRow::Missing(4));
    assert_eq!(report.unwrap().findings, [missing]);
}

#[tokio::test]
pub(crate) async fn several_servers_append_to_one_chain() {
    let world = World::open().await;
    Person::sign_up(&world, "alice").await;
    let before = rows(&world.app).await.len();
    let servers = 3;
    let each = 40;
    let work = (0..servers).map(|_| {
        let app = world.app.clone();
        async move {
            for round in 0..each {
                set_quota(&app, Some(round)).await;
                if round % 7 == 0 {
                    app.audit().chain().await.unwrap();
                }
            }
        }
    });
    futures::future::join_all(work).await;
    let rows = rows(&world.app).await;
    assert_eq!(rows.len(), before + servers * each as usize);
    assert_eq!(bad(&world.app).await, None);
    assert!(rows.iter().zip(1..).all(|(row, seq)| row.seq == seq));
}

#[tokio::test]
pub(crate) async fn what_is_pruned_is_said() {
    let world = world().await;
    let app = &world.app;
    let noted = app.audit().verify(None).await.unwrap().last.unwrap();
    assert_eq!(app.audit().prune(DAY_MS).await.unwrap(), 0);
    world.pass(3 * DAY_MS);
    set_quota(app, None).await;
    app.audit().chain().await.unwrap();
    let removed = app.audit().prune(DAY_MS).await.unwrap();
    assert_eq!(removed, noted.seq);
    let verdict = app
        .audit()
        .verify(Some((noted.seq, noted.hash)))
        .await
        .unwrap();
    assert_eq!((verdict.bad, verdict.first), (None, removed + 1));
    let rows = rows(app).await;
    let said = rows.iter().find(|row| row.kind == "pruned").unwrap();
    assert_eq!(said.number, Some(removed));
    assert!(rows[0].at_ms > START_MS + DAY_MS);
    // At once again there is nothing to do.
    assert_eq!(app.audit().prune(DAY_MS).await.unwrap(), 0);

    // Rows that somebody else removes are missed, though a checkpoint stands
    // where they ended.
    world.pass(10);
    let here = app.audit().verify(None).await.unwrap().last.unwrap();
    set_quota(app, None).await;
    app.audit().chain().await.unwrap();
    execute(
        app,
        "DELETE FROM audit_rows WHERE seq <= ?",
        args![here.seq],
    )
    .await;
    execute(
        app,
        "DELETE FROM audit_checkpoints WHERE seq < ?",
        args![here.seq],
    )
    .await;
    let sql = "UPDATE audit_chain SET pruned_seq = ?, pruned_hash = ? WHERE id = 1";
    execute(app, sql, args![here.seq, here.hash]).await;
    assert_eq!(bad(app).await, Some(BadRow::Pruned(here.seq)));
}

/// What it costs to write events down, alone and while another server chains
/// them: `cargo test --workspace --test suite -- --ignored audit::measure`.
#[test]
#[ignore = "a measurement"]
fn measure_events_on_mariadb() {
    crate::stage::on(sv_backends::sql::Engine::MariaDb, measure_events);
}

/// The same on SQLite.
#[tokio::test]
#[ignore = "a measurement"]
async fn measure_events() {
    let world = World::open().await;
    Person::sign_up(&world, "alice").await;
    for chains in [false, true] {
        let chaining = tokio::spawn({
            let app = world.app.clone();
            async move {
                loop {
                    if !chains {
                        return;
                    }
                    app.audit().chain().await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        });
        let start = std::time::Instant::now();
        let work = (0..8).map(|_| {
            let app = world.app.clone();
            tokio::spawn(async move {
                for round in 0..250 {
                    set_quota(&app, Some(round)).await;
                }
            })
        });
        for done in futures::future::join_all(work).await {
            done.unwrap();
        }
        let seconds = start.elapsed().as_secs_f64();
        chaining.abort();
        println!("chaining {chains}: {:.0} events a second", 2000.0 / seconds);
    }
}
