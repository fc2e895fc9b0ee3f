//! The examples in `deploy/`, judged by the programs that they are for.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo::{self, succeed};
use crate::machine;
use crate::report::{Done, Lack, Outcome, Problem};
use crate::walk;

/// The certificate that the nginx example names.
const CERTIFICATE: &str = "/etc/letsencrypt/live/vault.example.org";
/// The worst that `systemd-analyze security` may say of the unit, of 100.
const EXPOSURE: &str = "15";

/// nginx reads the example, with a certificate made for it.
pub(crate) fn nginx() -> Outcome {
    let nginx = machine::find("nginx").ok_or_else(|| machine::missing("nginx", "nginx"))?;
    let openssl = machine::find("openssl").ok_or_else(|| machine::missing("openssl", "openssl"))?;
    let folder = scratch("nginx")?;
    let path = |name: &str| folder.join(name).display().to_string();
    let request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
                   -subj /CN=vault.example.org";
    let mut certificate = Command::new(openssl);
    certificate.args(request.split_whitespace());
    certificate.args([
        "-keyout",
        &path("privkey.pem"),
        "-out",
        &path("fullchain.pem"),
    ]);
    quietly(&mut certificate)?;
    let example = walk::read(&cargo::root().join("deploy/nginx.conf"))?;
    write(
        &folder.join("example.conf"),
        &example.replace(CERTIFICATE, &folder.display().to_string()),
    )?;
    let around = format!(
        "pid {};\nerror_log stderr;\nevents {{}}\nhttp {{ access_log off; include {}; }}\n",
        path("pid"),
        path("example.conf")
    );
    write(&folder.join("nginx.conf"), &around)?;
    let mut test = Command::new(nginx);
    test.args(["-t", "-q", "-p", &path(""), "-c", &path("nginx.conf")]);
    succeed(&mut test)?;
    Ok(Done::plain())
}

/// Caddy reads the example.
pub(crate) fn caddy() -> Outcome {
    let caddy = machine::find("caddy").ok_or_else(|| machine::missing("Caddy", "caddy"))?;
    let folder = scratch("caddy")?;
    let mut validate = cargo::command(caddy);
    validate.args(["validate", "--adapter", "caddyfile"]);
    validate.args(["--config", "deploy/Caddyfile"]);
    // What it keeps stays out of the home of whoever runs this.
    validate.env("HOME", &folder).env("XDG_DATA_HOME", &folder);
    quietly(validate.env("XDG_CONFIG_HOME", &folder))?;
    Ok(Done::plain())
}

/// systemd knows every line of the unit, and finds that it gives little away.
pub(crate) fn systemd() -> Outcome {
    let analyze = machine::find("systemd-analyze").ok_or_else(|| {
        Problem::Missing(Lack {
            what: "systemd-analyze".to_owned(),
            install: "apt-get install systemd".to_owned(),
            optional_in_ci: true,
        })
    })?;
    let unit = walk::read(&cargo::root().join("deploy/securevaultd.service"))?;
    // The program need not be installed here.
    let start = "ExecStart=/usr/local/bin/securevaultd serve";
    if !unit.contains(start) {
        return Err(format!("the unit has no line {start}").into());
    }
    let copy = scratch("systemd")?.join("securevaultd.service");
    write(&copy, &unit.replace(start, "ExecStart=/bin/true"))?;
    let mut verify = Command::new(&analyze);
    quietly(verify.args(["verify", "--man=no"]).arg(&copy))?;
    let mut security = Command::new(&analyze);
    security.args(["security", "--offline=true", "--no-pager"]);
    quietly(security.arg(format!("--threshold={EXPOSURE}")).arg(&copy))?;
    Ok(Done::plain())
}

/// An empty folder of this task's own.
fn scratch(name: &str) -> Result<PathBuf, String> {
    let folder = cargo::target_directory()?.join("xtask-deploy").join(name);
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    Ok(folder)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Runs a command that says much; an error has what it said.
fn quietly(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("{name}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "{name}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}
