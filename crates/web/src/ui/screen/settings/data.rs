//! Taking everything along, opening sealed files, and leaving.

use super::item;
use crate::bridge::{DeleteAccount, LogOut};
use crate::ui::part::{dialog, format, proof};
use crate::ui::prelude::*;
use crate::ui::save;

pub(super) fn data() -> El {
    div("settings-body").child(
        div("settings-list")
            .child(item(
                Icon::FileEarmarkZip,
                t::EXPORT,
                t::EXPORT_TEXT.get().to_owned(),
                button("btn btn-outline")
                    .say(t::EXPORT)
                    .on_click(save::export),
            ))
            .child(item(
                Icon::FileEarmarkLock2,
                t::DECRYPT_TOOL,
                t::DECRYPT_SETTING.get().to_owned(),
                el("a")
                    .class("btn btn-outline")
                    .say(t::OPEN)
                    .href(&Address::screen(&Route::Decrypt)),
            ))
            .child(item(
                Icon::BoxArrowRight,
                t::LOG_OUT,
                t::LOG_OUT_TEXT.get().to_owned(),
                button("btn btn-outline")
                    .say(t::LOG_OUT)
                    .on_click(crate::ui::shell::log_out),
            ))
            .child(
                item(
                    Icon::Trash3,
                    t::DELETE_ACCOUNT,
                    t::DELETE_ACCOUNT_TEXT.get().to_owned(),
                    button("btn btn-danger-quiet")
                        .say(t::DELETE_ACCOUNT)
                        .on_click(delete),
                )
                .class("is-danger"),
            ),
    )
}

fn delete() {
    dialog::confirm(
        t::DELETE_ACCOUNT,
        t::DELETE_ACCOUNT_SURE.get().to_owned(),
        t::DELETE_ACCOUNT,
        || async {
            proof::with_proof(|| async {
                let deletion = bridge::call(DeleteAccount {}).await?;
                let stage = bridge::call(LogOut {}).await?;
                app().enter(stage);
                crate::ui::route::go_instead(Route::LogIn);
                let when = format::time(deletion.final_ms);
                crate::ui::part::toast::done(t::DELETION_PLANNED.with(&[&when]));
                Ok(())
            });
            Ok(())
        },
    );
}
