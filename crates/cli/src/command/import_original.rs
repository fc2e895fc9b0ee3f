//! `import-original`: moves what the Django application kept here. Its host
//! runs it: everything is decrypted on this computer and sealed again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use sv_client::drive::Drive;
use sv_client::path::RemotePath;
use sv_client::port::StorageError;
use sv_client::sharing::Last;
use sv_client::transfer::{LocalFiles, UploadItem, UploadPlan};
use sv_original::{Database, Folder, People, Plan, PlannedItem};

use crate::context::{Context, open_at, remote};
use crate::failure::{Failure, Result};
use crate::human;
use crate::local::{MemoryFiles, MemorySource};
use crate::platform::NativePlatform;
use crate::progress::watch;

/// Bytes of a token that are not what is in it, at most.
const TOKEN_FRAME_LEN: u64 = 73;

/// Move what the Django application kept to this server
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  export SECUREVAULT_ORIGINAL_DATABASE='mysql://root:…@gateway.example:4000/old'
  securevault import-original --check     (reads and decrypts everything, moves nothing)
  securevault import-original             (to `/From the old server`, a folder for each person)

The host of the old application runs this, with their own account here. The first run writes \
people.tsv: who of the old users has which handle here. Names that cannot be kept wait for a \
decision there. Everything is decrypted on this computer; the server sees none of it. What one \
person owned and the same others could read becomes one folder, ready to be shared with them. \
Running it again goes on where it stopped.")]
pub(super) struct ImportOriginal {
    /// The old database, `mysql://USER:PASSWORD@HOST:PORT/DATABASE`; on the
    /// command line other users of this computer may see it
    #[arg(
        long,
        value_name = "URL",
        env = "SECUREVAULT_ORIGINAL_DATABASE",
        hide_env_values = true
    )]
    database: String,
    /// The file of who is who
    #[arg(long, value_name = "FILE", default_value = "people.tsv")]
    people: PathBuf,
    /// The folder in the drive where everything goes
    #[arg(long, value_name = "PATH", default_value = "/From the old server")]
    into: String,
    /// Read and decrypt everything, but move nothing
    #[arg(long)]
    check: bool,
    /// Write what was moved and what was not to a file, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// What became of the items of one folder.
#[derive(Default)]
struct Outcome {
    moved: u64,
    there: u64,
    /// Number, name and why not.
    bad: Vec<(i64, String, String)>,
}

impl ImportOriginal {
    pub(super) async fn run(self, context: &Context) -> Result {
        let into = remote(&self.into)?;
        let database = Database::connect(&self.database).await.map_err(failed)?;
        let users = database.users().await.map_err(failed)?;
        let items = database.items().await.map_err(failed)?;
        let shares = database.shares().await.map_err(failed)?;
        let people = self.people(context, &users)?;
        let plan = Plan::new(&users, &items, &shares, &people);
        if self.check {
            let outcomes = check(context, &database, &plan).await;
            return self.finish(context, &plan, &outcomes);
        }
        let undecided = people.undecided().count();
        if undecided > 0 {
            return Err(Failure::Incomplete(format!(
                "{} to decide in {}; nothing was moved. Decide and start it again",
                human::count(undecided as u64, "name"),
                self.people.display()
            )));
        }
        let session = context.session().await?;
        let (mut drive, into) = open_at(context, &session, &into, Last::Through).await?;
        let files = OldItems {
            database: &database,
        };
        let mut outcomes = Vec::new();
        for folder in &plan.folders {
            let path = into.join(folder.name.clone());
            drive.make_folder(&path, true).await?;
            outcomes.push(upload(context, &mut drive, &path, folder, &files).await?);
        }
        context.close(&session).await?;
        self.finish(context, &plan, &outcomes)
    }

    /// Who is who: what was decided, and a proposal for everyone else, which
    /// is written down for the next run.
    fn people(&self, context: &Context, users: &[sv_original::User]) -> Result<People> {
        let shown = self.people.display();
        let before = match std::fs::read_to_string(&self.people) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(Failure::local(shown, error)),
        };
        let decided = match &before {
            Some(text) => People::parse(text).map_err(|error| Failure::local(&shown, error))?,
            None => People::default(),
        };
        let people = decided.clone().with(users);
        if before.is_none() || people != decided {
            write(&self.people, &people.to_text())?;
            context
                .out
                .remark(&format!("{shown}: who of the old users is who here"));
        }
        for (name, why) in people.undecided() {
            context.out.warn(&format!("{name}: {why}"));
        }
        Ok(people)
    }

    /// Says what was moved and what was not.
    fn finish(&self, context: &Context, plan: &Plan, outcomes: &[Outcome]) -> Result {
        let folders = plan.folders.iter().zip(outcomes);
        let rows: Vec<Value> = folders
            .map(|(folder, outcome)| row(folder, outcome))
            .collect();
        let sum = |count: fn(&Outcome) -> u64| outcomes.iter().map(count).sum::<u64>();
        let (moved, there) = (sum(|o| o.moved), sum(|o| o.there));
        let bad = sum(|o| o.bad.len() as u64);
        let value = json!({
            "checked": self.check,
            "folders": rows,
            "moved": moved,
            "there": there,
            "bad": bad,
            "left_out": plan.left_out,
        });
        if let Some(report) = &self.report {
            let text = serde_json::to_string_pretty(&value);
            write(report, &text.map_err(|e| Failure::local("JSON", e))?)?;
        }
        context.out.done(&value, || {
            let done = if self.check { "can be moved" } else { "moved" };
            let left = plan.left_out.len();
            format!(
                "{} {done}, {there} there already, {left} left out, in {}",
                human::count(moved, "item"),
                human::count(rows.len() as u64, "folder")
            )
        })?;
        for (id, name, why) in outcomes.iter().flat_map(|outcome| &outcome.bad) {
            context
                .out
                .warn(&format!("not moved: {name} (number {id}): {why}"));
        }
        match bad {
            0 => Ok(()),
            bad => Err(Failure::Incomplete(format!(
                "{} not moved; the rest is",
                human::count(bad, "item")
            ))),
        }
    }
}

fn row(folder: &Folder, outcome: &Outcome) -> Value {
    let readers: Vec<&str> = folder
        .readers
        .iter()
        .map(|reader| reader.as_str())
        .collect();
    let bad = outcome.bad.iter();
    let bad: Vec<Value> = bad
        .map(|(id, name, why)| json!({"id": id, "name": name, "why": why}))
        .collect();
    json!({
        "name": folder.name.as_str(),
        "owner": folder.owner.as_str(),
        "readers": readers,
        "moved": outcome.moved,
        "there": outcome.there,
        "bad": bad,
    })
}

/// Opens every item, and keeps nothing of it.
async fn check(context: &Context, database: &Database, plan: &Plan) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for folder in &plan.folders {
        let mut outcome = Outcome::default();
        for item in &folder.items {
            match database.plaintext(item.id).await {
                Ok(_) => outcome.moved += 1,
                Err(why) => outcome.refuse(item, &why.to_string()),
            }
        }
        context.out.remark(&format!("{}: read", folder.name));
        outcomes.push(outcome);
    }
    outcomes
}

/// Stores what is not there yet; whatever has its name is it.
async fn upload(
    context: &Context,
    drive: &mut Drive<'_, NativePlatform>,
    path: &RemotePath,
    folder: &Folder,
    files: &OldItems<'_>,
) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let (mut wanted, mut items) = (BTreeMap::new(), Vec::new());
    for item in &folder.items {
        let path = path.join(item.name.clone());
        if drive.find_place(&path).is_ok() {
            outcome.there += 1;
            continue;
        }
        items.push(upload_item(item));
        wanted.insert(path.to_string(), item);
    }
    if items.is_empty() {
        return Ok(outcome);
    }
    let plan = UploadPlan::new(drive, path, items)?;
    let done = watch(
        &context.out,
        "What was moved is there: the same command goes on from there.",
        async |reporter| plan.run(drive, files, reporter).await,
    )
    .await?;
    outcome.moved = done.uploaded;
    for (path, why) in &done.unreadable {
        if let Some(item) = wanted.get(path) {
            outcome.refuse(item, &why.to_string());
        }
    }
    Ok(outcome)
}

fn upload_item(item: &PlannedItem) -> UploadItem {
    UploadItem {
        names: vec![item.name.clone()],
        kind: item.kind,
        // About: the token says how long it is, and its last block how much of
        // that is padding.
        size: Some((item.token_len / 4 * 3).saturating_sub(TOKEN_FRAME_LEN)),
        modified_ms: item.created_ms,
        executable: false,
        local: PathBuf::from(item.id.to_string()),
    }
}

impl Outcome {
    fn refuse(&mut self, item: &PlannedItem, why: &str) {
        let row = (item.id, item.name.to_string(), why.to_owned());
        self.bad.push(row);
    }
}

/// Items of the old database as files of an upload.
struct OldItems<'d> {
    database: &'d Database,
}

impl LocalFiles for OldItems<'_> {
    type Source = MemorySource;

    async fn open(&self, item: &UploadItem) -> Result<MemorySource, StorageError> {
        let number = item.local.to_string_lossy().parse::<i64>();
        let number = number.map_err(|_| StorageError("no number".to_owned()))?;
        let plaintext = self.database.plaintext(number).await;
        let plaintext = plaintext.map_err(|why| StorageError(why.to_string()))?;
        MemoryFiles(plaintext.to_vec()).open(item).await
    }
}

fn write(path: &Path, text: &str) -> Result {
    std::fs::write(path, text).map_err(|error| Failure::local(path.display(), error))
}

fn failed(error: sv_original::DatabaseError) -> Failure {
    Failure::Local(error.to_string())
}
