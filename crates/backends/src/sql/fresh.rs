//! A database of its own for each test.

use std::str::FromStr;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};
use tempfile::TempDir;

/// An empty database, dropped at the end.
#[derive(Debug)]
pub struct FreshDatabase {
    url: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Folder(#[expect(dead_code, reason = "kept for its end")] TempDir),
    Server { url: String, name: String },
}

impl FreshDatabase {
    /// Its URL, as the server takes it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Breaks every connection to it, in the middle of whatever it does.
    ///
    /// # Panics
    /// On `SQLite`, which has none.
    pub async fn break_connections(&self) {
        let Place::Server { url, name } = &self.place else {
            panic!("SQLite has no connections");
        };
        kill(&mut connect(url).await, name)
            .await
            .expect("connections");
    }

    pub(super) fn file() -> Self {
        let folder = TempDir::new().expect("a folder");
        Self {
            url: format!("sqlite://{}", folder.path().join("vault.db").display()),
            place: Place::Folder(folder),
        }
    }

    pub(super) async fn on(server: &str) -> Self {
        let mut random = [0; 8];
        getrandom::fill(&mut random).expect("randomness");
        let name = format!("sv_{:016x}", u64::from_be_bytes(random));
        let mut connection = connect(server).await;
        let sql = format!("CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
        connection
            .execute(AssertSqlSafe(sql))
            .await
            .expect("a database");
        Self {
            url: with_database(server, &name),
            place: Place::Server {
                url: server.to_owned(),
                name,
            },
        }
    }
}

impl Drop for FreshDatabase {
    fn drop(&mut self) {
        let Place::Server { url, name } = &self.place else {
            return;
        };
        let (url, name) = (url.clone(), name.clone());
        // On a thread of its own: this one may be within a runtime.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let options = MySqlConnectOptions::from_str(&url).expect("a URL");
                // A server that a test has killed has nothing to drop.
                if let Ok(mut connection) = options.connect().await {
                    // Or it would wait for what the test has left open.
                    let _ = kill(&mut connection, &name).await;
                    let sql = format!("DROP DATABASE IF EXISTS {name}");
                    let _ = connection.execute(AssertSqlSafe(sql)).await;
                }
            });
        });
        let _ = dropped.join();
    }
}

async fn kill(connection: &mut MySqlConnection, database: &str) -> sqlx::Result<()> {
    let sql = "SELECT CAST(id AS UNSIGNED) FROM information_schema.processlist WHERE db = ?";
    let ids: Vec<u64> = sqlx::query_scalar(sql)
        .bind(database)
        .fetch_all(&mut *connection)
        .await?;
    for id in ids {
        // It may have ended by itself.
        let kill = AssertSqlSafe(format!("KILL {id}"));
        let _ = connection.execute(kill).await;
    }
    Ok(())
}

async fn connect(url: &str) -> MySqlConnection {
    let options = MySqlConnectOptions::from_str(url).expect("a URL");
    // A server that waits long for the first words hangs up, and on a loaded
    // machine they may come late.
    for _ in 0..5 {
        if let Ok(connection) = options.connect().await {
            return connection;
        }
    }
    options.connect().await.expect("a connection")
}

/// The URL with a database before its query.
fn with_database(url: &str, name: &str) -> String {
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, rest) = place.split_once("://").expect("a URL");
    let authority = rest.split('/').next().unwrap_or(rest);
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{scheme}://{authority}/{name}{mark}{query}")
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn a_database_goes_before_the_query() {
        for (server, expected) in [
            ("mysql://u:p@h:4000", "mysql://u:p@h:4000/d"),
            ("mysql://u@h/old", "mysql://u@h/d"),
            (
                "mysql://u@h/?socket=%2Ft%2Fs",
                "mysql://u@h/d?socket=%2Ft%2Fs",
            ),
        ] {
            assert_eq!(with_database(server, "d"), expected);
        }
    }
}
