//! The tables of the Django application, on MySQL, MariaDB or TiDB, read only.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::str::FromStr;

use data_encoding::{BASE64, BASE64URL};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Row};
use sv_core::FernetKey;
use sv_core::error::FernetError;
use sv_core::fernet::{FernetKeys, open_token};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

/// The table of files and texts.
const ITEMS: &str = "user_data_v4";
/// The table of who else may read one.
const SHARES: &str = "user_data_v4_shared_with";

/// An open connection.
pub struct Database(Mutex<MySqlConnection>);

/// Why the old database cannot be read. The address, which has a password in
/// it, stays out of messages.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The address makes no sense.
    #[error("the address of the old database: {0}")]
    Address(&'static str),
    /// The server said no, or nothing.
    #[error("the old database: {0}")]
    Sql(#[from] sqlx::Error),
}

/// Why one item cannot be moved.
#[derive(Debug, thiserror::Error)]
pub enum ItemError {
    /// It could not be read.
    #[error("{0}")]
    Database(#[from] DatabaseError),
    /// It went away meanwhile.
    #[error("it is gone from the old database")]
    Gone,
    /// Its key is none, or its token does not open.
    #[error("{0}")]
    Fernet(#[from] FernetError),
}

/// A user of the old application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Their number there.
    pub id: i64,
    /// Their name there.
    pub name: String,
}

/// A file or a text, without what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its number there.
    pub id: i64,
    /// Whose it is.
    pub user_id: i64,
    /// What it was called.
    pub title: String,
    /// What a file's name ended in; none for a text.
    pub extension: Option<String>,
    /// When it was made, Unix milliseconds.
    pub created_ms: u64,
    /// Bytes of its token.
    pub token_len: u64,
}

impl Database {
    /// Connects to `mysql://USER:PASSWORD@HOST:PORT/DATABASE`: never in the
    /// clear nor with a stranger, unless it is on this machine.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn connect(url: &str) -> Result<Self, DatabaseError> {
        let connection = options(url)?.connect().await?;
        Ok(Self(Mutex::new(connection)))
    }

    /// Every user, in the order of their numbers.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn users(&self) -> Result<Vec<User>, DatabaseError> {
        let sql = "SELECT CAST(id AS SIGNED), CAST(username AS CHAR) FROM auth_user ORDER BY id";
        let mut connection = self.0.lock().await;
        let rows = sqlx::query(sql).fetch_all(&mut *connection).await?;
        let user = |row: sqlx::mysql::MySqlRow| {
            Ok::<_, DatabaseError>(User {
                id: row.try_get(0)?,
                name: row.try_get(1)?,
            })
        };
        rows.into_iter().map(user).collect()
    }

    /// Every file and text, in the order of their numbers.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn items(&self) -> Result<Vec<Item>, DatabaseError> {
        // Django keeps times in UTC and without a zone.
        let sql = format!(
            "SELECT CAST(id AS SIGNED), CAST(user_id AS SIGNED), CAST(title AS CHAR), \
             CAST(file_extension AS CHAR), \
             CAST(TIMESTAMPDIFF(SECOND, '1970-01-01', created_at) AS SIGNED), \
             CAST(LENGTH(encrypted_content) AS SIGNED) FROM {ITEMS} ORDER BY id"
        );
        let mut connection = self.0.lock().await;
        let rows = sqlx::query(AssertSqlSafe(sql))
            .fetch_all(&mut *connection)
            .await?;
        rows.into_iter().map(|row| item(&row)).collect()
    }

    /// Who else may read which item: users by item.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn shares(&self) -> Result<BTreeMap<i64, BTreeSet<i64>>, DatabaseError> {
        let mut connection = self.0.lock().await;
        // Django names the column after the model's class, which is not known.
        let columns = sqlx::query(
            "SELECT CAST(column_name AS CHAR) FROM information_schema.columns \
             WHERE table_schema = DATABASE() AND table_name = ?",
        )
        .bind(SHARES)
        .fetch_all(&mut *connection)
        .await?;
        let names: Vec<String> = columns
            .iter()
            .map(|row| row.try_get(0))
            .collect::<Result<_, _>>()?;
        let is_plain = |name: &&String| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let mut others = names
            .iter()
            .filter(|name| !["id", "user_id"].contains(&name.to_ascii_lowercase().as_str()));
        let Some(item) = others.next().filter(is_plain) else {
            return Ok(BTreeMap::new());
        };
        let sql = format!("SELECT CAST({item} AS SIGNED), CAST(user_id AS SIGNED) FROM {SHARES}");
        let rows = sqlx::query(AssertSqlSafe(sql))
            .fetch_all(&mut *connection)
            .await?;
        let mut shares: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
        for row in rows {
            let (item, user): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            shares.entry(item).or_default().insert(user);
        }
        Ok(shares)
    }

    /// What is in an item, decrypted here.
    ///
    /// # Errors
    /// [`ItemError`].
    pub async fn plaintext(&self, item: i64) -> Result<Zeroizing<Vec<u8>>, ItemError> {
        let sql = format!(
            "SELECT CAST(encrypted_content AS BINARY), CAST(encrypted_key AS BINARY) \
             FROM {ITEMS} WHERE id = ?"
        );
        let mut connection = self.0.lock().await;
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(item)
            .fetch_optional(&mut *connection)
            .await
            .map_err(DatabaseError::from)?;
        drop(connection);
        let row = row.ok_or(ItemError::Gone)?;
        let bytes = |index: usize| {
            row.try_get::<Option<Vec<u8>>, _>(index)
                .map_err(DatabaseError::from)
        };
        let token = bytes(0)?.unwrap_or_default();
        let key = Zeroizing::new(bytes(1)?.unwrap_or_default());
        let keys = FernetKeys::from(key_of(&key)?);
        Ok(open_token(&keys, token.trim_ascii())?)
    }
}

fn item(row: &sqlx::mysql::MySqlRow) -> Result<Item, DatabaseError> {
    let extension: Option<String> = row.try_get(3)?;
    let created_s: Option<i64> = row.try_get(4)?;
    let token_len: Option<i64> = row.try_get(5)?;
    Ok(Item {
        id: row.try_get(0)?,
        user_id: row.try_get(1)?,
        title: row.try_get::<Option<String>, _>(2)?.unwrap_or_default(),
        extension: extension.filter(|extension| !extension.trim().is_empty()),
        created_ms: u64::try_from(created_s.unwrap_or(0)).unwrap_or(0) * 1000,
        token_len: u64::try_from(token_len.unwrap_or(0)).unwrap_or(0),
    })
}

/// The old application kept the key's 44 characters in base64 once more. A key
/// that is not so wrapped is taken, too.
fn key_of(stored: &[u8]) -> Result<FernetKey, FernetError> {
    let stored = stored.trim_ascii();
    let text = |bytes: &[u8]| FernetKey::parse(std::str::from_utf8(bytes).unwrap_or_default());
    let wrapped = BASE64.decode(stored).or_else(|_| BASE64URL.decode(stored));
    match wrapped {
        Ok(inner) if inner.len() == 44 => text(&Zeroizing::new(inner)),
        _ => text(stored),
    }
}

fn options(url: &str) -> Result<MySqlConnectOptions, DatabaseError> {
    let malformed =
        |_| DatabaseError::Address("it is not a URL `mysql://…`: write special characters as %XX");
    let options = MySqlConnectOptions::from_str(url).map_err(malformed)?;
    if options.get_database().is_none_or(str::is_empty) {
        let why = "it names no database: end it with /DATABASE";
        return Err(DatabaseError::Address(why));
    }
    let is_here = options.get_socket().is_some() || is_loopback(options.get_host());
    let mode = if is_here {
        MySqlSslMode::Preferred
    } else {
        MySqlSslMode::VerifyIdentity
    };
    Ok(options.ssl_mode(mode).charset("utf8mb4"))
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_wrapped_or_not() {
        let key = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
        let wrapped = BASE64.encode(key.as_bytes());
        for stored in [key, &wrapped, &format!("{wrapped}\n")] {
            assert_eq!(key_of(stored.as_bytes()).unwrap().to_text().as_str(), key);
        }
        for wrong in ["", "x", "\u{fc}", &wrapped[..40]] {
            assert!(key_of(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear() {
        let mode = |url: &str| options(url).map(|options| options.get_ssl_mode());
        for away in [
            "mysql://u:p@db.example/old",
            "mysql://u:p@10.0.0.1/old?ssl-mode=DISABLED",
        ] {
            assert!(matches!(mode(away), Ok(MySqlSslMode::VerifyIdentity)));
        }
        assert!(matches!(
            mode("mysql://u@localhost/old"),
            Ok(MySqlSslMode::Preferred)
        ));
        for wrong in [
            "mysql://u:secret-5f@h",
            "mysql://u:secret-5f@h/",
            "nonsense secret-5f",
        ] {
            let error = mode(wrong).unwrap_err().to_string();
            assert!(!error.contains("secret-5f"), "{error}");
        }
    }
}
