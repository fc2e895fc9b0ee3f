//! A proxy in front of a server that gets in the way of some requests: a line
//! that is slow, or breaks, and a server that refuses.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Bytes of an answer that is cut off.
const CUT_AT: u64 = 100_000;
const REFUSAL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It waits until [`Proxy::clear`].
    Held,
    /// There is no answer.
    Broken,
    /// The answer is 503.
    Refused,
    /// The answer ends in the middle.
    Cut,
}

/// The proxy. It ends with this value.
pub struct Proxy {
    port: u16,
    trouble: watch::Sender<Option<(&'static str, Trouble)>>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A proxy that passes everything to the server at a URL.
    pub async fn before(url: &str) -> Self {
        let listener = TcpListener::bind("localhost:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (trouble, in_the_way) = watch::channel(None);
        let server = url.trim_start_matches("http://").to_owned();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, in_the_way) = (server.clone(), in_the_way.clone());
                // Whoever breaks off a connection knows of it.
                tokio::spawn(async move { _ = connect(client, &server, in_the_way).await });
            }
        });
        Self {
            port,
            trouble,
            task,
        }
    }

    /// The address for browsers.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Gets in the way of requests whose path has a part, from now on.
    pub fn make(&self, trouble: Trouble, part: &'static str) {
        self.trouble.send_replace(Some((part, trouble)));
    }

    /// Passes everything, what was held as well.
    pub fn clear(&self) {
        self.trouble.send_replace(None);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Passes one request, so that each is looked at.
async fn connect(
    mut client: TcpStream,
    server: &str,
    mut in_the_way: watch::Receiver<Option<(&'static str, Trouble)>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).replace("keep-alive", "close");
    let path = head.split(' ').nth(1).unwrap_or_default();
    let met = *in_the_way.borrow();
    let trouble = met.filter(|(part, _)| path.contains(part));
    let trouble = trouble.map(|(_, trouble)| trouble);
    match trouble {
        Some(Trouble::Broken) => return Ok(()),
        Some(Trouble::Refused) => return client.write_all(REFUSAL).await,
        Some(Trouble::Held) => {
            // The end of the proxy lets it go, too.
            let _ = in_the_way.wait_for(Option::is_none).await;
        }
        Some(Trouble::Cut) | None => {}
    }
    let mut server = TcpStream::connect(server).await?;
    server.write_all(head.as_bytes()).await?;
    if trouble == Some(Trouble::Cut) {
        tokio::io::copy(&mut server.take(CUT_AT), &mut client).await?;
        return Ok(());
    }
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
