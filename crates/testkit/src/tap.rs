//! The wire between clients and server processes: one address for as long as
//! a test lasts, whatever becomes of the servers, and a recording of every
//! byte that passes. With several servers each connection goes to the next.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use sv_api::endpoint::Method;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::network::Exchange;

/// Bytes read at a time.
const PIECE: usize = 64 * 1024;

/// A wire to one server or several.
pub struct Tap {
    port: u16,
    wire: Arc<Mutex<Wire>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Wire {
    /// Where each server listens, while it does.
    targets: Vec<Option<u16>>,
    /// Whose turn it is.
    turn: usize,
    recording: Option<Streams>,
}

/// What was sent in each direction of each connection, in order.
type Streams = BTreeMap<(u64, Direction), Vec<u8>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Direction {
    Up,
    Down,
}

impl Tap {
    /// A wire that leads nowhere yet.
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let wire = Arc::new(Mutex::new(Wire::default()));
        let task = tokio::spawn(serve(listener, wire.clone()));
        Self { port, wire, task }
    }

    /// The address for clients.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Leads to a server on this machine, or no longer to it.
    pub fn lead(&self, server: usize, port: Option<u16>) {
        let targets = &mut lock(&self.wire).targets;
        if targets.len() <= server {
            targets.resize(server + 1, None);
        }
        targets[server] = port;
    }

    /// Records from now on.
    pub fn record(&self) {
        lock(&self.wire).recording = Some(Streams::new());
    }

    /// Everything that was sent since [`Self::record`]: one piece for each
    /// direction of each connection.
    pub fn recording(&self) -> Vec<Vec<u8>> {
        let wire = lock(&self.wire);
        wire.recording
            .iter()
            .flatten()
            .map(|(_, bytes)| bytes.clone())
            .collect()
    }
}

impl Tap {
    /// Every request that was begun since [`Self::record`]; one whose sender
    /// broke off has less of a body.
    pub fn requests(&self) -> Vec<Exchange> {
        let wire = lock(&self.wire);
        let streams = wire.recording.iter().flatten();
        let up = streams.filter(|((_, direction), _)| *direction == Direction::Up);
        up.flat_map(|(_, bytes)| requests_in(bytes)).collect()
    }
}

/// The requests of one connection, of clients that say how long a body is.
fn requests_in(mut bytes: &[u8]) -> Vec<Exchange> {
    let mut found = Vec::new();
    while let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
        let (head, rest) = bytes.split_at(end + 4);
        let head = String::from_utf8_lossy(head);
        let mut words = head.split(' ');
        let said = words.next().unwrap_or_default();
        let mut methods = [Method::Get, Method::Post, Method::Put, Method::Delete]
            .into_iter()
            .map(Method::as_str);
        let length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, length)| length.trim().parse().expect("a length"));
        let (body, next) = rest.split_at(rest.len().min(length));
        found.push(Exchange {
            method: methods.find(|method| *method == said).expect("a method"),
            path: words.next().expect("a path").to_owned(),
            body: body.to_vec(),
        });
        bytes = next;
    }
    found
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(wire: &Mutex<Wire>) -> std::sync::MutexGuard<'_, Wire> {
    wire.lock().expect("no thread has panicked with the wire")
}

async fn serve(listener: TcpListener, wire: Arc<Mutex<Wire>>) {
    for connection in 0.. {
        let Ok((client, _)) = listener.accept().await else {
            return;
        };
        tokio::spawn(connect(client, connection, wire.clone()));
    }
}

/// Passes bytes both ways until both ends are done; if either breaks off, so
/// does the other.
async fn connect(client: TcpStream, connection: u64, wire: Arc<Mutex<Wire>>) {
    let targets = lock(&wire).take_turns();
    let Some(server) = reach(targets).await else {
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (client_reads, client_writes) = client.into_split();
    let (server_reads, server_writes) = server.into_split();
    let up = pass(
        client_reads,
        server_writes,
        (connection, Direction::Up),
        &wire,
    );
    let down = pass(
        server_reads,
        client_writes,
        (connection, Direction::Down),
        &wire,
    );
    // An error drops both ends, as a broken cable would.
    let _ = tokio::try_join!(up, down);
}

/// The first of some servers that can be reached.
async fn reach(targets: Vec<u16>) -> Option<TcpStream> {
    for port in targets {
        if let Ok(server) = TcpStream::connect(("localhost", port)).await {
            return Some(server);
        }
    }
    None
}

impl Wire {
    /// Every server that listens, beginning with the one whose turn it is.
    fn take_turns(&mut self) -> Vec<u16> {
        let listening = self.targets.iter().copied().flatten();
        let mut listening: Vec<u16> = listening.collect();
        if !listening.is_empty() {
            self.turn += 1;
            let first = self.turn % listening.len();
            listening.rotate_left(first);
        }
        listening
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    stream: (u64, Direction),
    wire: &Mutex<Wire>,
) -> std::io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let len = from.read(&mut piece).await?;
        if len == 0 {
            return to.shutdown().await;
        }
        if let Some(streams) = &mut lock(wire).recording {
            streams
                .entry(stream)
                .or_default()
                .extend_from_slice(&piece[..len]);
        }
        to.write_all(&piece[..len]).await?;
    }
}
