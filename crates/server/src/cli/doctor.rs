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
use crate::blocks::{BlockStore, BlocksUrl, Error, S3Blocks};
use crate::clock::Clock;
use crate::config::{Config, Storage};
use crate::db::Query;
use crate::ephemeral::{self, Ephemeral};
use crate::tls::{self, About, TlsSettings};

/// Free bytes below which a disk counts as nearly full.
const LOW_SPACE: u64 = 1 << 30;
/// A clock before this is wrong: 2026-01-01.
const EARLIEST_MS: u64 = 1_767_225_600_000;
/// Days left at which a certificate should have been renewed.
const LATE_RENEWAL: u64 = 14;

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

pub(super) async fn run(config: Config, json: bool) -> Result<(), Failure> {
    let storage = config.storage;
    let mut findings = vec![
        clock(),
        folder(&storage.data),
        space(&storage.data),
        durable(&storage.data),
        lasting(&storage),
        key(&storage),
        encryption(&config.tls, &config.listen, &storage.data),
    ];
    findings.push(blocks(&storage).await);
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

/// Whether what is kept outlives a restart.
fn lasting(storage: &Storage) -> Finding {
    let found = ephemeral::find(storage);
    let Some(place) = found.first() else {
        return ok("restarts", "what is kept here outlives them");
    };
    let message = format!("{place}. {}", place.advice());
    match place.is_refused(Ephemeral::Auto) {
        true => problem("restarts", message),
        false => warning("restarts", message),
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

/// What connections are encrypted with, and for how long still.
fn encryption(settings: &TlsSettings, listen: &str, data: &Path) -> Finding {
    let about = match tls::inspect(settings, data) {
        Ok(about) => about,
        Err(error) => return problem("TLS", error.to_string()),
    };
    match (settings, about) {
        (TlsSettings::Off, _) if is_loopback(listen) => ok("TLS", "off, for this machine alone"),
        (TlsSettings::Off, _) => warning(
            "TLS",
            "off: whoever is not on this machine needs a proxy with a certificate in front, or --tls",
        ),
        (TlsSettings::SelfSigned, Some(about)) => self_signed(&about),
        (TlsSettings::Files { .. } | TlsSettings::Acme(_), Some(about)) => {
            certificate(settings, &about)
        }
        (TlsSettings::SelfSigned, None) => {
            warning("TLS", "no certificate yet: the first start makes it")
        }
        (_, None) => warning(
            "TLS",
            "no certificate yet: a running server asks for it; see its log if it stays so",
        ),
    }
}

fn certificate(settings: &TlsSettings, about: &About) -> Finding {
    let days = about.days_left(Clock::system().now_ms());
    let names = about.names.join(", ");
    let message = format!("a certificate for {names}, good for {days} more days");
    match settings {
        TlsSettings::Acme(acme) if !about.covers(&acme.domains) => warning(
            "TLS",
            format!("{message}, but not for all names asked for; a running server asks for it"),
        ),
        _ if days == 0 => problem("TLS", format!("the certificate for {names} has expired")),
        _ if days < LATE_RENEWAL => warning("TLS", format!("{message}: renew it")),
        _ => ok("TLS", message),
    }
}

/// Clients that pin it do not look at its end, browsers do.
fn self_signed(about: &About) -> Finding {
    let days = about.days_left(Clock::system().now_ms());
    let message = format!(
        "self-signed, {}, for {}, good for {days} more days",
        about.fingerprint,
        about.names.join(", ")
    );
    match days < LATE_RENEWAL {
        true => warning(
            "TLS",
            format!(
                "{message}: remove it from the folder tls in the data folder, start the server \
                 again, and give everybody the new fingerprint"
            ),
        ),
        false => ok("TLS", message),
    }
}

fn is_loopback(listen: &str) -> bool {
    let host = listen.rsplit_once(':').map_or(listen, |(host, _)| host);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<std::net::IpAddr>();
    bare == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Asks the object store for a list, as the jobs do: it shows whether the
/// bucket is there and the key is right.
async fn blocks(storage: &Storage) -> Finding {
    let location = match &storage.blocks {
        BlocksUrl::Files(folder) => {
            return ok("blocks", format!("files in {}", folder.display()));
        }
        BlocksUrl::Database => return ok("blocks", "in the database"),
        BlocksUrl::S3(location) => location,
    };
    let listed = match S3Blocks::open(location) {
        Ok(bucket) => bucket.list(0).await.map(drop),
        Err(error) => Err(error),
    };
    match listed {
        Ok(()) => ok("blocks", format!("in {location}, which answers")),
        Err(Error::NotFound) => problem("blocks", format!("{location}: there is no such bucket")),
        Err(error) => problem("blocks", format!("{location}: {error}")),
    }
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
