//! Something that the engine is asked for and that is shown as it comes.

use reactive_graph::signal::RwSignal;
use reactive_graph::traits::{Get, GetUntracked, Set};

use super::app::task;
use super::part::state::{failed, waiting};
use super::view::{El, follow};
use crate::bridge::{self, Call, Failure};

/// How far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Loaded<T> {
    /// Asked for.
    Waiting,
    /// There.
    Ready(T),
    /// Refused, or out of reach.
    Failed(Failure),
}

/// Asks for what `call` makes, again whenever a signal that it reads changes.
/// What was there stays until the new one comes.
pub(crate) fn load<C>(call: impl Fn() -> C + 'static) -> RwSignal<Loaded<C::Answer>>
where
    C: Call + 'static,
    C::Answer: Send + Sync + Clone,
{
    let loaded = RwSignal::new(Loaded::Waiting);
    follow(move || {
        let call = call();
        task(async move {
            match bridge::call(call).await {
                Ok(answer) => loaded.set(Loaded::Ready(answer)),
                Err(failure) => {
                    // Something to look at is better than an error, as long as
                    // the bar at the top says that the server is away.
                    let is_empty = !matches!(loaded.get_untracked(), Loaded::Ready(_));
                    if is_empty || !failure.is_passing() {
                        loaded.set(Loaded::Failed(failure));
                    }
                }
            }
        });
    });
    loaded
}

impl El {
    /// Shows what was asked for, once it is there: a sign that it is on its
    /// way before, and what went wrong if it does.
    #[must_use]
    pub(crate) fn loaded<T>(
        self,
        loaded: RwSignal<Loaded<T>>,
        build: impl Fn(&T) -> Self + 'static,
    ) -> Self
    where
        T: PartialEq + Clone + Send + Sync + 'static,
    {
        self.show(
            move || loaded.get(),
            move |loaded| match loaded {
                Loaded::Waiting => waiting(),
                Loaded::Failed(failure) => failed(&failure),
                Loaded::Ready(answer) => build(&answer),
            },
        )
    }
}
