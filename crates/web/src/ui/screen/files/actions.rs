//! What can be done with items. Whatever makes something go away can be undone.

use crate::bridge::{
    Copy, ItemId, ItemKind, Move, NewFolder, Place, Rename, Row, Standing, Target, Trash, Untrash,
};
use crate::ui::app::Clip;
use crate::ui::part::{dialog, format, menu, toast};
use crate::ui::prelude::*;
use crate::ui::save;
use crate::ui::sharing::panel;

/// Opens a row: a folder is gone into, a note is read, a file looked at.
pub(crate) fn open(row: &Row) {
    match (row.inside(), row.kind, row.id) {
        (Some(inside), ..) => go(Route::Files(inside)),
        (None, ItemKind::Note, Some(id)) => go(Route::Note(id)),
        (None, _, Some(id)) => go(Route::View(id)),
        (None, _, None) => {}
    }
}

/// The menu of a row, about all that `ids` names.
pub(crate) fn items(row: &Row, ids: Vec<ItemId>, home: Option<Place>) -> Vec<menu::Item> {
    let Some(id) = row.id else {
        let row = row.clone();
        return vec![menu::Item::new(Icon::Folder2Open, t::OPEN, move || {
            open(&row)
        })];
    };
    let mut items = Vec::new();
    let is_single = ids.len() == 1;
    if is_single {
        let opened = row.clone();
        items.push(menu::Item::new(Icon::Folder2Open, t::OPEN, move || open(&opened)).key("↵"));
    }
    let chosen = ids.clone();
    items.push(menu::Item::new(Icon::Download, t::DOWNLOAD, move || {
        save::download(chosen.clone(), None)
    }));
    let is_part = row.share.is_none() && row.may_change;
    if is_single && (may_share(row) || is_part) {
        let item = menu::Item::new(Icon::Share, t::SHARE_ITEM, move || {
            panel::open(Target::Item(id));
        });
        items.push(match may_share(row) {
            true => item,
            false => item.disabled(t::PART_NEEDS_MANAGER),
        });
    }
    if let Some(mark) = row.share.filter(|_| is_single) {
        items.push(menu::Item::new(
            Icon::ClockHistory,
            t::ACTIVITY,
            move || {
                go(Route::Activity(mark.share));
            },
        ));
    }
    if is_single && row.may_change {
        let renamed = row.clone();
        items.push(
            menu::Item::new(Icon::Pencil, t::RENAME, move || rename(&renamed))
                .key("F2")
                .after_line(),
        );
    }
    if row.may_change {
        let chosen = ids.clone();
        items.push(menu::Item::new(
            Icon::FolderSymlink,
            t::MOVE_TO,
            move || {
                super::choose::place(t::MOVE_TITLE, t::MOVE_HERE, {
                    let chosen = chosen.clone();
                    move |into| move_to(chosen.clone(), into, home)
                });
            },
        ));
    }
    let chosen = ids.clone();
    items.push(menu::Item::new(Icon::Copy, t::COPY_TO, move || {
        super::choose::place(t::COPY_TITLE, t::COPY_HERE, {
            let chosen = chosen.clone();
            move |into| copy_to(chosen.clone(), into)
        });
    }));
    if is_single {
        if row.kind != ItemKind::Folder {
            let (name, may_edit) = (row.name.clone(), row.may_edit());
            items.push(
                menu::Item::new(Icon::ClockHistory, t::VERSIONS, move || {
                    super::versions::open(id, name.clone(), may_edit);
                })
                .after_line(),
            );
            let name = row.name.clone();
            items.push(menu::Item::new(
                Icon::FileEarmarkLock2,
                t::DOWNLOAD_RAW,
                move || {
                    save::raw(id, name.clone());
                },
            ));
            let name = row.name.clone();
            items.push(menu::Item::new(
                Icon::FileEarmarkCode,
                t::EXPORT_TOKEN_ITEM,
                move || super::fernet::export(id, name.clone()),
            ));
        }
        items.push(menu::Item::new(
            Icon::InfoCircleFill,
            t::DETAILS,
            move || super::details::open(id),
        ));
    }
    if row.may_change {
        let (label, mount) = match row.share.filter(|_| is_single) {
            Some(_) => (t::TAKE_AWAY, Some(row.name.clone())),
            None => (t::TO_TRASH, None),
        };
        let item = menu::Item::new(Icon::Trash3, label, move || match &mount {
            Some(name) => take_away(id, name),
            None => trash(ids.clone()),
        });
        items.push(item.danger().key("Del").after_line());
    }
    items
}

/// Whether somebody can be given access to it, or one can look who has it.
pub(crate) fn may_share(row: &Row) -> bool {
    match row.share {
        Some(mark) => matches!(mark.standing, Standing::Open | Standing::Closed),
        None => row.id.is_some() && row.may_share,
    }
}

/// Asks before something shared is taken out of a folder: what is shared is not
/// touched by it, which may not be what was meant.
fn take_away(id: ItemId, name: &str) {
    dialog::confirm(
        t::TAKE_AWAY,
        t::TAKE_AWAY_SURE.with(&[name]),
        t::TAKE_AWAY,
        move || async move {
            trash(vec![id]);
            Ok(())
        },
    );
}

/// Puts items into the trash.
pub(crate) fn trash(ids: Vec<ItemId>) {
    if ids.is_empty() {
        return;
    }
    toast::attempt(async move {
        bridge::call(Trash { ids: ids.clone() }).await?;
        let text = t::TRASHED.count(ids.len() as u64);
        toast::done_with_undo(text, move || {
            let ids = ids.clone();
            toast::attempt(async move { bridge::call(Untrash { ids }).await });
        });
        Ok(())
    });
}

/// Asks for another name.
pub(crate) fn rename(row: &Row) {
    if !row.may_change {
        return toast::warn(t::FAILED_READ_ONLY.get());
    }
    let (Some(id), before) = (row.id, row.name.clone()) else {
        return;
    };
    dialog::ask_name(t::RENAME, t::NAME, before.clone(), t::RENAME, move |name| {
        let before = before.clone();
        async move {
            if name == before {
                return Ok(());
            }
            bridge::call(Rename {
                id,
                name: name.clone(),
            })
            .await?;
            toast::done_with_undo(t::RENAMED.with(&[&name]), move || {
                let name = before.clone();
                toast::attempt(async move { bridge::call(Rename { id, name }).await });
            });
            Ok(())
        }
    });
}

/// Moves items; `home` is where they all were, if that is one place.
pub(crate) fn move_to(ids: Vec<ItemId>, into: Place, home: Option<Place>) {
    if ids.is_empty() || home == Some(into) {
        return;
    }
    toast::attempt(async move {
        let ids = bridge::call(Move { ids, into }).await?;
        let text = t::MOVED.count(ids.len() as u64);
        match home {
            Some(home) => toast::done_with_undo(text, move || {
                let ids = ids.clone();
                toast::attempt(
                    async move { bridge::call(Move { ids, into: home }).await.map(drop) },
                );
            }),
            None => toast::done(text),
        }
        Ok(())
    });
}

/// Copies items. No bytes move, however large they are.
pub(crate) fn copy_to(ids: Vec<ItemId>, into: Place) {
    if ids.is_empty() {
        return;
    }
    toast::attempt(async move {
        let copies = bridge::call(Copy { ids, into }).await?;
        let text = t::COPIED.count(copies.len() as u64);
        toast::done_with_undo(text, move || {
            let ids = copies.clone();
            toast::attempt(async move { bridge::call(Trash { ids }).await });
        });
        Ok(())
    });
}

/// Remembers items to be put somewhere.
pub(crate) fn clip(ids: Vec<ItemId>, is_cut: bool) {
    if ids.is_empty() {
        return;
    }
    let words = if is_cut { t::CUT } else { t::CLIPPED };
    app().announce(words.count(ids.len() as u64));
    app().clip.set(Some(Clip { ids, is_cut }));
}

/// Puts here what was cut or copied. Whether there was anything.
pub(crate) fn paste(into: Place) -> bool {
    let Some(clip) = app().clip.get_untracked() else {
        return false;
    };
    if clip.is_cut {
        app().clip.set(None);
        move_to(clip.ids, into, None);
    } else {
        copy_to(clip.ids, into);
    }
    true
}

/// Asks for the name of a new folder.
pub(crate) fn new_folder(parent: Place) {
    dialog::ask_name(
        t::NEW_FOLDER,
        t::NAME,
        String::new(),
        t::CREATE,
        move |name| async move {
            bridge::call(NewFolder {
                parent,
                name: name.clone(),
            })
            .await?;
            toast::done(t::FOLDER_MADE.with(&[&name]));
            Ok(())
        },
    );
}

/// How a row is told in one line: `1.4 MiB · Yesterday`.
pub(crate) fn line(row: &Row) -> String {
    match (row.kind, row.modified_ms) {
        (_, 0) => String::new(),
        (ItemKind::Folder, ms) => format::near(ms),
        (ItemKind::Note | ItemKind::File, ms) => {
            format!("{} · {}", format::bytes(row.size), format::near(ms))
        }
    }
}
