//! Every known answer of `docs/spec/vectors`, in one function: `cargo xtask
//! test` runs it natively and as WebAssembly and compares. Ships nowhere.

#[cfg(target_family = "wasm")]
use wasm_bindgen::prelude::wasm_bindgen;

/// Runs them all. Gives `crate count`, line by line, or the first that is wrong.
#[cfg_attr(target_family = "wasm", wasm_bindgen)]
pub fn run() -> Result<String, String> {
    let counts = [
        ("ledger", sv_ledger::vectors::run()?),
        ("core", sv_core::vectors::run_vectors()?),
        ("pake", sv_pake::vectors::run()?),
    ];
    let lines = counts.map(|(name, count)| format!("{name} {count}"));
    Ok(lines.join("\n"))
}
