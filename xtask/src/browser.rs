//! The known answers as WebAssembly in a headless Chromium: the same code that
//! a person's browser will run, with that browser's arithmetic.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use wasm_bindgen_cli_support::Bindgen;

use crate::cargo::{self, WASM, cargo, output, succeed};
use crate::machine;
use crate::report::{Done, Outcome};
use crate::serve::{Page, Posted, serve};

/// A cold browser on a busy machine, and two dozen Argon2id of 64 MiB in it.
const DEADLINE: Duration = Duration::from_secs(300);

const HTML: &str = r#"<!doctype html><meta charset="utf-8"><title>vectors</title>
<script type="module" src="/page.js"></script>"#;

const SCRIPT: &str = r"import init, { run } from '/vectors.js';
const post = (path, body) => fetch(path, { method: 'POST', body });
try {
  await init({ module_or_path: '/vectors.wasm' });
  await post('/passed', run());
} catch (error) {
  await post('/failed', String(error?.stack ?? error));
}
";

/// Runs the vectors natively and in the browser: both must hold and be equally many.
pub(crate) fn vectors() -> Outcome {
    let chromium = machine::chromium().ok_or_else(|| {
        machine::missing("Chromium, to run the vectors as WebAssembly,", "chromium")
    })?;
    cargo::wasm_target()?;

    let native = output(&mut cargo(["run", "--quiet", "--package", "sv-vectors"]))?;
    let native = String::from_utf8_lossy(&native).trim().to_owned();
    let (address, reports) = serve(pages()?)?;
    let profile = Profile::new()?;
    let mut browser = start(&chromium, &profile, &format!("http://{address}/"))?;
    let verdict = wait(&mut browser, &reports);
    // It may have ended by itself.
    _ = browser.kill();
    _ = browser.wait();

    let in_browser = verdict?;
    if in_browser != native {
        return Err(format!("natively\n{native}\nbut in the browser\n{in_browser}").into());
    }
    let results = sum(&in_browser)?;
    Ok(Done {
        results,
        note: format!("{results} vectors ({})", in_browser.replace('\n', ", ")),
    })
}

/// `name count`, line by line; none may be without any.
fn sum(report: &str) -> Result<usize, String> {
    report.lines().try_fold(0, |sum, line| {
        let count: usize = line
            .rsplit(' ')
            .next()
            .unwrap_or_default()
            .parse()
            .unwrap_or(0);
        if count == 0 {
            Err(format!("no vectors: {line:?}"))
        } else {
            Ok(sum + count)
        }
    })
}

/// The page, with the module built for development like all the tests.
fn pages() -> Result<Vec<Page>, String> {
    succeed(&mut cargo([
        "build",
        "--target",
        WASM,
        "--package",
        "sv-vectors",
        "--lib",
    ]))?;
    let built = cargo::target_directory()?.join(WASM).join("debug");
    let text = |error: &dyn std::fmt::Display| format!("wasm-bindgen: {error:#}");
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(built.join("sv_vectors.wasm"))
        .typescript(false);
    bindgen.web(true).map_err(|error| text(&error))?;
    let mut module = bindgen.generate_output().map_err(|error| text(&error))?;
    let script = "text/javascript";
    Ok(vec![
        Page {
            path: "/",
            kind: "text/html",
            body: HTML.into(),
        },
        Page {
            path: "/page.js",
            kind: script,
            body: SCRIPT.into(),
        },
        Page {
            path: "/vectors.js",
            kind: script,
            body: module.js().into(),
        },
        Page {
            path: "/vectors.wasm",
            kind: "application/wasm",
            body: module.wasm_mut().emit_wasm(),
        },
    ])
}

/// A profile of its own, gone afterwards.
struct Profile(PathBuf);

impl Profile {
    fn new() -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("securevault-vectors-{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        // What is left is the system's to clear.
        _ = std::fs::remove_dir_all(&self.0);
    }
}

fn start(chromium: &Path, profile: &Profile, url: &str) -> Result<Child, String> {
    Command::new(chromium)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .arg(format!("--user-data-dir={}", profile.0.display()))
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{}: {error}", chromium.display()))
}

/// The page's verdict, unless the browser ends or the deadline passes first.
fn wait(browser: &mut Child, reports: &Receiver<Posted>) -> Result<String, String> {
    let deadline = Instant::now() + DEADLINE;
    while Instant::now() < deadline {
        match reports.recv_timeout(Duration::from_millis(200)) {
            Ok((path, body)) if path == "/passed" => return Ok(body),
            Ok((_, body)) => return Err(body),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err("the page's server ended".into()),
        }
        if let Ok(Some(status)) = browser.try_wait() {
            return Err(format!("the browser ended with nothing said: {status}"));
        }
    }
    Err(format!(
        "nothing from the browser within {} s",
        DEADLINE.as_secs()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_without_vectors_is_no_pass() {
        assert_eq!(sum("pake 31\ncore 9"), Ok(40));
        assert!(sum("pake 31\ncore 0").is_err());
        assert!(sum("nonsense").is_err());
    }
}
