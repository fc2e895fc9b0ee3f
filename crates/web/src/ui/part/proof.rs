//! Proving password and second factor again, before something that somebody
//! at an open screen must not do.

use std::rc::Rc;

use sv_api::ErrorCode;

use crate::bridge::ProvePassword;
use crate::ui::part::form::Submit;
use crate::ui::part::{dialog, field, toast};
use crate::ui::prelude::*;

/// Does the work; where the server wants a fresh proof first, asks for it and
/// does the work then.
pub(crate) fn with_proof<F>(work: impl Fn() -> F + 'static)
where
    F: Future<Output = Result<(), Failure>> + 'static,
{
    let work = Rc::new(work);
    act(async move {
        match work().await {
            Ok(()) => {}
            Err(failure) if is_proof_wanted(&failure) => ask(work),
            Err(failure) => toast::failed(&failure),
        }
    });
}

/// Whether the server wants to be shown again who is there.
pub(crate) const fn is_proof_wanted(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Refused(ErrorCode::ProofRequired))
}

fn ask<F>(work: Rc<impl Fn() -> F + 'static>)
where
    F: Future<Output = Result<(), Failure>> + 'static,
{
    dialog::open(move || {
        let (submit, work) = (Submit::new(), work.clone());
        let (password, code) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
        let body = div("")
            .child(el("p").say(t::PROOF_WHY))
            .child(
                field::password(t::PASSWORD, password)
                    .input(|input| input.autocomplete("current-password").data_first())
                    .build(),
            )
            .child(field::code(t::CODE, code).help(t::CODE_OR_BACKUP).build())
            .child(submit.alert());
        let buttons = div("")
            .child(dialog::cancel_button())
            .child(submit.button("btn btn-primary", t::CONTINUE));
        let form = submit.form(move || {
            let (work, proof) = (
                work.clone(),
                ProvePassword {
                    password: password.get_untracked(),
                    code: code.get_untracked().trim().to_owned(),
                },
            );
            async move {
                bridge::call(proof).await?;
                dialog::close();
                toast::attempt(work());
                Ok(())
            }
        });
        dialog::frame_form(t::PROOF_TITLE.get(), form, body, buttons)
    });
}
