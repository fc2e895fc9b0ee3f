//! What the whole page shares: where it is, who is logged in, what the engine
//! last said.

use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;
use std::future::Future;

use futures::channel::mpsc::UnboundedReceiver;
use futures::{FutureExt, StreamExt};
use reactive_graph::owner::LocalStorage;
use reactive_graph::signal::RwSignal;
use reactive_graph::traits::{Get, GetUntracked, Set, Update};

use super::kept::{forget, keep, kept};
use super::load::Loaded;
use super::part::{dialog, menu, toast};
use super::route::Route;
use super::view::later;
use crate::bridge::{
    self, AccountInfo, Admit, Connection, Engine, Event, Failure, GetAccount, ItemId,
    ListTransfers, ShareRow, Stage, TransferRow,
};
use crate::text as t;

/// What the page is able to show at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The engine has not answered yet.
    Starting,
    /// A page without TLS has no cryptography to work with.
    Insecure,
    /// As the engine says.
    Stage(Stage),
    /// The engine could not begin.
    Failed(Failure),
    /// The server was caught; nothing else goes on.
    Tampered(Failure),
    /// The engine ended.
    Crashed,
}

/// Items that were cut or copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clip {
    pub(crate) ids: Vec<ItemId>,
    /// They go away where they are.
    pub(crate) is_cut: bool,
}

/// Signals of the whole page.
#[derive(Clone, Copy)]
pub(crate) struct App {
    pub(crate) phase: RwSignal<Phase>,
    /// How far what does the work has come; screens are there before it.
    pub(crate) engine: RwSignal<Engine>,
    pub(crate) route: RwSignal<Route>,
    /// Rises when listings are out of date.
    pub(crate) revision: RwSignal<u64>,
    /// Rises when what is shared with this person may have changed.
    pub(crate) shares: RwSignal<u64>,
    /// What that is, as far as it is known.
    pub(crate) share_list: RwSignal<Loaded<Vec<ShareRow>>>,
    pub(crate) connection: RwSignal<Connection>,
    pub(crate) transfers: RwSignal<BTreeMap<u64, TransferRow>>,
    pub(crate) has_transfer_panel: RwSignal<bool>,
    pub(crate) account: RwSignal<Option<AccountInfo>>,
    /// What is searched for; empty for nothing.
    pub(crate) search: RwSignal<String>,
    pub(crate) toasts: RwSignal<Vec<toast::Toast>, LocalStorage>,
    pub(crate) dialog: RwSignal<Option<dialog::Open>, LocalStorage>,
    pub(crate) menu: RwSignal<Option<menu::Open>, LocalStorage>,
    /// What was cut or copied, to be put somewhere.
    pub(crate) clip: RwSignal<Option<Clip>>,
    /// Items that are being dragged.
    pub(crate) dragged: RwSignal<Vec<ItemId>>,
    /// Whether nothing can be put into the folder that is shown.
    pub(crate) is_read_only: RwSignal<bool>,
    /// Whether there is room for one column only.
    pub(crate) is_narrow: RwSignal<bool>,
    /// Said at the log-in form: why one is there.
    pub(crate) notice: RwSignal<Option<t::Text>>,
    /// Read out to whoever does not see the screen.
    pub(crate) announcement: RwSignal<String>,
}

/// Kept in a browser in which somebody has been logged in.
const ACCOUNT: &str = "account";
/// Milliseconds after which a change shows in the figures of the account.
const FIGURES_MS: i32 = 1500;

thread_local! {
    /// How often the account was asked for.
    static ASKED: Cell<u64> = const { Cell::new(0) };
    /// Whether it will be asked for in a moment.
    static IS_DUE: Cell<bool> = const { Cell::new(false) };
    static APP: OnceCell<App> = const { OnceCell::new() };
}

/// The page's signals.
pub(crate) fn app() -> App {
    APP.with(|cell| {
        *cell.get_or_init(|| App {
            phase: RwSignal::new(Phase::Starting),
            engine: RwSignal::new(Engine::Unasked),
            route: RwSignal::new(Route::here()),
            revision: RwSignal::new(0),
            shares: RwSignal::new(0),
            share_list: RwSignal::new(Loaded::Waiting),
            connection: RwSignal::new(Connection::Live),
            transfers: RwSignal::new(BTreeMap::new()),
            has_transfer_panel: RwSignal::new(false),
            account: RwSignal::new(None),
            search: RwSignal::new(String::new()),
            toasts: RwSignal::new_local(Vec::new()),
            dialog: RwSignal::new_local(None),
            menu: RwSignal::new_local(None),
            clip: RwSignal::new(None),
            dragged: RwSignal::new(Vec::new()),
            is_read_only: RwSignal::new(false),
            is_narrow: RwSignal::new(false),
            notice: RwSignal::new(None),
            announcement: RwSignal::new(String::new()),
        })
    })
}

/// Does something that goes on when the view that began it is gone. It may
/// touch the page's own signals only.
pub(crate) fn act(work: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(work);
}

/// Does something for the view that is being built, or whose event is being
/// handled; stops with it.
pub(crate) fn task(work: impl Future<Output = ()> + 'static) {
    // Boxed: one task is like another, and the browser loads each.
    reactive_graph::spawn_local_scoped_with_cancellation(work.boxed_local());
}

impl App {
    /// Shows what the engine says there is.
    pub(crate) fn enter(self, stage: Stage) {
        match stage {
            Stage::LoggedOut { handle: None } => forget(ACCOUNT),
            _ => keep(ACCOUNT, "known"),
        }
        if matches!(stage, Stage::Open(_)) {
            self.notice.set(None);
            self.refresh_account();
            act(async move {
                if let Ok(rows) = bridge::call(ListTransfers {}).await {
                    let rows = rows.into_iter().map(|row| (row.id, row));
                    self.transfers.set(rows.collect());
                }
            });
        } else {
            self.account.set(None);
            self.search.set(String::new());
            dialog::close();
        }
        self.phase.set(Phase::Stage(stage));
    }

    /// Reads the account anew: storage and security state.
    pub(crate) fn refresh_account(self) {
        let turn = ASKED.with(|asked| {
            asked.set(asked.get() + 1);
            asked.get()
        });
        act(async move {
            let account = bridge::call(GetAccount {}).await;
            // An answer that was overtaken is of an older state.
            let is_newest = ASKED.with(Cell::get) == turn;
            if let Some(account) = account.ok().filter(|_| is_newest) {
                self.account.set(Some(account));
            }
        });
    }

    /// Something was stored or removed, here or elsewhere: the figures follow
    /// in a moment, once for all that comes together.
    fn refresh_account_soon(self) {
        if !IS_DUE.with(|is_due| is_due.replace(true)) {
            later(FIGURES_MS, move || {
                IS_DUE.with(|is_due| is_due.set(false));
                if matches!(self.phase.get_untracked(), Phase::Stage(Stage::Open(_))) {
                    self.refresh_account();
                }
            });
        }
    }

    /// Reads out.
    pub(crate) fn announce(self, text: impl Into<String>) {
        self.announcement.set(text.into());
    }

    /// Follows what the engine says.
    pub(crate) async fn listen(self, mut events: UnboundedReceiver<Event>) {
        while let Some(event) = events.next().await {
            self.take(event);
        }
    }

    fn take(self, event: Event) {
        match event {
            Event::Stage(stage) => {
                let was_open = matches!(
                    self.phase.get_untracked(),
                    Phase::Stage(Stage::Open(_) | Stage::Unreachable { .. })
                );
                if was_open && matches!(stage, Stage::LoggedOut { .. }) {
                    self.notice.set(Some(t::SESSION_ENDED));
                }
                self.enter(stage);
            }
            Event::Drive { revision } => {
                self.revision.set(revision);
                self.refresh_account_soon();
            }
            Event::Shares => bump(self.shares),
            Event::Came(names) => {
                // The dialog may be open on one of them.
                bump(self.shares);
                for name in names {
                    let text = t::CAME.with(&[&name]);
                    toast::told(text, t::ADMIT, move || {
                        toast::attempt(bridge::call(Admit { name: name.clone() }));
                    });
                }
            }
            Event::NotCompleted(failure) => toast::failed(&failure),
            Event::Transfer(row) => super::transfers::take(row),
            Event::Connection(connection) => self.connection.set(connection),
            Event::Tampered(failure) => self.phase.set(Phase::Tampered(failure)),
            Event::Crashed => self.phase.set(Phase::Crashed),
        }
    }
}

/// Whether somebody has been logged in here, as far as this browser tells
/// without the engine, which knows.
pub(crate) fn knows_account() -> bool {
    kept(ACCOUNT).is_some()
}

/// Whether the server is away.
pub(crate) fn is_offline() -> bool {
    app().connection.get() == Connection::Offline
}

/// Counts up a signal whose value only says "again".
pub(crate) fn bump(signal: RwSignal<u64>) {
    signal.update(|count| *count += 1);
}
