//! The key of a device in a real keyring: GNOME's, on a bus of the test's own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::world::{Home, World};

/// A bus with nothing on it but a keyring, which it starts when somebody asks
/// for it: unlocked, unless there is a file `locked`.
const BUS: &str = r#"<busconfig>
  <type>session</type>
  <listen>unix:dir=FOLDER</listen>
  <auth>EXTERNAL</auth>
  <servicedir>FOLDER/services</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;
const SERVICE: &str = "[D-BUS Service]
Name=org.freedesktop.secrets
Exec=/bin/sh FOLDER/start
";
const START: &str = "cd FOLDER
echo $$ > pid
start='gnome-keyring-daemon --foreground --components=secrets'
if [ -e locked ]; then exec $start; fi
printf password > password
exec $start --unlock < password
";

/// Somebody's desktop.
struct Desktop {
    folder: TempDir,
    bus: Child,
    address: String,
}

impl Desktop {
    /// None where it is not installed, which is said aloud, and must not be in
    /// CI.
    fn log_in() -> Option<Self> {
        let wanted = ["dbus-daemon", "gnome-keyring-daemon"];
        if !wanted.into_iter().all(is_there) {
            let lack = "a test with a keyring: apt-get install dbus-daemon gnome-keyring";
            assert!(std::env::var_os("CI").is_none(), "{lack}");
            skip(lack);
            return None;
        }
        let folder = tempfile::Builder::new()
            .prefix("sv-bus-")
            .tempdir()
            .unwrap();
        let place = |text: &str| text.replace("FOLDER", folder.path().to_str().unwrap());
        for name in ["services", "run", "home"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("bus.conf"), place(BUS)).unwrap();
        fs::write(folder.path().join("start"), place(START)).unwrap();
        let service = folder
            .path()
            .join("services/org.freedesktop.secrets.service");
        fs::write(service, place(SERVICE)).unwrap();
        let mut bus = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", place("FOLDER/bus.conf")))
            .args(["--nofork", "--print-address=1"])
            .env("HOME", folder.path().join("home"))
            .env("XDG_RUNTIME_DIR", folder.path().join("run"))
            .env("XDG_DATA_HOME", folder.path().join("home"))
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut address = String::new();
        let mut said = BufReader::new(bus.stdout.take().unwrap());
        said.read_line(&mut address).unwrap();
        assert!(address.starts_with("unix:"), "no bus: {address}");
        Some(Self {
            folder,
            bus,
            address: address.trim().to_owned(),
        })
    }

    /// A device on this desktop, with nobody in front of its screen.
    fn device(&self, home: Home) -> Home {
        home.with(&[
            ("SECUREVAULT_KEYRING", "auto"),
            ("DBUS_SESSION_BUS_ADDRESS", &self.address),
            ("DISPLAY", ""),
            ("WAYLAND_DISPLAY", ""),
        ])
    }

    /// From now on the keyring is locked, as after the start of the machine.
    fn lock(&self) {
        fs::write(self.folder.path().join("locked"), "").unwrap();
        self.end_keyring();
    }

    fn unlock(&self) {
        fs::remove_file(self.folder.path().join("locked")).unwrap();
        self.end_keyring();
    }

    fn end_keyring(&self) {
        let Ok(pid) = fs::read_to_string(self.folder.path().join("pid")) else {
            return;
        };
        let running = PathBuf::from(format!("/proc/{}", pid.trim()));
        let ended = Command::new("kill").arg(pid.trim()).status().unwrap();
        while ended.success() && running.exists() {
            std::thread::yield_now();
        }
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        self.end_keyring();
        let _ = self.bus.kill();
        let _ = self.bus.wait();
    }
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// As `sv_backends::skip`, which no test of what ships may know.
fn skip(what: &str) {
    eprintln!("SKIPPED: {what}");
    if let Ok(list) = std::env::var("SECUREVAULT_TEST_SKIPS") {
        use std::io::Write;
        let mut list = fs::OpenOptions::new().append(true).open(list).unwrap();
        writeln!(list, "{what}").unwrap();
    }
}

/// What a home folder says of its device's key.
fn note(home: &Home) -> String {
    let bytes = fs::read(home.dir().join("device.key")).unwrap();
    String::from_utf8(bytes).unwrap_or_else(|_| "the key itself".to_owned())
}

fn key_of(home: &Home) -> String {
    let shown = home.run(&["whoami", "--json"]).json();
    shown["key"].as_str().unwrap().to_owned()
}

/// Fails if the key is in the home folder: then a copy of it opens the vault.
#[test]
fn a_copy_of_the_home_opens_nothing_where_there_is_a_keyring() {
    let Some(desktop) = Desktop::log_in() else {
        return;
    };
    let world = World::start();
    let alice = world.sign_up_at(desktop.device(world.home("alice")), "alice");
    let home = &alice.home;
    assert!(note(home).starts_with("keyring "), "{}", note(home));
    assert_eq!(key_of(home), "keyring");
    home.run(&["whoami"]).ok();
    home.feed(&["put", "-", "/kept"], b"kept").ok();
    assert_eq!(home.run(&["cat", "/kept"]).ok().out, b"kept");

    let nowhere = [("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")];
    let stolen = home.copy("stolen").with(&nowhere);
    stolen
        .run(&["cat", "/kept"])
        .exits(1)
        .says("system's keyring, which is not there");
    // Locked, it is not taken for lost; and what it held is there again.
    desktop.lock();
    home.run(&["cat", "/kept"])
        .exits(1)
        .says("is locked: unlock it");
    assert!(note(home).starts_with("keyring "));
    desktop.unlock();
    assert_eq!(home.run(&["cat", "/kept"]).ok().out, b"kept");

    // It stays where it is, also at another log-in there, until a log-out.
    let login = |place: &str| {
        let code = alice.backup_code();
        home.run(&["login", "--keyring", place, "--code", &code])
    };
    login("file").exits(2).says("until `securevault logout`");
    login("auto").ok();
    assert_eq!(key_of(home), "keyring");
    let copy = home.copy("copy");
    home.run(&["logout"]).ok();
    assert!(!home.dir().join("device.key").exists());
    copy.run(&["cat", "/kept"])
        .exits(1)
        .says("no longer in the system's keyring");
    login("file").ok();
    assert_eq!(key_of(home), "file");
    assert_eq!(fs::read(home.dir().join("device.key")).unwrap().len(), 32);
    login("system").exits(2).says("until `securevault logout`");
    home.run(&["logout"]).ok();
    // With --no-keep there is no key in either.
    let code = alice.backup_code();
    home.run(&["login", "--no-keep", "--code", &code]).ok();
    assert_eq!(key_of(home), "session");
    assert!(!home.dir().join("device.key").exists());
}

#[test]
fn without_a_keyring_the_key_is_in_a_file_unless_that_is_refused() {
    let Some(desktop) = Desktop::log_in() else {
        return;
    };
    let world = World::start();
    let nowhere = [
        ("SECUREVAULT_KEYRING", "auto"),
        ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere"),
    ];
    let alice = world.sign_up_at(world.home("alice").with(&nowhere), "alice");
    assert_eq!(key_of(&alice.home), "file");
    let login = |home: &Home, more: &[&str]| {
        let code = alice.backup_code();
        let line = [
            "login", "--server", &world.url, "--user", "alice", "--code", &code,
        ];
        home.run(&[&line[..], more].concat())
    };

    let strict = world.home("strict").with(&nowhere);
    let refused = login(&strict, &["--keyring", "system"]).exits(1);
    refused
        .says("the system's keyring is not there")
        .says("--keyring file");
    strict.run(&["ls"]).exits(3);
    assert!(!strict.dir().join("device.key").exists());
    login(&strict, &["--keyring", "nonsense"]).exits(2);

    // One that is there and locked is said.
    let second = desktop.device(world.home("second"));
    login(&second, &[]).ok();
    assert_eq!(key_of(&second), "keyring");
    desktop.lock();
    let third = desktop.device(world.home("third"));
    login(&third, &[])
        .ok()
        .says("is locked: the key of this device is kept in a file");
    assert_eq!(key_of(&third), "file");

    // Logging out wipes what it can reach, and says what it cannot.
    let done = second.run(&["logout"]).ok();
    done.says("stays in it");
    assert!(!second.dir().join("device.key").exists());
    assert!(!second.dir().join("profile/profile").exists());
    second.run(&["ls"]).exits(3);
}
