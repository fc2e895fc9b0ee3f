//! Prepares what browsers are shown: gives each file of `assets` a name that
//! changes with it, puts these names where files refer to each other,
//! compresses, and writes the table that `http::pages` serves from.
//!
//! The sources refer to each other by bare names (`href="style.css"`, and
//! `"./sv_web.js"` in scripts), so they can be opened in a browser as they are.
//!
//! `SECUREVAULT_WEB` names the folder of the built web application (`cargo xtask
//! web`). Its files come beside those of `assets`, and its page in the place of
//! those that only tell where to find the command line client.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

const SOURCES: &str = "assets";
const WEB: &str = "SECUREVAULT_WEB";
/// Pages for a server without the web application, and what only they need.
const WITHOUT_WEB: [&str; 3] = ["index.html", "signup.html", "page.js"];
/// Where files with changing names are.
const HASHED: &str = "/assets";
/// Files that are asked for by this very name.
const FIXED: [&str; 2] = ["robots.txt", "sw.js"];
/// The ending of a file that is compressed already.
const PACKED: &str = ".br";

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed={SOURCES}");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    println!("cargo::rerun-if-env-changed={WEB}");
    let web = std::env::var_os(WEB).map(PathBuf::from);
    let mut sources = read_folder(Path::new(SOURCES))?;
    if let Some(web) = &web {
        println!("cargo::rerun-if-changed={}", web.display());
        sources.retain(|name, _| !WITHOUT_WEB.contains(&name.as_str()));
        sources.extend(read_folder(web)?);
    }
    let packed: BTreeMap<String, Vec<u8>> = sources
        .extract_if(.., |name, _| name.ends_with(PACKED))
        .collect();
    let mut addresses = fixed_addresses(&sources);
    let mut table = String::from("static ASSETS: &[Asset] = &[\n");
    // A file's name depends on the names in it: whatever refers comes later.
    while !sources.is_empty() {
        let ready: Vec<(String, Vec<u8>)> = sources
            .extract_if(.., |name, bytes| is_ready(name, bytes, &addresses))
            .collect();
        if ready.is_empty() {
            let names: Vec<&String> = sources.keys().collect();
            return Err(format!("{names:?} refer to what is not there, or to each other").into());
        }
        for (name, bytes) in ready {
            let bytes = resolve(&name, bytes, &addresses)?;
            let hash = hash(&bytes);
            let address = match addresses.get(&name) {
                Some(address) => address.clone(),
                None => {
                    let (stem, extension) = split(&name)?;
                    format!("{HASHED}/{stem}.{hash}.{extension}")
                }
            };
            let brotli = match packed.get(&format!("{name}{PACKED}")) {
                Some(packed) => packed.clone(),
                None => brotli(&bytes)?,
            };
            write_row(&mut table, &out, &name, &address, &bytes, &hash, brotli)?;
            addresses.insert(name, address);
        }
    }
    table.push_str("];\n");
    fs::write(out.join("assets.rs"), table)?;
    Ok(())
}

fn read_folder(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|_| "odd file name")?;
        files.insert(name, fs::read(entry.path())?);
    }
    Ok(files)
}

/// Pages keep their addresses: people and links know them. So do files that
/// are asked for by name.
fn fixed_addresses(sources: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, String> {
    let address = |name: &String| match name.strip_suffix(".html") {
        Some("index") => Some("/".to_owned()),
        Some(stem) => Some(format!("/{stem}")),
        None => FIXED.contains(&name.as_str()).then(|| format!("/{name}")),
    };
    let names = sources.keys();
    names
        .filter_map(|name| Some((name.clone(), address(name)?)))
        .collect()
}

/// Whether all that a file refers to has its address.
fn is_ready(name: &str, bytes: &[u8], addresses: &BTreeMap<String, String>) -> bool {
    resolve(name, bytes.to_vec(), addresses).is_ok()
}

/// Puts addresses in the place of names. A name that is no file fails the build.
fn resolve(name: &str, bytes: Vec<u8>, addresses: &BTreeMap<String, String>) -> Result<Vec<u8>> {
    let marks: &[(&str, char)] = match name.rsplit('.').next() {
        Some("html") => &[("href=\"", '"'), ("src=\"", '"')],
        Some("css") => &[("url(", ')')],
        // The glue of a module refers to nothing.
        Some("js") if !name.starts_with("sv_") => &[("\"./", '"')],
        Some("webmanifest") => &[("\"./", '"')],
        _ => return Ok(bytes),
    };
    let mut text = String::from_utf8(bytes)?;
    for (mark, end) in marks {
        let mut resolved = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once(mark) {
            let (target, after) = after.split_once(*end).ok_or("an open reference")?;
            resolved.push_str(before);
            // In scripts the mark is part of the name.
            resolved.push_str(mark.trim_end_matches("./"));
            let (file, place) = match target.find('#') {
                Some(at) => target.split_at(at),
                None => (target, ""),
            };
            let address = match is_elsewhere(target) {
                true => file,
                false => addresses.get(file).ok_or_else(|| {
                    format!("{SOURCES}/{name} refers to {file}, which is not there")
                })?,
            };
            resolved.push_str(address);
            resolved.push_str(place);
            resolved.push(*end);
            rest = after;
        }
        resolved.push_str(rest);
        text = resolved;
    }
    Ok(text.into_bytes())
}

fn is_elsewhere(target: &str) -> bool {
    ["/", "#", "https:", "mailto:", "data:", "\"data:"]
        .iter()
        .any(|start| target.starts_with(start))
}

fn write_row(
    table: &mut String,
    out: &Path,
    name: &str,
    address: &str,
    bytes: &[u8],
    hash: &str,
    brotli: Vec<u8>,
) -> Result<()> {
    let media_type = media_type(name)?;
    let is_hashed = address.starts_with(HASHED);
    writeln!(
        table,
        "Asset {{ name: {name:?}, address: {address:?}, media_type: {media_type:?}, is_hashed: {is_hashed},"
    )?;
    writeln!(table, "plain: {},", variant(out, name, "", bytes, hash)?)?;
    for (field, suffix, packed) in [("brotli", "br", brotli), ("gzip", "gz", gzip(bytes)?)] {
        // Images are compressed already.
        let row = match packed.len() < bytes.len() && !name.ends_with(".png") {
            true => format!("Some({})", variant(out, name, suffix, &packed, hash)?),
            false => "None".to_owned(),
        };
        writeln!(table, "{field}: {row},")?;
    }
    table.push_str("},\n");
    Ok(())
}

/// One encoding of a file; each has an entity tag of its own.
fn variant(out: &Path, name: &str, suffix: &str, bytes: &[u8], hash: &str) -> Result<String> {
    let (file, tag) = match suffix {
        "" => (name.to_owned(), format!("\"{hash}\"")),
        _ => (format!("{name}.{suffix}"), format!("\"{hash}-{suffix}\"")),
    };
    let path = out.join(file);
    fs::write(&path, bytes)?;
    let path = path.to_str().ok_or("odd OUT_DIR")?;
    Ok(format!(
        "Variant {{ bytes: include_bytes!({path:?}), tag: {tag:?} }}"
    ))
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let params = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        size_hint: bytes.len(),
        ..Default::default()
    };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut packed, &params)?;
    Ok(packed)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

fn hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn split(name: &str) -> Result<(&str, &str)> {
    Ok(name.rsplit_once('.').ok_or("a file without an extension")?)
}

fn media_type(name: &str) -> Result<&'static str> {
    Ok(match split(name)?.1 {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        other => return Err(format!("no media type for .{other}").into()),
    })
}
