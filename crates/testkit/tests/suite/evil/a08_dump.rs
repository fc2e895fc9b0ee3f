//! A8: somebody has the whole database, but not the key-encryption key.

use std::collections::{BTreeMap, BTreeSet};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use sv_client::account::{Reproof, Session, change_password};
use sv_pake::{ClientLogin, LoginContext, PasswordRecord, ServerLogin, ServerSetup};
use sv_server::secrets::{KeyEncryptionKey, Sealed};
use sv_testkit::{PASSWORD, Row, Value, run};

use super::world::World;

/// What the server stores that a password goes into, and how.
const OPAQUE_RECORD: &str = "accounts.password_record";
/// Changes with it, without being made of it: the wrap under a key that the
/// record alone does not give, and the signed list that holds its hash.
const COVERS_IT: [&str; 3] = [
    "accounts.unlockers",
    "accounts.unlockers_version",
    "wraps.rows",
];
/// Changes because the account did something.
const BOOKKEEPING: [&str; 5] = [
    "sessions.rows",
    "logins.rows",
    "rate_limits.rows",
    "accounts.totp_last_step",
    "devices.rows",
];

/// Only one stored value is made of the password. Fails if another column
/// ever changes with it.
#[test]
fn a8_one_stored_value_is_made_of_the_password() {
    run(async {
        let world = World::new().await;
        let mut database = world.server.database().await;
        let before = columns(&mut database).await;
        let mut session = Session::resume(world.first.clone()).await.unwrap();
        let proof = Reproof::start(&mut session, PASSWORD).await.unwrap();
        let code = world.alice.code(&world.server);
        let session = proof.finish(&code).await.unwrap();
        change_password(session, "a wholly new password 7")
            .await
            .unwrap();
        let after = columns(&mut database).await;
        let changed: BTreeSet<&str> = before
            .iter()
            .filter(|(name, values)| after.get(*name) != Some(values))
            .map(|(name, _)| name.as_str())
            .collect();
        assert!(changed.contains(OPAQUE_RECORD));
        let rest: Vec<&&str> = changed
            .iter()
            .filter(|name| !COVERS_IT.contains(name) && !BOOKKEEPING.contains(name))
            // That the account did something is written down, and nothing of
            // what it typed: see `what_happens_is_written_down`.
            .filter(|name| !name.starts_with("audit_"))
            .collect();
        assert_eq!(rest, [&OPAQUE_RECORD]);
    });
}

/// With the dump alone, the right guess fails as a wrong one does, against
/// everything that can be made of it, and no digest of the password is
/// anywhere. With the key-encryption key the same dump tells them apart: it is
/// that key that was lacking. Fails if the server's setup, or the key of its
/// credential identifiers, is stored in the clear.
#[test]
fn a8_a_dump_confirms_no_guess() {
    run(async {
        let world = World::new().await;
        let dump = Dump::take(&world).await;
        for guess in digests(PASSWORD) {
            assert!(!dump.contains(&guess), "it confirms a guess at once");
        }

        let [sealed_setup, sealed_key] =
            ["opaque_setup", "credential_key"].map(|column| dump.blob("instance", column));
        assert!(ServerSetup::from_bytes(sealed_setup).is_err(), "sealed");
        let other = KeyEncryptionKey::generate();
        assert!(other.open(Sealed::OpaqueSetup, b"", sealed_setup).is_err());
        // The best that can be made of a dump: everything but the seed.
        let mut random = rand_core::UnwrapErr(getrandom::SysRng);
        let made_up = ServerSetup::generate(&mut random);
        for guess in [PASSWORD, "a wrong guess"] {
            assert!(!dump.confirms(guess, &made_up, &[7; 32]));
        }

        let key = world.server.key();
        let setup = key.open(Sealed::OpaqueSetup, b"", sealed_setup).unwrap();
        let setup = ServerSetup::from_bytes(&setup).unwrap();
        let credential_key = key.open(Sealed::CredentialKey, b"", sealed_key).unwrap();
        let handle = world.alice.handle.as_bytes();
        let mut identifier = Hmac::<Sha256>::new_from_slice(&credential_key).unwrap();
        identifier.update(handle);
        let identifier = identifier.finalize().into_bytes().into();
        assert!(dump.confirms(PASSWORD, &setup, &identifier));
        assert!(!dump.confirms("a wrong guess", &setup, &identifier));
        assert!(!dump.confirms(PASSWORD, &made_up, &identifier));
    });
}

/// Every row of a server's database.
struct Dump {
    rows: Vec<Row>,
    handle: String,
}

impl Dump {
    async fn take(world: &World) -> Self {
        let mut database = world.server.database().await;
        let mut rows = Vec::new();
        for table in database.tables().await {
            rows.extend(database.rows(&table).await);
        }
        let handle = world.alice.handle.clone();
        Self { rows, handle }
    }

    fn contains(&self, wanted: &[u8]) -> bool {
        let mut values = self.rows.iter().flat_map(bytes_of);
        values.any(|value| value.windows(wanted.len()).any(|part| part == wanted))
    }

    /// A column of a table's first row.
    fn blob(&self, table: &str, column: &str) -> &[u8] {
        let row = self.rows.iter().find(|row| row.table == table);
        row.unwrap().blob(column)
    }

    /// Logs in offline, with these for the server's secrets.
    fn confirms(&self, guess: &str, setup: &ServerSetup, identifier: &[u8; 32]) -> bool {
        let mut random = rand_core::UnwrapErr(getrandom::SysRng);
        let instance_id = Sha256::new()
            .chain_update(self.blob("instance", "opaque_public_key"))
            .chain_update(self.blob("instance", "nonce"))
            .finalize();
        let context = LoginContext::new(&instance_id.into(), &self.handle);
        let record = PasswordRecord::parse(self.blob("accounts", "password_record")).unwrap();
        let (login, ke1) = ClientLogin::start(guess.as_bytes(), &mut random).unwrap();
        let answer =
            ServerLogin::start(setup, Some(record), &ke1, identifier, &context, &mut random);
        login
            .finish(&answer.unwrap().1, &context, &mut random)
            .is_ok()
    }
}

/// Digests and encodings that a cheap verifier would be.
fn digests(password: &str) -> Vec<Vec<u8>> {
    let sha = Sha256::digest(password.as_bytes()).to_vec();
    vec![
        password.as_bytes().to_vec(),
        data_encoding::HEXLOWER.encode(password.as_bytes()).into(),
        data_encoding::BASE64.encode(password.as_bytes())[..12].into(),
        data_encoding::HEXLOWER.encode(&sha).into(),
        data_encoding::BASE64.encode(&sha)[..40].into(),
        Sha256::digest(&sha).to_vec(),
        sha,
    ]
}

fn bytes_of(row: &Row) -> Vec<&[u8]> {
    let values = row.columns.iter();
    values
        .filter_map(|(_, value)| match value {
            Value::Text(text) => Some(text.as_bytes()),
            Value::Blob(bytes) => Some(bytes),
            _ => None,
        })
        .collect()
}

/// Every column with its values, in the order of rows; tables whose rows come
/// and go as a whole.
async fn columns(database: &mut sv_testkit::Database) -> BTreeMap<String, Vec<Value>> {
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for table in database.tables().await {
        let come_and_go = format!("{table}.rows");
        let as_whole = COVERS_IT
            .iter()
            .chain(&BOOKKEEPING)
            .any(|name| *name == come_and_go);
        for row in database.rows(&table).await {
            for (column, value) in row.columns {
                let name = if as_whole {
                    come_and_go.clone()
                } else {
                    format!("{table}.{column}")
                };
                found.entry(name).or_default().push(value);
            }
        }
    }
    found
}
