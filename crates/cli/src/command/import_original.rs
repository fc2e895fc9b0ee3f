//! `import-original`: moves what the Django application kept here, to whose it
//! is. Its host runs it: everything is decrypted on this computer and sealed
//! again.

mod hand_over;
mod items;
mod mover;
mod records;
mod report;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use sv_client::people::Trust;
use sv_client::vault::Vault;
use sv_core::Name;
use sv_original::{Database, Moving, People, Plan, Taken};

use self::mover::Mover;
use self::records::Records;
use self::report::{Outcome, State};
use crate::ask;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::human;
use crate::platform::NativePlatform;

type Session = sv_client::account::Session<NativePlatform>;
type Account<'s> = Vault<'s, NativePlatform>;

/// Move what the Django application kept to this server, to whose it is
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  export SECUREVAULT_ORIGINAL_DATABASE='mysql://root:…@gateway.example:4000/old'
  securevault import-original --check                (reads and decrypts everything, moves nothing)
  securevault import-original --report moved.json    (again and again, until all have come)

The host of the old application runs this, with their own account here. The first run writes \
people.tsv: who of the old users has which handle here. Names that cannot be kept wait for a \
decision there. Everything is decrypted on this computer; the server sees none of it. Each person \
gets a vault with their files and notes, and who could read an item still can. A vault is handed \
over when the command runs after its owner has signed up; from then on you are out of it. Running \
it again goes on where it stopped.")]
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
    /// The vault of yours that keeps what was moved and handed over; also what
    /// everybody's vault is called
    #[arg(long, value_name = "NAME", default_value = "From the old server")]
    records: String,
    /// Read and decrypt everything, but move nothing
    #[arg(long)]
    check: bool,
    /// Give nothing to people whose keys you did not compare with `verify`
    #[arg(long)]
    verified_only: bool,
    /// Do not ask before anything is given to people
    #[arg(short, long)]
    yes: bool,
    /// Write what was moved and what was not to a file, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

impl ImportOriginal {
    pub(super) async fn run(self, context: &Context) -> Result {
        let title = Name::parse(&self.records)
            .map_err(|error| Failure::usage(format!("{}: {error}", self.records)))?;
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
        let mut account = Vault::account(&session).await?;
        let mut mover = Mover {
            context,
            session: &session,
            records: Records::open(context, &session, &mut account, &title).await?,
            account,
            database: &database,
            title,
            verified_only: self.verified_only,
            people: BTreeMap::new(),
        };
        let readers = plan.people.iter().flat_map(|moving| &moving.items);
        let readers = readers.flat_map(|item| item.readers.iter());
        let owners = plan.people.iter().map(|moving| &moving.handle);
        mover
            .look_up(owners.chain(readers).cloned().collect())
            .await?;
        self.agree(context, &mover)?;
        let mut moved = Vec::new();
        for moving in &plan.people {
            let (mut outcome, mut record) =
                (Outcome::default(), mover.records.load(moving.user).await?);
            mover.store(moving, &mut record, &mut outcome).await?;
            mover.share(moving, &mut record, &mut outcome).await?;
            moved.push((moving, record, outcome));
        }
        let mut outcomes = Vec::new();
        for (moving, mut record, mut outcome) in moved {
            mover.hand_over(moving, &mut record, &mut outcome).await?;
            outcomes.push((moving, outcome));
        }
        drop(mover);
        context.close(&session).await?;
        self.finish(context, &plan, &outcomes)
    }

    /// Asks before anything is given to anybody: a name can be taken by a
    /// stranger.
    fn agree(&self, context: &Context, mover: &Mover<'_, '_>) -> Result {
        let names: Vec<String> = mover
            .receivers()
            .map(|person| {
                let trust = match person.trust {
                    Trust::Verified => "verified",
                    Trust::Unverified => "not verified",
                    Trust::Rotated => "new keys, signed by the verified ones",
                };
                format!("{} ({trust})", person.handle)
            })
            .collect();
        if names.is_empty() || self.yes || context.out.json || !ask::is_interactive() {
            return Ok(());
        }
        let question = format!(
            "These have an account here, and get what was theirs or was shared with them: {}. What \
             is given cannot be taken back. Go on? [y/N] ",
            names.join(", ")
        );
        match ask::line(&question)?.trim() {
            "y" | "Y" | "yes" => Ok(()),
            _ => Err(Failure::Local("nothing was moved".to_owned())),
        }
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
}

/// Opens every item, and keeps nothing of it.
async fn check<'p>(
    context: &Context,
    database: &Database,
    plan: &'p Plan,
) -> Vec<(&'p Moving, Outcome)> {
    let mut outcomes = Vec::new();
    for moving in &plan.people {
        let mut outcome = Outcome {
            state: State::Checked,
            ..Outcome::default()
        };
        let mut taken = Taken::default();
        for item in &moving.items {
            let name = item.name(&mut taken);
            match database.plaintext(item.id).await {
                Ok(_) => outcome.moved += 1,
                Err(why) => outcome.refuse(item.id, name.as_str(), &why.to_string()),
            }
        }
        context.out.remark(&format!("{}: read", moving.handle));
        outcomes.push((moving, outcome));
    }
    outcomes
}

fn write(path: &Path, text: &str) -> Result {
    std::fs::write(path, text).map_err(|error| Failure::local(path.display(), error))
}

fn failed(error: sv_original::DatabaseError) -> Failure {
    Failure::Local(error.to_string())
}
