//! Coming in, and being kept out.

use crate::world::{PASSWORD, World, totp};

const NEW_PASSWORD: &str = "another horse battery";

#[test]
fn a_second_device_sees_what_the_first_one_stored() {
    let world = World::start();
    let alice = world.sign_up("alice");
    alice.home.feed(&["put", "-", "/hello"], b"hello").ok();
    let second = world.log_in(&alice, "alice", "second");
    assert_eq!(second.run(&["cat", "/hello"]).ok().out, b"hello");
    let who = second.run(&["whoami", "--json"]).json();
    assert_eq!(
        (who["handle"].as_str(), who["online"].as_bool()),
        (Some("alice"), Some(true))
    );
    assert_eq!(who["backup_codes_left"], 9);
}

#[test]
fn a_refused_first_code_still_leaves_the_secrets_shown() {
    let world = World::start();
    let home = world.home("bot");
    // Prints the secret it was given where a code is wanted: refused, but the
    // secrets of the account are shown all the same.
    let refused = home
        .run(&[
            "signup",
            "--server",
            &world.url,
            "--user",
            "bot",
            "--json",
            "--code-command",
            "cat",
        ])
        .exits(3);
    let shown: serde_json::Value = serde_json::from_slice(&refused.out).unwrap();
    assert_eq!(shown["confirmed"], false);
    let code = totp(shown["totp_secret"].as_str().unwrap());
    home.run(&["totp", "confirm", &code]).ok();
    let again = world.home("again");
    let login = [
        "login", "--server", &world.url, "--user", "bot", "--code", &code,
    ];
    again.run(&login).exits(3).says("already used");
}

#[test]
fn wrong_credentials_are_refused_and_short_passwords_too() {
    let world = World::start();
    let alice = world.sign_up("alice");
    let home = world.home("thief");
    let login = [
        "login", "--server", &world.url, "--user", "alice", "--code", "000000",
    ];
    home.run_with(&login, &[("SECUREVAULT_PASSWORD", "wrong horse battery")])
        .exits(3);
    home.run(&login).exits(3);
    home.run(&["ls"]).exits(3).says("not logged in");
    let short = ["signup", "--server", &world.url, "--user", "eve"];
    home.run_with(&short, &[("SECUREVAULT_PASSWORD", "short")])
        .exits(2);
    home.run(&[
        "signup", "--server", &world.url, "--user", "alice", "--json",
    ])
    .exits(1);
    alice.home.run(&["whoami"]).ok();
}

#[test]
fn a_password_comes_in_on_standard_input_too() {
    let world = World::start();
    let alice = world.sign_up("alice");
    let home = world.home("piped");
    let code = alice.backup_code();
    let args = [
        "login",
        "--server",
        &world.url,
        "--user",
        "alice",
        "--password-stdin",
        "--code",
        &code,
    ];
    home.feed(&args, format!("{PASSWORD}\n").as_bytes()).ok();
}

#[test]
fn changing_the_password_ends_other_sessions() {
    let world = World::start();
    let alice = world.sign_up("alice");
    let second = world.log_in(&alice, "alice", "second");
    let args = ["password", "--code", &alice.backup_code()];
    let env = [("SECUREVAULT_NEW_PASSWORD", NEW_PASSWORD)];
    alice.home.run_with(&args, &env).ok();
    second.run(&["ls"]).exits(3);
    let code = alice.backup_code();
    second.run(&["login", "--code", &code]).exits(3);
    let args = ["login", "--code", &code];
    second
        .run_with(&args, &[("SECUREVAULT_PASSWORD", NEW_PASSWORD)])
        .ok();
}

#[test]
fn the_recovery_key_sets_a_new_password() {
    let world = World::start();
    let alice = world.sign_up("alice");
    alice.home.feed(&["put", "-", "/kept"], b"kept").ok();
    let home = world.home("lost");
    let code = alice.backup_code();
    let args = [
        "recovery", "login", "--server", &world.url, "--user", "alice", "--code", &code,
    ];
    let env = [
        ("SECUREVAULT_RECOVERY_KEY", alice.recovery_key.as_str()),
        ("SECUREVAULT_PASSWORD", NEW_PASSWORD),
    ];
    home.run_with(&args, &env).ok();
    let code = alice.backup_code();
    let args = ["login", "--user", "alice", "--code", &code];
    home.run_with(&args, &[("SECUREVAULT_PASSWORD", NEW_PASSWORD)])
        .ok();
    assert_eq!(home.run(&["cat", "/kept"]).ok().out, b"kept");
    // A key that nobody was shown does not come into force.
    let code = alice.backup_code();
    let mut new_key = home.command(&["recovery", "new-key", "--code", &code]);
    new_key.env("SECUREVAULT_PASSWORD", NEW_PASSWORD);
    let mut new_key = new_key.spawn().unwrap();
    drop(new_key.stdout.take());
    assert_eq!(new_key.wait().unwrap().code(), Some(1));
    let code = alice.backup_code();
    let args = ["recovery", "login", "--user", "alice", "--code", &code];
    home.run_with(&args, &env).ok();
    let code = alice.backup_code();
    let args = ["login", "--user", "alice", "--code", &code];
    home.run_with(&args, &[("SECUREVAULT_PASSWORD", NEW_PASSWORD)])
        .ok();

    let code = alice.backup_code();
    let args = ["recovery", "new-key", "--json", "--code", &code];
    let new = home
        .run_with(&args, &[("SECUREVAULT_PASSWORD", NEW_PASSWORD)])
        .json();
    assert_ne!(
        new["recovery_key"].as_str(),
        Some(alice.recovery_key.as_str())
    );
}

#[test]
fn logging_out_wipes_the_keys() {
    let world = World::start();
    let alice = world.sign_up("alice");
    assert!(alice.home.dir().join("device.key").exists());
    alice.home.run(&["logout"]).ok();
    assert!(!alice.home.dir().join("device.key").exists());
    alice.home.run(&["ls"]).exits(3);
    alice.home.run(&["logout"]).exits(3);
    alice
        .home
        .run(&["login", "--code", &alice.backup_code()])
        .ok();
    alice.home.run(&["logout", "--forget"]).ok();
    alice
        .home
        .run(&["login", "--code", &alice.backup_code()])
        .exits(2);
}

#[test]
fn sessions_are_listed_and_ended() {
    let world = World::start();
    let alice = world.sign_up("alice");
    let second = world.log_in(&alice, "alice", "second");
    let list = alice.home.run(&["sessions", "--json"]).json();
    let rows = list.as_array().unwrap();
    assert_eq!(rows.len(), 2);
    let other = rows.iter().find(|row| row["current"] == false).unwrap();
    let id = other["session_id"].as_str().unwrap();
    alice.home.run(&["sessions", "revoke", id]).ok();
    second.run(&["ls"]).exits(3);
    alice
        .home
        .run(&["sessions", "revoke", "nothing-like-it"])
        .exits(4);
}

#[test]
fn the_second_factor_is_replaced() {
    let world = World::start();
    let alice = world.sign_up("alice");
    let old = totp(&alice.totp_secret);
    let codes = alice.home.run(&[
        "totp",
        "backup-codes",
        "--json",
        "--code",
        &alice.backup_code(),
    ]);
    let codes = codes.json();
    let fresh = codes["backup_codes"][0].as_str().unwrap();
    let stale = alice.backup_code();
    let home = world.home("second");
    let login = |code: &str| {
        home.run(&[
            "login", "--server", &world.url, "--user", "alice", "--code", code,
        ])
    };
    login(&stale).exits(3);
    login(&old).exits(3);
    login(fresh).ok();
}

#[test]
fn a_state_check_that_does_not_fit_logs_out_again() {
    let world = World::start();
    let alice = world.sign_up("alice");
    alice.home.feed(&["put", "-", "/one"], b"1").ok();
    let home = world.home("second");
    let login = |check: &str| {
        let code = alice.backup_code();
        let args = [
            "login", "--server", &world.url, "--user", "alice", "--code", &code,
        ];
        home.run(&[&args[..], &["--state-check", check]].concat())
    };
    login("nonsense").exits(2);
    login(&alice.state_check).ok();
    home.run(&["logout", "--forget"]).ok();
    let mut forged = alice.state_check.clone().into_bytes();
    let last = forged.len() - 10;
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    login(&String::from_utf8(forged).unwrap()).exits(5);
    home.run(&["ls"]).exits(3);
}
