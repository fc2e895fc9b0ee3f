//! `cargo xtask web`: the web application as files for the server to hold.
//!
//! One WebAssembly module, its glue, and what stands in `crates/web/static` and
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
/// Bytes that a first visit may load, compressed. The aim is 450 KiB; until
/// the module is that small, this keeps it from growing unnoticed.
const BUDGET: u64 = 1100 * 1024;
/// Files of a first visit, by ending: pictures come later.
const FIRST: [&str; 5] = ["html", "css", "js", "wasm", "svg"];

/// The folder, once it was built: from then on every cargo is told.
static BUILT: OnceLock<PathBuf> = OnceLock::new();

/// The folder, if it was built.
pub(crate) fn built() -> Option<&'static Path> {
    BUILT.get().map(PathBuf::as_path)
}

/// Builds it and gives its folder. Fails above the budget.
pub(crate) fn build() -> Result<&'static Path, Problem> {
    cargo::wasm_target()?;
    succeed(&mut cargo([
        "build",
        "--target",
        WASM,
        "--profile",
        PROFILE,
        "--package",
        "sv-web",
        "--lib",
    ]))?;
    let target = cargo::target_directory()?;
    let folder = target.join("web-bundle");
    empty(&folder)?;
    bind(
        &target.join(WASM).join(PROFILE).join("sv_web.wasm"),
        &folder,
    )?;
    let source = cargo::root().join("crates/web");
    copy_all(&source.join("static"), &folder)?;
    write(&folder.join("app.css"), style::build(&source)?.as_bytes())?;
    let bytes = measure(&folder)?;
    if bytes > BUDGET {
        let why = format!("a first visit loads {bytes} bytes, {BUDGET} are allowed");
        return Err(why.into());
    }
    Ok(BUILT.get_or_init(|| folder))
}

/// The same, as a step of a report.
pub(crate) fn step() -> Outcome {
    let folder = build()?;
    Ok(Done::noted(folder.display().to_string()))
}

/// The module and its glue. Names of functions and of tools stay outside.
fn bind(module: &Path, folder: &Path) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| format!("wasm-bindgen: {error:#}");
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(module)
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true);
    bindgen.web(true).map_err(|error| text(&error))?;
    let mut output = bindgen.generate_output().map_err(|error| text(&error))?;
    write(&folder.join("web.js"), output.js().as_bytes())?;
    write(&folder.join("web.wasm"), &output.wasm_mut().emit_wasm())
}

/// Prints what each file weighs compressed, and gives the sum of a first visit.
fn measure(folder: &Path) -> Result<u64, String> {
    let mut sum = 0;
    println!("{:>10} {:>10}  file", "bytes", "brotli");
    for path in files(folder)? {
        let bytes = read(&path)?;
        let packed = brotli(&bytes)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        let is_first = FIRST.contains(&&*ending);
        if is_first {
            sum += packed.len() as u64;
        }
        println!("{:>10} {:>10}  {name}", bytes.len(), packed.len());
        if ending == "wasm" {
            // So that the server's build need not do it again.
            write(&folder.join(format!("{name}.br")), &packed)?;
        }
    }
    println!("a first visit loads {sum} of {BUDGET} bytes");
    Ok(sum)
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
