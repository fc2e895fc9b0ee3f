//! The schemas of the engines, and how one on a server comes up to date.

use std::collections::BTreeSet;

use sv_backends::sql::{Engine, FreshDatabase};
use sv_server::args;
use sv_server::db::{Database, Error, Query};

/// Tables that an engine needs for itself.
const OF_ENGINES: [&str; 2] = ["receipts", "schema_version"];

const SQLITE: &str = "SELECT m.name, c.name, CASE WHEN c.\"notnull\" = 1 THEN 'NO' ELSE 'YES' END \
     FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'";
const SERVER: &str = "SELECT table_name, column_name, is_nullable FROM information_schema.columns \
     WHERE table_schema = DATABASE()";

type Columns = BTreeSet<(String, String, String)>;

async fn columns(db: &Database, sql: &'static str) -> Columns {
    let rows = db.read().await.unwrap().query(sql, args![]).await.unwrap();
    rows.into_iter()
        .map(|mut row| {
            (
                row.take(0).unwrap(),
                row.take(1).unwrap(),
                row.take(2).unwrap(),
            )
        })
        .filter(|(table, ..): &(String, String, String)| !OF_ENGINES.contains(&table.as_str()))
        .collect()
}

async fn empty() -> Option<FreshDatabase> {
    Engine::MariaDb.fresh().await
}

async fn execute(db: &Database, sql: &'static str) {
    let mut write = db.write().await.unwrap();
    write.execute(sql, args![]).await.unwrap();
    write.commit().await.unwrap();
}

#[tokio::test]
async fn every_engine_has_the_same_tables_and_columns() {
    let file = Engine::Sqlite.fresh().await.unwrap();
    let sqlite = Database::open(file.url()).await.unwrap();
    let expected = columns(&sqlite, SQLITE).await;
    assert!(expected.len() > 100, "{}", expected.len());
    for engine in [Engine::MariaDb, Engine::MySql, Engine::External] {
        let Some(fresh) = engine.fresh().await else {
            continue;
        };
        Database::migrate(fresh.url()).await.unwrap();
        let db = Database::open(fresh.url()).await.unwrap();
        assert_eq!(columns(&db, SERVER).await, expected, "{}", engine.name());
        db.close().await;
    }
}

#[tokio::test]
async fn of_many_that_migrate_at_once_none_fails() {
    let Some(fresh) = empty().await else { return };
    let migrations = (0..4).map(|_| {
        let url = fresh.url().to_owned();
        tokio::spawn(async move { Database::migrate(&url).await })
    });
    for done in futures::future::join_all(migrations).await {
        done.unwrap().unwrap();
    }
    Database::open(fresh.url()).await.unwrap().close().await;
}

#[tokio::test]
async fn a_server_serves_on_no_schema_but_its_own() {
    let Some(fresh) = empty().await else { return };
    let refused = Database::open(fresh.url()).await.unwrap_err();
    assert!(
        matches!(refused, Error::OlderSchema { found: 0, .. }),
        "{refused:?}"
    );
    assert!(
        refused.to_string().contains("securevaultd migrate"),
        "{refused}"
    );

    Database::migrate(fresh.url()).await.unwrap();
    let db = Database::open(fresh.url()).await.unwrap();
    execute(&db, "UPDATE schema_version SET is_dirty = 1").await;
    let refused = Database::open(fresh.url()).await.unwrap_err();
    assert!(matches!(refused, Error::DirtySchema { .. }), "{refused:?}");
    assert!(
        refused.to_string().contains("securevaultd migrate"),
        "{refused}"
    );

    // What was broken off is finished.
    execute(&db, "UPDATE schema_version SET version = 3").await;
    Database::migrate(fresh.url()).await.unwrap();
    Database::open(fresh.url()).await.unwrap().close().await;

    execute(&db, "UPDATE schema_version SET version = 999").await;
    for refused in [
        Database::open(fresh.url()).await.map(drop),
        Database::migrate(fresh.url()).await,
    ] {
        let refused = refused.unwrap_err();
        assert!(
            matches!(refused, Error::NewerSchema { found: 999, .. }),
            "{refused:?}"
        );
    }
    db.close().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_at_once() {
    for url in [
        "mysql://u@localhost:1/v",
        "postgres://u@localhost/v",
        "sqlite://",
    ] {
        let refused = Database::open(url).await.unwrap_err();
        let is_right = match url.starts_with("mysql") {
            true => matches!(refused, Error::Unavailable(_)),
            false => matches!(refused, Error::Url),
        };
        assert!(is_right, "{url}: {refused:?}");
    }
}
