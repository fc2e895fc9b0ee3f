//! The network between client and server: it records what clients send and
//! lets a test answer in the server's place.

use std::cell::RefCell;
use std::rc::Rc;

use sv_client::port::{Http, HttpRequest, HttpResponse, Unreachable};

/// A request as the network sees it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// The path.
    pub path: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Everything that clients sent, in order.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// One for each request.
    pub requests: Vec<Exchange>,
    /// Bodies of answers, in the same order.
    pub answers: Vec<Vec<u8>>,
}

type Rule = Box<dyn FnMut(&Exchange, HttpResponse) -> Result<HttpResponse, Unreachable>>;

/// A network that may be hostile.
#[derive(Clone)]
pub struct Network {
    client: reqwest::Client,
    url: Rc<RefCell<String>>,
    rule: Rc<RefCell<Option<Rule>>>,
    recording: Rc<RefCell<Recording>>,
}

impl Network {
    /// An honest network to a server.
    pub fn to(url: &str) -> Self {
        let client = reqwest::Client::builder()
            .no_proxy()
            .tcp_nodelay(true)
            .build()
            .expect("an HTTP client");
        Self {
            client,
            url: Rc::new(RefCell::new(url.to_owned())),
            rule: Rc::default(),
            recording: Rc::default(),
        }
    }

    /// From now on every answer passes through `rule`.
    pub fn rewrite(
        &self,
        rule: impl FnMut(&Exchange, HttpResponse) -> Result<HttpResponse, Unreachable> + 'static,
    ) {
        *self.rule.borrow_mut() = Some(Box::new(rule));
    }

    /// Makes the network honest again.
    pub fn be_honest(&self) {
        *self.rule.borrow_mut() = None;
    }

    /// Leads to another server.
    pub fn redirect(&self, url: &str) {
        url.clone_into(&mut self.url.borrow_mut());
    }

    /// Takes the recording so far and starts a new one.
    pub fn take_recording(&self) -> Recording {
        std::mem::take(&mut self.recording.borrow_mut())
    }
}

impl Http for Network {
    async fn send(&self, request: HttpRequest<'_>) -> Result<HttpResponse, Unreachable> {
        let exchange = Exchange {
            method: request.method.as_str(),
            path: request.path.clone(),
            body: request.body.to_vec(),
        };
        self.recording.borrow_mut().requests.push(exchange.clone());
        let url = format!("{}{}", self.url.borrow(), request.path);
        let method = reqwest::Method::from_bytes(exchange.method.as_bytes()).expect("a method");
        let mut builder = self.client.request(method, url).body(request.body);
        if !request.content_type.is_empty() {
            builder = builder.header("content-type", request.content_type);
        }
        if let Some(token) = request.token {
            builder = builder.bearer_auth(token);
        }
        let unreachable = |error: reqwest::Error| Unreachable(error.to_string());
        let answer = builder.send().await.map_err(unreachable)?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await.map_err(unreachable)?.to_vec();
        assert!(
            body.len() <= request.max_response,
            "the server sends more than it may"
        );
        self.recording.borrow_mut().answers.push(body.clone());
        let response = HttpResponse { status, body };
        match self.rule.borrow_mut().as_mut() {
            Some(rule) => rule(&exchange, response),
            None => Ok(response),
        }
    }
}
