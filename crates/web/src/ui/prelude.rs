//! What nearly every view uses.

pub(crate) use reactive_graph::signal::RwSignal;
pub(crate) use reactive_graph::traits::{Get, GetUntracked, Set, Update, With, WithUntracked};

pub(crate) use super::app::{act, app, task};
pub(crate) use super::icon::{Icon, icon};
pub(crate) use super::load::{Loaded, load};
pub(crate) use super::route::{Route, go};
pub(crate) use super::view::{
    Address, El, button, div, document, el, follow, later_while_shown, span, window,
};
pub(crate) use crate::bridge;
pub(crate) use crate::bridge::{Failure, FailureKind};
pub(crate) use crate::text as t;
pub(crate) use crate::text::Text;
