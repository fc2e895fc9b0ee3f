//! `log`: what was done in a vault, with proof, and what the server says of
//! downloads, without.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};
use sv_client::drive::Drive;
use sv_client::people::Person;
use sv_client::sharing::{Activity, Deed, Download, Event, Last, Unmet};
use sv_client::vault::Vault;
use sv_ledger::id::{NodeId, VaultId};

use super::share::role_name;
use crate::context::{Context, open_at, remote};
use crate::failure::Result;
use crate::human;
use crate::platform::NativePlatform;

/// Show what was done in something shared, by whom, with proof
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault log /contracts
  securevault log shared:contracts -n 100 --json

`verified`: signed by whoever did it, and checked here; the time is the one their computer stated. \
`NOT bob`: signed with other keys than those of bob's account.
`server says`: a download, as the server says; nothing proves it, and there may have been others. \
Owner and managers are told of everybody's, all others of their own.")]
pub(super) struct Log {
    /// What is shared
    path: String,
    /// How many rows
    #[arg(short = 'n', long, default_value_t = 50, value_name = "N")]
    count: u64,
}

/// Names for the ids in a log.
struct Names<'d, 's> {
    drive: &'d Drive<'s, NativePlatform>,
    people: BTreeMap<VaultId, String>,
    /// Authors, where the server still shows their accounts.
    authors: BTreeMap<VaultId, Person>,
}

impl Log {
    pub(super) async fn run(self, context: &Context) -> Result {
        let path = remote(&self.path)?;
        let session = context.session().await?;
        let mut account = Vault::account(&session).await?;
        let (drive, _) = open_at(context, &session, &path, Last::Through).await?;
        let timeline = drive.vault().timeline(self.count).await?;
        let names = Names::of(&mut account, &drive, &timeline.events).await?;
        let values: Vec<Value> = timeline.events.iter().map(|e| names.value(e)).collect();
        context.out.show(&values, || {
            timeline.events.iter().map(|e| names.row(e)).collect()
        })?;
        let is_shared = drive
            .vault()
            .replica()
            .state()
            .membership
            .kind
            .is_shareable();
        if is_shared && !timeline.has_all_downloads {
            context
                .out
                .remark("Downloads of others are told to the owner and managers only.");
        }
        Ok(())
    }
}

impl<'d, 's> Names<'d, 's> {
    /// Finds out who everybody is. Whom only the server names, and the log
    /// does not, is not looked up: a server must not bring people in.
    async fn of(
        account: &mut Vault<'_, NativePlatform>,
        drive: &'d Drive<'s, NativePlatform>,
        events: &[Event],
    ) -> Result<Self> {
        let contacts = account.contacts().into_iter();
        let known = contacts.map(|c| (c.identity.uid, c.handle.to_string()));
        let vaults = account.shared_vaults().into_iter();
        let named = vaults.map(|(_, vault)| (vault.vault_id, format!("group:{}", vault.name)));
        let mut people: BTreeMap<VaultId, String> = known.chain(named).collect();
        people.insert(account.id(), "you".to_owned());
        let mut authors = BTreeMap::new();
        let vault = drive.vault().id();
        for event in events {
            match event {
                // Also one who is known: whose keys these are is to be seen.
                Event::Verified(activity) if !authors.contains_key(&activity.author) => {
                    match meet(account, vault, activity.author).await? {
                        Ok(person) => {
                            let name = person.handle.to_string();
                            people.entry(activity.author).or_insert(name);
                            authors.insert(activity.author, person);
                        }
                        Err(unmet) => people.extend(named_unmet(activity.author, unmet)),
                    }
                }
                Event::ServerSays(download)
                    if download.was_member && !people.contains_key(&download.who) =>
                {
                    match meet(account, vault, download.who).await? {
                        Ok(person) => {
                            people.insert(download.who, person.handle.to_string());
                        }
                        Err(unmet) => people.extend(named_unmet(download.who, unmet)),
                    }
                }
                Event::Verified(_) | Event::ServerSays(_) => {}
            }
        }
        Ok(Self {
            drive,
            people,
            authors,
        })
    }

    /// Whether somebody else's keys stand for the author of an entry.
    fn is_forged(&self, activity: &Activity) -> bool {
        let author = self.authors.get(&activity.author);
        author.is_some_and(|author| !activity.is_signed_by(author))
    }

    fn author(&self, activity: &Activity) -> String {
        let name = self.who(&activity.author);
        match self.is_forged(activity) {
            true => format!("NOT {name} (WARNING: other keys)"),
            false => name,
        }
    }

    fn who(&self, id: &VaultId) -> String {
        self.people.get(id).cloned().unwrap_or_else(|| short(id))
    }

    fn node(&self, id: NodeId) -> String {
        match self.drive.item(id) {
            Ok(item) => item.path,
            Err(_) if self.drive.vault().replica().nodes().contains_key(&id) => {
                "its name".to_owned()
            }
            Err(_) => "something that is gone".to_owned(),
        }
    }

    fn deeds(&self, activity: &Activity) -> Vec<String> {
        activity.deeds.iter().map(|deed| self.deed(deed)).collect()
    }

    fn deed(&self, deed: &Deed) -> String {
        let who = |id: &VaultId| self.who(id);
        match deed {
            Deed::Added(id) => format!("added {}", self.node(*id)),
            Deed::Changed(id) => format!("changed {}", self.node(*id)),
            Deed::Removed(_) => "removed something for good".to_owned(),
            Deed::Granted(id, role) => format!("gave {} access as {}", who(id), role_name(*role)),
            Deed::RoleChanged(id, role) => format!("made {} {}", who(id), role_name(*role)),
            Deed::Revoked(id) => format!("took access from {}", who(id)),
            Deed::Expired(id) => format!("ended the access of {}, which was over", who(id)),
            Deed::Rekeyed(id) => format!("new keys of {}", who(id)),
            Deed::Left => "left".to_owned(),
            Deed::Transferred(id) => format!("made {} the owner", who(id)),
            Deed::NewKey => "new key".to_owned(),
        }
    }

    fn fetched(&self, download: &Download) -> String {
        match (download.node, download.is_current) {
            (Some(node), true) => format!("downloaded {}", self.node(node)),
            (Some(node), false) => format!("downloaded an older version of {}", self.node(node)),
            (None, _) => "downloaded something that is gone".to_owned(),
        }
    }

    fn row(&self, event: &Event) -> String {
        let (mark, who, what) = match event {
            Event::Verified(activity) => (
                "verified",
                self.author(activity),
                self.deeds(activity).join(", "),
            ),
            Event::ServerSays(download) => (
                "server says",
                self.who(&download.who),
                self.fetched(download),
            ),
        };
        let time = human::time(event.at_ms());
        format!("{time}  {mark:11}  {who:16}  {what}\n")
    }

    fn value(&self, event: &Event) -> Value {
        match event {
            Event::Verified(activity) => json!({
                "source": "verified", "seq": activity.seq,
                "who": self.author(activity), "uid": activity.author.to_string(),
                "forged": self.is_forged(activity),
                "stated_ms": activity.at_ms, "via": activity.via.map(|id| id.to_string()),
                "deeds": self.deeds(activity),
            }),
            Event::ServerSays(download) => json!({
                "source": "server",
                "who": self.who(&download.who), "uid": download.who.to_string(),
                "was_member": download.was_member,
                "first_ms": download.first_ms, "last_ms": download.last_ms,
                "content_id": download.content_id.to_string(), "blocks": download.blocks,
                "path": download.node.map(|id| self.node(id)),
                "current": download.is_current,
            }),
        }
    }
}

/// Who somebody is, or why that cannot be told.
async fn meet(
    account: &mut Vault<'_, NativePlatform>,
    vault: VaultId,
    uid: VaultId,
) -> Result<Result<Person, Unmet>> {
    match account.meet_member(vault, uid).await {
        Ok(person) => Ok(Ok(person)),
        Err(error) => Ok(Err(Unmet::of(error)?)),
    }
}

/// What somebody is called who cannot be shown as they are.
fn named_unmet(uid: VaultId, unmet: Unmet) -> Option<(VaultId, String)> {
    match unmet {
        Unmet::Changed(name) => Some((uid, format!("{name} (WARNING: another identity)"))),
        Unmet::Gone => None,
    }
}

fn short(id: &VaultId) -> String {
    id.to_string().chars().take(8).collect()
}
