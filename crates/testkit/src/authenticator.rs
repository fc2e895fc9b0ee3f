//! Which one-time codes a server with the machine's clock still takes.

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::actor::STEP_MS;

/// The steps of an authenticator, each used once: the server takes the code
/// of this step or of the one before.
#[derive(Debug, Default)]
pub(crate) struct CodeSteps {
    last: Cell<u64>,
}

impl CodeSteps {
    /// The time of the next step, once it has come.
    pub(crate) fn next_ms(&self) -> u64 {
        let step = (now_ms() / STEP_MS - 1).max(self.last.get() + 1);
        self.last.set(step);
        let ahead = (step * STEP_MS).saturating_sub(now_ms());
        std::thread::sleep(Duration::from_millis(ahead));
        step * STEP_MS
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("time after 1970").as_millis() as u64
}
