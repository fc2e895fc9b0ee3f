//! A server on a home network: its certificate is its own, and is known by
//! its fingerprint.

use crate::world::{World, finish, totp};

/// The fingerprint, from the server's own folder: `doctor` prints it too.
fn fingerprint(world: &World) -> String {
    let client = std::path::Path::new(env!("CARGO_BIN_EXE_securevault"));
    let mut doctor = std::process::Command::new(client.with_file_name("securevaultd"));
    doctor
        .args(["doctor", "--tls", "self", "--data"])
        .arg(world.path("data"));
    let said = finish(doctor).text();
    let at = said.find("sha256:").unwrap();
    said[at..at + "sha256:".len() + 64].to_owned()
}

#[test]
fn a_pinned_server_is_used_like_any_other_and_no_other_in_its_place() {
    let world = World::start_with(&["--tls", "self"]);
    assert!(world.url.starts_with("https://127.0.0.1:"), "{}", world.url);
    let right = fingerprint(&world);
    let wrong = format!("sha256:{}", "0123".repeat(16));
    let home = world.home("alice");
    let signup = |fingerprint: Option<&str>| {
        let mut line = vec![
            "signup", "--server", &world.url, "--user", "alice", "--json",
        ];
        if let Some(fingerprint) = fingerprint {
            line.extend(["--fingerprint", fingerprint]);
        }
        home.run(&line)
    };
    signup(None).exits(6).says("--fingerprint");
    let refused = signup(Some(&wrong)).exits(6);
    let refused = refused.says(&right).says(&wrong);
    refused.says("Nothing was sent");
    signup(Some("sha256:12")).exits(2);
    assert!(!home.dir().join("config.json").exists());

    // As a browser shows it.
    let digits = right.trim_start_matches("sha256:").to_uppercase();
    let pairs: Vec<_> = digits.as_bytes().chunks(2).collect();
    let shown = pairs.join(&b':');
    let shown = String::from_utf8(shown).unwrap();
    let account = signup(Some(&shown)).json();
    let code = totp(account["totp_secret"].as_str().unwrap());
    home.run(&["totp", "confirm", &code]).ok();
    home.feed(&["put", "-", "/hello"], b"hello").ok();
    assert_eq!(home.run(&["cat", "/hello"]).ok().out, b"hello");
    let sheet = world.path("sheet.txt");
    home.run(&["recovery", "sheet", "-o", sheet.to_str().unwrap()])
        .ok();
    let sheet = std::fs::read_to_string(sheet).unwrap();
    assert!(sheet.contains(&right), "{sheet}");

    // Somebody else answers in its place: another certificate, the same address.
    let config = home.dir().join("config.json");
    let pinned = std::fs::read_to_string(&config).unwrap();
    assert!(pinned.contains(&right), "{pinned}");
    std::fs::write(&config, pinned.replace(&right, &wrong)).unwrap();
    home.run(&["cat", "/hello"]).exits(6).says("in between");
    let pinned = std::fs::read_to_string(&config).unwrap();
    assert!(pinned.contains(&wrong), "a pin never moves by itself");
}

#[test]
fn there_is_nothing_to_pin_without_tls() {
    let world = World::start();
    let pin = format!("sha256:{}", "0".repeat(64));
    let line = [
        "login",
        "--server",
        &world.url,
        "--user",
        "alice",
        "--fingerprint",
        &pin,
    ];
    world.home("alice").run(&line).exits(2).says("https://");
}
