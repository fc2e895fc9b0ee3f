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

/// The whole way of somebody whose phone and backup codes are gone: the
/// administrator's code lets them in once, and nothing else is asked for to
/// set up a new authenticator and new backup codes.
#[test]
fn after_a_reset_a_new_authenticator_is_set_up() {
    let world = World::start();
    let alice = world.sign_up("alice");
    let stale = alice.backup_code();
    let reset = world.administer(&["admin", "user", "reset-second-factor", "alice", "--json"]);
    let reset = reset.json()["code"].as_str().unwrap().to_owned();
    alice.home.run(&["whoami"]).exits(3);
    alice.home.run(&["login", "--code", &stale]).exits(3);
    alice
        .home
        .run(&["login", "--code", &reset])
        .ok()
        .says("set one up within 30 minutes");

    let (secret, code) = (world.fifo("secret"), world.fifo("code"));
    let command = format!("cat > '{}'; cat '{}'", secret.display(), code.display());
    let authenticator = std::thread::spawn(move || {
        let shown = std::fs::read_to_string(&secret).unwrap();
        let secret = shown.trim().to_owned();
        std::fs::write(&code, totp(&secret)).unwrap();
        secret
    });
    let args = ["totp", "replace", "--new-code-command", &command, "--json"];
    let replaced = alice.home.run(&args).json();
    let secret = authenticator.join().unwrap();
    assert_eq!(replaced["totp_secret"], secret);
    let codes = alice.home.run(&["totp", "backup-codes", "--json"]).json();
    let fresh = codes["backup_codes"][0].as_str().unwrap();

    let home = world.home("second");
    let login = |code: &str| {
        home.run(&[
            "login", "--server", &world.url, "--user", "alice", "--code", code,
        ])
    };
    login(&totp(&alice.totp_secret)).exits(3);
    login(&reset).exits(3);
    login(fresh).ok();
}

/// With --no-keep the device holds nothing that opens: not offline, and not
/// after the session ended, when what there was is deleted.
#[test]
fn a_log_in_that_keeps_nothing_needs_the_server_and_its_session() {
    let mut world = World::start();
    let alice = world.sign_up("alice");
    alice.home.feed(&["put", "-", "/kept"], b"kept").ok();
    let guest = world.home("guest");
    let login = |code: &str| {
        guest.run(&[
            "login",
            "--no-keep",
            "--server",
            &world.url,
            "--user",
            "alice",
            "--code",
            code,
        ])
    };
    login(&alice.backup_code()).ok();
    assert!(!guest.dir().join("device.key").exists());
    assert_eq!(guest.run(&["cat", "/kept"]).ok().out, b"kept");
    guest.feed(&["put", "-", "/from guest"], b"x").ok();
    assert_eq!(guest.run(&["whoami", "--json"]).json()["key"], "session");
    // It can do all that others can, also what needs the root key itself.
    let args = ["password", "--code", &alice.backup_code()];
    guest
        .run_with(&args, &[("SECUREVAULT_NEW_PASSWORD", NEW_PASSWORD)])
        .ok();
    guest.run(&["ls"]).ok();

    world.stop();
    guest.run(&["ls"]).exits(6);
    world.resume();
    guest.run(&["ls"]).ok();

    let code = alice.backup_code();
    let env = [("SECUREVAULT_PASSWORD", NEW_PASSWORD)];
    alice.home.run_with(&["login", "--code", &code], &env).ok();
    let list = alice.home.run(&["sessions", "--json"]).json();
    let rows = list.as_array().unwrap();
    let other = rows.iter().find(|row| row["current"] == false).unwrap();
    let id = other["session_id"].as_str().unwrap();
    let profile = guest.dir().join("profile").join("profile");
    let sealed = |path: &std::path::Path| -> String {
        let bytes = std::fs::read(path).unwrap();
        let profile: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        profile["sealed_root"].as_str().unwrap().to_owned()
    };
    assert_ne!(sealed(&profile), "");
    alice.home.run(&["sessions", "revoke", id]).ok();
    guest.run(&["ls"]).exits(3).says("run `securevault login`");
    assert_eq!(sealed(&profile), "");
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
