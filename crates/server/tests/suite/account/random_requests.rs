//! Malformed, huge, deep and random requests: refused, never a failure of
//! the server. `SV_REQUESTS` sets how many; and no log tells about anybody.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::Request;
use sv_api::EndpointInfo;
use sv_api::endpoint::ENDPOINTS;
use tracing_subscriber::fmt::MakeWriter;

use super::actor::{Person, World, random};

/// A sample; the full size is 100000.
const REQUESTS: usize = 10_000;

fn number(bound: usize) -> usize {
    usize::try_from(u64::from_le_bytes(random()) % bound as u64).unwrap()
}

fn body() -> Vec<u8> {
    let len = [0, 1, 4, 40, 400, 5_000][number(6)];
    match number(10) {
        0 => (0..len).map(|_| random::<1>()[0]).collect(),
        1 => vec![0xff; len],
        2 => "[".repeat(len).into_bytes(),
        3 => "{\"a\":".repeat(len).into_bytes(),
        4 => format!("{{\"handle\":\"{}\",\"ke1\":\"AAAA\"}}", "x".repeat(len)).into_bytes(),
        5 => br#"{"handle":"alice","ke1":"AA","code":"1","device_label":""}"#.to_vec(),
        6 => br#"{"handle":null,"login_id":5,"ke3":[],"code":{}}"#.to_vec(),
        // Arrays in arrays, in CBOR.
        7 => vec![0x9f; len],
        8 => [u32::MAX.to_be_bytes().to_vec(), vec![0; len]].concat(),
        _ => format!(
            "{{\"login_id\":\"{}\",\"ke3\":\"{}\"}}",
            "A".repeat(22),
            "A".repeat(86)
        )
        .into_bytes(),
    }
}

fn path(info: &EndpointInfo, alice: &Person) -> String {
    let parameter = |name: &str| match (name, number(5)) {
        ("vault", 0..3) => alice.drive.to_string(),
        (_, 0) => u64::MAX.to_string(),
        (_, 1) => "-1".to_owned(),
        (_, 2) => "A".repeat(22),
        (_, 3) => "%F0%9F%92%A9%00".to_owned(),
        _ => number(1 << 20).to_string(),
    };
    let parts = info.path.split('/').map(|part| {
        match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
            Some(name) => parameter(name),
            None => part.to_owned(),
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
pub(crate) async fn no_request_makes_the_server_fail() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let requests = std::env::var("SV_REQUESTS")
        .ok()
        .and_then(|n| n.parse().ok());
    for _ in 0..requests.unwrap_or(REQUESTS) {
        let info = &ENDPOINTS[number(ENDPOINTS.len())];
        if ["Logout", "EndSession"].contains(&info.name) {
            continue;
        }
        let uri = path(info, &alice);
        let mut request = Request::builder().method(info.method.as_str()).uri(&uri);
        match number(4) {
            0 => {}
            1 => request = request.header("authorization", "Bearer é"),
            _ => request = request.header("authorization", format!("Bearer {}", alice.session)),
        }
        let sent = body();
        let answer = world
            .raw(request.body(Body::from(sent.clone())).unwrap())
            .await;
        assert!(
            answer.status < 500,
            "{} {uri} {sent:?}: {}",
            info.name,
            answer.status
        );
    }
}

#[tokio::test]
pub(crate) async fn a_huge_body_is_refused_before_it_is_read() {
    let world = World::open().await;
    for (path, len) in [
        ("/v1/login/start", 17 << 10),
        ("/v1/signup/finish", 257 << 10),
    ] {
        let request = Request::builder().method("POST").uri(path);
        let answer = world
            .raw(request.body(Body::from(vec![b' '; len])).unwrap())
            .await;
        assert_eq!(answer.status, 413, "{path}");
        let chunks = (0..len >> 10).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1 << 10]));
        let streamed = Body::from_stream(futures::stream::iter(chunks.collect::<Vec<_>>()));
        let request = Request::builder().method("POST").uri(path);
        assert_eq!(world.raw(request.body(streamed).unwrap()).await.status, 413);
    }
}

/// What is logged while it listens; nothing before and after.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Option<Vec<u8>>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if let Some(captured) = self.0.lock().unwrap().as_mut() {
            captured.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Captured {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

#[tokio::test]
pub(crate) async fn the_log_names_nobody() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .with_writer(captured.clone())
        .finish();
    // Not for this thread alone: a line that another thread came by first
    // would count as disabled for all.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    *captured.0.lock().unwrap() = Some(Vec::new());
    let world = World::open().await;
    let alice = Person::sign_up(&world, "canary-handle").await;
    let session = alice.log_in(&world).await.unwrap().session.unwrap();
    let _ = alice.prove(&world, "canary-password").await;
    let uri = format!("/v1/vaults/{}/log/1?canary-query=1", alice.drive);
    let request = Request::builder()
        .uri(uri)
        .header("authorization", format!("Bearer {session}"));
    world.raw(request.body(Body::empty()).unwrap()).await;
    let log = captured.0.lock().unwrap().take().unwrap();
    let log = String::from_utf8(log).unwrap();
    assert!(log.contains("/v1/vaults/{vault}/log/{from}"), "{log}");
    let tokens = [
        alice.session.clone(),
        session,
        alice.device.clone().unwrap(),
    ];
    let ids = [
        alice.uid.to_string(),
        alice.drive.to_string(),
        format!("{:?}", alice.uid),
    ];
    let codes = [alice.totp.clone(), alice.backup_codes[0].clone()];
    for canary in tokens
        .iter()
        .chain(&ids)
        .chain(&codes)
        .map(String::as_str)
        .chain(["canary"])
    {
        assert!(!log.contains(canary), "{canary} in {log}");
    }
}
