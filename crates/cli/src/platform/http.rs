//! HTTP over the system's sockets.

use std::error::Error;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use sv_api::Method;
use sv_client::port::{Http, HttpRequest, HttpResponse, Unreachable};

use super::pin::Pin;
use super::{Server, ServerUrl};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Silence after which a server counts as away: a block must get across a slow
/// line, and a log-in through a busy server, in this time.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(120);

/// Reaches one server.
#[derive(Clone)]
pub struct NativeHttp {
    client: Client,
    server: ServerUrl,
    pin: Option<Pin>,
}

impl NativeHttp {
    /// HTTP/1.1, TLS by rustls with the system's certificates or the one that
    /// is pinned, no redirects, no retries. On this machine, no proxy either; elsewhere `HTTPS_PROXY`
    /// is honoured, through which TLS goes end to end.
    ///
    /// # Errors
    /// [`Unreachable`] if TLS cannot be set up.
    pub fn new(server: &Server) -> Result<Self, Unreachable> {
        let no_tls = |why: String| Unreachable(format!("TLS cannot be set up: {why}"));
        let pin = server.fingerprint.map(Pin::to);
        let server = &server.url;
        let mut builder = Client::builder()
            .user_agent(concat!("securevault/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .tcp_nodelay(true)
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(SILENCE_TIMEOUT)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false);
        if server.is_loopback() {
            builder = builder.no_proxy();
        }
        builder = if let Some(pin) = &pin {
            let config = pin.config().map_err(|error| no_tls(error.to_string()))?;
            builder.https_only(true).tls_backend_preconfigured(config)
        } else if server.is_encrypted() {
            builder.https_only(true)
        } else {
            // No certificates are needed, and there may be none to load.
            builder.tls_certs_only([])
        };
        let client = builder
            .build()
            .map_err(|error| no_tls(root_cause(&error)))?;
        Ok(Self {
            client,
            server: server.clone(),
            pin,
        })
    }

    fn explain(&self, error: &reqwest::Error) -> Unreachable {
        let cause = root_cause(error);
        if let Some(why) = self.pin.as_ref().and_then(|pin| pin.mismatch(&self.server)) {
            return Unreachable(why);
        }
        Unreachable(if error.is_connect() && cause.contains("UnknownIssuer") {
            format!(
                "no authority vouches for the certificate of {}. If it made its own, ask whoever \
                 runs it for the fingerprint, and give that with --fingerprint",
                self.server
            )
        } else if error.is_connect() {
            format!("no connection to {} ({cause})", self.server)
        } else if error.is_timeout() {
            format!("{} has stopped answering", self.server)
        } else {
            format!("the connection to {} broke ({cause})", self.server)
        })
    }

    /// Reads a body, and not one byte more than `limit`.
    async fn read(&self, mut response: Response, limit: usize) -> Result<Vec<u8>, Unreachable> {
        let too_long = || Unreachable(format!("{} sent more than was asked for", self.server));
        let announced = response
            .content_length()
            .and_then(|length| usize::try_from(length).ok())
            .unwrap_or(0);
        if announced > limit {
            return Err(too_long());
        }
        let mut body = Vec::with_capacity(announced);
        while let Some(chunk) = response.chunk().await.map_err(|e| self.explain(&e))? {
            if body.len() + chunk.len() > limit {
                return Err(too_long());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

impl Http for NativeHttp {
    async fn send(&self, request: HttpRequest<'_>) -> Result<HttpResponse, Unreachable> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        let url = self.server.endpoint(&request.path);
        let mut builder = self.client.request(method, url);
        if !request.content_type.is_empty() {
            builder = builder.header(CONTENT_TYPE, request.content_type);
        }
        if let Some(token) = request.token {
            builder = builder.bearer_auth(token);
        }
        if request.method != Method::Get {
            builder = builder.body(request.body);
        }
        let response = builder.send().await.map_err(|e| self.explain(&e))?;
        let status = response.status().as_u16();
        let body = self.read(response, request.max_response).await?;
        Ok(HttpResponse { status, body })
    }
}

/// The innermost reason: the layers above only repeat the address.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    async fn answer_once(answer: &'static str) -> NativeHttp {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await.unwrap();
            socket.write_all(answer.as_bytes()).await.unwrap();
        });
        at(&format!("http://{address}"))
    }

    fn at(url: &str) -> NativeHttp {
        let server = Server {
            url: url.parse().unwrap(),
            fingerprint: None,
        };
        NativeHttp::new(&server).unwrap()
    }

    fn request() -> HttpRequest<'static> {
        HttpRequest {
            method: Method::Get,
            path: "/".to_owned(),
            content_type: "",
            token: None,
            body: bytes::Bytes::new(),
            max_response: 8,
        }
    }

    #[tokio::test]
    async fn an_answer_within_the_limit_comes_back() {
        let http = answer_once("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n12345678").await;
        let response = http.send(request()).await.unwrap();
        assert_eq!(
            (response.status, response.body),
            (200, b"12345678".to_vec())
        );
    }

    #[tokio::test]
    async fn a_longer_answer_is_cut_off_announced_or_not() {
        for answer in [
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123456789",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n123456789\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n123456789",
        ] {
            let http = answer_once(answer).await;
            let Unreachable(why) = http.send(request()).await.unwrap_err();
            assert!(why.contains("more than was asked for"), "{why}");
        }
    }

    #[tokio::test]
    async fn redirects_are_not_followed() {
        let http = answer_once(
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
        )
        .await;
        assert_eq!(http.send(request()).await.unwrap().status, 302);
    }

    #[tokio::test]
    async fn nobody_there_says_so() {
        let http = at("http://127.0.0.1:1");
        let Unreachable(why) = http.send(request()).await.unwrap_err();
        assert!(
            why.starts_with("no connection to http://127.0.0.1:1"),
            "{why}"
        );
    }
}
