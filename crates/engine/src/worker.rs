//! What runs in the worker: it owns every key and the whole client, and serves
//! the calls of [`sv_bridge`].
//!
//! It is in one of two states. At the **door** ([`door`]) nobody is logged in;
//! calls are served one after the other. With an **open** account ([`open`])
//! they are served side by side, with transfers, the stream of events and the
//! requests of the service worker. Leaving that state drops everything that
//! borrows from the session, and with it every key.

mod account;
mod admin;
mod door;
mod drive;
mod failure;
mod fernet;
mod gate;
mod inbox;
mod links;
mod mime;
mod open;
mod outlet;
mod platform;
mod service;
mod sharing;
mod space;
mod tab;
mod transfers;
mod view;
mod watch;

use web_sys::DedicatedWorkerGlobalScope;

use door::Door;
use inbox::Inbox;
use open::End;
use outlet::Outlet;

/// Listens for calls, as long as the page is there.
pub(crate) fn serve(scope: DedicatedWorkerGlobalScope) {
    wasm_bindgen_futures::spawn_local(async move {
        let outlet = Outlet::new(scope.clone());
        let mut inbox = Inbox::open(&scope);
        outlet.ready();
        let mut door = Door::new(scope, outlet.clone());
        while let Some(opened) = door.serve(&mut inbox).await {
            match open::serve(opened, &outlet, &mut inbox).await {
                End::Over => return,
                end => door.closed(end).await,
            }
        }
    });
}
