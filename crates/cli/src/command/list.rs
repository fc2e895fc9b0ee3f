//! `ls`, `tree`, `find`, `du`: looking around.

use clap::Args;
use serde_json::json;
use sv_client::drive::Item;
use sv_core::record::Kind;

use sv_client::sharing::{Last, Listing, Reach};

use crate::context::{Context, open_at, remote};
use crate::failure::Result;
use crate::human;
use crate::reach::say_left_out;
use crate::view::{ItemView, long_row, name};

/// List a folder
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault ls
  securevault ls -l /contracts
  securevault ls --json / | jq -r '.[].path'")]
pub(super) struct Ls {
    /// Folder or file
    #[arg(default_value = "/")]
    path: String,
    /// With kind, size, time and number of versions (`*`: executable)
    #[arg(short, long)]
    long: bool,
}

/// Show a folder and everything in it as a tree
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  securevault tree /contracts")]
pub(super) struct Tree {
    /// Folder
    #[arg(default_value = "/")]
    path: String,
}

/// Find files and folders by a part of their name, in any case
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  securevault find invoice
  securevault find -- -draft

Looks through the drive and everything shared that you have accepted. Exits with 4 if nothing is \
found.")]
pub(super) struct Find {
    /// A part of the name
    text: String,
    /// With kind, size, time and number of versions
    #[arg(short, long)]
    long: bool,
}

/// Show how much there is below a folder, and how much may be stored
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  securevault du /photos")]
pub(super) struct Du {
    /// Folder or file
    #[arg(default_value = "/")]
    path: String,
}

impl Ls {
    pub(super) async fn run(self, context: &Context) -> Result {
        let path = remote(&self.path)?;
        let session = context.session().await?;
        let (drive, inner) = open_at(context, &session, &path, Last::Through).await?;
        let items = drive.list(&inner)?;
        show(context, &items, |item| {
            if self.long {
                long_row(item, &name(item))
            } else {
                format!("{}\n", name(item))
            }
        })
    }
}

impl Find {
    pub(super) async fn run(self, context: &Context) -> Result {
        let session = context.session().await?;
        let mut reach = Reach::everything(&session).await?;
        let Listing { items, closed, .. } = Listing::of(&mut reach).await?;
        let wanted = self.text.to_lowercase();
        let is_wanted = |item: &Item| item.name.to_lowercase().contains(&wanted);
        let items: Vec<Item> = items.into_iter().filter(is_wanted).collect();
        show(context, &items, |item| {
            if self.long {
                long_row(item, &item.path)
            } else {
                format!("{}\n", item.path)
            }
        })?;
        say_left_out(context, &closed)?;
        if items.is_empty() {
            return Err(sv_client::ClientError::NotFound(self.text).into());
        }
        Ok(())
    }
}

impl Tree {
    pub(super) async fn run(self, context: &Context) -> Result {
        let path = remote(&self.path)?;
        let session = context.session().await?;
        let mut reach = Reach::below(&session, &path).await?;
        let Listing { items, closed, .. } = Listing::of(&mut reach).await?;
        let views: Vec<ItemView<'_>> = items.iter().map(ItemView::from).collect();
        context.out.show(&views, || {
            let is_folder = |i: &&Item| matches!(i.kind, Kind::Folder | Kind::Mount);
            let folders = items.iter().filter(is_folder).count() as u64;
            let files = items.len() as u64 - folders;
            let totals = format!(
                "{}, {}",
                human::count(folders, "folder"),
                human::count(files, "file")
            );
            format!("{path}\n{}\n{totals}\n", draw(&items))
        })?;
        say_left_out(context, &closed)
    }
}

impl Du {
    pub(super) async fn run(self, context: &Context) -> Result {
        let path = remote(&self.path)?;
        let session = context.session().await?;
        let mut reach = Reach::below(&session, &path).await?;
        let Listing { usage, closed, .. } = Listing::of(&mut reach).await?;
        let status = session.status().await?;
        let value = json!({
            "path": path.to_string(),
            "files": usage.files,
            "folders": usage.folders,
            "bytes": usage.bytes,
            "all_versions_bytes": usage.all_versions_bytes,
            "account_used_bytes": status.used_bytes,
            "account_quota_bytes": status.quota_bytes,
        });
        context.out.show(&value, || {
            let quota = status.quota_bytes.map_or_else(
                || "without a limit".to_owned(),
                |quota| format!("of {}", human::size(quota)),
            );
            format!(
                "{path}: {} in {} and {}; {} with all versions\n\
                 account: {} stored, {quota} (trash, versions and encryption included)\n",
                human::size(usage.bytes),
                human::count(usage.files, "file"),
                human::count(usage.folders, "folder"),
                human::size(usage.all_versions_bytes),
                human::size(status.used_bytes),
            )
        })?;
        say_left_out(context, &closed)
    }
}

fn show(context: &Context, items: &[Item], row: impl Fn(&Item) -> String) -> Result {
    let views: Vec<ItemView<'_>> = items.iter().map(ItemView::from).collect();
    context.out.show(&views, || items.iter().map(row).collect())
}

/// Rows with lines that lead to them. `items` come folders before what they
/// hold, so a row is the last of its folder if no later row is as deep before
/// one is less deep.
fn draw(items: &[Item]) -> String {
    let depth = |item: &Item| item.path.matches('/').count();
    let base = items.iter().map(depth).min().unwrap_or(0);
    let mut open: Vec<bool> = Vec::new();
    let mut rows: Vec<String> = Vec::new();
    for item in items.iter().rev() {
        let level = depth(item) - base;
        open.resize(level + 1, false);
        let above = open.iter().take(level);
        let lines: String = above
            .map(|more| if *more { "│   " } else { "    " })
            .collect();
        let has_more = open.get(level) == Some(&true);
        let branch = if has_more { "├── " } else { "└── " };
        rows.push(format!("{lines}{branch}{}\n", name(item)));
        if let Some(this) = open.last_mut() {
            *this = true;
        }
    }
    rows.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(path: &str, kind: Kind) -> Item {
        Item {
            node_id: None,
            path: path.to_owned(),
            name: path.rsplit('/').next().unwrap().to_owned(),
            kind,
            size: 0,
            modified_ms: 0,
            versions: 1,
            executable: false,
        }
    }

    #[test]
    fn a_tree_has_its_lines_where_they_lead() {
        let items = [
            item("/a", Kind::Folder),
            item("/a/b", Kind::Folder),
            item("/a/b/x", Kind::File),
            item("/a/y", Kind::File),
            item("/z", Kind::File),
        ];
        let expected = "\
├── a/
│   ├── b/
│   │   └── x
│   └── y
└── z
";
        assert_eq!(draw(&items), expected);
        assert_eq!(draw(&[]), "");
    }
}
