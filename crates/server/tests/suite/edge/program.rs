//! The program itself: what it prints, and its commands with TLS on.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_securevaultd"));
    command
        .arg("--data")
        .arg(folder.join("data"))
        .arg("--key-file")
        .arg(folder.join("key"))
        .args(arguments)
        .env_remove("PORT")
        .stderr(Stdio::null());
    command
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn said(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = command(folder, arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), text)
}

#[test]
fn a_self_signed_server_introduces_itself_and_can_be_looked_after() {
    let folder = tempfile::tempdir().unwrap();
    let serve = ["serve", "--tls", "self", "--listen", "127.0.0.1:0"];
    let mut child = command(folder.path(), &serve)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let _running = Running(child);
    let mut port = String::new();
    let mut fingerprint = String::new();
    let mut invitation = String::new();
    for line in stdout.lines().map(Result::unwrap) {
        if let Some(url) = line.strip_prefix("listening on https://127.0.0.1:") {
            port = url.to_owned();
        }
        if let Some(shown) = line.strip_prefix("certificate fingerprint: ") {
            fingerprint = shown.to_owned();
        }
        if line.contains("/signup#invite=") {
            invitation = line;
            break;
        }
    }
    assert!(fingerprint.starts_with("sha256:"), "{fingerprint}");
    assert!(invitation.contains(&format!("https://127.0.0.1:{port}/signup#invite=")));

    let listen = format!("127.0.0.1:{port}");
    let health = ["healthcheck", "--tls", "self", "--listen", &listen];
    assert_eq!(
        said(folder.path(), &health),
        (Some(0), "ready\n".to_owned())
    );
    // Without TLS it is not the answer that it wants.
    let plain = ["healthcheck", "--listen", &listen];
    assert_ne!(said(folder.path(), &plain).0, Some(0));
    let (code, doctor) = said(folder.path(), &["doctor", "--tls", "self"]);
    assert_eq!(code, Some(0), "{doctor}");
    assert!(doctor.contains(&fingerprint), "{doctor}");
    assert!(doctor.contains("good for 8"), "{doctor}");
}

#[test]
fn the_doctor_finds_certificates_that_are_missing_or_about_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    let doctor = [
        "doctor",
        "--tls",
        "files",
        "--tls-cert",
        &cert,
        "--tls-key",
        &key,
    ];
    let (code, text) = said(folder.path(), &doctor);
    assert_eq!(code, Some(1));
    assert!(
        text.contains("PROBLEM  TLS") && text.contains("cert.pem"),
        "{text}"
    );

    let own = rcgen::KeyPair::generate().unwrap();
    std::fs::write(&key, own.serialize_pem()).unwrap();
    for (days_left, mark) in [
        (90, "ok       TLS"),
        (3, "warning  TLS"),
        (-1, "PROBLEM  TLS"),
    ] {
        let names = vec!["vault.example".to_owned()];
        let mut params = rcgen::CertificateParams::new(names).unwrap();
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        let end = now
            .as_secs()
            .saturating_add_signed(days_left * 86_400 + 600);
        params.not_after = rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(end);
        let certificate = params.self_signed(&own).unwrap();
        std::fs::write(&cert, certificate.pem()).unwrap();
        let (_, text) = said(folder.path(), &doctor);
        assert!(
            text.contains(mark) && text.contains("vault.example"),
            "{mark}: {text}"
        );
    }
}
