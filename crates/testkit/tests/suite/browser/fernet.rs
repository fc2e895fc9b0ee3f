//! Fernet tokens in the page: opened without a server, taken in, handed out.

use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use getrandom::SysRng;
use rand_core::UnwrapErr;
use sha2::{Digest, Sha256};
use sv_client::drive::Drive;
use sv_client::sharing::{Last, make_vault, open_at};
use sv_client::vault::Vault;
use sv_core::content::{BlocksRoot, RawHeader, RawKey, block_hash, seal_block};
use sv_core::fernet::{open_token, seal_token};
use sv_core::{ContentKey, FernetKey, Name as FileName};
use sv_ledger::genesis::VaultKind;
use sv_ledger::id::ContentId;
use sv_ledger::sealed::ContentSuite;
use sv_testkit::{Actor, Name, Page, file, put, run};
use tempfile::TempDir;

use super::person::{Person, saved, saved_bytes, stage, visit};

/// The 10th of May 2023.
const MADE_S: u64 = 1_683_676_800;

fn key() -> FernetKey {
    FernetKey::generate(&mut UnwrapErr(SysRng)).unwrap()
}

fn text_of(key: &FernetKey) -> String {
    key.to_text().to_string()
}

fn token(key: &FernetKey, text: &[u8]) -> Vec<u8> {
    seal_token(key, MADE_S, text, &mut UnwrapErr(SysRng)).unwrap()
}

fn write(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn sha256(bytes: &[u8]) -> Option<String> {
    Some(HEXLOWER.encode(&Sha256::digest(bytes)))
}

/// A file as it is stored, and the key that is shown for it.
fn sealed(text: &[u8]) -> (Vec<u8>, String) {
    let mut random = UnwrapErr(SysRng);
    let (id, key) = (
        ContentId::new([7; 16]),
        ContentKey::generate(&mut random).unwrap(),
    );
    let block = seal_block(&key, &id, 0, text, &mut random).unwrap();
    let mut root = BlocksRoot::new();
    root.push_hash(&block_hash(&block));
    let header = RawHeader {
        content_id: id,
        size: text.len() as u64,
    };
    let raw = RawKey {
        key,
        blocks_root: root.root(),
    };
    (
        [header.to_bytes(), block].concat(),
        raw.to_text().to_string(),
    )
}

/// Chooses a file for the decrypt tool, gives it these keys, and lets it open.
async fn open(page: &Page, file: &Path, keys: &str) {
    let picker = page.button(Name::has("Encrypted file or token"));
    page.choose(&picker, &[file]).await;
    page.field("Key").fill(keys).await;
    page.button("Decrypt").click().await;
}

async fn says(page: &Page, text: &str) {
    page.role("alert", Name::Any).wait_text(text).await;
    assert!(!page.is_saving(), "something is being saved: {text}");
}

/// Without an account and without a network: a token from a file, from among
/// several keys, or pasted; and a file that was saved as it is stored. What is
/// not genuine gives nothing to save.
#[test]
fn the_decrypt_tool_works_with_the_network_off() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let local = TempDir::new().unwrap();
        let (right, other) = (key(), key());
        let long: Vec<u8> = (0..9_000_000_u32).map(|i| (i / 7) as u8).collect();
        let genuine = token(&right, &long);
        let mut forged = genuine.clone();
        let middle = forged.len() / 2;
        forged[middle] = if forged[middle] == b'A' { b'B' } else { b'A' };
        let file = write(&local, "scan.pdf.token", &[&genuine[..], b"\n"].concat());
        let forged = write(&local, "forged.token", &forged);
        let (raw, raw_key) = sealed(b"sealed as it is stored");
        let raw = write(&local, "note.txt.svraw", &raw);
        let neither = write(&local, "holiday.jpg", &[0xff; 2000]);

        let profile = browser.profile().await;
        let page = visit(&profile, &server).await;
        // Only the engine knows, which comes after the page.
        let engine = page.role("main", Name::Any);
        engine.wait_text("Anyone can sign up here").await;
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
            .await;
        // The worker for downloads is in charge from the first reload on.
        page.reload().await;
        engine.wait_text("Anyone can sign up here").await;
        page.evaluate("location.hash = '/decrypt'").await;
        page.button("Decrypt").wait().await;
        page.set_offline(true).await;

        let keys = format!("{}\n{}", text_of(&other), text_of(&right));
        open(&page, &file, &keys).await;
        assert_eq!(page.field("Save as").value().await, "scan.pdf");
        assert_eq!(saved(&page).await, sha256(&long));
        open(&page, &raw, &raw_key).await;
        assert_eq!(page.field("Save as").value().await, "note.txt");
        assert_eq!(saved(&page).await, sha256(b"sealed as it is stored"));

        open(&page, &forged, &keys).await;
        says(&page, "altered or cut, or made with another key").await;
        open(&page, &file, &text_of(&other)).await;
        says(&page, "altered or cut, or made with another key").await;
        open(&page, &file, &raw_key).await;
        says(&page, "not a Fernet key").await;
        open(&page, &raw, &keys).await;
        says(&page, "not the key of this file").await;
        open(&page, &neither, &keys).await;
        says(&page, "neither a file that was downloaded encrypted").await;

        let short = token(&right, b"pasted");
        let pasted = page.field("Or paste a Fernet token");
        pasted.fill(std::str::from_utf8(&short).unwrap()).await;
        page.field("Key").fill(&text_of(&right)).await;
        page.button("Decrypt").click().await;
        assert_eq!(saved(&page).await, sha256(b"pasted"));
        page.set_offline(false).await;
        page.assert_accessible("the decrypt tool").await;
    });
}

/// Tokens come in as the files that are in them, and those that are not genuine
/// not at all; a file goes out as a token that others open.
#[test]
fn tokens_come_in_and_go_out() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let local = TempDir::new().unwrap();
        let (one, two) = (key(), key());
        let long: Vec<u8> = (0..5_000_000_u32).map(|i| (i / 5) as u8).collect();
        let files = [
            write(&local, "report.txt.token", &token(&one, b"what it says")),
            write(&local, "film.bin_encrypted.bin", &token(&two, &long)),
            write(&local, "strange.token", &token(&key(), b"of a stranger")),
        ];
        let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();

        let profile = browser.profile().await;
        let page = visit(&profile, &server).await;
        Person::sign_up(&server, &page, "dora").await;
        page.link("Files").click().await;
        page.heading("My files").wait().await;
        page.button("New").click().await;
        page.role("menuitem", Name::has("Import Fernet tokens"))
            .click()
            .await;
        let dialog = page.role("dialog", Name::Any);
        page.choose(&dialog.button(Name::has("Tokens")), &files)
            .await;
        let keys = format!("# mine\n{}\n{}", text_of(&one), text_of(&two));
        dialog.role("textbox", "Fernet keys").fill(&keys).await;
        dialog.button("Import").click().await;
        page.heading("1 token cannot be imported").wait().await;
        let dialog = page.role("dialog", Name::Any);
        dialog.wait_text("strange.token").await;
        page.assert_accessible("tokens that cannot be imported")
            .await;
        dialog.button("Import the other 2").click().await;
        let row = |name: &str| page.role("row", Name::has(name));
        row("report.txt").wait().await;
        row("film.bin").wait().await;
        page.heading("Nothing under way").wait().await;
        assert!(!row("strange").is_there().await);

        // What came in is what was in it.
        page.button("Actions for film.bin").click().await;
        page.role("menuitem", "Download").click().await;
        assert_eq!(saved(&page).await, sha256(&long));

        // Out under a key of one's own: another program opens it.
        let export = async |name: &str, key: &str| {
            page.button(Name::has(&format!("Actions for {name}")))
                .click()
                .await;
            page.role("menuitem", Name::has("Export as a Fernet token"))
                .click()
                .await;
            let dialog = page.role("dialog", Name::Any);
            dialog.role("textbox", "Fernet key").fill(key).await;
            dialog.button("Export").click().await;
        };
        export("film.bin", &text_of(&two)).await;
        assert_eq!(
            open_token(&two.clone().into(), &saved_bytes(&page).await.unwrap())
                .unwrap()
                .len(),
            long.len()
        );
        // A new one is shown, once.
        export("report.txt", "").await;
        let shown = page.role("dialog", Name::Any).role("textbox", "Fernet key");
        let new = FernetKey::parse(&shown.text().await).unwrap();
        page.assert_accessible("a new key").await;
        page.role("dialog", Name::Any).button("Done").click().await;
        let opened = open_token(&new.into(), &saved_bytes(&page).await.unwrap()).unwrap();
        assert_eq!(opened.as_slice(), b"what it says");
        export("report.txt", "no key").await;
        says(&page, "not a Fernet key").await;
        browser.assert_quiet();
    });
}

/// A vault of tokens is read like any other, and a file of it goes out as it is
/// kept, with the key that opens it elsewhere.
#[test]
fn a_vault_of_tokens_is_read_in_the_page() {
    run(async {
        let Some((server, browser)) = stage().await else {
            return;
        };
        let (actor, session) = Actor::sign_up(&server, "edna").await;
        let mut account = Vault::account(&session).await.unwrap();
        let (name, kind) = (FileName::parse("tokens").unwrap(), VaultKind::Shared);
        make_vault(&session, &mut account, &name, kind, ContentSuite::Fernet)
            .await
            .unwrap();
        let path = "vault:tokens".parse().unwrap();
        let (mut vault, _) = open_at(&session, &path, Last::Through).await.unwrap();
        let long: Vec<u8> = (0..5_000_000_u32).map(|i| (i / 3) as u8).collect();
        put(&mut vault, "/", vec![file("film.bin", long.clone())])
            .await
            .unwrap();
        let mut drive = Drive::open(&session).await.unwrap();
        let mounted = drive.mount_in(None, &name, vault.vault().id()).await;
        mounted.unwrap();

        let profile = browser.profile().await;
        let page = visit(&profile, &server).await;
        Person::of(actor).log_in(&server, &page).await;
        page.link("Files").click().await;
        let row = |name: &str| page.role("row", Name::has(name));
        row("tokens").button("tokens").click().await;
        row("film.bin").wait().await;
        page.button("Actions for film.bin").click().await;
        page.role("menuitem", "Download").click().await;
        assert_eq!(saved(&page).await, sha256(&long));
        page.button("Actions for film.bin").click().await;
        page.role("menuitem", Name::has("Download encrypted"))
            .click()
            .await;
        let dialog = page.role("dialog", Name::Any);
        let key = dialog.role("textbox", "Key of the file").text().await;
        let key = FernetKey::parse(&key).unwrap();
        let opened = open_token(&key.into(), &saved_bytes(&page).await.unwrap()).unwrap();
        assert!(opened.as_slice() == long);
    });
}
