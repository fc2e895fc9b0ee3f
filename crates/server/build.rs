//! Prepares what browsers are shown: gives each file of `assets` a name that
//! changes with it, puts these names where files refer to each other,
//! compresses, and writes the table that `http::pages` serves from.
//!
//! The sources refer to each other by bare names (`href="style.css"`), so they
//! can be opened in a browser as they are.

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
/// Where files with changing names are.
const HASHED: &str = "/assets";
/// Files that are asked for by this very name.
const FIXED: [&str; 1] = ["robots.txt"];

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed={SOURCES}");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    let mut sources: Vec<(String, Vec<u8>)> = Vec::new();
    for entry in fs::read_dir(SOURCES)? {
        let entry = entry?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|_| "odd file name")?;
        sources.push((name, fs::read(entry.path())?));
    }
    // A file's name depends on the names in it: whatever refers comes later.
    sources.sort_by_key(|(name, _)| (rank(name), name.clone()));
    let mut addresses = page_addresses(&sources);
    let mut table = String::from("static ASSETS: &[Asset] = &[\n");
    for (name, bytes) in sources {
        let bytes = resolve(&name, bytes, &addresses)?;
        let hash = hash(&bytes);
        let address = match addresses.get(&name) {
            Some(address) => address.clone(),
            None if FIXED.contains(&name.as_str()) => format!("/{name}"),
            None => {
                let (stem, extension) = split(&name)?;
                format!("{HASHED}/{stem}.{hash}.{extension}")
            }
        };
        write_row(&mut table, &out, &name, &address, &bytes, &hash)?;
        addresses.insert(name, address);
    }
    table.push_str("];\n");
    fs::write(out.join("assets.rs"), table)?;
    Ok(())
}

/// Pages keep their addresses: people and links know them.
fn page_addresses(sources: &[(String, Vec<u8>)]) -> BTreeMap<String, String> {
    let names = sources.iter().map(|(name, _)| name);
    names
        .filter_map(|name| {
            let stem = name.strip_suffix(".html")?;
            let stem = if stem == "index" { "" } else { stem };
            Some((name.clone(), format!("/{stem}")))
        })
        .collect()
}

fn rank(name: &str) -> u8 {
    match name.rsplit('.').next() {
        Some("html") => 2,
        Some("css" | "js") => 1,
        _ => 0,
    }
}

/// Puts addresses in the place of names. A name that is no file fails the build.
fn resolve(name: &str, bytes: Vec<u8>, addresses: &BTreeMap<String, String>) -> Result<Vec<u8>> {
    let marks: &[(&str, char)] = match name.rsplit('.').next() {
        Some("html") => &[("href=\"", '"'), ("src=\"", '"')],
        Some("css") => &[("url(", ')')],
        _ => return Ok(bytes),
    };
    let mut text = String::from_utf8(bytes)?;
    for (mark, end) in marks {
        let mut resolved = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once(mark) {
            let (target, after) = after.split_once(*end).ok_or("an open reference")?;
            resolved.push_str(before);
            resolved.push_str(mark);
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
    ["/", "#", "https:", "mailto:", "data:"]
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
) -> Result<()> {
    let media_type = media_type(name)?;
    let is_hashed = address.starts_with(HASHED);
    writeln!(
        table,
        "Asset {{ name: {name:?}, address: {address:?}, media_type: {media_type:?}, is_hashed: {is_hashed},"
    )?;
    writeln!(table, "plain: {},", variant(out, name, "", bytes, hash)?)?;
    for (field, suffix, packed) in [
        ("brotli", "br", brotli(bytes)?),
        ("gzip", "gz", gzip(bytes)?),
    ] {
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
        other => return Err(format!("no media type for .{other}").into()),
    })
}
