//! What is stored, and how the server is set up.

use sv_api::account::SignupPolicy;

use crate::bridge::{GetServerState, ServerState};
use crate::ui::part::format;
use crate::ui::prelude::*;

pub(super) fn server() -> El {
    let state = load(|| {
        app().revision.get();
        GetServerState {}
    });
    div("settings-body").loaded(state, view)
}

fn view(state: &ServerState) -> El {
    let limit =
        |bytes: Option<u64>| bytes.map_or_else(|| t::NO_LIMIT.get().to_owned(), format::bytes);
    let signup = match state.signup {
        SignupPolicy::Open => t::SIGNUP_OPEN,
        SignupPolicy::Invite => t::SIGNUP_INVITE,
        SignupPolicy::Closed => t::SIGNUP_CLOSED,
    };
    let tile = |label: Text, value: String| {
        div("card figure-card")
            .child(el("dt").say(label))
            .child(el("dd").text(&value))
    };
    div("")
        .child(
            el("dl")
                .class("figures")
                .child(tile(t::ACCOUNTS, format::count(state.accounts)))
                .child(tile(t::DISABLED_ACCOUNTS, format::count(state.disabled)))
                .child(tile(t::STORED_IN_ALL, format::bytes(state.used_bytes)))
                .child(tile(
                    t::STORED_CONTENTS,
                    format::bytes(state.contents_bytes),
                ))
                .child(tile(t::CONTENTS, format::count(state.contents)))
                .child(tile(t::VAULTS, format::count(state.vaults)))
                .child(tile(t::FILE_LIMIT, limit(state.file_limit_bytes)))
                .child(tile(t::VERSION, state.version.clone())),
        )
        .child(el("p").say(signup))
        .child(el("p").class("form-text").say(t::POLICY_IS_READ))
}
