//! The smallest web server that lets a page report back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// A file the page may ask for.
pub(crate) struct Page {
    pub(crate) path: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) body: Vec<u8>,
}

/// What the page posted: where to, and what.
pub(crate) type Posted = (String, String);

/// Longest report that is read.
const REPORT_LEN: u64 = 1 << 20;

/// Serves these pages on a free port of this machine until the process ends;
/// the receiver gets what they post.
pub(crate) fn serve(pages: Vec<Page>) -> Result<(SocketAddr, Receiver<Posted>), String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A browser that hangs up, or opens a connection to keep, is no error.
            _ = answer(&stream, &pages, &sender);
        }
    });
    Ok((address, receiver))
}

fn answer(stream: &TcpStream, pages: &[Page], sender: &Sender<Posted>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let header = header.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut words = request.split_whitespace();
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    if method == "POST" {
        let mut body = Vec::new();
        reader.take(length.min(REPORT_LEN)).read_to_end(&mut body)?;
        respond(stream, "204 No Content", "text/plain", &[])?;
        let posted = (path.to_owned(), String::from_utf8_lossy(&body).into_owned());
        // Nobody listens any more: the verdict is in.
        _ = sender.send(posted);
        return Ok(());
    }
    match pages.iter().find(|page| page.path == path) {
        Some(page) => respond(stream, "200 OK", page.kind, &page.body),
        None => respond(stream, "404 Not Found", "text/plain", b"not here"),
    }
}

fn respond(mut stream: &TcpStream, status: &str, kind: &str, body: &[u8]) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nconnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(body)?;
    stream.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(address: SocketAddr, text: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn pages_are_served_and_reports_received() {
        let page = Page {
            path: "/",
            kind: "text/html",
            body: b"hello".to_vec(),
        };
        let (address, reports) = serve(vec![page]).unwrap();
        let answer = request(address, "GET / HTTP/1.1\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"));
        assert!(request(address, "GET /x HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
        request(
            address,
            "POST /passed HTTP/1.1\r\nContent-Length: 2\r\n\r\nok",
        );
        assert_eq!(
            reports.recv().unwrap(),
            ("/passed".to_owned(), "ok".to_owned())
        );
    }
}
