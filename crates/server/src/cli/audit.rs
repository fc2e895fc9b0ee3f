//! `securevaultd audit`: what happened, on the database itself.

use std::time::Duration;

use clap::Subcommand;
use data_encoding::BASE64URL_NOPAD;
use serde_json::json;
use sv_ledger::id::Hash;
use x509_cert::der::DateTime;

use super::Failure;
use crate::app::App;
use crate::config::Storage;
use crate::service::audit::{Listed, Verdict};
use crate::store::audit::StoredCheckpoint;

/// Rows read together.
const PAGE: u32 = 1000;

#[derive(Subcommand)]
pub(super) enum Audit {
    /// Print the rows, oldest first
    List {
        /// Only rows beyond this number
        #[arg(long, value_name = "ROW", default_value = "0")]
        after: u64,
    },
    /// Read the whole log and prove that no row was changed, left out or
    /// added; else name the first that was
    Verify {
        /// A place that an earlier run of this command printed and that was
        /// kept elsewhere: shows that nothing was cut off at the end, either
        #[arg(long, value_name = "ROW:HASH", value_parser = parse_place)]
        noted: Option<(u64, Hash)>,
    },
}

pub(super) async fn run(command: Audit, storage: Storage, json: bool) -> Result<(), Failure> {
    let app = App::open_offline(storage).await?;
    let done = match command {
        Audit::List { after } => list(&app, after, json).await,
        Audit::Verify { noted } => verify(&app, noted, json).await,
    };
    app.db().close().await;
    done
}

/// One JSON object a line: a log may be longer than memory.
async fn list(app: &App, mut after: u64, json: bool) -> Result<(), Failure> {
    app.audit().chain().await?;
    loop {
        let rows = app.audit().list(after, PAGE).await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = last.seq;
        for row in &rows {
            match json {
                true => println!("{}", json!(row)),
                false => println!("{}", text(row)),
            }
        }
    }
}

async fn verify(app: &App, noted: Option<(u64, Hash)>, json: bool) -> Result<(), Failure> {
    let verdict = app.audit().verify(noted).await?;
    let bad = verdict.bad.map(|bad| bad.to_string());
    if json {
        let key = BASE64URL_NOPAD.encode(app.audit().public_key().as_bytes());
        let last = verdict.last.as_ref().map(checkpoint);
        println!(
            "{}",
            json!({
                "rows": verdict.rows, "first": verdict.first, "checkpoints": verdict.checkpoints,
                "bad": bad, "last": last, "public_key": key,
            })
        );
    } else {
        print_verdict(&verdict);
    }
    match bad {
        None => Ok(()),
        Some(bad) => Err(Failure::damaged(format!(
            "the audit log is not whole: {bad}"
        ))),
    }
}

fn print_verdict(verdict: &Verdict) {
    let (first, rows) = (verdict.first, verdict.rows);
    println!("{rows} rows from number {first} on are as they were written");
    if let Some(last) = verdict.last.as_ref().filter(|_| verdict.bad.is_none()) {
        println!(
            "keep this elsewhere, for --noted: {}:{}",
            last.seq, last.hash
        );
    }
}

fn checkpoint(last: &StoredCheckpoint) -> serde_json::Value {
    json!({
        "seq": last.seq, "hash": last.hash.to_string(), "at_ms": last.at_ms,
        "signature": BASE64URL_NOPAD.encode(&last.signature),
    })
}

fn text(row: &Listed) -> String {
    let time = DateTime::from_unix_duration(Duration::from_millis(row.at_ms));
    let time = time.map_or_else(|_| row.at_ms.to_string(), |time| time.to_string());
    let mut text = format!("{}\t{time}\t{}", row.seq, row.kind);
    let parts = [
        ("by", row.actor.clone()),
        ("about", row.subject.clone()),
        ("from", row.network.clone()),
        ("session", row.session.clone()),
        ("vault", row.vault.clone()),
        ("role", row.role.map(str::to_owned)),
        ("until", row.expires_ms.map(|ms| ms.to_string())),
        ("number", row.number.map(|number| number.to_string())),
    ];
    for (name, value) in parts {
        if let Some(value) = value {
            text.push_str(&format!("\t{name} {value}"));
        }
    }
    text
}

fn parse_place(text: &str) -> Result<(u64, Hash), String> {
    let place = text
        .split_once(':')
        .and_then(|(seq, hash)| Some((seq.parse().ok()?, hash.parse().ok()?)));
    place.ok_or_else(|| "write the place as it was printed, ROW:HASH".to_owned())
}
