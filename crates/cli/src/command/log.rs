//! `log`: what was done in a vault, with proof, and what the server says of
//! downloads, without.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};
use sv_client::drive::Drive;
use sv_client::sharing::{Activity, Deed, Download, Event, Last};
use sv_client::vault::Vault;
use sv_client::{ClientError, Tamper};
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

`verified`: signed by whoever did it, and checked here; the time is the one their computer stated.
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
        for event in events {
            let (who, is_in_log) = match event {
                Event::Verified(activity) => (activity.author, true),
                Event::ServerSays(download) => (download.who, download.was_member),
            };
            if is_in_log && !people.contains_key(&who) {
                people.insert(who, name_of(account, who).await?);
            }
        }
        Ok(Self { drive, people })
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
            Event::Verified(activity) => {
                ("verified", activity.author, self.deeds(activity).join(", "))
            }
            Event::ServerSays(download) => ("server says", download.who, self.fetched(download)),
        };
        let (time, who) = (human::time(event.at_ms()), self.who(&who));
        format!("{time}  {mark:11}  {who:16}  {what}\n")
    }

    fn value(&self, event: &Event) -> Value {
        match event {
            Event::Verified(activity) => json!({
                "source": "verified", "seq": activity.seq,
                "who": self.who(&activity.author), "uid": activity.author.to_string(),
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

/// Who somebody is that this account has not met yet, if the server still
/// shows their account.
async fn name_of(account: &mut Vault<'_, NativePlatform>, uid: VaultId) -> Result<String> {
    match account.meet_member(uid).await {
        Ok(person) => Ok(person.handle.to_string()),
        Err(error @ ClientError::Tampered(_)) if !is_gone(&error) => Err(error.into()),
        Err(_) => Ok(short(&uid)),
    }
}

/// Whether the server no longer shows an account, as of somebody who left.
const fn is_gone(error: &ClientError) -> bool {
    matches!(error, ClientError::Tampered(Tamper::Missing(_)))
}

fn short(id: &VaultId) -> String {
    id.to_string().chars().take(8).collect()
}
