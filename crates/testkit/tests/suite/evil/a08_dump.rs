//! A8: somebody has the whole database, but not the key-encryption key.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use sv_client::account::{Reproof, Session, change_password};
use sv_pake::{ClientLogin, LoginContext, PasswordRecord, ServerLogin, ServerSetup};
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
            .collect();
        assert_eq!(rest, [&OPAQUE_RECORD]);
    });
}

/// With the dump and the right guess, a log-in against any other OPRF key than
/// the sealed one fails like a wrong guess does, and no digest of the password
/// is anywhere. Fails if the server's setup is stored in the clear.
#[test]
fn a8_a_dump_confirms_no_guess() {
    run(async {
        let world = World::new().await;
        let mut database = world.server.database().await;
        let mut dump = Vec::new();
        for table in database.tables().await {
            dump.extend(database.rows(&table).await);
        }
        let stored: Vec<&[u8]> = dump.iter().flat_map(bytes_of).collect();
        for guess in digests(PASSWORD) {
            let found = stored
                .iter()
                .any(|value| value.windows(guess.len()).any(|part| part == guess));
            assert!(!found, "something that confirms a guess at once");
        }

        let instance = dump.iter().find(|row| row.table == "instance").unwrap();
        let sealed = instance.blob("opaque_setup");
        assert!(ServerSetup::from_bytes(sealed).is_err(), "it is sealed");
        let account = dump.iter().find(|row| row.table == "accounts").unwrap();
        let record = account.blob("password_record");
        let mut random = rand_core::UnwrapErr(getrandom::SysRng);
        // The best that can be made of a dump: everything but the seed.
        let setup = ServerSetup::generate(&mut random);
        let context = LoginContext::new(&[0; 32], &world.alice.handle);
        for guess in [PASSWORD, "a wrong guess"] {
            let (login, ke1) = ClientLogin::start(guess.as_bytes(), &mut random).unwrap();
            let identifier = [7; 32];
            let (_, ke2) = ServerLogin::start(
                &setup,
                Some(PasswordRecord::parse(record).unwrap()),
                &ke1,
                &identifier,
                &context,
                &mut random,
            )
            .unwrap();
            assert!(login.finish(&ke2, &context, &mut random).is_err());
        }
    });
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
