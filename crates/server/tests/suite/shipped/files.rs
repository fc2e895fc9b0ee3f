//! The files for hosting: whole, hardened, and in agreement with the program.

use serde_json::Value;
use sv_api::account::SignupPolicy;
use sv_server::config::{Config, Storage};
use sv_server::server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{files, parse, read, root, settings};

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
}

fn list(value: &Value) -> Vec<&str> {
    let items = value.as_array().into_iter().flatten();
    items.map(text).collect()
}

/// The values of a file's lines that begin so.
fn after<'t>(text: &'t str, start: &str) -> Vec<&'t str> {
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix(start))
        .collect()
}

#[test]
fn every_yaml_parses() {
    let of_root = std::fs::read_dir(root()).unwrap();
    let names = of_root.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let all: Vec<_> = names
        .filter(|name| !name.starts_with('.'))
        .chain(files("deploy"))
        .collect();
    let is_yaml = |name: &&String| name.ends_with(".yaml") || name.ends_with(".yml");
    let found: Vec<_> = all.iter().filter(is_yaml).collect();
    assert_eq!(found, ["render.yaml", "deploy/compose.yaml"]);
    found.into_iter().for_each(|name| drop(yaml(name)));
}

#[test]
fn render_gets_what_it_needs() {
    let blueprint = yaml("render.yaml");
    let service = &blueprint["services"][0];
    assert_eq!(
        (&service["type"], &service["runtime"]),
        (&"web".into(), &"docker".into())
    );
    assert!(root().join(text(&service["dockerfilePath"])).is_file());
    assert!(root().join(text(&service["dockerContext"])).is_dir());
    let (mut secrets, mut wrong) = (Vec::new(), Vec::new());
    for variable in service["envVars"].as_array().unwrap() {
        let key = text(&variable["key"]);
        let ways = ["value", "sync", "generateValue"];
        let given = ways.iter().filter(|way| !variable[way].is_null());
        assert_eq!(given.count(), 1, "{key}");
        match variable["value"].as_str() {
            Some(value) => wrong.extend(settings::fault(key, value)),
            None => secrets.push(key),
        }
    }
    assert_eq!(secrets, ["SECUREVAULT_DATABASE", "SECUREVAULT_KEY"]);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Render generates 32 random bytes in base64.
#[test]
fn a_generated_value_is_a_key() {
    let value = data_encoding::BASE64.encode(&[0xfb; 32]);
    let key = sv_server::secrets::KeySource::Text(value.into());
    assert!(key.read().is_ok());
}

#[tokio::test]
async fn health_checks_ask_for_a_page_that_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let storage = Storage::in_folder(dir.path().join("data"), dir.path().join("key"));
    let config = Config::on_free_port(storage, SignupPolicy::Closed);
    let server = Server::start(config).await.unwrap();
    let blueprint = yaml("render.yaml");
    let path = text(&blueprint["services"][0]["healthCheckPath"]);
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    server.stop().await;
}

#[test]
fn every_container_of_ours_is_hardened() {
    let compose = yaml("deploy/compose.yaml");
    let services = compose["services"].as_object().unwrap();
    let volumes = compose["volumes"].as_object().unwrap();
    let (mut profiles, mut wrong) = (Vec::new(), Vec::new());
    for (name, service) in services {
        profiles.extend(list(&service["profiles"]));
        assert_eq!(list(&service["cap_drop"]), ["ALL"], "{name}");
        assert_eq!(
            list(&service["security_opt"]),
            ["no-new-privileges:true"],
            "{name}"
        );
        for volume in list(&service["volumes"]) {
            let source = volume.split(':').next().unwrap();
            let is_file = root().join("deploy").join(source).is_file();
            assert!(volumes.contains_key(source) || is_file, "{name}: {volume}");
        }
        for port in list(&service["ports"]) {
            assert!(
                port.starts_with("127.0.0.1:"),
                "{name}: {port} is open to all"
            );
        }
        let shared = service["network_mode"]
            .as_str()
            .and_then(|mode| mode.strip_prefix("service:"));
        for other in list(&service["depends_on"]).into_iter().chain(shared) {
            assert!(services.contains_key(other), "{name}: there is no {other}");
        }
        for (variable, value) in service["environment"].as_object().into_iter().flatten() {
            let fault = settings::fault(variable, text(value));
            wrong.extend(fault.map(|fault| format!("{name}: {fault}")));
        }
        if service["image"] == "securevault" {
            assert_eq!(service["read_only"], true, "{name}");
            assert_eq!(service["user"], "65532:65532", "{name}");
            let dockerfile = text(&service["build"]["dockerfile"]);
            assert!(root().join(dockerfile).is_file(), "{name}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    profiles.sort_unstable();
    profiles.dedup();
    assert_eq!(profiles, ["s3", "single", "tidb"]);
    let (compose, secrets) = (read("deploy/compose.yaml"), read("deploy/.env.example"));
    for (at, _) in compose.match_indices("${") {
        let name = compose[at + 2..].split([':', '}']).next().unwrap();
        assert!(
            secrets.contains(&format!("\n{name}=")),
            ".env.example lacks {name}"
        );
    }
}

#[test]
fn the_image_is_built_as_the_workspace_is() {
    let dockerfile = read("deploy/Dockerfile");
    let toolchain = read("rust-toolchain.toml");
    let channel = after(&toolchain, "channel = ")[0].trim_matches('"');
    assert!(dockerfile.contains(&format!("FROM rust:{channel}-")));
    assert!(dockerfile.contains(&format!("RUSTUP_TOOLCHAIN={channel}\n")));
    for build in after(&dockerfile, "RUN cargo ") {
        assert!(
            build.contains("--locked") || build.starts_with("chef prepare"),
            "{build}"
        );
    }
    assert_eq!(after(&dockerfile, "USER "), ["65532:65532"]);
    // Forms without a shell: the image has none.
    let words = |form: &str| -> Vec<String> {
        serde_json::from_str(form).unwrap_or_else(|error| panic!("{form}: {error}"))
    };
    let entry = words(after(&dockerfile, "ENTRYPOINT ")[0]);
    let [healthcheck, arguments] = after(&dockerfile, "CMD ")[..] else {
        panic!("a health check and a command");
    };
    assert_eq!(words(healthcheck)[0], entry[0]);
    parse(&words(healthcheck)).unwrap();
    parse(&[entry, words(arguments)].concat()).unwrap();
    let environment = dockerfile.split("ENV ").last().unwrap();
    let settings = environment.lines().take_while(|line| line.contains('='));
    for setting in settings {
        let (name, value) = setting
            .trim()
            .trim_end_matches(" \\")
            .split_once('=')
            .unwrap();
        assert_eq!(settings::fault(name, value), None);
    }
}

#[test]
fn the_unit_starts_what_there_is() {
    let unit = read("deploy/securevaultd.service");
    let words = after(&unit, "ExecStart=")[0].split(' ').map(str::to_owned);
    parse(&words.collect::<Vec<_>>()).unwrap();
    for setting in after(&unit, "Environment=") {
        let (name, value) = setting.split_once('=').unwrap();
        assert_eq!(settings::fault(name, value), None);
    }
}
