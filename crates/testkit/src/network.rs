//! The network between client and server: it records what clients send and
//! lets a test answer in the server's place.

use std::cell::RefCell;
use std::rc::Rc;

use sv_api::endpoint::{AppendEntry, CreateVault, PutBlock};
use sv_api::{ApiError, Endpoint, ErrorCode, Wire};
use sv_client::port::{Http, HttpRequest, HttpResponse, Unreachable};
use tokio::sync::Notify;

/// A request as the network sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exchange {
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// The path.
    pub path: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Exchange {
    /// Whether this is a call of that endpoint.
    pub fn is<E: Endpoint>(&self) -> bool {
        self.method == E::METHOD.as_str() && fits(&self.path, E::PATH)
    }

    /// Whether it changes a vault.
    pub fn is_write(&self) -> bool {
        self.is::<AppendEntry>() || self.is::<CreateVault>() || self.is::<PutBlock>()
    }

    /// What the network sees of it: how, where, and how long.
    pub fn trace(&self) -> (&'static str, &str, usize) {
        (self.method, &self.path, self.body.len())
    }
}

/// Whether a path is one of a template with parameters in braces.
pub fn fits(path: &str, template: &str) -> bool {
    let (path, template) = (path.split('/'), template.split('/'));
    path.clone().count() == template.clone().count()
        && path
            .zip(template)
            .all(|(part, name)| name.starts_with('{') || part == name)
}

/// Everything that clients sent, in order.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// One for each request.
    pub requests: Vec<Exchange>,
    /// What the server answered to each, before any rule; none where no
    /// answer came.
    pub answers: Vec<Option<(u16, Vec<u8>)>>,
}

impl Recording {
    /// What was answered to a request: to the same one, or, since what is
    /// sealed twice differs, to a write at the same place. Every other write
    /// is refused; `None` for a question that was not asked.
    fn answer(&self, asked: &Exchange) -> Option<HttpResponse> {
        let is_it = |known: &Exchange| match asked.is_write() {
            true => (known.method, &known.path) == (asked.method, &asked.path),
            false => known == asked,
        };
        let place = self.requests.iter().position(is_it);
        let answer = place.and_then(|place| self.answers.get(place)?.clone());
        match answer {
            Some((status, body)) => Some(HttpResponse { status, body }),
            None if asked.is_write() => {
                let error = ApiError::new(ErrorCode::Forbidden);
                let (status, body) = (error.code.status(), error.to_bytes());
                Some(HttpResponse { status, body })
            }
            None => None,
        }
    }
}

type Rule = Box<dyn FnMut(&Exchange, HttpResponse) -> Result<HttpResponse, Unreachable>>;
type Route = Box<dyn Fn(&Exchange) -> Option<String>>;
type Choice = Box<dyn Fn(&Exchange) -> bool>;

/// A request that does not leave before it is let go.
#[derive(Clone, Default)]
pub struct Held {
    arrived: Rc<Notify>,
    go: Rc<Notify>,
}

impl Held {
    /// Until the request is there.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Sends it on.
    pub fn let_go(&self) {
        self.go.notify_one();
    }
}

/// A network that may be hostile.
#[derive(Clone)]
pub struct Network {
    client: reqwest::Client,
    url: Rc<RefCell<String>>,
    rule: Rc<RefCell<Option<Rule>>>,
    route: Rc<RefCell<Option<Route>>>,
    recording: Rc<RefCell<Recording>>,
    is_restless: Rc<RefCell<bool>>,
    playing: Rc<RefCell<Option<Rc<Recording>>>>,
    holding: Rc<RefCell<Option<(Choice, Held)>>>,
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
            route: Rc::default(),
            recording: Rc::default(),
            is_restless: Rc::default(),
            playing: Rc::default(),
            holding: Rc::default(),
        }
    }

    /// An honest network to a server, by the same connections: building a
    /// client takes longer than most of what it is used for here.
    pub(crate) fn beside(&self, url: &str) -> Self {
        Self {
            client: self.client.clone(),
            url: Rc::new(RefCell::new(url.to_owned())),
            rule: Rc::default(),
            route: Rc::default(),
            recording: Rc::default(),
            is_restless: self.is_restless.clone(),
            playing: Rc::default(),
            holding: Rc::default(),
        }
    }

    /// From now on every answer passes through `rule`.
    pub fn rewrite(
        &self,
        rule: impl FnMut(&Exchange, HttpResponse) -> Result<HttpResponse, Unreachable> + 'static,
    ) {
        *self.rule.borrow_mut() = Some(Box::new(rule));
    }

    /// From now on every successful answer of an endpoint has its body
    /// changed.
    pub fn rewrite_bytes<E: Endpoint>(&self, mut change: impl FnMut(&mut Vec<u8>) + 'static) {
        self.rewrite(move |exchange, mut answer| {
            if exchange.is::<E>() && answer.status < 300 {
                change(&mut answer.body);
            }
            Ok(answer)
        });
    }

    /// The same by its fields.
    pub fn rewrite_fields<E: Endpoint>(&self, mut change: impl FnMut(&mut E::Response) + 'static) {
        self.rewrite_bytes::<E>(move |body| {
            let mut fields = E::Response::parse(body).expect("an honest answer");
            change(&mut fields);
            *body = fields.into_bytes();
        });
    }

    /// Sends some requests to another server: those that `route` gives a URL
    /// for.
    pub fn divert(&self, route: impl Fn(&Exchange) -> Option<String> + 'static) {
        *self.route.borrow_mut() = Some(Box::new(route));
    }

    /// From now on every request has a connection of its own, so that it may
    /// come to another server than the one before.
    pub fn be_restless(&self) {
        *self.is_restless.borrow_mut() = true;
    }

    /// Holds the next request that is chosen.
    pub fn hold(&self, choice: impl Fn(&Exchange) -> bool + 'static) -> Held {
        let held = Held::default();
        *self.holding.borrow_mut() = Some((Box::new(choice), held.clone()));
        held
    }

    async fn wait_if_held(&self, exchange: &Exchange) {
        let is_it = |holding: &mut (Choice, Held)| holding.0(exchange);
        let taken = self.holding.borrow_mut().take_if(is_it);
        if let Some((_, held)) = taken {
            held.arrived.notify_one();
            held.go.notified().await;
        }
    }

    /// Makes the network honest again.
    pub fn be_honest(&self) {
        *self.rule.borrow_mut() = None;
        *self.route.borrow_mut() = None;
    }

    /// From now on answers come from a recording. The server is asked what is
    /// not in it, and is not written to.
    pub fn play_back(&self, recording: Rc<Recording>) {
        *self.playing.borrow_mut() = Some(recording);
    }

    /// Leads to another server.
    pub fn redirect(&self, url: &str) {
        url.clone_into(&mut self.url.borrow_mut());
    }

    fn pass(
        &self,
        exchange: &Exchange,
        response: HttpResponse,
    ) -> Result<HttpResponse, Unreachable> {
        match self.rule.borrow_mut().as_mut() {
            Some(rule) => rule(exchange, response),
            None => Ok(response),
        }
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
        self.wait_if_held(&exchange).await;
        let place = {
            let mut recording = self.recording.borrow_mut();
            recording.requests.push(exchange.clone());
            recording.answers.push(None);
            recording.answers.len() - 1
        };
        let playing = self.playing.borrow().clone();
        if let Some(response) = playing.and_then(|recording| recording.answer(&exchange)) {
            return self.pass(&exchange, response);
        }
        let diverted = self
            .route
            .borrow()
            .as_ref()
            .and_then(|route| route(&exchange));
        let base = diverted.unwrap_or_else(|| self.url.borrow().clone());
        let url = format!("{base}{}", request.path);
        let method = reqwest::Method::from_bytes(exchange.method.as_bytes()).expect("a method");
        let mut builder = self.client.request(method, url).body(request.body);
        if !request.content_type.is_empty() {
            builder = builder.header("content-type", request.content_type);
        }
        if *self.is_restless.borrow() {
            builder = builder.header("connection", "close");
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
        if let Some(recorded) = self.recording.borrow_mut().answers.get_mut(place) {
            *recorded = Some((status, body.clone()));
        }
        self.pass(&exchange, HttpResponse { status, body })
    }
}
