//! What was moved, shared and handed over, and what was not, and why.

use serde_json::{Value, json};
use sv_original::{Moving, Plan};

use super::ImportOriginal;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::human;

/// How it stands with what one old user had.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum State {
    /// Nothing of it is here.
    #[default]
    Nothing,
    /// Only looked at.
    Checked,
    /// It is the mover's own.
    Yours,
    /// Its owner has no account here yet.
    Waiting,
    /// Its owner has an account that nobody compared, and that was asked for.
    NotVerified,
    /// Its owner is here, and it is not handed over yet.
    Ready,
    /// It is its owner's.
    HandedOver,
    /// The server did not let it be handed over.
    Refused(String),
}

/// What became of the items of one old user.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) state: State,
    /// What the vault is called here, while it is here.
    pub(super) vault: Option<String>,
    pub(super) moved: u64,
    pub(super) there: u64,
    /// Number, name and why not.
    pub(super) bad: Vec<(i64, String, String)>,
    /// Item and reader.
    pub(super) shared: Vec<(String, String)>,
    /// Item and reader who has no account yet.
    pub(super) pending: Vec<(String, String)>,
    /// Item, reader and why not.
    pub(super) not_shared: Vec<(String, String, String)>,
}

impl State {
    const fn word(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Checked => "checked",
            Self::Yours => "yours",
            Self::Waiting => "waiting",
            Self::NotVerified => "not verified",
            Self::Ready => "ready",
            Self::HandedOver => "handed over",
            Self::Refused(_) => "refused",
        }
    }
}

impl Outcome {
    /// Books an item that cannot be moved.
    pub(super) fn refuse(&mut self, item: i64, name: &str, why: &str) {
        self.bad.push((item, name.to_owned(), why.to_owned()));
    }

    /// Books somebody who could read an item and cannot here.
    pub(super) fn not_share(&mut self, item: &str, reader: &str, why: &str) {
        let row = (item.to_owned(), reader.to_owned(), why.to_owned());
        self.not_shared.push(row);
    }

    fn row(&self, moving: &Moving) -> Value {
        let pairs = |rows: &[(String, String)]| -> Vec<Value> {
            let rows = rows.iter();
            rows.map(|(item, with)| json!({"item": item, "with": with}))
                .collect()
        };
        let bad = self.bad.iter();
        let bad: Vec<Value> = bad
            .map(|(id, name, why)| json!({"id": id, "name": name, "why": why}))
            .collect();
        let not_shared = self.not_shared.iter();
        let not_shared: Vec<Value> = not_shared
            .map(|(item, with, why)| json!({"item": item, "with": with, "why": why}))
            .collect();
        let why = match &self.state {
            State::Refused(why) => Some(why.as_str()),
            _ => None,
        };
        json!({
            "user": moving.user,
            "handle": moving.handle.as_str(),
            "state": self.state.word(),
            "why": why,
            "vault": self.vault,
            "moved": self.moved,
            "there": self.there,
            "bad": bad,
            "shared": pairs(&self.shared),
            "pending": pairs(&self.pending),
            "not_shared": not_shared,
        })
    }
}

impl ImportOriginal {
    /// Says it all: on paper, to a program or to a person.
    pub(super) fn finish(
        &self,
        context: &Context,
        plan: &Plan,
        done: &[(&Moving, Outcome)],
    ) -> Result {
        let sum = |count: fn(&Outcome) -> usize| done.iter().map(|(_, o)| count(o)).sum::<usize>();
        let moved = sum(|o| o.moved as usize);
        let there = sum(|o| o.there as usize);
        let bad = sum(|o| o.bad.len());
        let refused = sum(|o| usize::from(matches!(o.state, State::Refused(_))));
        let is_over = |o: &Outcome| usize::from(o.state == State::HandedOver);
        let value = json!({
            "people": done.iter().map(|(moving, o)| o.row(moving)).collect::<Vec<_>>(),
            "moved": moved,
            "there": there,
            "bad": bad,
            "shared": sum(|o| o.shared.len()),
            "pending": sum(|o| o.pending.len()),
            "not_shared": sum(|o| o.not_shared.len()),
            "handed_over": sum(is_over),
            "left_out": plan.left_out,
        });
        if let Some(report) = &self.report {
            let text = serde_json::to_string_pretty(&value);
            super::write(report, &text.map_err(|e| Failure::local("JSON", e))?)?;
        }
        context.out.done(&value, || {
            let done = if self.check { "can be moved" } else { "moved" };
            format!(
                "{} {done}, {there} there already, {} left out; {} of {} handed over",
                human::count(moved as u64, "item"),
                plan.left_out.len(),
                sum(is_over),
                human::count(plan.people.len() as u64, "vault"),
            )
        })?;
        for (moving, outcome) in done {
            outcome.tell(context, moving);
        }
        match (bad, refused) {
            (0, 0) => Ok(()),
            (0, refused) => Err(Failure::Incomplete(format!(
                "{} could not be handed over; the rest is done",
                human::count(refused as u64, "vault")
            ))),
            (bad, _) => Err(Failure::Incomplete(format!(
                "{} not moved; the rest is",
                human::count(bad as u64, "item")
            ))),
        }
    }
}

impl Outcome {
    /// What a person should not miss.
    fn tell(&self, context: &Context, moving: &Moving) {
        let (out, who) = (&context.out, &moving.handle);
        match &self.state {
            State::Waiting => out.remark(&format!(
                "{who}: has no account here yet; run this again once they have signed up"
            )),
            State::NotVerified => out.remark(&format!(
                "{who}: not handed over; compare with `securevault verify {who}` first"
            )),
            State::Refused(why) => out.warn(&format!("{who}: not handed over: {why}")),
            State::Nothing | State::Checked | State::Yours | State::Ready | State::HandedOver => {}
        }
        for (id, name, why) in &self.bad {
            out.warn(&format!("not moved: {name} (number {id}): {why}"));
        }
        for (item, reader, why) in &self.not_shared {
            out.warn(&format!("not shared: {item} of {who} with {reader}: {why}"));
        }
        for (item, reader) in &self.pending {
            out.remark(&format!(
                "{item} of {who}: {reader} gets access when this runs again after they have \
                 signed up"
            ));
        }
    }
}
