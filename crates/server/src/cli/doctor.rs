//! `securevaultd doctor`: looks for what will hurt, and says what to do.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;

use serde::Serialize;
use serde_json::json;

use super::Failure;
use crate::app::App;
use crate::clock::Clock;
use crate::config::Storage;
use crate::db::Query;

/// Free bytes below which a disk counts as nearly full.
const LOW_SPACE: u64 = 1 << 30;
/// A clock before this is wrong: 2026-01-01.
const EARLIEST_MS: u64 = 1_767_225_600_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warning,
    Problem,
}

#[derive(Debug, Serialize)]
struct Finding {
    about: &'static str,
    verdict: Verdict,
    message: String,
}

pub(super) async fn run(storage: Storage, json: bool) -> Result<(), Failure> {
    let mut findings = vec![
        clock(),
        folder(&storage.data),
        space(&storage.data),
        durable(&storage.data),
        key(&storage),
    ];
    findings.push(database(storage).await);
    if json {
        println!("{}", json!({ "findings": findings }));
    } else {
        for finding in &findings {
            let mark = match finding.verdict {
                Verdict::Ok => "ok      ",
                Verdict::Warning => "warning ",
                Verdict::Problem => "PROBLEM ",
            };
            println!("{mark} {}: {}", finding.about, finding.message);
        }
    }
    match findings.iter().any(|f| f.verdict == Verdict::Problem) {
        true => Err(Failure::failed("there are problems")),
        false => Ok(()),
    }
}

fn clock() -> Finding {
    let now_ms = Clock::system().now_ms();
    match now_ms < EARLIEST_MS {
        true => problem(
            "clock",
            "far in the past: set it, and keep it right with NTP",
        ),
        false => ok("clock", "plausible; keep it right with NTP"),
    }
}

fn folder(data: &Path) -> Finding {
    match fs::metadata(data) {
        Err(_) => warning("data folder", "not there yet: the first start makes it"),
        Ok(meta) if meta.mode() & 0o077 != 0 => warning(
            "data folder",
            "open to other users of the machine: chmod 700 it",
        ),
        Ok(_) => ok("data folder", "only its owner may look in"),
    }
}

fn space(data: &Path) -> Finding {
    let existing = data.ancestors().find(|folder| folder.exists());
    match existing.map(rustix::fs::statvfs) {
        Some(Ok(stat)) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let message = format!("{} MiB free", free >> 20);
            match free < LOW_SPACE {
                true => warning("disk space", message),
                false => ok("disk space", message),
            }
        }
        _ => warning("disk space", "the system does not tell"),
    }
}

/// Writes and syncs a small file, as every acknowledged change is.
fn durable(data: &Path) -> Finding {
    if !data.exists() {
        return warning("durability", "not tried: there is no data folder yet");
    }
    let path = data.join(".doctor");
    let started = Instant::now();
    let written = File::create(&path)
        .and_then(|mut file| file.write_all(b"sync").and_then(|()| file.sync_all()))
        .and_then(|()| File::open(data)?.sync_all());
    let took = started.elapsed();
    let removed = fs::remove_file(&path);
    match written.and(removed) {
        Ok(()) => ok(
            "durability",
            format!("fsync works, in {} ms", took.as_millis()),
        ),
        Err(error) => problem("durability", format!("cannot write and sync: {error}")),
    }
}

fn key(storage: &Storage) -> Finding {
    let Some(path) = storage.key.path() else {
        return ok("key", "from the environment");
    };
    let Ok(meta) = fs::metadata(path) else {
        return warning("key", "not there yet: the first start makes it");
    };
    if meta.mode() & 0o077 != 0 {
        return problem(
            "key",
            "other users of the machine can read it: chmod 600 it",
        );
    }
    if storage.key_is_in_data() {
        return warning(
            "key",
            "in the data folder: whoever copies that has both. Move it",
        );
    }
    ok(
        "key",
        "apart from the data; keep a copy, apart from the backups",
    )
}

async fn database(storage: Storage) -> Finding {
    let file = storage.database.strip_prefix("sqlite://").map(Path::new);
    if file.is_some_and(|file| !file.exists()) {
        return warning("database", "not there yet: the first start makes it");
    }
    let app = match App::open_offline(storage).await {
        Ok(app) => app,
        Err(error) => return problem("database", error.to_string()),
    };
    let checked = async {
        let mut read = app.db().read().await?;
        let sql = match app.db().file() {
            Some(_) => "PRAGMA integrity_check",
            // Its own integrity is a server's business.
            None => "SELECT 'ok'",
        };
        let row = read.lookup(sql, vec![]).await?;
        row.map(|mut row| row.take::<String>(0)).transpose()
    };
    let verdict = checked.await;
    app.db().close().await;
    match verdict {
        Ok(Some(text)) if text == "ok" => ok("database", "opens with its key, and is whole"),
        Ok(text) => problem("database", text.unwrap_or_default()),
        Err(error) => problem("database", error.to_string()),
    }
}

fn ok(about: &'static str, message: impl Into<String>) -> Finding {
    finding(about, Verdict::Ok, message)
}

fn warning(about: &'static str, message: impl Into<String>) -> Finding {
    finding(about, Verdict::Warning, message)
}

fn problem(about: &'static str, message: impl Into<String>) -> Finding {
    finding(about, Verdict::Problem, message)
}

fn finding(about: &'static str, verdict: Verdict, message: impl Into<String>) -> Finding {
    Finding {
        about,
        verdict,
        message: message.into(),
    }
}
