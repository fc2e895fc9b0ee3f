//! What a machine cannot run, said aloud.

use std::io::Write;

/// Says that a test does not run here, and how it would: `what: how`. The
/// task runner counts it as skipped.
pub fn skip(what: &str) {
    eprintln!("SKIPPED: {what}");
    if let Ok(list) = std::env::var("SECUREVAULT_TEST_SKIPS") {
        let file = std::fs::OpenOptions::new().append(true).open(list);
        file.and_then(|mut file| writeln!(file, "{what}"))
            .expect("the list of skipped tests");
    }
}
