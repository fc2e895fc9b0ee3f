//! What a machine cannot run, said aloud.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{LazyLock, Mutex};

static SAID: LazyLock<Mutex<BTreeSet<String>>> = LazyLock::new(Mutex::default);

/// Says, once for each process, that something is not tested here, and how it
/// would be: `what: how`. The task runner counts it as skipped.
pub fn skip(what: &str) {
    if !SAID
        .lock()
        .expect("no test panicked here")
        .insert(what.to_owned())
    {
        return;
    }
    eprintln!("SKIPPED: {what}");
    if let Ok(list) = std::env::var("SECUREVAULT_TEST_SKIPS") {
        let file = std::fs::OpenOptions::new().append(true).open(list);
        file.and_then(|mut file| writeln!(file, "{what}"))
            .expect("the list of skipped tests");
    }
}
