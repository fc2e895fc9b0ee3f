//! `cargo xtask web`: the web application as files for the server to hold.
//!
//! Two WebAssembly modules, the page and its engine, their glue, and what stands in `crates/web/static` and
//! `crates/web/style`, in one folder. The server's `build.rs` takes that folder,
//! named by `SECUREVAULT_WEB`, and gives the files their addresses.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use wasm_bindgen_cli_support::Bindgen;

use crate::cargo::{self, WASM, cargo, succeed};
use crate::report::{Done, Outcome, Problem};
use crate::style;

/// Where the server's build looks for the folder.
pub(crate) const VARIABLE: &str = "SECUREVAULT_WEB";
/// The profile it is built in; there is no other.
const PROFILE: &str = "web";
/// The packages of the page and of the engine, and the files that they become.
const PAGE: (&str, &str) = ("sv-web", "sv_web");
const ENGINE: (&str, &str) = ("sv-engine", "sv_engine");
/// Bytes, compressed, that a first visit may load until it sees the page and
/// can use it. The aim is 450 KiB; this is what was reached, with a little room.
const FIRST_BUDGET: u64 = 425 * 1024;
/// Bytes that it may load in all: with the engine, whose download begins then.
/// 1,160 KiB until the engine read codes, which takes 16.
const WHOLE_BUDGET: u64 = 1204 * 1024;
/// Endings of what a visit loads: pictures come when somebody installs it.
const LOADED: [&str; 5] = ["html", "css", "js", "wasm", "svg"];
/// What comes after the page is shown.
const LATER: [&str; 4] = ["engine.js", "sv_engine.js", "sv_engine.wasm", "sw.js"];

/// The folder, once it was built: from then on every cargo is told.
static BUILT: OnceLock<PathBuf> = OnceLock::new();

/// The folder, if it was built.
pub(crate) fn built() -> Option<&'static Path> {
    BUILT.get().map(PathBuf::as_path)
}

/// Builds it and gives its folder. Fails above a budget.
pub(crate) fn build() -> Result<&'static Path, Problem> {
    cargo::wasm_target()?;
    succeed(&mut cargo([
        "build",
        "--target",
        WASM,
        "--profile",
        PROFILE,
        "--package",
        PAGE.0,
        "--package",
        ENGINE.0,
        "--lib",
    ]))?;
    let target = cargo::target_directory()?;
    let folder = target.join("web-bundle");
    empty(&folder)?;
    for (_, name) in [PAGE, ENGINE] {
        bind(&target.join(WASM).join(PROFILE), name, &folder)?;
    }
    let source = cargo::root().join("crates/web");
    copy_all(&source.join("static"), &folder)?;
    write(&folder.join("app.css"), style::build(&source)?.as_bytes())?;
    let weight = measure(&folder)?;
    for (what, bytes, budget) in [
        ("a first visit", weight.first, FIRST_BUDGET),
        ("with the engine, a visit", weight.whole, WHOLE_BUDGET),
    ] {
        println!("{what} loads {bytes} of {budget} bytes");
        if bytes > budget {
            let why = format!("{what} loads {bytes} bytes, {budget} are allowed");
            return Err(why.into());
        }
    }
    Ok(BUILT.get_or_init(|| folder))
}

/// The same, as a step of a report.
pub(crate) fn step() -> Outcome {
    let folder = build()?;
    Ok(Done::noted(folder.display().to_string()))
}

/// A module and its glue. Names of functions and of tools stay outside.
fn bind(built: &Path, name: &str, folder: &Path) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| format!("wasm-bindgen: {error:#}");
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(built.join(format!("{name}.wasm")))
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true);
    bindgen.web(true).map_err(|error| text(&error))?;
    let mut output = bindgen.generate_output().map_err(|error| text(&error))?;
    write(&folder.join(format!("{name}.js")), output.js().as_bytes())?;
    write(
        &folder.join(format!("{name}.wasm")),
        &output.wasm_mut().emit_wasm(),
    )
}

/// What a visit loads, compressed.
#[derive(Default)]
struct Weight {
    first: u64,
    whole: u64,
}

/// Prints what each file weighs compressed, and gives the sums.
fn measure(folder: &Path) -> Result<Weight, String> {
    let mut weight = Weight::default();
    println!("{:>10} {:>10}  file", "bytes", "brotli");
    for path in files(folder)? {
        let bytes = read(&path)?;
        let packed = brotli(&bytes)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        if LOADED.contains(&&*ending) {
            weight.whole += packed.len() as u64;
            if !LATER.contains(&&*name) {
                weight.first += packed.len() as u64;
            }
        }
        println!("{:>10} {:>10}  {name}", bytes.len(), packed.len());
        if ending == "wasm" {
            // So that the server's build need not do it again.
            write(&folder.join(format!("{name}.br")), &packed)?;
        }
    }
    Ok(weight)
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let params = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        size_hint: bytes.len(),
        ..Default::default()
    };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut packed, &params)
        .map_err(|error| format!("brotli: {error}"))?;
    Ok(packed)
}

fn empty(folder: &Path) -> Result<(), String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn copy_all(from: &Path, to: &Path) -> Result<(), String> {
    for path in files(from)? {
        let name = path.file_name().unwrap_or_default();
        write(&to.join(name), &read(&path)?)?;
    }
    Ok(())
}

/// The files of a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error| format!("{}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}
