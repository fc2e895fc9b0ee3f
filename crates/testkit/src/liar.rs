//! A wire that answers in the server's place: for programs that run in
//! processes of their own and reach a server by its address alone.

use std::sync::{Arc, Mutex};

use sv_api::Endpoint;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::network::Exchange;

/// Bytes of a request's head at most.
const HEAD_LEN: usize = 64 * 1024;

/// A server that tells the truth except where it lies.
pub struct Liar {
    port: u16,
    lie: Arc<Mutex<Option<Lie>>>,
    task: JoinHandle<()>,
}

struct Lie {
    answer: Box<Teller>,
    told: usize,
}

/// What is answered to a request, if it is lied about.
type Teller = dyn Fn(&Exchange) -> Option<Arc<Answer>> + Send;

/// An answer to every call of an endpoint.
pub struct Answer {
    /// What `content-length` says.
    pub claims: u64,
    /// What comes.
    pub body: Vec<u8>,
}

impl Liar {
    /// Before a server on this machine.
    pub async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let lie = Arc::new(Mutex::new(None));
        let task = tokio::spawn(serve(listener, server, lie.clone()));
        Self { port, lie, task }
    }

    /// Where clients find it.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// From now on every call of an endpoint is answered so.
    pub fn lie<E: Endpoint>(&self, answer: Arc<Answer>) {
        self.lie_about(move |asked| asked.is::<E>().then(|| answer.clone()));
    }

    /// From now on whatever `answer` has an answer to is answered so.
    pub fn lie_about(&self, answer: impl Fn(&Exchange) -> Option<Arc<Answer>> + Send + 'static) {
        *self.lie.lock().expect("a lie") = Some(Lie {
            answer: Box::new(answer),
            told: 0,
        });
    }

    /// Tells the truth again; how often it did not.
    pub fn be_honest(&self) -> usize {
        let lie = self.lie.lock().expect("a lie").take();
        lie.map_or(0, |lie| lie.told)
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, server: u16, lie: Arc<Mutex<Option<Lie>>>) {
    while let Ok((client, _)) = listener.accept().await {
        let lie = lie.clone();
        tokio::spawn(async move {
            // A client that breaks off has its answer.
            let _ = answer(client, server, &lie).await;
        });
    }
}

/// One request on each connection, so that bytes need no framing afterwards.
async fn answer(
    mut client: TcpStream,
    server: u16,
    lie: &Mutex<Option<Lie>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > HEAD_LEN {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut asked = Exchange {
        method: method(&head),
        path: path(&head).to_owned(),
        body: vec![0; length(&head)],
    };
    client.read_exact(&mut asked.body).await?;
    if let Some(answer) = told(lie, &asked) {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            answer.claims
        );
        client.write_all(head.as_bytes()).await?;
        client.write_all(&answer.body).await?;
        return client.shutdown().await;
    }
    let mut upstream = TcpStream::connect(("localhost", server)).await?;
    let head = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    upstream.write_all(head.as_bytes()).await?;
    upstream.write_all(&asked.body).await?;
    tokio::io::copy_bidirectional(&mut client, &mut upstream).await?;
    Ok(())
}

fn method(head: &str) -> &'static str {
    let all = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"];
    let said = head.split(' ').next();
    all.into_iter()
        .find(|one| said == Some(one))
        .unwrap_or_default()
}

fn path(head: &str) -> &str {
    let target = head.split(' ').nth(1).unwrap_or_default();
    target.split('?').next().unwrap_or_default()
}

/// Bytes of the body. Clients say it of every one that they send.
fn length(head: &str) -> usize {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = lengths
        .next()
        .and_then(|(_, value)| value.trim().parse().ok());
    length.unwrap_or_default()
}

fn told(lie: &Mutex<Option<Lie>>, asked: &Exchange) -> Option<Arc<Answer>> {
    let mut lie = lie.lock().expect("a lie");
    let lie = lie.as_mut()?;
    let answer = (lie.answer)(asked)?;
    lie.told += 1;
    Some(answer)
}
