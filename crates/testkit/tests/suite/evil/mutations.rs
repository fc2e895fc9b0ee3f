//! The strongest test: a recorded honest session, and every answer of it,
//! every stored row and every block changed in every way we can think of.

use std::cell::Cell;
use std::rc::Rc;

use sv_client::port::HttpResponse;
use sv_client::{ClientError, Tamper};
use sv_testkit::{Dice, Exchange, Recording, Row, TestPlatform, Value, run, scaled};

use super::sampling::{bits, flip};
use super::world::{Verdict, World};

/// Tables that a look at the drive reads.
const VAULT_TABLES: [&str; 5] = ["bodies", "blocks", "contents", "entries", "leaves"];

/// A lie: what it is, and the answer given.
pub(crate) type Lie = (String, u16, Vec<u8>);

/// Every answer of a look at the drive: by a device that sees it for the first
/// time, and by one that was there before. Fails without the body's hash in
/// `fetch_bodies`; what is held more than once the named tests take apart.
#[test]
fn no_answer_is_believed() {
    run(async {
        // Of long files the named tests (A21, A22) try everything; here they
        // only take time.
        let world = World::with_long_file(scaled(0, 5 << 20)).await;
        let mut pool = world.older.clone();
        for device in [&world.fresh, &world.behind] {
            let honest = world.record(device).await;
            pool.requests.extend(honest.requests);
            pool.answers.extend(honest.answers);
        }
        let mut dice = Dice::seeded(1);
        let mut tried = 0;
        for device in [&world.fresh, &world.behind] {
            let honest = world.record(device).await;
            for (request, answer) in honest.requests.iter().zip(&honest.answers) {
                let (_, body) = answer.as_ref().unwrap();
                let alike = alike(&pool, request);
                for lie in lies(body, &alike, &mut dice, scaled(10, 2000)) {
                    let device = world.copy(device);
                    answer_with(&device, request, &lie);
                    let verdict = world.attack(&device).await;
                    tried += 1;
                    if scaled(false, true) || tried % 5 == 0 || matches!(verdict, Verdict::Harmless)
                    {
                        world.recovers(&device).await;
                    }
                }
            }
        }
        assert!(tried >= 250, "{tried}");
    });
}

/// A31 among others: every column of every table, in some rows. Fails without
/// the body's hash in `fetch_bodies`.
#[test]
fn a31_no_stored_row_is_believed() {
    run(async {
        let world = World::new().await;
        let mut database = world.server.database().await;
        let mut dice = Dice::seeded(2);
        let mut tried = 0;
        for table in database.tables().await {
            let rows = database.rows(&table).await;
            let count = if VAULT_TABLES.contains(&&*table) {
                8
            } else {
                1
            };
            for lie in row_lies(&rows, &mut dice, scaled(count, 1000)) {
                let (old, new) = lie;
                let taken = match &new {
                    Some(new) => database.replace(&old, new).await,
                    None => {
                        database.remove(&old).await;
                        true
                    }
                };
                if !taken {
                    continue;
                }
                tried += 1;
                let of = if tried % 2 == 0 {
                    &world.fresh
                } else {
                    &world.behind
                };
                let device = world.copy(of);
                world.attack(&device).await;
                // The server may have touched the row, as it does a session's.
                match &new {
                    Some(new) => undo(&mut database, new, &old).await,
                    None => assert!(database.add(&old).await),
                }
                if scaled(false, true) || tried % 5 == 0 {
                    world.recovers(&device).await;
                }
            }
        }
        assert!(tried >= 100, "{tried}");
    });
}

/// Every answer of a log-in: the device logs in to the account whose password
/// was typed, or nothing of it has changed. Fails if the profile is kept
/// before `verify_identity`.
#[test]
fn no_answer_of_a_login_is_believed() {
    run(async {
        let world = World::new().await;
        let honest = {
            let device = world.server.device();
            world
                .alice
                .try_log_in(&world.server, device.clone())
                .await
                .unwrap();
            device.network.take_recording()
        };
        let mut dice = Dice::seeded(3);
        let known = world.copy(&world.behind);
        let mut tried = 0;
        for (request, answer) in honest.requests.iter().zip(&honest.answers) {
            let (_, body) = answer.as_ref().unwrap();
            let lies = if body.first() == Some(&b'{') {
                json_lies(body, &mut dice, scaled(2, 500))
            } else {
                lies(body, &[], &mut dice, scaled(4, 500))
            };
            for (what, kind, change) in in_place(lies, body) {
                let device = if tried % 3 == 0 {
                    world.copy(&known)
                } else {
                    world.server.device()
                };
                tried += 1;
                try_log_in(&world, &device, request, kind, change, &what).await;
            }
        }
        assert!(tried >= 30, "{tried}");
    });
}

/// What is done to the body of an answer that differs from run to run.
type Change = Box<dyn Fn(&mut Vec<u8>)>;

async fn try_log_in(
    world: &World,
    device: &TestPlatform,
    request: &Exchange,
    status: u16,
    change: Change,
    what: &str,
) {
    // Wrong attempts cost the person time, not this test.
    world.server.clock().advance(2 * 60_000);
    let before = device.storage.snapshot();
    let template = request.path.clone();
    device.network.rewrite(move |exchange, mut answer| {
        if exchange.path == template && answer.status < 300 {
            change(&mut answer.body);
            answer.status = status;
        }
        Ok(answer)
    });
    match world.alice.try_log_in(&world.server, device.clone()).await {
        Ok(session) => {
            assert_eq!(session.uid(), world.account_id, "{what}");
            world.recovers(device).await;
        }
        Err(error) => {
            let typed = matches!(
                error,
                ClientError::Tampered(_)
                    | ClientError::Misbehaved(_)
                    | ClientError::Refused(_)
                    | ClientError::WrongPassword
            );
            assert!(typed, "{what}: {error:?}");
            assert!(device.storage.snapshot() == before, "{what}");
        }
    }
}

/// Answers of the same endpoint.
fn alike(pool: &Recording, request: &Exchange) -> Vec<Vec<u8>> {
    let template = template(&request.path);
    let pairs = pool.requests.iter().zip(&pool.answers);
    let mut found: Vec<Vec<u8>> = pairs
        .filter(|(other, _)| {
            other.method == request.method && self::template(&other.path) == template
        })
        .filter_map(|(_, answer)| answer.clone().map(|(_, body)| body))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// A path without the ids in it.
fn template(path: &str) -> Vec<&str> {
    let is_name = |part: &&str| part.len() < 20 && part.parse::<u64>().is_err();
    path.split('/').filter(is_name).collect()
}

/// From now on the network answers this request so.
pub(crate) fn answer_with(device: &TestPlatform, request: &Exchange, lie: &Lie) {
    let (request, (_, status, body)) = (request.clone(), lie.clone());
    device.network.rewrite(move |exchange, answer| {
        Ok(if *exchange == request {
            HttpResponse {
                status,
                body: body.clone(),
            }
        } else {
            answer
        })
    });
}

/// Lies in the place of `honest`; `flips` of them differ by one bit.
pub(crate) fn lies(honest: &[u8], alike: &[Vec<u8>], dice: &mut Dice, flips: usize) -> Vec<Lie> {
    let mut found: Vec<Lie> = Vec::new();
    if !honest.is_empty() {
        for bit in bits(honest.len(), flips, dice) {
            let mut body = honest.to_vec();
            flip(&mut body, bit);
            found.push((format!("bit {bit}"), 200, body));
        }
        let cuts = [0, 1, honest.len() / 2, honest.len() - 1];
        found.extend(cuts.map(|len| (format!("cut to {len}"), 200, honest[..len].to_vec())));
    }
    found.push(("longer".into(), 200, [honest, &[0]].concat()));
    found.push(("twice".into(), 200, [honest, honest].concat()));
    found.push(("zeros".into(), 200, vec![0; honest.len()]));
    for (index, other) in alike.iter().enumerate() {
        if other != honest {
            found.push((format!("another answer, {index}"), 200, other.clone()));
        }
    }
    for code in [
        "not_found",
        "checkpoint_gone",
        "conflict",
        "internal",
        "unavailable",
    ] {
        let body = format!(r#"{{"code":"{code}","message":"no"}}"#);
        found.push((code.to_owned(), 404, body.into_bytes()));
    }
    found.push(("an error without a reason".into(), 400, Vec::new()));
    found
}

/// The same for JSON: also every field on its own.
fn json_lies(honest: &[u8], dice: &mut Dice, flips: usize) -> Vec<Lie> {
    let mut found = lies(honest, &[], dice, flips);
    let whole: serde_json::Value = serde_json::from_slice(honest).unwrap();
    for pointer in leaves(&whole, String::new()) {
        let others = [
            serde_json::Value::Null,
            "".into(),
            "AAAA".into(),
            0.into(),
            serde_json::json!([]),
        ];
        for other in others {
            let mut changed = whole.clone();
            *changed.pointer_mut(&pointer).unwrap() = other.clone();
            let body = serde_json::to_vec(&changed).unwrap();
            found.push((format!("{pointer} is {other}"), 200, body));
        }
    }
    if scaled(false, true) {
        return found;
    }
    // A log-in costs a stretched password each.
    let step = found.len().div_ceil(9);
    let offset = dice.below(step.max(1));
    found
        .into_iter()
        .skip(offset)
        .step_by(step.max(1))
        .collect()
}

/// Pointers to everything in a document that holds nothing itself.
fn leaves(value: &serde_json::Value, at: String) -> Vec<String> {
    match value {
        serde_json::Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, inner)| leaves(inner, format!("{at}/{name}")))
            .collect(),
        _ => vec![at],
    }
}

/// Lies as changes of an answer that looks like `honest` but is not the same.
fn in_place(lies: Vec<Lie>, honest: &[u8]) -> Vec<(String, u16, Change)> {
    let honest = Rc::new(honest.to_vec());
    lies.into_iter()
        .map(|(what, status, body)| {
            let honest = honest.clone();
            let change: Change = if let Some(pointer) = what.strip_prefix('/') {
                let pointer = format!("/{}", pointer.split(' ').next().unwrap_or_default());
                Box::new(move |answer| {
                    let lie: serde_json::Value = serde_json::from_slice(&body).unwrap();
                    let mut whole: serde_json::Value = serde_json::from_slice(answer).unwrap();
                    *whole.pointer_mut(&pointer).unwrap() = lie.pointer(&pointer).unwrap().clone();
                    *answer = serde_json::to_vec(&whole).unwrap();
                })
            } else if body.len() == honest.len() && status == 200 {
                Box::new(move |answer| {
                    for (index, byte) in answer.iter_mut().enumerate() {
                        let old = honest.get(index).copied().unwrap_or_default();
                        *byte ^= old ^ body.get(index).copied().unwrap_or_default();
                    }
                })
            } else {
                Box::new(move |answer| answer.clone_from(&body))
            };
            (what, status, change)
        })
        .collect()
}

/// Lies about rows: each removed, each column changed or exchanged with
/// another row's; of `count` rows of a table.
fn row_lies(rows: &[Row], dice: &mut Dice, count: usize) -> Vec<(Row, Option<Row>)> {
    let mut found = Vec::new();
    let step = rows.len().div_ceil(count).max(1);
    for row in rows.iter().skip(dice.below(step)).step_by(step) {
        found.push((row.clone(), None));
        for (column, value) in &row.columns {
            let other = dice.pick(rows).unwrap().value(column).clone();
            let others = changed_values(value, dice).into_iter().chain([other]);
            for other in others.filter(|other| other != value) {
                found.push((row.clone(), Some(row.with(column, other))));
            }
        }
    }
    found
}

/// Other values in the place of one.
pub(crate) fn changed_values(value: &Value, dice: &mut Dice) -> Vec<Value> {
    match value {
        Value::Null => vec![Value::Blob(vec![0; 32])],
        Value::Integer(number) => vec![
            Value::Integer(number.wrapping_add(1)),
            Value::Integer(i64::MAX - dice.below(3) as i64),
        ],
        Value::Text(text) => vec![Value::Text(format!("{text}x"))],
        Value::Blob(bytes) if bytes.is_empty() => vec![Value::Blob(vec![0])],
        Value::Blob(bytes) => {
            let mut flipped = bytes.clone();
            flip(&mut flipped, dice.below(bytes.len() * 8));
            let cut = bytes[..bytes.len() - 1].to_vec();
            vec![Value::Blob(flipped), Value::Blob(cut)]
        }
    }
}

/// Puts a row back, also where the server has written to it meanwhile.
pub(crate) async fn undo(database: &mut sv_testkit::Database, new: &Row, old: &Row) {
    let now = database.rows(&new.table).await;
    let distance = |row: &Row| {
        let pairs = row.columns.iter().zip(&new.columns);
        pairs.filter(|(a, b)| a != b).count()
    };
    if let Some(row) = now.iter().min_by_key(|row| distance(row)) {
        database.remove(row).await;
    }
    assert!(database.add(old).await, "the old row comes back");
}

/// Whether an attack has been noticed as what it is, and not as a refusal.
pub(crate) fn is_tamper(error: &ClientError) -> bool {
    matches!(error, ClientError::Tampered(_))
}

/// Changes the first answer that `wanted` accepts and leaves the others.
pub(crate) fn once(
    device: &TestPlatform,
    wanted: impl Fn(&Exchange) -> bool + 'static,
    change: impl Fn(&mut Vec<u8>) + 'static,
) {
    let done = Rc::new(Cell::new(false));
    device.network.rewrite(move |exchange, mut answer| {
        if wanted(exchange) && !done.replace(true) {
            change(&mut answer.body);
        }
        Ok(answer)
    });
}

/// Whether the client said that something is wrong with a file's bytes.
pub(crate) fn is_content(error: &ClientError) -> bool {
    matches!(error, ClientError::Tampered(Tamper::Content(_)))
}
