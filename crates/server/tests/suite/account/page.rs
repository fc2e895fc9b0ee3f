//! Sessions of the web application: a cookie for our own pages alone.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{HeaderMap, Request, header};
use sv_api::account::*;
use sv_api::endpoint::*;
use sv_api::page::{PAGE_HEADER, PAGE_VALUE};
use sv_api::wire::Empty;
use sv_api::{ApiError, Auth, Endpoint, ErrorCode, Wire};
use sv_pake::ClientLogin;
use tower::ServiceExt;

use super::actor::{Draft, Person, World, code, rng, totp};
use super::matrix::path;

const TLS: &str = "https://vault.example";
const LOCAL: &str = "http://localhost:8080";

/// A browser as far as cookies go, with a page of the server at `origin`.
struct Browser<'w> {
    world: &'w World,
    origin: &'static str,
    cookies: BTreeMap<String, String>,
    /// Of the last answer.
    set: Vec<String>,
}

impl<'w> Browser<'w> {
    fn at(world: &'w World, origin: &'static str) -> Self {
        Self {
            world,
            origin,
            cookies: BTreeMap::new(),
            set: Vec::new(),
        }
    }

    fn cookie(&self) -> String {
        let pairs = self.cookies.iter().map(|(k, v)| format!("{k}={v}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// What a page of ours sends with every request.
    fn own(&self) -> Vec<(&'static str, String)> {
        let host = self.origin.split_once("://").unwrap().1;
        vec![
            (PAGE_HEADER, PAGE_VALUE.to_owned()),
            ("host", host.to_owned()),
            ("origin", self.origin.to_owned()),
            ("sec-fetch-site", "same-origin".to_owned()),
        ]
    }

    async fn call<E: Endpoint>(
        &mut self,
        endpoint: E,
        body: &E::Request,
    ) -> Result<E::Response, ApiError> {
        let mut request = Request::builder()
            .method(E::METHOD.as_str())
            .uri(endpoint.path())
            .header("cookie", self.cookie());
        for (name, value) in self.own() {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(body.to_bytes())).unwrap();
        let (status, headers, body) = ask(self.world, request).await;
        self.take(&headers);
        match status {
            200 => Ok(E::Response::parse(&body).unwrap()),
            _ => Err(ApiError::parse(&body).unwrap()),
        }
    }

    fn take(&mut self, headers: &HeaderMap) {
        let set = headers.get_all(header::SET_COOKIE).iter();
        self.set = set.map(|v| v.to_str().unwrap().to_owned()).collect();
        for cookie in &self.set {
            let (pair, attributes) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            assert_eq!(name.starts_with("__Host-"), attributes.contains(" Secure;"));
            for wanted in ["Path=/", "HttpOnly", "SameSite=Strict"] {
                assert!(attributes.contains(wanted), "{cookie}");
            }
            match attributes.ends_with("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
    }

    /// Password and code, as the page does it.
    async fn log_in(&mut self, person: &Person) -> Result<LoginResponse, ApiError> {
        let (client, ke1) = ClientLogin::start(person.password.as_bytes(), &mut rng()).unwrap();
        let start = LoginStartRequest {
            handle: person.handle.clone(),
            ke1: ke1.into(),
            device_token: None,
        };
        let started = self.call(LoginStart, &start).await?;
        let finish = LoginFinishRequest {
            ke3: person.ke3(self.world, client, &started).await.into(),
            login_id: started.login_id,
        };
        let proved = self.call(LoginFinish, &finish).await?;
        assert_eq!(proved.session, None);
        let code = person.code(self.world);
        self.call(LoginSecondFactor, &code).await
    }
}

async fn ask(world: &World, request: Request<Body>) -> (u16, HeaderMap, Vec<u8>) {
    let router = sv_server::http::router(world.app.clone());
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let body = match parts.headers.get(header::CONTENT_TYPE) {
        // A stream without an end; its head is enough.
        Some(kind) if kind == "text/event-stream" => Vec::new(),
        _ => axum::body::to_bytes(body, usize::MAX).await.unwrap().into(),
    };
    (parts.status.as_u16(), parts.headers, body)
}

#[tokio::test]
pub(crate) async fn a_page_logs_in_by_cookie_and_out() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    for (origin, name) in [(TLS, "__Host-securevault"), (LOCAL, "securevault-local")] {
        let mut browser = Browser::at(&world, origin);
        let login = browser.log_in(&alice).await.unwrap();
        world.pass(super::actor::STEP_MS);
        assert_eq!(login.session, None);
        assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), [name]);
        let status = browser.call(GetAccount, &Empty {}).await.unwrap();
        assert_eq!(status.handle, "alice");
        // The token in it is a session's as any other.
        let token = browser.cookies[name].clone();
        let bearer = world.call(GetAccount, Some(&token), &Empty {}).await;
        assert!(bearer.is_ok());

        browser.call(Logout, &Empty {}).await.unwrap();
        assert!(browser.cookies.is_empty(), "{:?}", browser.set);
        let ended = world.call(GetAccount, Some(&token), &Empty {}).await;
        assert_eq!(ended.unwrap_err().code, ErrorCode::NotLoggedIn);
        let refused = browser.call(GetAccount, &Empty {}).await;
        assert_eq!(refused.unwrap_err().code, ErrorCode::NotLoggedIn);
    }
}

#[tokio::test]
pub(crate) async fn a_page_signs_up_and_recovers_by_cookie() {
    let world = World::open().await;
    let draft = Draft::new(&world, "alice", None).await;
    let mut browser = Browser::at(&world, TLS);
    let finished = browser.call(SignupFinish, &draft.request).await.unwrap();
    assert_eq!(finished.session, None);
    let first = draft.person.code_of(&finished.totp.secret, &world);
    let full = browser.call(SignupConfirm, &first).await.unwrap();
    assert_eq!(full.session, None);
    assert!(browser.call(GetAccount, &Empty {}).await.is_ok());

    let bob = Person::sign_up(&world, "bob").await;
    let start = RecoveryStartRequest {
        handle: "bob".to_owned(),
    };
    let nonce = browser.call(RecoveryStart, &start).await.unwrap().nonce;
    let code = totp(&bob.totp, world.now_ms());
    let answer = bob.answer_challenge(&world, &bob.recovery, nonce, code);
    let login = browser.call(RecoveryFinish, &answer.await).await.unwrap();
    assert_eq!(login.session, None);
    // In place of the one before.
    let status = browser.call(GetAccount, &Empty {}).await.unwrap();
    assert_eq!(status.handle, "bob");
}

#[tokio::test]
pub(crate) async fn without_tls_nothing_is_opened_for_a_page_elsewhere() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let mut browser = Browser::at(&world, "http://192.168.1.5:8080");
    let refused = browser.log_in(&alice).await;
    assert_eq!(code(refused), ErrorCode::TlsRequired);
    assert!(browser.cookies.is_empty());
    // The step was not used up: nothing had been looked at.
    assert!(Browser::at(&world, TLS).log_in(&alice).await.is_ok());
}

/// No endpoint does anything for a request that another site has sent, though
/// the browser sends our cookie with it. Taking out the comparison in
/// `Page::of`, or reading the cookie without a page, makes this fail.
#[tokio::test]
pub(crate) async fn every_endpoint_refuses_another_sites_request() {
    let world = World::open().await;
    let alice = Person::sign_up(&world, "alice").await;
    let mut browser = Browser::at(&world, TLS);
    browser.log_in(&alice).await.unwrap();
    let mut all: Vec<_> = ENDPOINTS
        .iter()
        .map(|info| {
            (
                info.name,
                info.method.as_str(),
                path(info, &alice),
                info.auth,
            )
        })
        .collect();
    all.push(("Events", "GET", EVENTS_PATH.to_owned(), Auth::Full));
    // To end with: it ends the session.
    all.sort_by_key(|(name, ..)| *name == "Logout");
    let send = async |method: &str, path: &str, changed: &[(&str, Option<&str>)]| {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("cookie", browser.cookie());
        for (name, value) in browser.own() {
            let other = changed.iter().find(|(one, _)| *one == name);
            match other.map_or(Some(value.as_str()), |(_, value)| *value) {
                Some(value) => request = request.header(name, value),
                None => continue,
            }
        }
        let extra = changed.iter().filter(|(name, _)| *name == "authorization");
        for (name, value) in extra {
            request = request.header(*name, value.unwrap());
        }
        let (status, _, body) = ask(&world, request.body(Body::empty()).unwrap()).await;
        assert!(status < 500, "{method} {path}: {status}");
        ApiError::parse(&body).ok().map(|error| error.code)
    };
    let bearer = format!("Bearer {}", alice.session);
    for (name, method, path, auth) in &all {
        for changed in [
            &[("sec-fetch-site", Some("cross-site"))][..],
            &[("sec-fetch-site", Some("same-site"))],
            &[("sec-fetch-site", Some("none"))],
            &[
                ("sec-fetch-site", None),
                ("origin", Some("https://evil.example")),
            ],
            &[("sec-fetch-site", None), ("origin", Some("null"))],
            &[("sec-fetch-site", None), ("origin", None)],
        ] {
            let code = send(method, path, changed).await;
            assert_eq!(code, Some(ErrorCode::CrossSite), "{name} {changed:?}");
        }
        // Without our header, a cookie is nothing: a form or a picture's
        // address on another site sends no header.
        if *auth != Auth::Public {
            let code = send(method, path, &[(PAGE_HEADER, None)]).await;
            assert_eq!(code, Some(ErrorCode::NotLoggedIn), "{name}");
        }
        let both = send(method, path, &[("authorization", Some(&bearer))]).await;
        assert_eq!(both, Some(ErrorCode::BadRequest), "{name}");
    }
    // The honest run: our own page gets in everywhere.
    for (name, method, path, auth) in &all {
        if [Auth::Full, Auth::FullOrRecovery].contains(auth) {
            let code = send(method, path, &[]).await;
            let turned_away = matches!(code, Some(ErrorCode::NotLoggedIn | ErrorCode::CrossSite));
            assert!(!turned_away, "{name}: {code:?}");
        }
    }
}
