//! How large a test is: a sample by default, the full size with `SV_FULL=1`
//! (`cargo xtask endure --full`); and what a machine cannot run, said aloud.

use std::io::Write;

/// The size of a test: of a sample, or in full.
pub fn scaled<T>(sample: T, full: T) -> T {
    match std::env::var("SV_FULL").as_deref() {
        Ok("1") => full,
        _ => sample,
    }
}

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
