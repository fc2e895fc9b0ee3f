//! A block store that stops before and after every step, until told to go on:
//! whoever tells decides the order in which several servers come about.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use sv_server::blocks::{
    BlockBody, BlockName, BlockStore, BlockStream, Error, Listed, Owner, OwnerMark, Stored,
};
use tokio::sync::{Notify, oneshot};

type Result<T> = std::result::Result<T, Error>;

/// After so long without a step, an actor waits for something else than a turn.
const STUCK: Duration = Duration::from_secs(120);

/// The order of several actors. All of them and whoever drives must share one
/// thread: then an actor is seen at rest only when it truly is.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    actors: Mutex<Vec<Actor>>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Actor {
    /// Steps that it has begun and not ended.
    under_way: usize,
    /// Those of them that wait to be let go.
    waiting: Vec<oneshot::Sender<()>>,
    is_done: bool,
}

impl Actor {
    fn is_at_rest(&self) -> bool {
        self.is_done || (self.under_way > 0 && self.under_way == self.waiting.len())
    }
}

impl Pace {
    /// One more actor.
    pub(crate) fn join(self: &Arc<Self>) -> Turn {
        let mut actors = self.actors();
        actors.push(Actor::default());
        Turn {
            pace: self.clone(),
            actor: actors.len() - 1,
        }
    }

    /// Waits until every actor waits or is done; which ones wait.
    pub(crate) async fn rest(&self) -> Vec<usize> {
        loop {
            let changed = self.changed.notified();
            {
                let actors = self.actors();
                if actors.iter().all(Actor::is_at_rest) {
                    let waiting = actors.iter().enumerate();
                    let waiting = waiting.filter(|(_, actor)| !actor.is_done);
                    return waiting.map(|(index, _)| index).collect();
                }
            }
            if tokio::time::timeout(STUCK, changed).await.is_err() {
                let actors = format!("{:?}", self.actors());
                unreachable!("nobody moves: {actors}");
            }
        }
    }

    /// Lets one step of an actor go on.
    pub(crate) fn let_go(&self, actor: usize, which: usize) {
        let mut actors = self.actors();
        let waiting = &mut actors[actor].waiting;
        let which = which % waiting.len();
        let _ = waiting.swap_remove(which).send(());
    }

    /// An actor will do no more.
    pub(crate) fn done(&self, actor: usize) {
        self.actors()[actor] = Actor {
            is_done: true,
            ..Actor::default()
        };
        self.changed.notify_one();
    }

    fn actors(&self) -> MutexGuard<'_, Vec<Actor>> {
        self.actors.lock().unwrap()
    }
}

/// An actor's own place in the order.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    pace: Arc<Pace>,
    pub(crate) actor: usize,
}

/// See [`Turn::done_when_dropped`].
pub(crate) struct Done(Turn);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.pace.done(self.0.actor);
    }
}

impl Turn {
    /// Says that the actor is done, however it ends.
    pub(crate) fn done_when_dropped(&self) -> Done {
        Done(self.clone())
    }

    /// Stops until let go.
    pub(crate) async fn step(&self) {
        self.around(async {}).await;
    }

    /// Stops before and after some work.
    async fn around<T>(&self, work: impl Future<Output = T>) -> T {
        self.pace.actors()[self.actor].under_way += 1;
        self.wait().await;
        let done = work.await;
        self.wait().await;
        self.pace.actors()[self.actor].under_way -= 1;
        // If only those of its steps are left that wait, it is at rest now.
        self.pace.changed.notify_one();
        done
    }

    async fn wait(&self) {
        let (go, told) = oneshot::channel();
        self.pace.actors()[self.actor].waiting.push(go);
        self.pace.changed.notify_one();
        let _ = told.await;
    }
}

/// A store at an actor's pace.
#[derive(Debug)]
pub(crate) struct Paced {
    pub(crate) inner: Arc<dyn BlockStore>,
    pub(crate) turn: Turn,
}

impl BlockStore for Paced {
    fn put<'a>(&'a self, name: BlockName, bytes: BlockStream<'a>) -> BoxFuture<'a, Result<Stored>> {
        let turn = self.turn.clone();
        // In the midst of it too, but not at every piece.
        let bytes = bytes.enumerate().then(move |(place, piece)| {
            let turn = turn.clone();
            async move {
                if place % 8 == 7 {
                    turn.wait().await;
                }
                piece
            }
        });
        let put = self.inner.put(name, bytes.boxed());
        self.turn.around(put).boxed()
    }

    fn read(&self, name: BlockName) -> BoxFuture<'_, Result<BlockBody>> {
        self.turn.around(self.inner.read(name)).boxed()
    }

    fn delete(&self, name: BlockName) -> BoxFuture<'_, Result<()>> {
        self.turn.around(self.inner.delete(name)).boxed()
    }

    /// Listing 256 parts of a store is one step here.
    fn list(&self, shard: u8) -> BoxFuture<'_, Result<Vec<Listed>>> {
        async move {
            let listed = self.inner.list(shard).await?;
            if !listed.is_empty() {
                self.turn.step().await;
            }
            Ok(listed)
        }
        .boxed()
    }

    fn unfinished(&self, before_ms: u64) -> BoxFuture<'_, Result<Vec<BlockName>>> {
        self.turn.around(self.inner.unfinished(before_ms)).boxed()
    }

    fn owner(&self, us: OwnerMark) -> BoxFuture<'_, Result<Owner>> {
        self.turn.around(self.inner.owner(us)).boxed()
    }

    fn export<'a>(&'a self, name: BlockName, target: &'a Path) -> BoxFuture<'a, Result<()>> {
        self.turn.around(self.inner.export(name, target)).boxed()
    }
}
