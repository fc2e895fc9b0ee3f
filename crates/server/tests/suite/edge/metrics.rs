//! Metrics: that they parse, count, and name nobody.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use axum::http::Request;
use sv_api::endpoint::{ENDPOINTS, EVENTS_PATH};
use sv_server::metrics::render;
use sv_server::server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::account::actor::{Person, World};

/// One line: a name, its labels and a value.
#[derive(Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// Reads the text format, and fails at whatever is not in it.
fn parse(text: &str) -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut described = BTreeSet::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let kind = words.next().unwrap();
            assert!(["HELP", "TYPE", "EOF"].contains(&kind), "{line}");
            described.extend(words.next().map(str::to_owned));
            continue;
        }
        let (key, value) = line.rsplit_once(' ').unwrap();
        let value = value.parse().unwrap();
        let (name, labels) = match key.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').unwrap()),
            None => (key, ""),
        };
        let is_described = described.iter().any(|one| name.starts_with(one.as_str()));
        assert!(is_described, "{name} without a description");
        let labels = labels
            .split("\",")
            .filter(|label| !label.is_empty())
            .map(|label| {
                let (key, value) = label.split_once("=\"").unwrap();
                (key.to_owned(), value.trim_end_matches('"').to_owned())
            })
            .collect();
        samples.push(Sample {
            name: name.to_owned(),
            labels,
            value,
        });
    }
    samples
}

/// Everything that a label may be.
fn allowed(label: &str, value: &str) -> bool {
    let is_one_of = |set: &[&str]| set.contains(&value);
    let own = [
        "none",
        "/",
        "/signup",
        "/robots.txt",
        "/assets/{name}",
        "/healthz/live",
        "/healthz/ready",
        "/openapi.json",
        EVENTS_PATH,
    ];
    match label {
        "route" => is_one_of(&own) || ENDPOINTS.iter().any(|e| e.path == value),
        "method" => is_one_of(&["GET", "HEAD", "POST", "PUT", "DELETE", "other"]),
        "status" => value.parse::<u16>().is_ok_and(|s| (200..600).contains(&s)),
        "direction" => is_one_of(&["in", "out"]),
        "outcome" => is_one_of(&["accepted", "conflict", "refused", "failed", "done"]),
        "access" => is_one_of(&["read", "write"]),
        "version" => value == env!("CARGO_PKG_VERSION"),
        "le" => value == "+Inf" || value.parse::<f64>().is_ok(),
        _ => false,
    }
}

fn sum(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> f64 {
    let fits = |sample: &&Sample| {
        sample.name == name
            && labels
                .iter()
                .all(|(key, value)| sample.labels.get(*key).is_some_and(|v| v == value))
    };
    samples.iter().filter(fits).map(|sample| sample.value).sum()
}

#[tokio::test]
async fn labels_come_from_fixed_sets() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "somebody-known").await;
    let drive = alice.drive.to_string();
    for (method, path) in [
        (
            "GET",
            format!("/v1/vaults/{drive}/log/1?secret=somebody-known"),
        ),
        ("PROPFIND", "/somebody-known".to_owned()),
        ("GET", "/somebody-known%22%0A".to_owned()),
        ("POST", format!("/v1/vaults/{drive}/log")),
        ("GET", "/assets/somebody-known.css".to_owned()),
        ("GET", "/".to_owned()),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", alice.session));
        world.raw(request.body(Body::empty()).unwrap()).await;
    }
    let text = render(world.app.metrics());
    let samples = parse(&text);
    for sample in &samples {
        assert!(sample.name.starts_with("securevault_"), "{sample:?}");
        for (label, value) in &sample.labels {
            assert!(allowed(label, value), "{label}={value} in {sample:?}");
        }
    }
    for secret in [
        "somebody-known",
        &drive,
        &alice.session,
        &alice.uid.to_string(),
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let requests = "securevault_http_requests_total";
    let log = "/v1/vaults/{vault}/log/{from}";
    assert_eq!(
        sum(&samples, requests, &[("route", log), ("status", "200")]),
        1.0
    );
    assert_eq!(
        sum(
            &samples,
            requests,
            &[("method", "other"), ("route", "none")]
        ),
        1.0
    );
    let finished = [("route", "/v1/signup/finish"), ("status", "200")];
    assert_eq!(sum(&samples, requests, &finished), 1.0);
    let seconds = "securevault_http_request_seconds_count";
    assert_eq!(sum(&samples, seconds, &[]), sum(&samples, requests, &[]));
    let waits = "securevault_database_wait_seconds_count";
    assert!(sum(&samples, waits, &[("access", "write")]) > 0.0);
    assert!(sum(&samples, waits, &[("access", "read")]) > 0.0);
    assert_eq!(sum(&samples, "securevault_build_info", &[]), 1.0);
}

#[tokio::test]
async fn they_are_shown_on_an_address_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = sv_server::config::Config::on_free_port(
        sv_server::config::Storage::in_folder(
            folder.path().join("data"),
            folder.path().join("key"),
        ),
        sv_api::account::SignupPolicy::Open,
    );
    config.metrics = Some("127.0.0.1:0".to_owned());
    let server = Server::start(config).await.unwrap();
    let get = async |address, path| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let open = TcpStream::connect(server.address()).await.unwrap();
    let elsewhere = get(server.address(), "/metrics").await;
    assert!(elsewhere.starts_with("HTTP/1.1 404"), "{elsewhere}");
    let shown = get(server.metrics_address().unwrap(), "/metrics").await;
    let (head, body) = shown.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(
        head.contains("content-type: text/plain; version=0.0.4"),
        "{head}"
    );
    let samples = parse(body);
    assert!(
        sum(&samples, "securevault_connections", &[]) >= 1.0,
        "{body}"
    );
    drop(open);
    server.stop().await;
}
